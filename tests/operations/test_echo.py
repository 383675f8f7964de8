"""The rendered command line of an operation: parsing returns the same params, and a shell splits the same words."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queuectl.domain.errors import UsageError
from queuectl.domain.record import Field, replace
from queuectl.operations import ALL, find
from queuectl.operations.commandline.grammar import Parameter, grammar, read_words
from queuectl.operations.commandline.parse import params
from queuectl.operations.commandline.quoting import quoted, split
from queuectl.operations.commandline.render import command_line, duration
from queuectl.operations.edit import Edit
from queuectl.operations.enqueue import ENQUEUE, Enqueue
from queuectl.operations.operation import Operation

# What no argument of a process can hold: NUL, and halves of surrogate pairs that are no bytes of a file name.
texts = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(
        ["", "-", "--", "-x", "-q mail", "--json", "--db=x", "-5", "--help", "a b", "it's", "$'", "\\", "=", "é\n"]
    ),
)
written = [
    "TERM",
    "9",
    "0",
    "90s",
    "1h30m",
    "500ms",
    "7d",
    "A=B",
    "N==x y'",
    "E=\x1b[31m",
    "2026-11-08T16:12:48.385Z",
    "dead",
]


def values_of(of: Parameter) -> st.SearchStrategy[Any]:
    field = of.field
    if field.parse is not None:
        parsed = [value for value in (_parsed(field, text) for text in written) if value is not None]
        one: st.SearchStrategy[Any] = st.sampled_from(parsed)
    elif field.choices is not None:
        one = st.sampled_from(field.choices)
    elif not of.takes_value:
        return st.booleans()
    elif of.annotation.startswith("int"):
        one = st.integers(-(10**15), 10**15)
    else:
        one = texts.map(lambda text: field.begins + text)
    if of.many:
        return st.lists(one, min_size=0 if field.default == () else 1, max_size=4).map(tuple)
    return one if of.required else st.one_of(st.just(field.default), one)


def _parsed(field: Field, text: str) -> Any:
    assert field.parse is not None
    try:
        return field.parse(text)
    except UsageError:
        return None


def params_of(operation: Operation) -> st.SearchStrategy[Any]:
    known = grammar(operation.params)
    values = {each.name: values_of(each) for each in known.parameters}
    for each in known.positionals:
        if known.rest is not None and each.name != "job":
            # Words after -- are an argv there, so that no other argument can begin with a dash.
            values[each.name] = values[each.name].filter(
                lambda value: not any(word.startswith("-") for word in ([value] if isinstance(value, str) else value))
            )
    return st.fixed_dictionaries(values).map(lambda values: operation.params(**values))


@pytest.mark.parametrize("operation", ALL, ids=lambda each: each.name)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_parsing_a_rendered_line_returns_the_same_params(operation: Operation, data: st.DataObject):
    wanted = data.draw(params_of(operation))
    line = command_line(operation, wanted)

    words = [word.text for word in split(line)]
    call = read_words(words[1:])

    assert line.isprintable() or all(
        letter in "\u00a0\u200c\u200d\u3000" for letter in line if not letter.isprintable()
    )
    assert words[0] == "queuectl"
    assert call.name == operation.name
    assert not call.json
    assert call.db is None
    assert params(operation, call.words) == _as_read(wanted)


def _as_read(wanted: Any) -> Any:
    """Return the params after parsing.

    A command that begins with a dash is rendered as JSON, and no changes as {} behind an ID that begins with a brace.
    """
    if isinstance(wanted, Edit) and wanted.changes is None and wanted.ids and wanted.ids[-1].lstrip()[:1] == "{":
        return replace(wanted, changes="{}")
    if isinstance(wanted, Enqueue) and wanted.job is not None and wanted.job[:1] == "-" and wanted.job != "-":
        return replace(wanted, job=json.dumps({"command": wanted.job}, ensure_ascii=False))
    return wanted


def test_an_id_that_begins_with_a_brace_is_not_taken_for_the_changes():
    operation = find("edit")
    wanted = Edit(ids=("a", "{b"), priority=3)

    line = command_line(operation, wanted)

    assert line == "queuectl edit --priority 3 a '{b' '{}'"
    words = [word.text for word in split(line)]
    assert params(operation, words[2:]) == replace(wanted, changes="{}")


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not here")
@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=15), max_size=5))
@settings(max_examples=40, deadline=None)
def test_a_shell_sees_the_same_words(words: list[str]):
    line = " ".join(quoted(word) for word in words)
    shown = subprocess.run(["bash", "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True).stdout

    assert shown.decode().split("\0")[:-1] == (words or [""])
    assert [word.text for word in split(line)] == words


@given(st.text(max_size=40))
def test_any_line_can_be_split(line: str):
    words = split(line)

    assert [word.start for word in words] == sorted({word.start for word in words})
    assert all(word.closed for word in words[:-1])


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"job": "echo hello"}, "queuectl enqueue 'echo hello'"),
        ({"job": "echo 'it''s'"}, """queuectl enqueue 'echo '"'"'it'"'"''"'"'s'"'"''"""),
        ({"argv": ("./send.sh", "a b"), "queue": "mail"}, "queuectl enqueue --queue mail -- ./send.sh 'a b'"),
        ({"job": "x", "env": (("A", "1"), ("B", ""))}, "queuectl enqueue --env A=1 --env B= x"),
        ({"job": "x", "priority": -5}, "queuectl enqueue --priority=-5 x"),
        ({"job": "a\nb\x1b[2J"}, r"queuectl enqueue $'a\nb\x1b[2J'"),
        ({"job": "-x"}, """queuectl enqueue '{"command": "-x"}'"""),
    ],
)
def test_rendered_command_lines(values: dict[str, Any], line: str):
    assert command_line(ENQUEUE, Enqueue(**values)) == line


def test_signals_and_durations_are_rendered_by_name_and_unit():
    cancel, prune, retry = find("cancel"), find("prune"), find("retry")

    assert command_line(cancel, cancel.params(ids=("a", "b"))) == "queuectl cancel a b"
    assert command_line(cancel, cancel.params(ids=("-a",), signal=9)) == "queuectl cancel --signal KILL -- -a"
    assert (
        command_line(prune, prune.params(state=("dead",), older_than=5_400_000))
        == "queuectl prune --state dead --older-than 1h30m"
    )
    assert command_line(retry, retry.params(ids=("a b",))) == "queuectl retry 'a b'"
    assert (duration(0), duration(90_061_001)) == ("0s", "1d1h1m1s1ms")
