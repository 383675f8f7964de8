"""Clients of a stress run: processes that enqueue granted jobs, and record what was acknowledged."""

from __future__ import annotations

import os
import subprocess
import sys

from queuectl.domain.record import record
from queuectl.selftest.workload import id_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_GRANTED = 200
"""Most bytes in a client's pipe: jobs that are granted to it and not enqueued yet."""


@record
class ClientConfig:
    """Parameters that all clients share."""

    directory: str
    store: str
    ledger: str
    seed: int
    environment: Mapping[str, str]
    log: str
    alive: int
    """The descriptor of a lock that each client inherits and holds until it exits."""


class Client:
    """One client process, which is restarted when it is killed."""

    def __init__(self, config: ClientConfig, number: int) -> None:
        """Start the process, which does nothing before jobs are granted to it."""
        self._config = config
        self._number = number
        self.path = os.path.join(config.directory, f"acknowledged-{number}")
        with open(self.path, "ab"):
            pass
        self._file = open(self.path, "rb", buffering=0)  # noqa: SIM115 - open until `end`
        self.acknowledged: list[str] = []
        """Ids of the jobs whose enqueue was acknowledged."""
        self._granted = 0
        self._start()

    def _start(self) -> None:
        config = self._config
        numbers = str(config.seed), str(self._number), str(len(self.acknowledged))
        arguments = [config.store, config.ledger, self.path, *numbers]
        self._granted = len(self.acknowledged)
        with open(config.log, "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-m", "queuectl.cli.enqueuer", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env=config.environment,
                cwd=config.directory,
                start_new_session=True,
                pass_fds=(config.alive,),
            )

    @property
    def outstanding(self) -> int:
        """How many granted jobs it has not enqueued yet."""
        return self._granted - len(self.acknowledged)

    @property
    def asked(self) -> str:
        """The id of the job that may be stored although its enqueue was not acknowledged."""
        return id_of(self._config.seed, self._number, len(self.acknowledged))

    def grant(self, jobs: int) -> None:
        """Grant `jobs` more jobs to the process, or as many as its pipe may hold."""
        jobs = min(jobs, _GRANTED - self.outstanding)
        if jobs > 0 and self.process.stdin is not None:
            try:
                os.write(self.process.stdin.fileno(), b"." * jobs)
            except BrokenPipeError:
                return  # it has died; the restarted process is granted them
            self._granted += jobs

    def poll(self) -> int | None:
        """Read new acknowledgements, and restart a killed process; return the exit code if it gave up, else None."""
        code = self.process.poll()
        self.read()
        if code is None:
            return None
        if code < 0:
            self._close()
            self._start()
            return None
        return code

    def kill(self) -> bool:
        """Kill the process with SIGKILL; False if it was already dead."""
        if self.process.poll() is not None:
            return False
        self.process.kill()
        return True

    def finish(self, seconds: float) -> int:
        """Close its input, wait for its end and return its exit code. Raises subprocess.TimeoutExpired."""
        self._close()
        code = self.process.wait(seconds)
        self.read()
        return code

    def end(self) -> None:
        """Kill the process and close its files, whatever its state."""
        self._close()
        self.process.kill()
        self.process.wait()
        self._file.close()

    def _close(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()

    def read(self) -> None:
        """Read new acknowledgements. No line is partial: the kernel kills no process in the middle of a write."""
        self.acknowledged += self._file.read().decode(errors="backslashreplace").split()
