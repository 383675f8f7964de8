"""`run`, its worker and its pool are killed or stopped: the job loses nothing and is held up by nothing."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from queuectl.runtime.job_pipe import JobPipeReader, path_of
from queuectl.runtime.stale_files import litter
from tests.support import command
from tests.support.queue import Queue
from tests.support.waiting import PATIENCE, wait_until


def begin(queue: Queue, *words: str) -> subprocess.Popen[bytes]:
    return command.start("run", "--id", "a", *words, env=queue.environment, cwd=queue.directory)


def follow_a_flood(queue: Queue, *words: str) -> tuple[subprocess.Popen[bytes], Path]:
    """Begin a job that prints more than is kept, of which nothing is read; return the file that marks its end."""
    end = queue.directory / "end"
    process = begin(queue, *words, f"head -c 20000000 /dev/zero; touch {end}")
    wait_until(lambda: queue.json("show", "a", code=None).get("stdout_bytes"))
    assert not end.exists()
    return process, end


def live_files(queue: Queue) -> list[str]:
    live = Path(queue.context.run_dir.live)
    return [file.name for file in live.iterdir()] if live.exists() else []


def test_a_job_goes_on_at_full_speed_when_its_run_is_killed(queue: Queue):
    queue.start()
    process, end = follow_a_flood(queue)
    process.kill()

    assert queue.wait_for("a") == "completed"
    assert end.exists()
    assert queue.json("show", "a")["stdout_bytes"] == 20_000_000
    assert live_files(queue) == []


def test_a_pipe_that_a_killed_run_left_holds_up_no_job(queue: Queue):
    process = begin(queue, "echo done")
    wait_until(lambda: any(name.endswith(".run") for name in live_files(queue)))
    wait_until(lambda: queue.context.store.jobs.these(["a"]))
    process.kill()
    process.wait()
    queue.start()

    assert queue.wait_for("a") == "completed"
    assert live_files(queue) == []


def test_a_pipe_is_stale_once_its_run_is_gone(queue: Queue):
    run_dir = queue.context.run_dir
    run_dir.make()
    reader = JobPipeReader(run_dir.live, 1)
    os.mkfifo(path_of(run_dir.live, 2))
    for seq in (1, 2):
        os.utime(path_of(run_dir.live, seq), (0, 0))

    assert litter(queue.context.store, run_dir) == [path_of(run_dir.live, 2)]
    reader.close()


@pytest.mark.parametrize("how", ["cancel", "timeout"])
def test_a_stopped_run_slows_the_job_which_a_cancel_and_its_timeout_end(queue: Queue, how: str):
    queue.start()
    words = ("-r", "0", "--timeout", "1s") if how == "timeout" else ()
    process, end = follow_a_flood(queue, *words)
    process.send_signal(signal.SIGSTOP)
    if how == "cancel":
        queue.run("cancel", "a")

    assert queue.wait_for("a") == ("dead" if how == "timeout" else "cancelled")
    # The worker is free: it runs another job.
    assert queue.wait_for(queue.enqueue("true")) == "completed"
    process.send_signal(signal.SIGCONT)
    out, _ = process.communicate(timeout=PATIENCE)
    assert (process.returncode, end.exists()) == (124 if how == "timeout" else 143, False)
    assert set(out) == {0}


def test_a_run_that_was_stopped_reads_on_without_a_gap(queue: Queue):
    queue.start()
    process, end = follow_a_flood(queue)
    process.send_signal(signal.SIGSTOP)
    assert queue.state("a") == "processing"
    process.send_signal(signal.SIGCONT)
    out, err = process.communicate(timeout=PATIENCE)

    assert (len(out), err, process.returncode) == (20_000_000, b"", 0)
    assert end.exists()


def test_a_job_whose_worker_is_killed_is_followed_in_the_next_one(queue: Queue):
    pool = queue.start()
    gate = queue.directory / "gate"
    process = begin(queue, f"echo $QUEUECTL_ATTEMPT; until test -e {gate}; do sleep 0.05; done; echo done")
    assert process.stdout is not None
    assert process.stdout.readline() == b"1\n"
    os.kill(queue.busy_worker(), signal.SIGKILL)
    assert process.stdout.readline() == b"2\n"
    gate.touch()

    done = command.finished(process)

    assert (done.code, done.out) == (0, "done\n")
    assert done.err.splitlines()[-1] == "a: attempt 1 was lost with its worker, runs again"
    assert pool.process.poll() is None


def pool_of(process: subprocess.Popen[bytes]) -> int:
    """Return the pid of the supervisor of a `run --local`."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return int(wait_until(lambda: children.read_text().split())[0])


def begin_local(queue: Queue) -> subprocess.Popen[bytes]:
    process = begin(queue, "--local", "echo begun; exec sleep 1000")
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    return process


def test_the_worker_of_a_killed_run_ends_and_puts_the_job_back(queue: Queue):
    process = begin_local(queue)
    supervisor = pool_of(process)
    process.kill()

    assert queue.wait_for("a", "pending") == "pending"
    wait_until(lambda: not Path(f"/proc/{supervisor}").exists())
    assert (queue.workers(), queue.outcomes("a")) == ([], ["released"])
    queue.start()
    queue.wait_for("a", "processing")


def test_nothing_is_lost_when_a_run_and_its_whole_pool_are_killed(queue: Queue):
    process = begin_local(queue)
    supervisor = pool_of(process)
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    for pid in (process.pid, supervisor, *map(int, children)):
        os.kill(pid, signal.SIGKILL)
    process.wait()
    queue.start()

    wait_until(lambda: queue.outcomes("a") == ["lost", None])
    assert queue.state("a") == "processing"


def test_a_killed_worker_of_a_run_is_replaced(queue: Queue):
    process = begin_local(queue)
    os.kill(queue.busy_worker(), signal.SIGKILL)
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    process.send_signal(signal.SIGTERM)

    assert command.finished(process).code == 143
    assert queue.outcomes("a") == ["lost", "cancelled"]


def test_a_run_whose_pool_is_killed_cancels_the_job_that_nothing_runs(queue: Queue):
    process = begin(queue, "--local", "--delay", "1h", "true")
    wait_until(queue.workers)
    os.kill(pool_of(process), signal.SIGKILL)

    done = command.finished(process)

    assert done.code != 0
    assert "the worker for job a could not run it" in done.err
    assert queue.state("a") == "cancelled"
