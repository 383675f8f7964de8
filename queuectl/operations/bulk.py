"""Work in several transactions: a signal ends it between two of them, with an error that counts what is committed."""

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
        """Set the exit code to that of a shell for the signal `number`: 128 + `number`."""
        super().__init__(message)
        self.exit_code = 128 + number


class Bulk:
    """Count of committed jobs; delays signals until that count is correct.

    `with Bulk(context, "deleted") as bulk: bulk.commits(); … bulk.add(1000)`. A signal before `commits` ends the work
    at once; a later one ends it at the next `add` or `check`, or while it waits for the store's lock. A second signal
    ends it at once.
    """

    def __init__(self, context: Context, done: str) -> None:
        """Count jobs of the store of `context`; `done` is the participle for messages: `deleted`."""
        self._context = context
        self._done = done
        self._committing = False
        self._signal = 0
        self._count = 0
        self._previous_handlers: dict[int, Any] = {}
        self._waiting: Database | None = None
        """The database whose `on_wait` is set to `check`; before `commits` it need not be open."""

    def __enter__(self) -> Self:
        """Handle the signals, except in a thread of the console and where they are ignored, as under nohup."""
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                if signal.getsignal(number) in {signal.SIG_DFL, signal.default_int_handler}:
                    self._previous_handlers[number] = signal.signal(number, self._signalled)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous_handlers.items():
            signal.signal(number, handler)
        if self._waiting is not None:
            self._waiting.on_wait = None

    def commits(self) -> None:
        """Mark the point from which transactions are committed."""
        self._committing = True
        # Not on a server: a wait for its reply may follow a COMMIT that has succeeded. Only a wait for a lock is safe
        # to abandon.
        if self._previous_handlers and not self._context.store.database.remote:
            self._waiting = self._context.store.database
            self._waiting.on_wait = self.check

    def count(self, jobs: int) -> None:
        """Count the jobs of a transaction that is committed."""
        self._count += jobs

    def add(self, jobs: int) -> None:
        """Count the jobs of a transaction that is committed. Raises Interrupted after a signal."""
        self.count(jobs)
        self.check()

    def check(self) -> None:
        """Raise Interrupted if there was a signal."""
        if self._signal:
            raise Interrupted(self._message(), self._signal)

    def _signalled(self, number: int, _frame: FrameType | None) -> None:
        if self._signal or not self._committing:
            least = "at least " if self._signal else ""
            raise Interrupted(self._message(least), number)
        self._signal = number

    def _message(self, least: str = "") -> str:
        if not self._count:
            return f"interrupted; {'perhaps ' if least else ''}nothing was {self._done}"
        return f"interrupted; {least}{self._count:,} {'job was' if self._count == 1 else 'jobs were'} {self._done}"
