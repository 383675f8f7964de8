"""Behaviour that all commands share: JSON, help, errors, exit codes, closed streams, terminals."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from queuectl import __version__
from queuectl.operations import WHERE
from tests.support import command
from tests.support.command import finished
from tests.support.queue import QUEUECTL, ROOT, Queue
from tests.support.samples import SAMPLES
from tests.support.terminal import on_a_terminal
from tests.support.waiting import wait_until

pytestmark = pytest.mark.on_sqlite  # independent of the store


@pytest.fixture
def some(queue: Queue) -> Queue:
    queue.enqueue("true", "--id", "a", "--delay", "1h")
    queue.enqueue("true", "--id", "gone")
    queue.run("cancel", "gone")
    queue.run("config", "set", "poll_interval", "0.05")
    queue.run("queue", "set", "mail", "--limit", "2")
    queue.run("schedule", "add", "nightly", "@daily", "true")
    return queue


def test_there_is_a_sample_of_every_command():
    assert list(SAMPLES) == list(WHERE)


@pytest.mark.parametrize("name", SAMPLES)
def test_json_is_exactly_one_document_whatever_the_outcome(some: Queue, name: str):
    if name == "worker start":
        some.run("cancel", "a")

    done = some.run(*SAMPLES[name], "--json", code=None)

    document = json.loads(done.stdout)
    assert ("error" in document and len(document) == 2) == (done.returncode not in {0, 1}), done.stderr


@pytest.mark.parametrize("name", WHERE)
def test_help_of_every_command_has_its_usage_and_examples(queue: Queue, name: str):
    for line in ([*name.split(), "--help"], ["help", *name.split()], ["-h", *name.split()]):
        done = queue.run(*line)
        assert done.stdout.startswith(f"usage: queuectl {name}")
        assert "examples:\n" in done.stdout
        assert done.stderr == ""
    assert not os.path.exists(queue.path), "help has created a store"


def test_help_lists_every_command_and_the_exit_codes(queue: Queue):
    for line in (["--help"], ["help"], ["-h"]):
        out = queue.run(*line).stdout
        assert all(re.search(rf"^  {name}  +\w", out, re.MULTILINE) for name in WHERE)
        assert "exit codes:" in out
    assert len(queue.json("help")["commands"]) == len(WHERE)


def test_a_group_alone_prints_its_commands_and_is_an_error(queue: Queue):
    done = queue.run("dlq", code=2)

    assert done.stdout == ""
    assert "dlq retry" in done.stderr
    assert "dlq retry" in queue.run("dlq", "--help").stdout


def test_version_prints_the_version(queue: Queue):
    for word in ("--version", "-V", "version"):
        assert queue.run(word).stdout == f"queuectl {__version__}\n"
        assert queue.json(word) == {"version": __version__}


@pytest.mark.parametrize(
    "words",
    [("list",), ("dlq",), ("dlq", "list"), ("enqueue", "true"), ("nosuch",), ("help",)],
    ids=" ".join,
)
def test_version_with_any_command_prints_only_the_version(queue: Queue, words: tuple[str, ...]):
    for line in (("--version", *words), (*words, "--version"), ("-V", *words), (*words, "-V")):
        assert queue.run(*line).stdout == f"queuectl {__version__}\n"
    assert queue.json("list") == []


def test_after_two_dashes_version_is_a_word_of_the_command(queue: Queue):
    queue.run("enqueue", "--", "echo", "--version")
    assert [job["command"] for job in queue.json("list")] == ["echo --version"]


def test_help_is_a_command_that_can_be_asked_about(queue: Queue):
    for word in ("help", "version"):
        assert queue.run("help", word).stdout == queue.run("help").stdout


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (("lst",), "unknown command 'lst'", "did you mean list?"),
        (("enqeue", "x"), "unknown command 'enqeue'", "did you mean enqueue?"),
        (("dlq", "retyr", "x"), "unknown command 'dlq retyr'", "did you mean dlq retry?"),
        (("help", "stauts"), "unknown command 'stauts'", "did you mean status?"),
        (("--bd", "x", "list"), "unknown option '--bd'", "did you mean --db?"),
        (("list", "--stat", "dead"), "unknown option '--stat'", "did you mean --state?"),
        (("list", "--state", "deda"), "--state cannot be 'deda'", "one of pending"),
        (("list", "--limit", "-1"), "--limit must not be negative", ""),
        (("list", "more"), "unexpected argument 'more'", "queuectl list [options]"),
        (("show",), "ID is missing", "queuectl show [ID]"),
        (("show", "a", "b"), "unexpected argument 'b'", ""),
        (("prune", "--older-than", "0"), "--state STATE is missing", "queuectl prune --state STATE…"),
        (("prune", "--state", "pending", "--older-than", "0"), "--state cannot be 'pending'", ""),
        (("cancel", "a", "--signal", "SIGFOO"), "'SIGFOO' is not a signal", ""),
        (("dlq", "retry"), "give either job IDs, or --all, or --error SIG", ""),
        (("dlq", "retry", "a", "--all"), "give either job IDs, or --all, or --error SIG", ""),
        (("dlq", "retry", "--all", "--error", "7f3a"), "give either job IDs, or --all, or --error SIG", ""),
        (("dlq", "list", "--by-error", "--error", "7f3a"), "--by-error and --error cannot be combined", ""),
        (("dlq", "list", "--error", "7f"), "'7f' is not an error signature", "four or more digits"),
        (("dlq", "purge", "--error", "mail"), "'mail' is not an error signature", "four or more digits"),
        (("priority", "5"), "no job is named", "give IDs, or select jobs by --state, --queue, --filter …, or --all"),
        (("priority", "a", "b"), "N must be a whole number, not 'b'", ""),
        (("priority", "a", "1001"), "priority must be from -1000 to 1000", ""),
        (("edit", "a"), "no change is given", "--command"),
        (("edit", "a", "{}"), "no change is given", "--command"),
        (("edit", "a", '{"comand": "x"}'), "unknown key 'comand'", "did you mean 'command'?"),
        (("edit", "a", '{"id": "b"}'), "the id of a job cannot be changed", ""),
        (("edit", "a", '{"queue": null}'), "queue cannot be null", ""),
        (("edit", "a", '{"queue": "x"}', "--queue", "y"), "queue is given twice", ""),
        (("edit", "a", "--env", "X"), "--env 'X' is not set here", ""),
        (("list", "--limit", "9" * 30), "--limit is too large a number", ""),
        (("undo", "9" * 20), "NUMBER is too large a number", ""),
        (("undo", "--list", "3"), "--list and NUMBER cannot be combined", ""),
        (("history", "--limit", "-1"), "--limit must not be negative", ""),
        (("view", "save", "x"), "FILTER is missing", ""),
        (("view", "save", "x", "foo:bar"), "unknown key 'foo' in the filter", "keys are state, queue"),
        (("view", "save", "x", "stat:failed"), "unknown key 'stat' in the filter", "did you mean state?"),
        (("view", "save", "x", "state:deda"), "'deda' is not a state", "one of pending"),
        (("view", "save", "x", "tag:a", "tag:b"), "tag: given twice", ""),
        (("config", "set", "lease", "never"), "lease cannot be 'never'", "from 3 to 86400"),
        (("config", "get", "leese"), "unknown setting 'leese'", "did you mean lease?"),
        (("--db",), "--db needs a path", ""),
        (("--db=", "list"), "--db needs a path", ""),
        (
            ("list", "--db", "postgresql://host/db?sslmode=allow"),
            "sslmode=allow is too weak for postgresql://host/db?sslmode=allow: commands travel over the network",
            "",
        ),
    ],
)
def test_a_usage_error_is_one_line_with_a_hint(queue: Queue, words: tuple[str, ...], message: str, hint: str):
    done = command.run(*words, env=queue.environment)

    done.refused(2, message)
    assert hint in done.err


@pytest.mark.parametrize("words", [("show", "x"), ("logs", "x"), ("wait", "x"), ("cancel", "x"), ("retry", "x")])
def test_a_missing_job_is_exit_code_3(queue: Queue, words: tuple[str, ...]):
    command.run(*words, env=queue.environment).refused(3, "no job x")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("history", "x"), "no job, worker, pool or setting x"),
        (("worker", "stop", "--host", "x"), "no host x"),
        (("worker", "scale", "3", "--pool", "x"), "no pool x"),
        (("list", "--view", "x"), "no view x"),
        (("view", "delete", "x"), "no view x"),
        (("dlq", "list", "--error", "ffff"), "no dead job ended with error ffff"),
        (("dlq", "retry", "--error", "ffff"), "no dead job ended with error ffff"),
        (("dlq", "purge", "--error", "ffff"), "no dead job ended with error ffff"),
        (("dlq", "retry", "--error", "none"), "no dead job died before error signatures were recorded"),
        (("logs", "a", "--attempt", "7"), "job a has no attempt 7"),
        (("undo", "7"), "no action 7 that can be undone"),
    ],
    ids=" ".join,
)
def test_a_name_that_does_not_exist_is_exit_code_3(queue: Queue, words: tuple[str, ...], message: str):
    queue.enqueue("true", "--id", "a")

    command.run(*words, env=queue.environment).refused(3, message)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("list", "--queue", "x"), "no jobs"),
        (("dlq", "list", "--queue", "x"), "no dead jobs"),
        (("dlq", "retry", "--all"), "0 jobs retried"),
        (("dlq", "purge"), "0 jobs deleted"),
        (("prune", "-s", "dead", "--older-than", "0"), "0 jobs deleted"),
        (("worker", "stop"), "no workers were running"),
        (("worker", "stop", "--host", os.uname().nodename), "no workers were running"),
        (("worker", "list"), "no workers are running"),
        (("view", "list"), "no views are saved"),
        (("history", "a"), "no events of a"),
    ],
    ids=" ".join,
)
def test_a_choice_that_matches_nothing_is_exit_code_0_with_a_message(
    queue: Queue, words: tuple[str, ...], message: str
):
    queue.enqueue("true", "--id", "a")

    done = queue.run(*words)

    assert message in done.stdout + done.stderr


def test_db_and_json_may_stand_before_and_after_the_command(queue: Queue):
    other = str(queue.directory / "other.db")

    for line in (
        ["--db", other, "--json", "enqueue", "true"],
        ["enqueue", "--json", "true", "--db", other],
        ["--json", "enqueue", f"--db={other}", "true"],
    ):
        assert json.loads(queue.run(*line).stdout)["command"] == "true"
    assert json.loads(queue.run("--db", other, "dlq", "--json", "list").stdout) == []

    assert json.loads(queue.run("--json", "--db", other, "status").stdout)["total"] == 3
    assert queue.json("status")["total"] == 0


def test_a_closed_pipe_ends_quietly(queue: Queue):
    queue.run("enqueue", "--lines", "-f", "-", given="\n".join(["true"] * 5000))

    for words in ("list --limit 0", "--json list --limit 0"):
        script = f"{{ '{QUEUECTL}' {words}; echo $? >&2; }} | head -n 1"
        done = subprocess.run(["bash", "-c", script], env=queue.environment, capture_output=True, text=True, check=True)
        assert (len(done.stdout.splitlines()), done.stderr) == (1, "0\n")


SILENT = {"config set", "config unset", "worker list", "worker stop", "worker start"}
"""Commands that print nothing on stdout here."""
REFUSED = {"wait": 1, "worker scale": 3, "dlq show": 4, "migrate": 5, "tui": 2, "view delete": 3}


@pytest.mark.parametrize("where", [">&-", ">/dev/full"])
@pytest.mark.parametrize(
    "name", sorted(SAMPLES.keys() - {"selftest", "demo", "logs", "dlq list", "dlq retry", "view list"})
)
def test_output_that_cannot_be_written_is_an_error(some: Queue, name: str, where: str):
    some.run("cancel", "a")
    some.run("retry", "gone") if name not in {"wait", "delete", "retry", "prune"} else None
    if name in {"cancel", "hold", "priority", "release"}:
        some.run("retry", "a")
        some.run("hold", "a") if name == "release" else None

    line = " ".join(f"'{word}'" for word in SAMPLES[name])
    done = subprocess.run(
        ["sh", "-c", f"'{QUEUECTL}' {line} {where}"],
        env=some.environment,
        cwd=some.directory,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )

    why = "standard output is closed" if where == ">&-" else "No space left on device"
    reported = f"error: cannot write the output: {why}\n" in done.stderr
    code = REFUSED.get(name, 0 if name in SILENT else 74)
    assert (done.returncode, reported) == (code, code == 74), done.stderr


@pytest.mark.parametrize("json", [(), ("--json",)])
@pytest.mark.parametrize("where", [">&-", ">/dev/full"])
def test_a_file_is_enqueued_whole_though_its_ids_cannot_be_written(queue: Queue, where: str, json: tuple[str, ...]):
    program = f"""
