"""The clients of a siege: processes that enqueue what they are told to, and note what was acknowledged."""

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
"""Bytes that stand in a client's pipe at most: jobs that it may enqueue without asking."""


@record
class ClientConfig:
    """What all of them have in common."""

    directory: str
    store: str
    ledger: str
    seed: int
    environment: Mapping[str, str]
    log: str
    alive: int
    """The descriptor of a lock that they hold while they live."""


class Client:
    """One client, and the one that takes its place when it is killed."""

    def __init__(self, desk: ClientConfig, number: int) -> None:
        """Start it. It does nothing before jobs are granted to it."""
        self._desk = desk
        self._number = number
        self.path = os.path.join(desk.directory, f"acknowledged-{number}")
        with open(self.path, "ab"):
            pass
        self._file = open(self.path, "rb", buffering=0)  # noqa: SIM115 - open until `end`
        self.acknowledged: list[str] = []
        """The ids that were told to have been stored."""
        self._granted = 0
        self._start()

    def _start(self) -> None:
        desk = self._desk
        words = [desk.store, desk.ledger, self.path, str(desk.seed), str(self._number), str(len(self.acknowledged))]
        self._granted = len(self.acknowledged)
        with open(desk.log, "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-m", "queuectl.cli.enqueuer", *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env=desk.environment,
                cwd=desk.directory,
                start_new_session=True,
                pass_fds=(desk.alive,),
            )

    @property
    def outstanding(self) -> int:
        """How many jobs it may enqueue and has not."""
        return self._granted - len(self.acknowledged)

    @property
    def asked(self) -> str:
        """The id of the job that it may have stored without a word of it."""
        return id_of(self._desk.seed, self._number, len(self.acknowledged))

    def grant(self, jobs: int) -> None:
        """Let it enqueue so many more, or as many as it can be told of."""
        jobs = min(jobs, _GRANTED - self.outstanding)
        if jobs > 0 and self.process.stdin is not None:
            try:
                os.write(self.process.stdin.fileno(), b"." * jobs)
            except BrokenPipeError:
                return  # it has died; its successor is granted them
            self._granted += jobs

    def look(self) -> int | None:
        """Read what was acknowledged, and put another in the place of one that died; its code if it gave up."""
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
        """Kill it with -9; False when it was dead."""
        if self.process.poll() is not None:
            return False
        self.process.kill()
        return True

    def finish(self, seconds: float) -> int:
        """Let it come to its end, and give its exit code. Raises subprocess.TimeoutExpired."""
        self._close()
        code = self.process.wait(seconds)
        self.read()
        return code

    def end(self) -> None:
        """Whatever it does: let nothing of it be left."""
        self._close()
        self.process.kill()
        self.process.wait()
        self._file.close()

    def _close(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()

    def read(self) -> None:
        """Read on. Whoever wrote half a line was killed in the middle of one write, which the kernel does not do."""
        self.acknowledged += self._file.read().decode(errors="backslashreplace").split()
