"""The hint of a mistyped command or option names the right one, and never one that deletes by its letters alone."""

from __future__ import annotations

import shlex

import pytest

from queuectl.domain.text import closest
from queuectl.operations import ALL, GROUPS, WHERE, find
from queuectl.operations.commandline.grammar import grammar, read_words
from queuectl.operations.commandline.meant import IN_GROUPS, SENTENCES, SYNONYMS, hint
from queuectl.operations.operation import Danger
from tests.support import command
from tests.support.queue import Queue

pytestmark = pytest.mark.on_sqlite  # independent of the store

DELETING = [each.name for each in ALL if each.danger is Danger.DESTROYS]


@pytest.mark.parametrize(
    ("words", "message", "expected"),
    [
        ("ls", "unknown command 'ls'", "did you mean list?"),
        ("help add", "unknown command 'add'", "did you mean enqueue?"),
        ("tail 5", "unknown command 'tail'", "did you mean logs --follow?"),
        ("worker ps", "unknown command 'worker ps'", "did you mean worker list?"),
        ("dlq rm 5", "unknown command 'dlq rm'", "did you mean delete?"),
        ("wait --tags x", "unknown option '--tags'", "did you mean --tag?"),
        ("list --queu x", "unknown option '--queu'", "did you mean --queue?"),
        ("list --jsno", "unknown option '--jsno'", "did you mean --json?"),
        ("enqueue --unique x", "unknown option '--unique'", "queuectl enqueue --help lists them"),
        ("enqueue echo -n hello", "unknown option '-n'", "quote a command as one word, or write -- before it"),
        ("enqueue true --delya 1h", "unknown option '--delya'", "did you mean --delay?"),
        ("enqueue --json=1 x", "--json takes no value", ""),
        ("config set lease=20", "VALUE is missing", "queuectl config set lease 20"),
        (
            "config set lease default",
            "lease cannot be 'default'",
            "queuectl config unset lease resets it to its default",
        ),
        ("--json=1 list", "--json takes no value", ""),
        ("logs 1 --follow=yes", "--follow takes no value", ""),
    ],
)
def test_an_error_names_what_is_meant(queue: Queue, words: str, message: str, expected: str):
    done = command.run(*shlex.split(words), env=queue.environment)

    done.refused(2, message)
    assert expected in done.err


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        *(("add", "enqueue"), ("rm", "delete"), ("remove", "delete"), ("ls", "list"), ("ps", "list")),
        *(("kill", "cancel"), ("stop", "worker stop"), ("start", "worker start"), ("suspend", "hold")),
        *(("clean", "prune"), ("requeue", "retry"), ("restart", "retry"), ("tail", "logs --follow")),
        *(("log", "logs"), ("follow", "logs --follow"), ("stats", "status"), ("metrics", "status")),
        *(("set", "config set"), ("scale", "worker scale"), ("swap", "priority"), ("LS", "list")),
        *(("worker ls", "worker list"), ("dlq clear", "dlq purge"), ("view rm", "view delete")),
    ],
)
def test_a_synonym_names_its_command(word: str, meant: str):
    assert hint(word) == f"did you mean {meant}?"


@pytest.mark.parametrize("word", ["resume", "pause", "worker restart"])
def test_what_no_command_does_is_answered_with_the_nearest_command_that_exists(word: str):
    named = [name for name in WHERE if f"queuectl {name}" in str(hint(word))]

    assert named
    assert not set(named) & set(DELETING)


def test_every_synonym_names_a_command_that_exists_and_is_none_itself():
    for meant in {*SYNONYMS, *IN_GROUPS.values()} - {"help"}:
        call = read_words(meant.split())
        assert call.name is not None, meant
        assert set(call.words) <= set(grammar(find(call.name).params).options), meant
    words = [word for words in SYNONYMS.values() for word in words.split()]
    assert len(set(words)) == len(words), "a word has two meanings"
    for word in (*words, *IN_GROUPS, *SENTENCES):
        assert word not in WHERE
        assert word not in GROUPS


def slips_of(name: str) -> set[str]:
    """Return what is typed with one letter left out, doubled, or swapped with the next."""
    places = range(len(name))
    left_out = {name[:n] + name[n + 1 :] for n in places}
    doubled = {name[: n + 1] + name[n:] for n in places}
    swapped = {name[:n] + name[n + 1 : n + 2] + name[n] + name[n + 2 :] for n in places}
    return (left_out | doubled | swapped) - {name}


@pytest.mark.parametrize("name", WHERE)
def test_no_guess_by_letters_names_a_command_that_deletes(name: str):
    synonyms = {word for words in SYNONYMS.values() for word in words.split()}
    for typed in slips_of(name):
        if typed.split(" ")[-1] not in synonyms:
            assert hint(typed) not in {f"did you mean {each}?" for each in DELETING}, typed


def test_commands_that_delete_are_known_as_such():
    assert {"delete", "prune", "dlq purge", "view delete"} <= set(DELETING)


@pytest.mark.parametrize(
    ("typed", "expected"), [("lsit", "list"), ("swap", None), ("metric", None), ("sttaus", "status")]
)
def test_a_guess_is_a_slip_away(typed: str, expected: str | None):
    assert closest(typed, WHERE) == expected
