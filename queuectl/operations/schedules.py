"""List schedules, show one, and compute the times of one."""

from __future__ import annotations

from queuectl.domain.errors import NotFound, UsageError
from queuectl.domain.record import field, record
from queuectl.domain.schedule import Timing
from queuectl.domain.text import one_line
from queuectl.domain.units import format_time
from queuectl.operations.document import Document
from queuectl.operations.operation import Heading, Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias, TypedDict

    from queuectl.domain.job import JobState
    from queuectl.domain.json_types import Seconds, Timestamp
    from queuectl.domain.schedule import Fire, Missed, Overlap, Schedule
    from queuectl.operations.context import Context

    SkipReason: TypeAlias = Literal["missed", "overlap"]
    """`missed`: no pool ran at that time. `overlap`: the job before waited or ran."""

    class ScheduleDocument(TypedDict):
        """A schedule.

        See `Schedule`.
        """

        name: str
        cron: str | None
        """The cron expression; null for a schedule that fires at an interval."""
        every_seconds: Seconds | None
        """The interval; null for a schedule with a cron expression."""
        timezone: str | None
        """The time zone of the cron expression; null for a schedule that fires at an interval."""
        overlap: Overlap
        missed: Missed
        jitter_seconds: Seconds
        """By how much a job is due later than its planned time, at most."""
        command: str
        """The command of its jobs."""
        queue: str
        """The queue of its jobs."""
        next_at: Timestamp | None
        """When it fires next; null while it is paused, and if it never fires again."""
        last_at: Timestamp | None
        """The last planned time that it has fired or skipped; null before the first."""
        last_job: str | None
        """The ID of the last job that it enqueued; null before the first."""
        last_state: JobState | None
        """The state of that job; null where it does not exist any more."""
        pause: SchedulePause | None
        """Its pause; null if it is not paused."""
        created_at: Timestamp
        created_by: str

    class SchedulePause(TypedDict):
        """The pause of a schedule."""

        at: Timestamp
        """When it was paused."""
        by: str
        """Who paused it: `user@host`."""
        reason: str | None
        """Why, in the words of the user; null where none were given."""

    class ScheduleDetailDocument(ScheduleDocument):
        """A schedule with its next times and its last fires."""

        next: list[Timestamp]
        """Its next times."""
        fires: list[FireDocument]
        """Its last fires, the newest first."""

    class FireDocument(TypedDict):
        """A planned time of a schedule, and what was enqueued for it.

        See `Fire`.
        """

        scheduled_for: Timestamp
        """The planned time."""
        at: Timestamp
        job: str | None
        skipped: SkipReason | None
        """Why no job was enqueued; null where one was."""


SHOWN_TIMES = 5
SHOWN_FIRES = 10
MOST_TIMES = 1000


@record
class ListSchedules:
    """No parameters."""


@record
class ShowSchedule:
    """Parameters of `schedule show`."""

    name: str = field("the schedule", metavar="NAME", completes="schedules", positional=True)


@record
class NextTimes:
    """Parameters of `schedule next`."""

    what: str = field(
        "a schedule, or a cron expression in quotes", metavar="NAME|CRON", completes="schedules", positional=True
    )
    number: int = field("how many times (default: 5)", default=SHOWN_TIMES, short="n", metavar="N")
    tz: str | None = field(
        "the time zone of the cron expression (default: the local one)", default=None, metavar="ZONE"
    )


@record
class ScheduleRecord:
    """A schedule, and the last job that it enqueued."""

    schedule: Schedule
    last_job: str | None
    last_state: JobState | None

    def document(self) -> ScheduleDocument:
        """Return the JSON form."""
        of, timing, pause = self.schedule, self.schedule.timing, self.schedule.pause
        # Imported here: a result alone needs no store.
        from queuectl.store.schedules import new_job

        job = new_job(of)
        return {
            "name": of.name,
            "cron": timing.cron,
            "every_seconds": None if timing.every_ms is None else timing.every_ms / 1000,
            "timezone": timing.zone,
            "overlap": of.overlap,
            "missed": of.missed,
            "jitter_seconds": of.jitter_ms / 1000,
            "command": job.command,
            "queue": job.queue,
            "next_at": None if of.next_at is None or pause is not None else format_time(of.next_at),
            "last_at": None if of.last_at is None else format_time(of.last_at),
            "last_job": self.last_job,
            "last_state": self.last_state,
            "pause": None if pause is None else {"at": format_time(pause.at), "by": pause.by, "reason": pause.reason},
            "created_at": format_time(of.created_at),
            "created_by": of.created_by,
        }


