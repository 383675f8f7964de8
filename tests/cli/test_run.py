"""`run`: a job that is enqueued and followed to its end."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from queuectl.runtime.output import HEAD
from tests.support import command
from tests.support.hosts import Hosts
from tests.support.interactive import Interactive
from tests.support.queue import Queue
from tests.support.waiting import PATIENCE, wait_until

BINARY = bytes(range(256)) * 3 + b"\x1b[31mred\rno newline at the end"
BIG = 100_000_000


def begin(queue: Queue, *words: str, **options: Any) -> subprocess.Popen[bytes]:
    return command.start("run", *words, env=queue.environment, cwd=queue.directory, **options)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("true",), 0),
        (("exit 3", "-r", "0"), 3),
        (("kill -TERM $$", "-r", "0"), 143),
        (("sleep 1000", "-r", "0", "--timeout", "100ms"), 124),
        (("true", "-r", "0", "--cwd", "/no/such/directory"), 125),
        (("--", "sh", "-c", "exit 7", "-r"), 7),
    ],
    ids=["success", "exit code", "signal", "timeout", "no start", "words"],
)
def test_the_exit_code_is_that_of_the_job(queue: Queue, words: tuple[str, ...], code: int):
    queue.start()
    queue.run("config", "set", "max_retries", "0")

    assert queue.run("run", *words, code=None).returncode == code


def test_a_job_that_is_cancelled_before_it_ran_ends_with_125(queue: Queue):
    process = begin(queue, "true", "--id", "a")
    wait_until(lambda: queue.context.store.jobs.these(["a"]))
    queue.run("cancel", "a")

    done = command.finished(process)

    assert done.code == 125
    assert "a: cancelled" in done.err


def test_both_streams_come_unchanged_and_apart(queue: Queue):
    (queue.directory / "binary").write_bytes(BINARY)
    queue.start()

    done = subprocess.run(
        [*queue.program, "run", "cat binary; cat binary binary >&2"],
        env=queue.environment,
        cwd=queue.directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, BINARY, BINARY * 2)


def test_short_output_is_never_missed(queue: Queue):
    queue.start(workers=2)

    assert [queue.run("run", f"printf {n}").stdout for n in range(20)] == [str(n) for n in range(20)]


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_hundred_megabytes_come_byte_for_byte(queue: Queue, stream: str):
    data = os.urandom(1_000_000) * (BIG // 1_000_000)
    (queue.directory / "big").write_bytes(data)
    queue.start()

    process = begin(queue, "cat big" if stream == "stdout" else "cat big >&2")
    out, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 0
    assert hashlib.sha256(out + err).digest() == hashlib.sha256(data).digest()
    assert len(out if stream == "stdout" else err) == BIG


def test_a_slow_reader_slows_the_job_down(queue: Queue):
    queue.start()
    end = queue.directory / "end"
    process = begin(queue, f"head -c 5000000 /dev/zero; touch {end}", "--id", "a")
    assert process.stdout is not None

    first = os.read(process.stdout.fileno(), 1)
    # Nothing reads: the job comes to a stop. Its worker does not, and renews its lease and reports its output.
    wait_until(lambda: queue.json("show", "a")["stdout_bytes"] > 0)
    assert (queue.state("a"), end.exists()) == ("processing", False)
    rest = process.stdout.read()

    assert process.wait(PATIENCE) == 0
    assert first + rest == bytes(5_000_000)
    assert end.exists()


def test_a_job_that_no_reader_takes_output_of_still_obeys_its_timeout_and_a_cancel(queue: Queue):
    queue.start(workers=2)
    one = begin(queue, "yes", "--id", "a", "-r", "0", "--timeout", "300ms")
    other = begin(queue, "yes", "--id", "b", "-r", "0")
    wait_until(lambda: queue.json("show", "b", code=None).get("stdout_bytes"))
    queue.run("cancel", "b")

    assert queue.wait_for("a") == "dead"
    assert queue.wait_for("b") == "cancelled"
    for process, code in ((one, 124), (other, 143)):
        out, _ = process.communicate(timeout=PATIENCE)
        assert set(out.split()) <= {b"y"}
        assert process.returncode == code


def test_each_attempt_is_followed_with_a_line_between_them(queue: Queue):
    queue.run("config", "set", "backoff_jitter", "0")
    queue.start()

    done = queue.run("run", "echo $QUEUECTL_ATTEMPT; exit 3", "--id", "a", "-r", "2", code=3)

    assert done.stdout == "1\n2\n3\n"
    first, second, last = done.stderr.splitlines()
    assert first.startswith("a: attempt 1 failed with exit code 3, retries in ")
    assert second.startswith("a: attempt 2 failed with exit code 3, retries in ")
    assert last == "a: dead (exit 3); to run it again: queuectl retry a"


def test_a_retry_that_succeeds_ends_with_0(queue: Queue):
    queue.start()

    done = queue.run("run", "test $QUEUECTL_ATTEMPT = 2 && echo done", "-r", "1")

    assert done.stdout == "done\n"
    assert len(done.stderr.splitlines()) == 1


def test_without_a_worker_it_says_at_once_what_starts_one(queue: Queue):
    process = begin(queue, "echo done", "--id", "a")
    assert process.stderr is not None

    assert process.stderr.readline() == b"a: no workers are running; start some: queuectl worker start\n"
    queue.start()

    assert command.finished(process).out == "done\n"


def test_json_is_the_record_on_stdout_and_the_output_on_stderr(queue: Queue):
    queue.start()

    done = queue.run("run", "echo out; echo err >&2; exit 3", "-r", "0", "--id", "a", "--json", code=3)

    assert json.loads(done.stdout) == {"schema": 1} | queue.json("wait", "a", code=None)[0]
    assert sorted(done.stderr.splitlines()[:2]) == ["err", "out"]


def test_it_takes_the_options_of_enqueue(queue: Queue):
    queue.start("--label", "gpu", "--queue", "ci")

    words = ("--queue", "ci", "--tag", "t", "--needs", "gpu", "-p", "5", "-e", "A=b", "--id", "a")
    done = queue.run("run", *words, '{"command": "echo $A", "max_retries": 1}')

    shown = queue.json("show", "a")
    assert done.stdout == "b\n"
    assert (shown["queue"], shown["tags"], shown["priority"], shown["max_retries"]) == ("ci", ["t"], 5, 1)
    (event,) = (event for event in queue.json("history") if event["verb"] == "enqueue")
    assert event["command"].startswith("queuectl run --queue ci --tag t")


def test_a_script_is_read_from_standard_input(queue: Queue):
    queue.start()

    assert queue.run("run", "-", given="#!/bin/sh\necho $((6 * 7))\n").stdout == "42\n"


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ((), "JOB is missing"),
        (("a", "--file", "jobs"), "--file"),
        (("a", "--lines"), "--lines"),
        (("true", "--timeout", "soon"), "--timeout"),
        (("a", "--", "b"), "not both"),
    ],
)
def test_what_it_cannot_run_is_refused(queue: Queue, words: tuple[str, ...], part: str):
    command.finished(begin(queue, *words)).refused(2, part)


def test_an_id_that_exists_is_refused(queue: Queue):
    queue.enqueue("true", "--id", "a")

    command.finished(begin(queue, "true", "--id", "a", "--local")).refused(4, "already exists")


def test_it_tells_how_much_of_the_output_of_another_host_was_left_out(tmp_path: Path, database: str):
    hosts = Hosts(tmp_path, database)
    try:
        hosts.host("far").start()
        done = hosts.host("near").run("run", "--id", "a", "head -c 20000000 /dev/zero; printf end")
    finally:
        hosts.close()

    (left_out,) = re.findall(
        r"a: ([0-9,]+) bytes of the stdout of attempt 1 were left out: from another host", done.stderr
    )
    assert done.stdout.startswith("\0" * HEAD)
    assert done.stdout.endswith("\0end")
    assert len(done.stdout) + int(left_out.replace(",", "")) == 20_000_003


# The reader of the output


def test_the_job_is_cancelled_when_the_reader_of_its_output_goes(queue: Queue):
    queue.start()
    process = begin(queue, "yes", "--id", "a")
    assert process.stdout is not None
    assert process.stdout.read(2) == b"y\n"
    process.stdout.close()

    assert process.stderr is not None
    assert process.stderr.read() == b""
    assert process.wait(PATIENCE) == 141
    assert queue.state("a") == "cancelled"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_an_error_and_the_job_goes_on(queue: Queue):
    queue.start()
    gate = queue.directory / "gate"
    with open("/dev/full", "wb") as full:
        process = begin(queue, f"echo a; until test -e {gate}; do sleep 0.05; done", "--id", "a", stdout=full)
        assert process.stderr is not None
        err = process.stderr.read().decode()

    assert process.wait(PATIENCE) == 74
    assert "No space left" in err
    assert "job a goes on; to follow it: queuectl logs a -f" in err
    gate.touch()
    assert queue.wait_for("a") == "completed"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_worker_of_its_own_runs_the_job_once_although_its_output_cannot_be_written(queue: Queue):
    with open("/dev/full", "wb") as full:
        process = begin(queue, "--local", "echo a; sleep 0.2", "--id", "a", stdout=full)
        assert process.stderr is not None
        assert "No space left" in process.stderr.read().decode()

    assert process.wait(PATIENCE) == 74
    assert queue.outcomes("a") == ["success"]


# Interrupts


@pytest.mark.parametrize("words", [(), ("--delay", "1h")], ids=["pending", "scheduled"])
def test_a_job_that_no_worker_runs_is_cancelled_and_its_run_ends(queue: Queue, words: tuple[str, ...]):
    process = begin(queue, *words, "true", "--id", "a")
    wait_until(lambda: list(queue.context.store.jobs.listing(limit=1)))
    process.send_signal(signal.SIGTERM)

    done = command.finished(process)
    assert done.code == 125
    assert done.err.splitlines()[-1] == "a: cancelled"


def running(queue: Queue, *words: str, **options: Any) -> subprocess.Popen[bytes]:
    """Begin a job that does not end, and return the `run` that has printed its first line."""
    queue.start()
    process = begin(queue, "echo begun; exec sleep 1000", "--id", "a", *words, start_new_session=True, **options)
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_off_a_terminal_an_interrupt_cancels_the_job(queue: Queue, number: signal.Signals):
    process = running(queue)
    process.send_signal(number)

    assert command.finished(process).code == 143
    assert queue.state("a") == "cancelled"


@pytest.mark.parametrize(
    ("number", "words", "code"),
    [(signal.SIGINT, ("--detach-on-interrupt",), 130), (signal.SIGHUP, (), 129)],
    ids=["detach-on-interrupt", "hangup"],
)
def test_a_job_that_is_left_goes_on(queue: Queue, number: signal.Signals, words: tuple[str, ...], code: int):
    process = running(queue, *words)
    process.send_signal(number)

    done = command.finished(process)

    assert done.code == code
    assert done.err == "job a goes on; to follow it: queuectl logs a -f\n"
    assert queue.state("a") == "processing"


def test_an_interrupt_while_it_is_being_cancelled_ends_the_wait(queue: Queue):
    queue.run("config", "set", "kill_grace", "1h")
    queue.start()
    process = begin(queue, "trap '' TERM; echo begun; while :; do sleep 1000; done", "--id", "a")
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    process.send_signal(signal.SIGINT)
    wait_until(lambda: queue.json("show", "a")["cancel_requested"])
    process.send_signal(signal.SIGINT)

    done = command.finished(process)

    assert done.code == 130
    assert "no longer waiting for job a, which is being cancelled" in done.err
    queue.run("cancel", "a", "--signal", "KILL")
    queue.wait_for("a")


def test_an_ignored_hangup_stays_ignored(queue: Queue):
    process = running(queue, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGINT)

    assert command.finished(process).code == 143


def on_a_terminal(queue: Queue, *words: str) -> Interactive:
    """Begin a job that does not end, on a terminal that shows its first line."""
    queue.start()
    terminal = Interactive("run", "--id", "a", *words, env=queue.environment)
    terminal.wait_for("begun")
    return terminal


ENDLESS = "printf begun; exec sleep 1000"


def test_on_a_terminal_an_interrupt_asks_and_detaches(queue: Queue):
    terminal = on_a_terminal(queue, ENDLESS)
    terminal.type("\x03")
    terminal.wait_for("[d]etach")
    terminal.type("d\n")

    assert terminal.end() == 130
    assert "job a goes on; to follow it: queuectl logs a -f" in terminal.seen
    assert queue.state("a") == "processing"


@pytest.mark.parametrize(
    ("words", "after"),
    [(("--delay", "1h"), "leave it in the queue"), (("--local", "--delay", "1h"), "put it back for other workers")],
    ids=["waiting", "local"],
)
def test_the_question_tells_what_becomes_of_a_detached_job(queue: Queue, words: tuple[str, ...], after: str):
    terminal = Interactive("run", "--id", "a", *words, "true", env=queue.environment)
    terminal.wait_for("due in")
    terminal.type("\x03")
    terminal.wait_for(f"[d]etach and {after}, ")
    terminal.type("d\n")

    assert terminal.end() == 130
    assert queue.state("a") == "pending"


def test_on_a_terminal_an_interrupt_asks_and_cancels(queue: Queue):
    terminal = on_a_terminal(queue, ENDLESS)
    terminal.type("\x03")
    terminal.wait_for("[d]etach")
    terminal.type("c\n")

    assert terminal.end() == 143
    assert queue.state("a") == "cancelled"


def test_a_second_interrupt_cancels(queue: Queue):
    terminal = on_a_terminal(queue, ENDLESS)
    terminal.type("\x03")
    terminal.wait_for("[d]etach")
    terminal.type("\x03")

    assert terminal.end() == 143
    assert queue.state("a") == "cancelled"


def test_enter_goes_on_following(queue: Queue):
    gate = queue.directory / "gate"
    terminal = on_a_terminal(queue, f"printf begun; until test -e {gate}; do sleep 0.05; done; echo done")
    terminal.type("\x03")
    terminal.wait_for("[d]etach")
    terminal.type("\n")
    gate.touch()

    assert terminal.end() == 0
    assert "done" in terminal.seen


def test_an_interrupt_is_asked_about_while_the_terminal_takes_no_output(queue: Queue):
    terminal = on_a_terminal(queue, "echo begun; yes")
    terminal.type("\x03")
    terminal.wait_for("[d]etach")
    terminal.type("c\n")

    assert terminal.end() == 143


# A worker of its own


def pools_of_runs(queue: Queue) -> list[str]:
    """Return the processes of this store's own workers of `run --local`."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            is_one = b"queuectl.cli.local_pool" in (process / "cmdline").read_bytes()
            if is_one and queue.path.encode() in (process / "environ").read_bytes():
                found.append(process.name)
        except OSError:
            continue
    return found


