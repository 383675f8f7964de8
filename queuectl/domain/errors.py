"""Everything that can go wrong for a user, each with its exit code.

QueuectlError
├── UsageError          2  bad input: a flag, a job, a value
├── NotFound            3  what was named does not exist
├── Refused             4  wrong state, or already there
├── StoreError          5  the store cannot be used
│   ├── StoreBusy          locked for longer than the wait
│   ├── StoreFull          no space left
│   ├── StoreUnreadable    corrupt, not ours, not a file, no permission
│   ├── StoreTooNew        made by a newer version
│   ├── StoreLost          no use in waiting for it
│   │   ├── StoreGone      deleted or replaced while it was in use
│   │   └── StoreDamaged   what it holds is no store, or no longer one; StoreUnreadable too
│   └── StoreUnreachable   its server does not answer
├── MachineUnfit        5  the machine does not allow workers to run
├── JobsFailed          1  a job that was waited for failed
└── TimedOut          124  `wait` or `worker stop` ran out of time
"""

from __future__ import annotations


class QueuectlError(Exception):
    """A failure to tell the user about in one line; `hint` says what to do, `code` names it for scripts."""

    exit_code = 1
    code = "error"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        """`message` is one sentence without a full stop."""
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(QueuectlError):
    """Bad input."""

    exit_code = 2
    code = "usage"


class NotFound(QueuectlError):
    """What was named does not exist."""

    exit_code = 3
    code = "not_found"


class Refused(QueuectlError):
    """The job is in the wrong state, or already there."""

    exit_code = 4
    code = "refused"


class StoreError(QueuectlError):
    """The store cannot be used."""

    exit_code = 5
    code = "store"


class StoreBusy(StoreError):
    """Locked for longer than the wait: nothing was done."""

    code = "store_busy"
    place: str | None = None
    """Where the row lies that is locked, as a server says it; known until its job has been named."""


class StoreFull(StoreError):
    """No space left where the store lives: nothing was done."""

    code = "store_full"


class StoreUnreadable(StoreError):
    """Corrupt, not a queuectl store, not a file, or not permitted."""

    code = "store_unreadable"


class StoreTooNew(StoreError):
    """Made by a newer version of queuectl."""

    code = "store_too_new"


class StoreLost(StoreError):
    """It does not come back by itself: who works on it ends."""


class StoreGone(StoreLost):
    """Deleted or replaced while it was in use: what is opened anew is another store."""

    code = "store_gone"


class StoreDamaged(StoreLost, StoreUnreadable):
    """The file, or the server's tables, hold what no version of queuectl has written."""

    code = "store_unreadable"


class StoreUnreachable(StoreError):
    """The server of the store does not answer, or no longer does."""

    code = "store_unreachable"


class MachineUnfit(QueuectlError):
    """No worker can run here: no /proc, no shell, too few open files, no log."""

    exit_code = 5
    code = "machine"


class JobsFailed(QueuectlError):
    """A job that was waited for failed."""

    exit_code = 1
    code = "jobs_failed"


class TimedOut(QueuectlError):
    """Ran out of the time that was given."""

    exit_code = 124
    code = "timed_out"
