"""A queue on a store of its own, driven by the command line as a user would."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

from queuectl import bootstrap
from queuectl.domain.errors import QueuectlError
from tests.support import forked
from tests.support.waiting import PATIENCE, wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from queuectl.operations.context import Context

ROOT = Path(__file__).resolve().parents[2]
QUEUECTL = str(ROOT / "bin" / "queuectl")


class Pool:
    """A `worker start` in the foreground."""

    def __init__(self, queue: Queue, *words: str, log: Path) -> None:
        self._queue = queue
        self._log = log
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [*queue.program, "worker", "start", *words],
                env=queue.environment,
                cwd=queue.directory,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=file,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self, seconds: float = PATIENCE) -> int:
        return self.process.wait(seconds)

    def kill(self, also: Iterable[int] = ()) -> None:
        """Kill the supervisor, its steward and its workers with -9, and wait until the workers are gone.

        `also` are further pids, which may be gone already.
        """
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for pid in (self.process.pid, *map(int, children)):
            os.kill(pid, signal.SIGKILL)
        for pid in also:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children))

    def end(self) -> None:
        """End the pool in any state, so that none of its processes outlives the test."""
        if self.process.poll() is None:
            self.send(signal.SIGCONT)
            self.send(signal.SIGTERM)
            self.send(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


class Queue:
    """The store, and the commands on it."""

    def __init__(self, directory: Path, *, store: Path | str | None = None, host: str | None = None) -> None:
        """Create a queue on a new store.

        `directory` holds files beside the store, such as the logs of pools, and by default the store; `store` is
        another file or a URL. Commands run as on a host named `host`.
        """
        self.program = [QUEUECTL] if host is None else [sys.executable, "-m", "tests.support.as_host", host]
        self.directory = directory
        self.path = str(store or directory / "queue.db")
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("QUEUECTL_") and name != "NO_COLOR"
        } | {
            "QUEUECTL_DB": self.path,
            "XDG_STATE_HOME": str(directory / "state"),
            "XDG_DATA_HOME": str(directory / "data"),
            "PYTHONPATH": str(ROOT),
        }
        self.context: Context = bootstrap.context(self.path, environ=self.environment)
        self._pools: list[Pool] = []

    def run(self, *words: str, given: str | bytes = "", code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; `code` is the expected exit code, None for any."""
        data = given if isinstance(given, bytes) else given.encode()
        done = self._run(words, data)
        out, err = done.stdout.decode(), done.stderr.decode()
        assert code is None or done.returncode == code, f"exit code {done.returncode}\n{out}\n{err}"
        assert "Traceback" not in err
        return subprocess.CompletedProcess(done.args, done.returncode, out, err)

    def _run(self, words: tuple[str, ...], given: bytes) -> subprocess.CompletedProcess[bytes]:
        if self.program == [QUEUECTL] and forked.can_run(self.environment):
            return forked.run(words, env=self.environment, cwd=self.directory, given=given)
        return subprocess.run(
            [*self.program, *words],
            env=self.environment,
            cwd=self.directory,
            input=given,
            capture_output=True,
            timeout=PATIENCE,
        )

    def begin(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a command whose output can be read while it runs."""
        return subprocess.Popen(
            [*self.program, *words],
            env=self.environment,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )

    def json(self, *words: str, code: int | None = 0) -> Any:
        """Return the document that a command prints with --json, an object without the version of its schema."""
        document = json.loads(self.run(*words, "--json", code=code).stdout)
        assert isinstance(document, list) or document.pop("schema") == 1
        return document

    def enqueue(self, command: str, *words: str) -> str:
        """Enqueue a command and return its id."""
        return self.run("enqueue", *words, command).stdout.strip()

    def state(self, id_: str) -> str:
        return self.context.store.jobs.state(id_).value

    def wait_for(self, id_: str, *states: str, seconds: float = PATIENCE) -> str:
        """Wait until a job is in one of `states` (by default final ones), and return the state."""
        wanted = states or ("completed", "dead", "cancelled")
        wait_until(lambda: self.state(id_) in wanted, seconds)
        return self.state(id_)

    def start(self, *words: str, workers: int = 1) -> Pool:
        """Start a pool and wait until its workers have registered."""
        # Compared by id: workers of an earlier pool may still be exiting.
        before = {seen.info.id for seen in self.workers()}
        pool = Pool(self, "--count", str(workers), *words, log=self.directory / f"pool{len(self._pools)}.log")
        self._pools.append(pool)
        wait_until(lambda: len({seen.info.id for seen in self.workers()} - before) >= workers)
        return pool

    def drain(self, *words: str, workers: int = 1) -> Pool:
        """Start a draining pool, without waiting."""
        pool = Pool(
            self, "--count", str(workers), "--drain", *words, log=self.directory / f"pool{len(self._pools)}.log"
        )
        self._pools.append(pool)
        return pool

    def workers(self) -> list[Any]:
        """Return the live workers."""
        from queuectl.runtime.liveness import living_workers

        return living_workers(self.context.store, self.context.run_dir, now=self.context.now())

    def busy_worker(self) -> int:
        """Return the pid of a worker that runs a job."""
        wait_until(lambda: any(seen.info.job for seen in self.workers()))
        return next(int(seen.info.pid) for seen in self.workers() if seen.info.job)

    def outcomes(self, id_: str) -> list[str | None]:
        """Return the outcomes of a job's attempts, in order."""
        seq = self.context.store.jobs.get(id_).job.seq
        return [None if a.outcome is None else a.outcome.value for a in self.context.store.jobs.attempts(seq)]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the jobs against changes by other clients."""
        database = self.context.store.database
        with database.transaction():
            if not database.exclusive:
                database.query("LOCK TABLE jobs")
            yield

    def _has_running_pools(self) -> bool:
        try:
            return bool(self.context.store.workers.running_pools())
        except QueuectlError:
            return True  # the test may have damaged the store, and its pools go on

    def close(self) -> None:
        if self._has_running_pools():
            self.run("worker", "stop", "--now", "--timeout", "10s", code=None)
        for pool in self._pools:
            pool.end()
        self.context.close()
