"""The list of operations, from which front ends are made."""

from __future__ import annotations

import pytest

from queuectl import operations
from queuectl.domain.attempt import Output
from queuectl.domain.record import described
from queuectl.operations import ALL, WHERE, find
from queuectl.operations.cancel import parse_signal
from queuectl.operations.commandline.grammar import grammar
from queuectl.operations.job_record import text_of
from queuectl.operations.operation import Operation


def test_every_operation_is_found_by_its_own_name():
    assert [each.name for each in ALL] == list(WHERE)
    assert all(find(each.name) is each for each in ALL)
    with pytest.raises(KeyError):
        find("nothing")
    with pytest.raises(AttributeError):
        operations.NOTHING  # noqa: B018 - looking is what fails


@pytest.mark.parametrize("operation", ALL, ids=lambda each: each.name)
def test_every_operation_has_a_summary_and_examples(operation: Operation):
    assert operation.summary[0].isupper()
    assert not operation.summary.endswith(".")
    assert operation.examples
    for field, _ in described(operation.params).values():
        assert field.help
        assert not field.help.endswith(".")


@pytest.mark.parametrize("operation", ALL, ids=lambda each: each.name)
def test_every_argument_that_is_a_name_or_a_path_is_completed(operation: Operation):
    kinds = {
        "ID": {"jobs", "dead"}, "SIG": {"errors"}, "KEY": {"settings"}, "POOL": {"pools"}, "FILTER": {"filters"},
        "FILE": {"files"}, "DIR": {"directories"},
    }  # fmt: skip
    new = {"enqueue --id", "run --id"}

    for each in grammar(operation.params).parameters:
        if each.word in kinds and f"{operation.name} {each.label}" not in new:
            assert each.field.completes in kinds[each.word]


@pytest.mark.parametrize("operation", ALL, ids=lambda each: each.name)
def test_every_operation_has_a_view(operation: Operation):
    module = WHERE[operation.name].partition(".")[0]

    views = __import__(f"queuectl.cli.views.{module}", fromlist=("VIEWS",)).VIEWS

    assert callable(views[operation.name])


def test_operations_that_only_read_are_known():
    reading = {each.name for each in ALL if each.reads}

    assert reading == {
        *("list", "show", "logs", "wait", "explain", "history", "status", "worker list", "dlq list", "dlq show"),
        *("config list", "config get", "view list", "doctor", "tui", "completion", "queue list"),
        *("schedule list", "schedule show", "schedule next"),
    }
    assert [each.name for each in ALL if each.repairs] == ["doctor"]


def test_doctor_writes_only_to_fix():
    doctor = find("doctor")

    assert not doctor.writes(doctor.params())
    assert doctor.writes(doctor.params(fix=True))


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (Output(head=b"all", tail=b"", total=3), "all"),
        (Output(head=b"a\xc3", tail=b"\xa9b", total=4), "aéb"),
        (Output(head=b"a\xff", tail=b"", total=2), "a\ufffd"),
        (Output(head=b"head", tail=b"tail", total=20), "head\n[… 12 bytes left out …]\ntail"),
        (Output(head=b"head\n", tail=b"tail\n", total=20), "head\n[… 10 bytes left out …]\ntail\n"),
    ],
)
def test_output_text_marks_omitted_bytes(output: Output, text: str):
    assert text_of(output) == text


@pytest.mark.parametrize(("text", "number"), [("TERM", 15), ("sigint", 2), ("9", 9), (" kill ", 9)])
def test_signals_are_parsed_by_name_and_number(text: str, number: int):
    assert parse_signal(text) == number
