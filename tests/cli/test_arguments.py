"""Parse words into params: any words give params or one clear error."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queuectl.domain.errors import UsageError
from queuectl.domain.job import NewJob
from queuectl.domain.record import described
from queuectl.domain.spec import FIELDS, new_job, parse_object
from queuectl.operations import ALL, WHERE, find
from queuectl.operations.commandline.complete import DIRECTORIES, FILES, Choice, complete
from queuectl.operations.commandline.grammar import read_words, usage
from queuectl.operations.commandline.parse import params
from queuectl.operations.operation import Operation

KNOWN = sorted(
    {word for name in WHERE for word in name.split()}
    | {f"--{name.replace('_', '-')}" for each in ALL for name in described(each.params)}
    | {"--json", "--db", "--db=x", "--help", "-h", "--", "-", "-f", "-n", "5", "-5", "90s", "dead", "A=B", "{}", ""}
)
lines = st.lists(st.one_of(st.sampled_from(KNOWN), st.text(max_size=5)), max_size=8)
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=8,
)


@given(lines)
def test_any_words_parse_or_raise_a_usage_error(words: list[str]):
    message = ""
    try:
        call = read_words(words)
        if call.name is not None and not call.help:
            params(find(call.name), call.words)
    except UsageError as error:
        message = error.message

    assert "\n" not in message


@given(lines)
def test_any_words_can_be_completed(words: list[str]):
    for choice in complete(words, lambda _db, kind: [Choice(text=kind)]):
        assert choice.text or choice in {FILES, DIRECTORIES}


@pytest.mark.parametrize("operation", ALL, ids=lambda each: each.name)
def test_the_examples_of_every_operation_are_valid(operation: Operation):
    import shlex

    for example in operation.examples:
        line = example.rpartition("queuectl ")[2].partition(" > ")[0].partition(" < ")[0]
        words = shlex.split(line.rstrip(")"))
        call = read_words(words)
        if "$(" not in example:
            assert call.name == operation.name
        params(find(str(call.name)), call.words)


@pytest.mark.parametrize("operation", ALL, ids=lambda each: each.name)
def test_no_two_options_of_an_operation_share_a_letter(operation: Operation):
    letters = [field.short for field, _ in described(operation.params).values() if field.short]

    assert len(set(letters)) == len(letters)
    assert "h" not in letters


def test_positional_words_may_have_options_in_between():
    made = params(find("config set"), ["lease", "20"])
    assert (made.key, made.value) == ("lease", "20")

    made = params(find("cancel"), ["a", "--signal", "INT", "b", "--", "-c", "--signal"])
    assert (made.ids, made.signal) == (("a", "b", "-c", "--signal"), 2)


@pytest.mark.parametrize("words", [["--db", "", "list", "--db", "x"], ["--db=x", "--db=", "list"]])
def test_an_empty_path_is_an_error_wherever_another_is_given(words: list[str]):
    with pytest.raises(UsageError, match="--db needs a path"):
        read_words(words)


def test_a_negative_number_is_a_value():
    assert params(find("worker scale"), ["-1"]).size == -1
    assert params(find("enqueue"), ["true", "-p", "-5"]).priority == -5


def test_the_usage_line_marks_optional_arguments():
    assert usage(find("config set")) == "queuectl config set KEY VALUE"
    assert usage(find("completion")) == "queuectl completion SHELL [-- WORD…]"


def test_the_usage_line_has_the_required_options():
    assert usage(find("prune")) == "queuectl prune --state STATE… --older-than DURATION [options]"
    assert usage(find("migrate")) == "queuectl migrate --to URL"


def test_the_usage_line_has_what_is_given_instead_of_each_other():
    assert usage(find("enqueue")) == "queuectl enqueue [options] (JOB | -- ARGV… | --file FILE)"
    assert usage(find("dlq retry")) == "queuectl dlq retry (ID… | --all | --error SIG…)"


@given(st.one_of(st.text(max_size=30), json_values.map(json.dumps)))
def test_any_text_parses_or_raises_a_usage_error(text: str):
    message = None
    try:
        new_job(parse_object(text))
    except UsageError as error:
        message = error.message

    assert message is None or len(message) < 1000


@given(st.dictionaries(st.sampled_from([*FIELDS, "unknown"]), json_values))
def test_any_object_parses_or_raises_a_usage_error(given: dict[str, object]):
    try:
        job = new_job(parse_object(json.dumps(given)))
    except UsageError:
        return
    assert isinstance(job.command, str)
    assert job.command.strip()
    assert job.priority in range(-1000, 1001)
    assert job.timeout_ms is None or job.timeout_ms > 0
    assert job.id is None or 0 < len(job.id) <= 200


@given(
    command=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(str.strip),
    priority=st.integers(-1000, 1000),
    retries=st.integers(0, 1000),
    env=st.dictionaries(
        st.text("ABC_", min_size=1, max_size=5),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
        max_size=3,
    ),
)
def test_a_valid_job_is_read_as_it_was_written(command: str, priority: int, retries: int, env: dict[str, str]):
    text = json.dumps({"command": command, "priority": priority, "max_retries": retries, "env": env})

    expected = NewJob(command=command, priority=priority, max_retries=retries, env=tuple(env.items()))
    assert new_job(parse_object(text)) == expected
