"""Other queues on PostgreSQL, to measure against: installed apart, started, given the same jobs.

Both are run as their documentation recommends for throughput, and with whatever else was faster here:

- The commands are started from threads (`asyncio.to_thread(subprocess.run, …)`): asyncio's own subprocesses are one
  and a half to eight times slower. The output is captured, as queuectl does: users of a queue of commands ask what the
  commands printed.
- pgqueuer: the driver asyncpg, uvloop, `pgq autovac`, batches of ten; one process, as two are hardly faster. Its own
  limit of concurrent jobs polls ten times a second once it is reached, so the limit is a semaphore of ours: the worker
  takes every job out of the store at once, which no second host could share, and eight of them run at a time.
- procrastinate: a connection for each concurrent job and one more. Two processes with four jobs each, as one with
  eight is held up by its event loop. uvloop did not help it.
- Every commit of all three waits for the disk, as the server has it. Imports and connections are made before the clock
  starts; for us it starts with the command.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.stage import ROOT

if TYPE_CHECKING:
    from tests.support.postgres import Server

_LOCK = ROOT / "requirements-benchmarks.txt"
_HOME = ROOT / ".venv" / "peers"
_PROCESSES = {"pgqueuer": 1, "procrastinate": 2}


def drained(server: Server, peer: str, *, jobs: int, at_once: int) -> float:
    """Jobs a second of a peer's workers that run `true` in a shell, `at_once` at a time, until nothing is left."""
    program = [_python(), str(Path(__file__).with_name(f"with_{peer}.py"))]
    url = server.create(empty=True)
    subprocess.run([*program, "fill", url, str(jobs)], check=True, stderr=subprocess.DEVNULL)
    count = _PROCESSES[peer]
    workers = [
        subprocess.Popen(
            [*program, "drain", url, str(at_once // count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(count)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"ready\n"
    start = time.perf_counter()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.close()
    codes = [worker.wait() for worker in workers]
    taken = time.perf_counter() - start
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.close()
    assert codes == [0] * count
    done = subprocess.run([*program, "done", url, "0"], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert int(done.stdout) == jobs
    server.drop(url)
    return jobs / taken


def _python() -> str:
    """The interpreter of the peers' environment, which is made when it is missing or older than the lock."""
    stamp = _HOME / "made-for"
    if not stamp.exists() or stamp.read_bytes() != _LOCK.read_bytes():
        print(f"installs {_LOCK.name} into {_HOME.relative_to(ROOT)}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", _HOME], check=True)
        subprocess.run(
            [_HOME / "bin" / "python", "-m", "pip", "install", "--quiet", "--require-hashes", "-r", _LOCK], check=True
        )
        stamp.write_bytes(_LOCK.read_bytes())
    return str(_HOME / "bin" / "python")
