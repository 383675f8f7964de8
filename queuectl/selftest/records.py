"""Records of a soak that are judged: rows of its store and lines of its pools' log."""

from __future__ import annotations

from queuectl.domain.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from queuectl.domain.attempt import Attempt
    from queuectl.domain.event import Event
    from queuectl.domain.job import Job
    from queuectl.domain.worker import WorkerLife


@record
class Records:
    """Rows of the store and lines of the pools' log. Times are by the store's clock."""

    jobs: Mapping[str, Job]
    runs: Mapping[tuple[str, int], Attempt]
    lives: Sequence[WorkerLife]
    events: Sequence[Event]
    log: Sequence[str]
    next_look_ms: int
    """Longest sleep in milliseconds of an idle worker that is not woken."""
    ended_at: int