def test_local_runs_the_job_in_a_worker_of_its_own_that_ends_with_it(queue: Queue):
    other = queue.enqueue("true", "--id", "other", "-p", "10")

    done = queue.run("run", "--local", "--needs", "gpu", "echo done; exit 3", "-r", "1", code=3)

    assert done.stdout == "done\ndone\n"
    assert [line.split(" ")[1] for line in done.stderr.splitlines()] == ["attempt", "dead"]
    assert queue.state(other) == "pending"
    assert (queue.workers(), pools_of_runs(queue)) == ([], [])
    assert not [name for name in os.listdir(queue.context.run_dir.bells) if name.startswith("j-")]


def test_local_waits_until_the_job_is_due(queue: Queue):
    assert queue.run("run", "--local", "--delay", "1s", "echo done").stdout == "done\n"


def test_local_runs_the_job_beside_busy_workers_of_others(queue: Queue):
    queue.start()
    queue.enqueue("sleep 1000", "--id", "busy")
    queue.wait_for("busy", "processing")

    assert queue.run("run", "--local", "echo done").stdout == "done\n"
    assert len(queue.workers()) == 1


def test_local_follows_a_worker_that_was_faster(queue: Queue):
    queue.start(workers=2)

    assert queue.run("run", "--local", "echo done").stdout == "done\n"
    assert pools_of_runs(queue) == []


