"""A store and pools to measure on: the real commands, in a directory that goes away."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from queuectl import bootstrap

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from queuectl.operations.context import Context

ROOT = Path(__file__).resolve().parents[2]
QUEUECTL = str(ROOT / "bin" / "queuectl")


class Stage:
    """A fresh store in a directory of the disk that the checkout is on, or on a server at `url`."""

    def __init__(self, url: str | None = None) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix=".bench-", dir=ROOT))
        self.path = url or str(self.directory / "queue.db")
        # The run directory of a store on a server is in the user's data directory.
        self._data, os.environ["XDG_DATA_HOME"] = os.environ.get("XDG_DATA_HOME"), str(self.directory)
        self.environment = {**os.environ, "QUEUECTL_DB": self.path}
        self._pool: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_pool()
        if self._data is None:
            del os.environ["XDG_DATA_HOME"]
        else:
            os.environ["XDG_DATA_HOME"] = self._data
        shutil.rmtree(self.directory, ignore_errors=True)

    def run(self, *words: str, given: bytes = b"") -> bytes:
        """Run a queuectl command to its end; what it printed."""
        return subprocess.run(
            [QUEUECTL, *words],
            env=self.environment,
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=True,
        ).stdout

    def context(self) -> Context:
        """The operations' context, in this process."""
        return bootstrap.context(self.path)

    def start_pool(self, workers: int) -> int:
        """Start a pool and wait until its workers have reported in; the supervisor's pid."""
        self._pool = subprocess.Popen(
            [QUEUECTL, "worker", "start", "--count", str(workers)],
            env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        context = self.context()
        while len(context.store.workers.running_workers()) < workers:
            time.sleep(0.01)
        context.close()
        return self._pool.pid

    def stop_pool(self) -> None:
        """End the pool."""
        if self._pool is not None:
            self._pool.send_signal(signal.SIGTERM)
            self._pool.wait()
            self._pool = None


def python() -> str:
    """The interpreter of the checkout's environment."""
    return sys.executable


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    found = [pid]
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found.extend(family(int(child)))
    return found


def timed(work: list[str], *, given: bytes = b"", env: dict[str, str] | None = None) -> float:
    """Seconds of a process from start to end."""
    start = time.perf_counter()
    subprocess.run(work, input=given, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start
