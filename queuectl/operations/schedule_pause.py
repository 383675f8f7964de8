"""Pause and resume schedules."""

from __future__ import annotations

from queuectl.domain.record import field, record, replace
from queuectl.operations.operation import Heading, Operation
from queuectl.operations.queue_pause import check_reason, paused_for
from queuectl.operations.schedules import missing, recorded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from queuectl.domain.schedule import Schedule
    from queuectl.operations.context import Context
    from queuectl.operations.schedules import ScheduleRecord


@record
class PauseSchedules:
    """Parameters of `schedule pause`."""

    names: tuple[str, ...] = field("the schedules", metavar="NAME", completes="schedules", positional=True)
    reason: str | None = field("why, for others who look at the schedule", default=None, metavar="TEXT")


@record
class ResumeSchedules:
    """Parameters of `schedule resume`."""

    names: tuple[str, ...] = field("the schedules", metavar="NAME", completes="schedules", positional=True)


def pause(context: Context, params: PauseSchedules) -> list[ScheduleRecord]:
    """Fire these schedules no more, until they are resumed. Raises NotFound."""
    check_reason(params.reason)
    now = context.now()

    def paused(of: Schedule) -> Schedule:
        return replace(of, pause=paused_for(of.pause, params.reason, by=context.actor, now=now))

    return _change(context, params.names, paused, "schedule pause", params.reason, unchanged="paused already", now=now)


def resume(context: Context, params: ResumeSchedules) -> list[ScheduleRecord]:
    """Fire these schedules again, at their times from now on. Raises NotFound."""
    from queuectl.domain.timing import next_time

    now = context.now()

    def resumed(of: Schedule) -> Schedule:
        if of.pause is None:
            return of
        return replace(of, pause=None, next_at=next_time(of.timing, now))

    return _change(context, params.names, resumed, "schedule resume", unchanged="not paused", now=now)


def _change(
    context: Context,
    names: Sequence[str],
    change: Callable[[Schedule], Schedule],
    verb: str,
    detail: str | None = None,
    *,
    unchanged: str,
    now: int,
) -> list[ScheduleRecord]:
    names = list(dict.fromkeys(names))
    for name in names:
        if context.store.schedules.find(name) is None:
            raise missing(name)
    found = []
    with context.store.undo.keeping(verb, now=now):
        for name in names:

            def changed(there: Schedule | None, name: str = name) -> Schedule:
                if there is None:
                    raise missing(name)
                return change(there)

            before, after = context.store.schedules.change(
                name, changed, verb=verb.replace(" ", "_"), detail=detail, now=now
            )
            if after is not None:
                if before == after:
                    context.say(f"schedule {name} is {unchanged}")
                found.append(recorded(context, after))
    return found


PAUSE = Operation(
    name="schedule pause",
    heading=Heading.SCHEDULES,
    see=("schedule resume", "queue pause"),
    summary="Fire a schedule no more until it is resumed",
    params=PauseSchedules,
    run=pause,
    description="Jobs that it has enqueued stay. The times of a pause are not made up for.",
    examples=("schedule pause nightly --reason 'the disk is full'",),
)
RESUME = Operation(
    name="schedule resume",
    heading=Heading.SCHEDULES,
    see=("schedule pause",),
    summary="Fire a paused schedule again",
    params=ResumeSchedules,
    run=resume,
    examples=("schedule resume nightly",),
)
