"""Work in many transactions that a signal ends between two of them, and that says how much is committed."""

from __future__ import annotations

import signal
import threading

from queuectl.domain.errors import QueuectlError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType, TracebackType
    from typing import Any, Self

    from queuectl.operations.context import Context
    from queuectl.store.database import Database

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(QueuectlError):
    """Ended by a signal."""

    code = "interrupted"

    def __init__(self, message: str, number: int) -> None:
        """The exit code is the one that a shell has for the signal `number`."""
        super().__init__(message)
        self.exit_code = 128 + number


class Bulk:
    """Counts what is committed, and holds signals back until that count is right.

    `with Bulk(context, "deleted") as bulk: bulk.commits(); … bulk.add(1000)`. A signal before `commits` ends the work
    at once; later, at the next `add` or `check`, or while the store's lock is waited for. A second one does not wait.
    """

    def __init__(self, context: Context, done: str) -> None:
        """`done` says what is done to jobs: `deleted`."""
        self._context = context
        self._done = done
        self._committing = False
        self._signal = 0
        self._count = 0
        self._before: dict[int, Any] = {}
        self._waiting: Database | None = None
        """The database that asks us while it waits for its lock; before `commits` it need not be open."""

    def __enter__(self) -> Self:
        """Take the signals over, unless they are not ours: in a thread of the console, or ignored by nohup."""
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                if signal.getsignal(number) in {signal.SIG_DFL, signal.default_int_handler}:
                    self._before[number] = signal.signal(number, self._signalled)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._waiting is not None:
            self._waiting.on_wait = None

    def commits(self) -> None:
        """From here on transactions are committed."""
        self._committing = True
        # A server's answer is waited for after a COMMIT as well, which may be done: only a lock is safe to leave.
        if self._before and not self._context.store.database.remote:
            self._waiting = self._context.store.database
            self._waiting.on_wait = self.check

    def count(self, jobs: int) -> None:
        """Count the jobs of a transaction that is committed."""
        self._count += jobs

    def add(self, jobs: int) -> None:
        """Count the jobs of a transaction that is committed, and go on. Raises Interrupted after a signal."""
        self.count(jobs)
        self.check()

    def check(self) -> None:
        """Go on, unless there was a signal. Raises Interrupted."""
        if self._signal:
            raise Interrupted(self._told(), self._signal)

    def _signalled(self, number: int, _frame: FrameType | None) -> None:
        if self._signal or not self._committing:
            least = "at least " if self._signal else ""
            raise Interrupted(self._told(least), number)
        self._signal = number

    def _told(self, least: str = "") -> str:
        if not self._count:
            return f"interrupted; {'perhaps ' if least else ''}nothing was {self._done}"
        return f"interrupted; {least}{self._count:,} {'job was' if self._count == 1 else 'jobs were'} {self._done}"
