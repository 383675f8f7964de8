"""An action that can be undone, and the result of an undo."""

from __future__ import annotations

from queuectl.domain.record import record


@record
class Undoable:
    """An action that can be undone."""

    id: int
    at: int
    actor: str
    """`user@host`."""
    verb: str
    """What was done: the name of the command."""
    command: str | None
    """The command line that did it; None where none is recorded."""
    jobs: int
    """Number of jobs that it changed."""


@record
class TakenBack:
    """The result of an undo."""

    id: int
    verb: str
    """What was undone: the name of the command."""
    restored: int
    """Number of jobs that are as before."""
    queues: frozenset[str]
    """Queues of the restored jobs."""
    jobs: tuple[tuple[str, str], ...] = ()
    """Ids and queues of the restored jobs; empty for an action on a selection."""
    left: tuple[tuple[str, str], ...] = ()
    """Ids of the other jobs, each with the reason why it was not restored; empty for an action on a selection."""
    left_out: int = 0
    """Jobs of a selection that were not restored, because they have run, changed or been deleted since."""
