"""Command lines completed by real shells in a terminal.

bash is wherever the tests are. zsh and fish are driven in the same way where they are installed; where they are not,
the words that their scripts pass are tested (test_completion.py), but not the scripts.
"""

from __future__ import annotations

import os
import shutil

import pytest

from queuectl.operations.commandline.bash import read, replacement
from queuectl.operations.commandline.quoting import split
from queuectl.operations.completion import SHELLS
from tests.support.queue import Queue
from tests.support.shells import Shell
from tests.support.waiting import wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BREAKS = " \t\n\"'@><=;|&(:"
"""bash's own."""
HOSTILE = [
    "two words",
    "it's",
    'a "quote"',
    "$(touch pwned)",
    "`touch pwned`",
    ";touch pwned",
    "&touch pwned",
    "|touch pwned",
    ">pwned",
    "$HOME",
    "${x:-y}",
    "back\\slash",
    "tail\\",
    "{a,b}",
    "*?[a-z]",
    "~root",
    "#comment",
    "mail:1@host=x",
    "50%s%n",
    "日本 é",
    "(sub)",
    "--flag",
    "!!",
]
"""Ends of ids; each is typed by its first letters, which are harmless."""


def completes(shell: Shell, typed: str, *words: str) -> None:
    """Assert that the line is completed to `words`; retry, as a busy machine may read no name at the first tab."""
    wait_until(lambda: shell.meant(typed) == list(words))


@pytest.fixture(params=SHELLS)
def open_shell(request: pytest.FixtureRequest) -> Iterator[Callable[[Queue], Shell]]:
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    opened: list[Shell] = []

    def start(queue: Queue) -> Shell:
        opened.append(Shell(request.param, queue))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


@pytest.mark.on_sqlite
def test_a_shell_completes_commands_options_and_values(queue: Queue, open_shell: Callable[[Queue], Shell]):
    shell = open_shell(queue)

    assert shell.meant("wor\tsta\t") == ["worker", "start"]
    assert shell.meant("list --sta\tdea\t") == ["list", "--state", "dead"]
    assert shell.meant("list --state=dea\t") == ["list", "--state=dead"]
    assert shell.meant("config get job_t\t") == ["config", "get", "job_timeout"]
    shell.type("queuectl worker \t\t")
    for word in ("list", "scale", "start", "stop"):
        shell.wait_for(word)


@pytest.mark.on_sqlite
def test_a_shell_completes_a_hostile_name_as_one_word_and_runs_nothing(
    queue: Queue, open_shell: Callable[[Queue], Shell]
):
    ids = {f"{letter}0": f"{letter}0{end}" for letter, end in zip("abcdefghijklmnopqrstuvwxyz", HOSTILE, strict=False)}
    for id_ in ids.values():
        queue.enqueue("true", "--id", id_)
    queue.enqueue("true", "--queue", "mail to: 'you' $(touch pwned)")
    shell = open_shell(queue)

    for typed, id_ in ids.items():
        completes(shell, f"show {typed}\t", "show", id_)
    completes(shell, "enqueue -q ma\tx", "enqueue", "-q", "mail to: 'you' $(touch pwned)", "x")
    for quote in ("'", '"'):
        completes(shell, f"show {quote}a0\t", "show", "a0two words")
        completes(shell, f"show {quote}d0\t", "show", "d0$(touch pwned)")
    assert not [*queue.directory.rglob("pwned")]


@pytest.mark.on_sqlite
def test_a_tab_never_runs_the_program_that_the_line_names(queue: Queue, open_shell: Callable[[Queue], Shell]):
    shell = open_shell(queue)
    found = shell.directory / "queuectl"
    found.write_text('#!/bin/sh\necho "$@" >>ran\n')
    found.chmod(0o755)

    shell.type("./queuectl wor\tsta\t\r")

    ran = shell.directory / "ran"
    wait_until(lambda: shell.seen and ran.exists() and ran.read_text())
    assert ran.read_text() == "worker start\n"


