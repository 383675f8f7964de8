"""Ctrl+C, TERM and closed streams, in every command: one line at most, no traceback, and a sound store."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from queuectl.operations import WHERE
from queuectl.selftest.ledger import witnessed
from tests.support import command
from tests.support.command import finished
from tests.support.queue import QUEUECTL, ROOT, Queue
from tests.support.samples import SAMPLES
from tests.support.soundness import assert_sound
from tests.support.stress import enqueue_many
from tests.support.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.on_sqlite

WORDS = SAMPLES | {
    "list": ("list", "--limit", "0"),
    "show": ("show", "job0"),
    "logs": ("logs", "job0", "--follow"),
    "wait": ("wait", "job0"),
    "cancel": ("cancel", "job1"),
    "delete": ("delete", "job2"),
    "prune": ("prune", "--state", "completed", "--older-than", "0"),
    "hold": ("hold", "job3"),
    "release": ("release", "job3"),
    "priority": ("priority", "job4", "7"),
    "edit": ("edit", "job5", "--command", "false"),
    "explain": ("explain", "job6"),
    "worker start": ("worker", "start"),
    "dlq show": ("dlq", "show", "gone"),
    "selftest": ("selftest", "--jobs", "50", "--enqueuers", "1", "--workers", "2"),
}
READING = [
    name
    for name in WORDS
    if name.split()[-1] in {"list", "show", "logs", "explain", "history", "status", "get", "doctor"}
]


@pytest.fixture
def filled(queue: Queue, ledger: Path) -> tuple[Queue, list[str]]:
    """A store with some waiting jobs and a dead one, and the ids."""
    queue.enqueue("false", "--id", "gone", "--max-retries", "0")
    assert queue.drain().wait() == 0
    return queue, ["gone", *enqueue_many(queue, ledger, 8, "true")]


def test_every_operation_has_sample_arguments():
    assert list(WORDS) == list(WHERE)


def is_under_way(process: subprocess.Popen[bytes]) -> bool:
    return process.poll() is not None or command.has_opened_its_store(process)


@pytest.mark.parametrize("name", [name for name in WORDS if name not in {"worker start", "selftest"}])
def test_ctrl_c_during_a_command_exits_with_130_and_no_output(filled: tuple[Queue, list[str]], ledger: Path, name: str):
    """The store is locked by this process: commands that write wait for it, those that read may have ended."""
    queue, acknowledged = filled
    with queue.context.store.database.transaction():
        process = command.start(*WORDS[name], env=queue.environment, cwd=queue.directory, start_new_session=True)
        wait_until(partial(is_under_way, process))
        process.send_signal(signal.SIGINT)
        done = finished(process)

    # No server listens at the target of the sample of a move.
    assert done.code in {0, 1, 2, 3, 4, 130} | ({5} if name == "migrate" else set()), done.err
    if done.code == 130 and name not in {*READING, "demo", "wait"}:  # which first print what they do, or wait for
        assert done.out == "", "it has reported what it did, and reports that nothing was done"
        # A command that works in steps reports its progress in one line.
        assert done.err == "" or done.err.startswith("error: interrupted; nothing was "), done.err
    assert len([line for line in done.err.splitlines() if line.startswith("error: ")]) <= 1, done.err
    assert "Traceback" not in done.err
    assert not [*queue.directory.glob("copy.db.*")], "no half copy"
    if (queue.directory / "copy.db").exists():
        # The signal may have come just after the copy was renamed.
        copy = Queue(queue.directory / "copied", store=queue.directory / "copy.db")
        assert {each.job.id for each in copy.context.store.jobs.listing(limit=0)} >= {*acknowledged}
        copy.context.close()
    assert_sound(queue, ledger, [id_ for id_ in acknowledged if name != "delete" or id_ != "job2"])


@pytest.mark.parametrize("name", ["enqueue", "list", "worker start", "selftest", "backup"])
def test_ctrl_c_at_any_moment_of_a_start_ends_without_a_traceback(
    filled: tuple[Queue, list[str]], ledger: Path, name: str
):
    queue, acknowledged = filled
    codes = set()
    for delay in (each / 1000 for each in range(0, 120, 15)):
        process = command.start(*WORDS[name], env=queue.environment, cwd=queue.directory, start_new_session=True)
        # Before that the interpreter itself prints its own message.
        wait_until(partial(has_begun, process))
        moment = time.monotonic() + delay
        wait_until(partial(is_past, moment))
        process.send_signal(signal.SIGINT)
        done = finished(process)
        codes.add(done.code)
        assert "Traceback" not in done.err, done.err
        assert "internal" not in done.err, done.err
        (queue.directory / "copy.db").unlink(missing_ok=True)
    assert codes <= {0, 130}
    acknowledged += [each.job.id for each in queue.context.store.jobs.listing(limit=0) if each.job.id.isdigit()]
    assert_sound(queue, ledger, acknowledged)


def test_ctrl_c_in_a_callback_of_the_interpreter_is_not_lost():
    """An import calls one; Python prints the exception that it raises, and continues."""
    code = (
        "import os, signal, sys, time, weakref\n"
        "from queuectl.cli.main import interrupt_again\n"
        "sys.unraisablehook = interrupt_again\n"
        "kept = [type('Module', (), {})()]\n"
        "watched = weakref.ref(kept[0], lambda _: os.kill(os.getpid(), signal.SIGINT))\n"
        "try:\n"
        "    kept.clear()\n"
        "    time.sleep(600)\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
    )

    done = command.run("-c", code, env={}, program=(sys.executable,), cwd=ROOT)

    assert (done.code, done.out, done.err) == (0, "interrupted\n", "")


def has_begun(process: subprocess.Popen[bytes]) -> bool:
    """Return whether queuectl's own code is loaded: its driver is mapped."""
    if process.poll() is not None:
        return True
    with open(f"/proc/{process.pid}/maps") as maps:
        return "apsw" in maps.read()