def test_local_runs_a_held_job_once_it_is_released(queue: Queue):
    process = begin(queue, "--local", "--delay", "1h", "--id", "a", "echo done")
    wait_until(lambda: queue.context.store.jobs.these(["a"]))
    queue.run("hold", "a")
    queue.run("edit", "a", "--delay", "0")
    queue.run("release", "a")

    assert command.finished(process).out == "done\n"


def begin_local(queue: Queue, *words: str) -> subprocess.Popen[bytes]:
    process = begin(queue, "--local", "--id", "a", *words, "echo begun; exec sleep 1000")
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    return process


def test_an_interrupt_ends_the_job_and_the_worker_of_its_own(queue: Queue):
    process = begin_local(queue)
    process.send_signal(signal.SIGINT)

    assert command.finished(process).code == 143
    assert queue.state("a") == "cancelled"
    assert (queue.workers(), pools_of_runs(queue)) == ([], [])


def test_a_job_that_is_left_is_put_back_by_the_worker_of_its_own(queue: Queue):
    process = begin_local(queue, "--detach-on-interrupt")
    process.send_signal(signal.SIGINT)

    done = command.finished(process)

    assert done.code == 130
    assert "job a waits for a worker" in done.err
    assert queue.state("a") == "pending"
    assert (queue.workers(), pools_of_runs(queue)) == ([], [])


def test_a_worker_of_its_own_that_is_stopped_leaves_the_job_to_others(queue: Queue):
    process = begin_local(queue)
    queue.run("worker", "stop", "--now")
    wait_until(lambda: queue.state("a") == "pending")
    queue.start()
    queue.wait_for("a", "processing")
    queue.run("cancel", "a")

    assert command.finished(process).code == 143
    assert queue.outcomes("a") == ["released", "cancelled"]


def test_a_worker_of_its_own_counts_for_no_other_job(queue: Queue):
    process = begin_local(queue)
    other = queue.enqueue("true")

    assert queue.json("explain", other)["reasons"][0]["code"] == "no_workers"
    command.finished(queue_scale(queue)).refused(3, "no pool is running")
    process.send_signal(signal.SIGTERM)
    assert command.finished(process).code == 143


def queue_scale(queue: Queue) -> subprocess.Popen[bytes]:
    return command.start("worker", "scale", "3", env=queue.environment)
