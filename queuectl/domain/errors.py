"""All errors that a user can meet, each with its exit code.

QueuectlError
├── UsageError          2  bad input: a flag, a job, a value
├── NotFound            3  what was named does not exist
├── Refused             4  wrong state, or the job already exists
├── StoreError          5  the store cannot be used
│   ├── StoreBusy          locked for longer than the wait
│   ├── StoreFull          no space left
│   ├── StoreUnreadable    corrupt, not a queuectl store, not a file, no permission
│   ├── StoreTooNew        made by a newer version
│   ├── StoreLost          permanent: waiting does not help
│   │   ├── StoreGone      deleted or replaced while it was in use
│   │   └── StoreDamaged   not a valid store, or no longer one; StoreUnreadable too
│   └── StoreUnreachable   its server does not answer
├── MachineUnfit        5  the machine does not allow workers to run
└── TimedOut          124  `wait` or `worker stop` ran out of time
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    ErrorCode: TypeAlias = Literal[
        "usage", "not_found", "refused", "already_there", "store", "store_busy", "store_full", "store_unreadable",
        "store_too_new", "store_gone", "store_unreachable", "machine", "timed_out", "interrupted", "internal", "error",
    ]  # fmt: skip
    """What kind of error it is."""


class QueuectlError(Exception):
    """A failure that is reported in one line; `hint` says what to do, `code` names it for scripts."""

    exit_code = 1
    code: ErrorCode = "error"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        """Store the message, one sentence without a full stop, and the hint."""
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(QueuectlError):
    """Bad input."""

    exit_code = 2
    code = "usage"


class NotFound(QueuectlError):
    """The named job, worker, pool, view or key does not exist."""

    exit_code = 3
    code = "not_found"


class Refused(QueuectlError):
    """The job's state does not allow the action, or the job already exists."""

    exit_code = 4
    code: ErrorCode = "refused"


class StoreError(QueuectlError):
    """The store cannot be used."""

    exit_code = 5
    code: ErrorCode = "store"


class StoreBusy(StoreError):
    """The lock was held by another process for longer than the wait: nothing was done."""

    code = "store_busy"
    place: str | None = None
    """Physical position of the locked row, as a server reports it; used to name the row's job."""


class StoreFull(StoreError):
    """No space left on the store's disk: nothing was done."""

    code = "store_full"


class StoreUnreadable(StoreError):
    """Corrupt, not a queuectl store, not a file, or not permitted."""

    code = "store_unreadable"


class StoreTooNew(StoreError):
    """Made by a newer version of queuectl."""

    code = "store_too_new"


class StoreLost(StoreError):
    """The store does not come back by itself: processes that use it end."""


class StoreGone(StoreLost):
    """Deleted or replaced while in use: a store opened now under this name is another one."""

    code = "store_gone"


class StoreDamaged(StoreLost, StoreUnreadable):
    """The file or the server's tables hold data that no version of queuectl has written."""

    code = "store_unreadable"


class StoreUnreachable(StoreError):
    """The store's server does not answer, or has stopped answering."""

    code = "store_unreachable"


class MachineUnfit(QueuectlError):
    """No worker can run here: no /proc, no shell, too few open files, no log."""

    exit_code = 5
    code = "machine"


class TimedOut(QueuectlError):
    """The time limit of a command ran out."""

    exit_code = 124
    code = "timed_out"
