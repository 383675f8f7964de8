"""A pool whose log is not read: a pager that waits, or a terminal that was paused with Ctrl+S."""

from __future__ import annotations

import fcntl
import os
import pty
import sys
import termios
from contextlib import contextmanager
from pathlib import Path

from tests.support import command
from tests.support.queue import Queue
from tests.support.waiting import wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

JOBS = 60


@contextmanager
def pool_with_log(queue: Queue, stderr: int) -> Iterator[subprocess.Popen[bytes]]:
    """Start a pool of two workers that writes its log to `stderr`; end it, if the test has not."""
    process = command.start("worker", "start", "--count", "2", env=queue.environment, stderr=stderr)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def enqueue_jobs(queue: Queue) -> list[str]:
    """Enqueue more jobs than the log has space for, of a kind that is logged: they fail."""
    lines = '{"command": "exit 1", "max_retries": 0}\n' * JOBS
    return queue.run("enqueue", "-f", "-", given=lines).stdout.split()


def run_jobs(queue: Queue) -> None:
    for id_ in enqueue_jobs(queue):
        queue.wait_for(id_)


def test_jobs_run_while_the_log_goes_to_a_pipe_that_is_not_read(queue: Queue):
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writer, b"." * 4096)
    with pool_with_log(queue, writer) as pool, open(reader, "rb") as log:
        os.close(writer)
        run_jobs(queue)
        # The reader goes on: what was left out is counted.
        log.read(4096)
        queue.run("worker", "stop")
        rest = log.read().decode()
        assert pool.wait() == 0

    assert "of this log left out: standard error was not read" in rest


def test_jobs_run_while_the_terminal_of_the_pool_is_paused(queue: Queue, tmp_path: Path):
    gate = tmp_path / "gate"
    first = queue.enqueue(f"until [ -e {gate} ]; do sleep 0.05; done")
    ours, theirs = pty.openpty()
    try:
        with pool_with_log(queue, theirs) as pool:
            queue.wait_for(first, "processing")
            termios.tcflow(theirs, termios.TCOOFF)
            ids = enqueue_jobs(queue)
            gate.touch()
            for id_ in ids:
                queue.wait_for(id_)
            termios.tcflow(theirs, termios.TCOON)
            os.set_blocking(ours, False)
            queue.run("worker", "stop")
            wait_until(lambda: read(ours) and pool.poll() is not None)
            assert pool.returncode == 0
    finally:
        os.close(theirs)
        os.close(ours)


def test_a_progress_bar_does_not_wait_for_a_paused_terminal():
    ours, theirs = pty.openpty()
    termios.tcflow(theirs, termios.TCOOFF)
    drawing = """
import sys
from queuectl.cli.progress import Bar
Bar(sys.stderr, 80).show(1, 2, "jobs")
"""
    try:
        process = command.start(drawing, env=os.environ, program=(sys.executable, "-c"), stderr=theirs)
        wait_until(lambda: process.poll() is not None)
        assert process.returncode == 0
    finally:
        os.close(theirs)
        os.close(ours)


def read(terminal: int) -> bool:
    """Read what a terminal shows, so that its writers go on."""
    try:
        os.read(terminal, 65_536)
    except BlockingIOError:
        pass
    return True


def test_a_log_in_a_file_has_every_line(queue: Queue, tmp_path: Path):
    path = tmp_path / "log"
    with path.open("wb") as file, pool_with_log(queue, file.fileno()) as pool:
        run_jobs(queue)
        queue.run("worker", "stop")
        assert pool.wait() == 0
    assert path.read_text().count("exit code 1") == JOBS