@record
class ScheduleDetail:
    """A schedule, with its next times and its last fires."""

    of: ScheduleRecord
    next: tuple[int, ...]
    fires: tuple[Fire, ...]

    def document(self) -> ScheduleDetailDocument:
        """Return the JSON form."""
        return {
            **self.of.document(),
            "next": [format_time(at) for at in self.next],
            "fires": [
                {
                    "scheduled_for": format_time(each.planned_at),
                    "at": format_time(each.at),
                    "job": each.job,
                    "skipped": each.skipped,  # type: ignore[typeddict-item]  # the schema of the store allows no other
                }
                for each in self.fires
            ],
        }


@record
class NextTime(Document):
    """A time at which a schedule fires."""

    at: Timestamp
    """The time."""


def list_schedules(context: Context, _params: ListSchedules) -> list[ScheduleRecord]:
    """Return all schedules, by name; say so if no pool runs that could fire them."""
    found = [recorded(context, each) for each in context.store.schedules.all()]
    if any(each.schedule.pause is None for each in found):
        say_without_pool(context)
    return found


def show_schedule(context: Context, params: ShowSchedule) -> ScheduleDetail:
    """Return a schedule with its next times and its last fires. Raises NotFound."""
    from queuectl.domain.timing import times

    schedule = existing(context, params.name)
    is_paused = schedule.pause is not None or schedule.next_at is None
    coming: list[int] = []
    if not is_paused:
        try:
            coming = times(schedule.timing, (schedule.next_at or 0) - 1, SHOWN_TIMES)
        except UsageError as error:
            context.say(f"schedule {params.name} cannot fire: {error.message}")
    if schedule.pause is None:
        say_without_pool(context)
    return ScheduleDetail(
        of=recorded(context, schedule),
        next=tuple(coming),
        fires=tuple(context.store.schedules.fires(params.name, limit=SHOWN_FIRES)),
    )


def next_times(context: Context, params: NextTimes) -> list[NextTime]:
    """Return the next times of a schedule or of a cron expression. Raises UsageError."""
    from queuectl.domain.timing import check_cron, check_zone, local_zone, times

    if not 1 <= params.number <= MOST_TIMES:
        raise UsageError(f"--number must be from 1 to {MOST_TIMES}")
    schedule = context.store.schedules.find(params.what)
    if schedule is not None:
        if params.tz is not None:
            raise UsageError("--tz is for a cron expression: the schedule has a time zone of its own")
        timing = schedule.timing
    else:
        if not params.what.startswith("@") and " " not in params.what.strip():
            raise missing(params.what)
        zone = local_zone() if params.tz is None else check_zone(params.tz)
        timing = Timing(cron=check_cron(params.what), zone=zone)
    return [NextTime(at=format_time(at)) for at in times(timing, context.now(), params.number)]


def existing(context: Context, name: str) -> Schedule:
    """Return the schedule of this name. Raises NotFound."""
    schedule = context.store.schedules.find(name)
    if schedule is None:
        raise missing(name)
    return schedule


def missing(name: str) -> NotFound:
    """Return the error for a name that no schedule has."""
    return NotFound(f"no schedule {one_line(name, 200)}", hint="queuectl schedule list lists the schedules")


def recorded(context: Context, schedule: Schedule) -> ScheduleRecord:
    """Return a schedule with the last job that it enqueued."""
    last = context.store.schedules.last_job(schedule.name)
    state = None
    if last is not None:
        found = context.store.jobs.these([last])
        state = found[last].job.state if last in found else None
    return ScheduleRecord(schedule=schedule, last_job=last, last_state=state)


def say_without_pool(context: Context) -> None:
    """Say so if no pool runs: then nothing fires."""
    from queuectl.runtime.liveness import living_pools

    if not living_pools(context.store, context.run_dir):
        context.say("no workers are running, so no schedule fires; start some: queuectl worker start")


LIST = Operation(
    name="schedule list",
    heading=Heading.SCHEDULES,
    see=("schedule show", "schedule add"),
    reads=True,
    summary="List the schedules, with their next times and last jobs",
    params=ListSchedules,
    run=list_schedules,
    examples=("schedule list", "schedule list --json"),
)
SHOW = Operation(
    name="schedule show",
    heading=Heading.SCHEDULES,
    see=("schedule list", "schedule next"),
    reads=True,
    summary="Show a schedule, its next times and its last fires",
    params=ShowSchedule,
    run=show_schedule,
    examples=("schedule show nightly",),
)
NEXT = Operation(
    name="schedule next",
    heading=Heading.SCHEDULES,
    see=("schedule add",),
    reads=True,
    summary="Print the next times of a schedule or a cron expression",
    params=NextTimes,
    run=next_times,
    description="Nothing is stored.",
    examples=("schedule next nightly", "schedule next '0 9 * * mon-fri' -n 10 --tz Europe/Berlin"),
)
