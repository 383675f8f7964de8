"""Sandbox of a self-test: a store of its own, a pool that is restarted when it is killed, and a guardian.

Should the self-test be killed in any way, its guardian stops the pool and deletes the directory.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager

from queuectl.domain.errors import StoreUnreadable, TimedOut
from queuectl.runtime import system
from queuectl.runtime.locks import hold
from queuectl.runtime.stopping import stop_all
from queuectl.selftest.leak_check import end_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from queuectl.domain.clock import Clock
    from queuectl.runtime.run_dir import RunDir
    from queuectl.store.store import Store

COMMAND = (sys.executable, "-I", "-m", "queuectl.cli")
_GUARDIAN = (sys.executable, "-I", "-m", "queuectl.selftest.guardian")
_PATIENCE = 30.0
_LONGEST_COMMAND = 600.0
ALIVE = "alive"
"""Name of the lock file in the directory that the self-test, its pools and its clients hold."""


def make_directory(location: str) -> str:
    """Create a directory for a self-test beside the store at `location`, on the same disk. Raises StoreUnreadable."""
    home = os.path.dirname(location)
    try:
        os.makedirs(home, mode=0o700, exist_ok=True)
        return tempfile.mkdtemp(prefix="selftest-", dir=home)
    except OSError as error:
        raise StoreUnreadable(f"{home} cannot hold a store for the test: {error.strerror}") from None


def surroundings() -> dict[str, str]:
    """Return the environment of a self-test's processes, without variables that configure queuectl.

    QUEUECTL_RUN stays: if a job runs this self-test, a steward that clears up after that job must find them.
    """
    return {
        name: value for name, value in os.environ.items() if not name.startswith("QUEUECTL_") or name == "QUEUECTL_RUN"
    }


class Sandbox:
    """The pools and the guardian of a self-test, and the commands that are run on its store."""

    def __init__(
        self,
        directory: str,
        run_dir: RunDir,
        *,
        location: str,
        clock: Clock,
        workers: int,
        given: str | None = None,
        scratch: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Use `directory`, and the store at `location`, which is in it or on a server.

        `given` is the store's URL if it contains a password, `scratch` the environment with which
        `queuectl.cli.scratch` drops its database, `variables` additions to the environment of its processes.
        """
        self.directory = directory
        self.location = location
        self.run_dir = run_dir
        self.clock = clock
        self.ledger = os.path.join(directory, "ledger")
        self.pool_log = os.path.join(directory, "pool.log")
        self.environment: Mapping[str, str] = surroundings() | dict(variables or {})
        self.stands = False
        """Whether processes of it may live."""
        self.alive = -1
        """The descriptor of the lock that its pools and clients inherit."""
        self._command = [*COMMAND, "--db", location]
        if given is not None and given != location:
            # Every user of the machine can read arguments. Without a password QUEUECTL_DB stays unset: `processes_of`
            # takes a process that has it and a cookie for a process of a job.
            self._command = [*COMMAND]
            self.environment |= {"QUEUECTL_DB": given}
        self._scratch = dict(scratch or {})
        self._workers = workers
        self._pool: subprocess.Popen[bytes] | None = None
        self._others: list[subprocess.Popen[bytes]] = []
        self._killed = False

    @contextmanager
    def held(self, store: Store) -> Iterator[None]:
        """Start the guardian, then the pool; on exit end all pools of the store at once.

        If that is interrupted, the guardian does the rest.
        """
        self.stands = True
        self.alive = hold(os.path.join(self.directory, ALIVE))
        guardian = subprocess.Popen(
            [*_GUARDIAN, self.directory, self.run_dir.root, self.location, *self._command],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**self.environment, **self._scratch},
            cwd="/",
            start_new_session=True,
        )
        try:
            self.start_pool()
            yield
        finally:
            if self._pool is not None:
                self._end([self._pool, *self._others], store)
            os.close(self.alive)
            guardian.communicate(b"all is done\n")
            self.stands = False

    def _end(self, pools: Sequence[subprocess.Popen[bytes]], store: Store) -> None:
        """End these pools, and all that earlier ones and their jobs have left."""
        for pool in pools:
            pool.terminate()
        try:
            stop_all(store, self.run_dir, self.clock, now=True, timeout=_PATIENCE)
            for pool in pools:
                pool.wait(_PATIENCE)
        except (TimedOut, subprocess.TimeoutExpired):
            # A pool hangs, which the caller has already recorded.
            for pool in pools:
                pool.kill()
            for worker in store.workers.running_workers():
                if worker.pid_start is not None:
                    system.send(worker.pid, worker.pid_start, signal.SIGKILL)
            for pool in pools:
                pool.wait()
        end_all(self.location)

    def start_pool(self) -> None:
        """Start the pool, or another one after it has ended."""
        self._pool = self._start("--count", str(self._workers))
        self._killed = False

    def start_drain(self, workers: int) -> subprocess.Popen[bytes]:
        """Start a second pool, which ends when no job is left to run."""
        pool = self._start("--count", str(workers), "--drain")
        self._others = [*(each for each in self._others if each.poll() is None), pool]
        return pool

    def _start(self, *options: str) -> subprocess.Popen[bytes]:
        with open(self.pool_log, "ab") as log:
            return subprocess.Popen(
                [*self._command, "worker", "start", *options, "--quiet"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env=self.environment,
                cwd=self.directory,
                start_new_session=True,
                pass_fds=(self.alive,),
            )

    def run(self, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run queuectl on the store with `given` on its standard input. Raises subprocess.TimeoutExpired."""
        return subprocess.run(
            [*self._command, *arguments],
            input=given,
            capture_output=True,
            env=self.environment,
            cwd=self.directory,
            start_new_session=True,
            timeout=_LONGEST_COMMAND,
            check=False,
        )

    @property
    def supervisor(self) -> int:
        """The pid of the pool's supervisor."""
        return self._process.pid

    @property
    def _process(self) -> subprocess.Popen[bytes]:
        if self._pool is None:
            raise RuntimeError("no pool has been started")
        return self._pool

    def poll(self) -> int | None:
        """Restart the pool if it was killed; return its exit code if it ended by itself, else None."""
        code = self._process.poll()
        if code is None:
            return None
        if self._killed and code == -signal.SIGKILL:
            self.start_pool()
            return None
        return code

    def kill_supervisor(self) -> bool:
        """Kill the supervisor with SIGKILL, and wait for its end; False if it was already dead."""
        if self._process.poll() is not None:
            return False
        self._killed = True
        self._process.kill()
        # Otherwise the end might be noticed only after the last `poll`, and look like a fault of the pool.
        self._process.wait(_PATIENCE)
        return True

    def stop(self) -> int:
        """Let the workers finish and the pool end; return its exit code. Raises subprocess.TimeoutExpired."""
        self._process.terminate()
        return self.ended()

    def ended(self) -> int:
        """Wait for the end of a pool that is stopping; return its exit code. Raises subprocess.TimeoutExpired."""
        return self._process.wait(_PATIENCE)