def is_past(moment: float) -> bool:
    return time.monotonic() >= moment


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_backup_that_is_interrupted_leaves_no_partial_copy(queue: Queue, ledger: Path, number: signal.Signals):
    acknowledged = enqueue_many(queue, ledger, 3000, f": {'x' * 3000}")
    process = command.start("backup", "copy.db", env=queue.environment, cwd=queue.directory, start_new_session=True)
    wait_until(lambda: process.poll() is not None or [*queue.directory.glob("copy.db.*.partial")])
    process.send_signal(signal.SIGSTOP)

    process.send_signal(number)
    process.send_signal(signal.SIGCONT)
    done = finished(process)

    left = sorted(path.name for path in queue.directory.glob("copy.db*"))
    assert done.code in {0, 128 + number}
    assert left in ([], ["copy.db"]), "no half copy"
    assert left or done.code, "it says that there is a copy"
    assert done.err == ""
    assert_sound(queue, ledger, acknowledged)


@pytest.mark.parametrize("name", READING)
def test_a_closed_output_pipe_is_no_error(filled: tuple[Queue, list[str]], ledger: Path, name: str):
    queue, acknowledged = filled
    queue.run("schedule", "add", "nightly", "@daily", "true")
    words = [word for word in WORDS[name] if word != "--follow"]
    for json_ in ([], ["--json"]):
        reading, writing = os.pipe()
        os.close(reading)
        process = command.start(*words, *json_, env=queue.environment, cwd=queue.directory, stdout=writing)
        os.close(writing)
        _, err = process.communicate(timeout=PATIENCE)
        assert process.returncode in {0, 1, 3}, err
        assert b"Traceback" not in err
        assert process.returncode or b"error" not in err, err
    assert_sound(queue, ledger, acknowledged)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_every_command_works_with_a_closed_stream(filled: tuple[Queue, list[str]], ledger: Path, closed: str):
    queue, acknowledged = filled
    for name, json_ in itertools.product(READING, ("", "--json")):
        words = [word for word in WORDS[name] if word != "--follow"]
        line = f"'{QUEUECTL}' {' '.join(words)} {json_}"
        plain, done = (
            subprocess.run(
                ["sh", "-c", f"{line} {redirection}"],
                env=queue.environment, cwd=queue.directory, stdin=subprocess.DEVNULL, capture_output=True,
                timeout=PATIENCE,
            )
            for redirection in ("", closed)
        )  # fmt: skip
        unwritten = done.returncode == 74 and ">&-" in closed.split()
        assert done.returncode == plain.returncode or (unwritten and plain.stdout), (line, done)
        assert b"Traceback" not in done.stderr
    script = f"'{QUEUECTL}' enqueue --id late \"$0\" {closed}"
    stored = subprocess.run(
        ["sh", "-c", script, witnessed(str(ledger), "true")], env=queue.environment, check=False, timeout=PATIENCE
    )
    assert stored.returncode == (74 if ">&-" in closed.split() else 0)
    assert json.loads(queue.run("show", "late", "--json").stdout)["state"] == "pending"
    assert_sound(queue, ledger, [*acknowledged, "late"])


def test_a_pool_with_closed_streams_runs_jobs_with_open_ones(queue: Queue, ledger: Path):
    ids = enqueue_many(queue, ledger, 3, "echo out; echo err >&2; cat")

    done = subprocess.run(
        ["sh", "-c", f"'{QUEUECTL}' worker start --drain <&- >&- 2>&-"], env=queue.environment, timeout=PATIENCE
    )

    assert done.returncode == 0
    for id_ in ids:
        shown = queue.json("show", id_)
        assert (shown["state"], shown["stdout"], shown["stderr"]) == ("completed", "out\n", "err\n")
    assert_sound(queue, ledger, ids)
