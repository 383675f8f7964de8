"""The help of every command: its lines fit a terminal, and the commands that it names exist."""

from __future__ import annotations

import shlex

import pytest

from queuectl.cli import help as help_
from queuectl.domain.record import described
from queuectl.operations import ALL, GROUPS, WHERE, find
from queuectl.operations.commandline.grammar import read_words
from queuectl.operations.commandline.parse import params
from queuectl.operations.operation import Heading, Operation
from tests.support.queue import Queue
from tests.support.terminal import on_a_terminal

pytestmark = pytest.mark.on_sqlite  # independent of the store

COLUMNS = 80


@pytest.fixture(autouse=True)
def usual_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(COLUMNS))


@pytest.mark.parametrize("operation", ALL, ids=lambda each: each.name)
def test_the_help_of_a_command_fits_a_terminal(operation: Operation):
    for line in help_.of_operation(operation).splitlines():
        assert len(line) <= COLUMNS, line


@pytest.mark.parametrize("group", ["", *sorted(GROUPS)])
def test_a_list_of_commands_fits_a_terminal_with_a_line_for_each(group: str):
    names = [name for name in WHERE if not group or name.startswith(f"{group} ")]
    lines = help_.of_commands(names, group).splitlines()

    assert all(len(line) <= COLUMNS for line in lines)
    for name in names:
        assert any(line.split("  ")[1:2] == [name] and line.endswith(find(name).summary) for line in lines), name


def test_the_help_on_a_terminal_fits_it(queue: Queue):
    for words in (("--help",), ("help", "enqueue"), ("help", "completion")):
        screen, code = on_a_terminal(*words, env=queue.environment | {"TERM": "xterm"}, columns=COLUMNS)
        assert code == 0
        assert max(map(len, screen.splitlines())) <= COLUMNS


def test_every_command_stands_below_one_heading():
    groups = list(help_.by_heading(WHERE))

    assert [heading for heading, _ in groups] == list(Heading)
    assert sorted(each.name for _, operations in groups for each in operations) == sorted(WHERE)
    text = help_.of_commands(WHERE, "")
    places = [text.index(f"\n{heading}:\n") for heading in Heading]
    assert places == sorted(places)


def test_the_help_starts_with_lines_that_can_be_typed():
    text = help_.of_commands(WHERE, "")
    for line, about in help_.START_HERE:
        assert f"{line}  " in text.partition("start here:")[2]
        assert about in text
        program, *words = shlex.split(line)
        call = read_words(words)
        assert (program, bool(call.name)) == ("queuectl", True)
        params(find(str(call.name)), call.words)


@pytest.mark.parametrize("operation", ALL, ids=lambda each: each.name)
def test_what_a_command_refers_to_exists(operation: Operation):
    assert set(operation.see) <= set(WHERE) - {operation.name}
    assert len(set(operation.see)) == len(operation.see)
    assert set(operation.one_of) <= set(described(operation.params))
    for name in operation.see:
        assert f"queuectl {name}" in help_.of_operation(operation).partition("\nsee also: ")[2]


def test_a_required_option_is_marked():
    assert "(required)" in help_.of_operation(find("migrate")).partition("--to URL ")[2].partition("--db")[0]


def test_the_document_of_the_help_has_the_heading(queue: Queue):
    (document,) = queue.json("help", "dlq", "purge")["commands"]

    assert document == {
        "name": "dlq purge",
        "heading": "dead letters",
        "usage": "queuectl dlq purge [options]",
        "summary": find("dlq purge").summary,
    }