@pytest.mark.on_sqlite
@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_script_may_also_be_sourced(queue: Queue, shell: str):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    opened = Shell(shell, queue, load=f"source <({{program}} completion {shell})\n")
    try:
        assert opened.meant("wor\tsta\t") == ["worker", "start"]
    finally:
        opened.close()


@pytest.mark.on_sqlite
def test_a_shell_completes_files_for_arguments_that_are_files(queue: Queue, open_shell: Callable[[Queue], Shell]):
    shell = open_shell(queue)
    (shell.directory / "some jobs.jsonl").touch()
    (shell.directory / "some where").mkdir()

    assert shell.meant("backup some\\ j\t") == ["backup", "some jobs.jsonl"]
    assert shell.meant("enqueue -f some\\ j\t") == ["enqueue", "-f", "some jobs.jsonl"]
    assert shell.meant("enqueue --file=some\\ j\t") == ["enqueue", "--file=some jobs.jsonl"]
    assert shell.meant("enqueue --cwd so\tx\\ y") in (
        ["enqueue", "--cwd", "some where/x y"],
        ["enqueue", "--cwd", "some where/", "x y"],
    )


@pytest.mark.on_sqlite
def test_a_shell_completes_from_the_store_that_the_line_names(queue: Queue, open_shell: Callable[[Queue], Shell]):
    shell = open_shell(queue)
    queue.run("--db", str(shell.directory / "other.db"), "enqueue", "--id", "elsewhere", "true")

    completes(shell, "--db other.db show else\t", "--db", "other.db", "show", "elsewhere")
    completes(shell, "show --db=other.db else\t", "show", "--db=other.db", "elsewhere")
    assert shell.meant("show else\t") == ["show", "else"]


@pytest.mark.on_sqlite
def test_a_shell_completes_nothing_and_prints_nothing_without_a_store(
    queue: Queue, open_shell: Callable[[Queue], Shell]
):
    shell = open_shell(queue)
    (shell.directory / "a file").touch()

    assert shell.meant("show \t\tx") == ["show", "x"]

    assert "rror" not in shell.seen
    assert "a file" not in shell.seen
    assert not os.path.exists(queue.path)


@pytest.mark.parametrize(
    ("line", "kept", "quote"),
    [
        ("queuectl show ", "", ""),
        ("queuectl show ab", "", ""),
        ("queuectl show mail:1", "mail:", ""),
        ("queuectl show mail\\:1", "", ""),
        ("queuectl list --queue=ma", "--queue=", ""),
        ("queuectl list --queue='ma il", "--queue=", "'"),
        ('queuectl show "a b', "", '"'),
        ('queuectl show "a:b', "", '"'),
    ],
)
def test_bash_replaces_the_text_after_a_break_or_an_open_quote(line: str, kept: str, quote: str):
    typed = read(line, BREAKS)

    assert typed is not None
    assert (typed.prefix, typed.quote) == (kept, quote)


@pytest.mark.parametrize("line", ["q show $HO", "q show `x", "q show 'a'b", "q show a\\", "q show $'a", 'q show "$x'])
def test_a_word_that_only_bash_can_expand_is_not_completed(line: str):
    assert read(line, BREAKS) is None


@pytest.mark.parametrize("lead", ["", "'", '"', "a0", "'a0", '"a0'])
@pytest.mark.parametrize("end", HOSTILE)
def test_the_replacement_in_bash_expands_to_the_name(lead: str, end: str):
    typed = read(f"q show {lead}", BREAKS)
    assert typed is not None
    name = f"a0{end}"

    put = replacement(name, typed)

    if put is None:
        assert "'" in end if typed.quote == "'" else "!" in end
    else:
        line = f"q show {typed.quote}{put}{typed.quote}"
        assert [word.text for word in split(line)] == ["q", "show", name]
