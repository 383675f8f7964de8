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
    rows: int = 0
    """Number of queues and schedules that it changed."""

    @property
    def changes(self) -> int:
        """Number of jobs, queues and schedules that it changed; 0: it cannot be undone."""
        return self.jobs + self.rows


@record
class TakenBack:
    """The result of an undo."""

    id: int
    verb: str
    """What was undone: the name of the command."""
    restored: int
    """Number of jobs, or of queues, that are as before."""
    queues: frozenset[str]
    """Queues whose workers may have more to do: of the restored jobs, and those whose settings were restored."""
    jobs: tuple[tuple[str, str], ...] = ()
    """Ids and queues of the restored jobs; empty for an action on a selection."""
    left: tuple[tuple[str, str], ...] = ()
    """Ids of the other jobs, each with the reason why it was not restored; empty for an action on a selection."""
    changed_queues: tuple[str, ...] = ()
    """Names of the queues that have their earlier settings again; `queue_settings.ALL` among them stands for all."""
    changed_schedules: tuple[str, ...] = ()
    """Names of the schedules that are as before."""
    left_out: int = 0
    """Jobs of a selection that were not restored, because they have run, changed or been deleted since."""