import sys
from queuectl.cli import main
from queuectl.operations import enqueue_file
enqueue_file.BATCH = 2
sys.argv[1:] = ["enqueue", "--lines", "-f", "-", *{json!r}]
main.entry()
"""
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" {where}', sys.executable, program],
        env=queue.environment,
        input="true\n" * 5,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )

    assert done.returncode == 74, done.stderr
    assert queue.json("status")["total"] == 5


def test_a_closed_stderr_does_not_change_the_exit_code(queue: Queue):
    done = subprocess.run(
        ["sh", "-c", f"'{QUEUECTL}' list 2>&-; '{QUEUECTL}' show x 2>&-"], env=queue.environment, check=False
    )

    assert done.returncode == 3


def test_help_and_empty_results_need_stdout_too(queue: Queue):
    for line, code in (("--help", 74), ("--version", 74), ("list --json", 74), ("list", 0)):
        done = subprocess.run(
            ["sh", "-c", f"'{QUEUECTL}' {line} >&-"], env=queue.environment, capture_output=True, check=False
        )
        assert done.returncode == code, line


@pytest.mark.parametrize("words", [("wait", "a"), ("logs", "a", "--follow")])
def test_ctrl_c_ends_with_130_and_no_traceback(some: Queue, words: tuple[str, ...]):
    process = command.start(*words, env=some.environment)
    wait_until(lambda: command.has_opened_its_store(process))

    process.send_signal(signal.SIGINT)

    done = finished(process)
    assert (done.code, done.out) == (130, "")
    # The reason of the wait may have been reported by then.
    assert all(line.startswith("a: no workers are running") for line in done.err.splitlines()), done.err


def test_an_internal_error_is_one_line_and_a_traceback_only_with_debug(queue: Queue):
    (queue.directory / "broken.py").write_text("import queuectl.store.jobs as jobs\njobs.Jobs.get = lambda *_: 1 / 0\n")
    script = "import sys, broken; from queuectl.cli.main import main; sys.exit(main(['show', 'a']))"
    for debug in ("", "1"):
        done = subprocess.run(
            [command.MODULE[0], "-c", script],
            env=queue.environment | {"QUEUECTL_DEBUG": debug},
            cwd=queue.directory,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 70
        assert "error: internal: ZeroDivisionError: division by zero\nhint: QUEUECTL_DEBUG=1" in done.stderr
        assert ("Traceback" in done.stderr) == bool(debug)


def test_a_terminal_gets_glyphs_and_colour_and_lines_that_fit(queue: Queue):
    queue.enqueue("echo " + "x" * 500, "--id", "日本")

    screen, code = on_a_terminal("list", env=queue.environment | {"TERM": "xterm"}, columns=60)

    assert code == 0
    assert "\x1b[36m○ pending\x1b[0m" in screen
    assert "…" in screen
    plain = re.sub(r"\x1b\[\d*m", "", screen)
    assert all(len(line) <= 60 for line in plain.splitlines())


@pytest.mark.parametrize("columns", [80, 60, 40])
@pytest.mark.parametrize("word", ["list", "history"])
def test_a_narrow_terminal_gets_lines_that_fit(queue: Queue, word: str, columns: int):
    queue.enqueue("echo this is what it does", "--id", "a-name-that-is-long-enough-for-two")

    screen, _ = on_a_terminal(word, env=queue.environment | {"TERM": "dumb"}, columns=columns)

    lines = screen.splitlines()
    assert len(lines) == 2
    assert all(len(line) <= columns for line in lines)


@pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_color_and_a_dumb_terminal_get_no_colour(queue: Queue, variable: dict[str, str]):
    queue.enqueue("true")

    screen, _ = on_a_terminal("list", env=queue.environment | {"TERM": "xterm"} | variable)

    assert "○ pending" in screen
    assert "\x1b" not in screen


def test_a_pipe_gets_whole_lines_without_glyphs_or_colour(queue: Queue):
    queue.enqueue("echo " + "x" * 500 + " \x1b[31mred\x07")

    out = queue.run("list").stdout

    assert "x" * 500 + r" \x1b[31mred\x07" in out
    assert out.isascii()


def test_purge_asks_a_person_and_not_a_script(queue: Queue):
    env = queue.environment | {"TERM": "xterm"}
    queue.run("config", "set", "backoff_delay", "0")
    queue.enqueue("false", "-r", "0")
    queue.drain().wait()

    screen, code = on_a_terminal("dlq", "purge", env=env, typed={"[y/N]": "n\n"})
    assert "This can be undone for 10 minutes. Delete 1 dead job and its history? [y/N]" in screen
    assert "not confirmed, so nothing was done" in screen
    assert code == 4
    assert queue.json("status")["jobs"]["dead"] == 1

    screen, code = on_a_terminal("dlq", "purge", env=env, typed={"[y/N]": "y\n"})
    assert code == 0
    assert queue.json("dlq", "purge")["changed"] == 0


@pytest.mark.on_sqlite
@pytest.mark.parametrize("line", ["enqueue true", 'enqueue \'{"command":"true"}\'', "enqueue -- true"])
def test_an_enqueue_loads_no_expensive_module(queue: Queue, line: str):
    """Each of these costs milliseconds at every start."""
    expensive = {
        *("argparse", "contextlib", "dataclasses", "datetime", "importlib", "inspect", "locale", "logging", "pathlib"),
        *("random", "shutil", "sqlite3", "subprocess", "tempfile", "traceback", "typing"),
        *("queuectl.cli.help", "queuectl.cli.render", "queuectl.store.claims", "queuectl.store.workers"),
        *("queuectl.store.sqlite.schema", "queuectl.store.rows"),
    }
    queue.run("enqueue", "true")

    done = subprocess.run(
        f"'{command.MODULE[0]}' -I -X importtime '{ROOT}/queuectl/cli/__main__.py' {line}",
        shell=True,
        env=queue.environment,
        capture_output=True,
        text=True,
        check=True,
    )

    site, _, ours = done.stderr.rpartition("| site\n")
    loaded = {name.rpartition("|")[2].strip() for name in ours.splitlines()}
    assert not loaded & expensive, site
    assert len(loaded) < 77
