"""Add a schedule, and change one."""

from __future__ import annotations

import re

from queuectl.domain.errors import Refused, UsageError
from queuectl.domain.record import as_dict, field, record, replace
from queuectl.domain.schedule import Missed, Overlap, Schedule, Timing
from queuectl.domain.spec import MAX_NAME, check, check_command
from queuectl.domain.units import parse_duration
from queuectl.operations.enqueue import Enqueue, in_shell, one_job, options_of, snapshot_of
from queuectl.operations.operation import Heading, Operation
from queuectl.operations.schedules import missing, recorded, say_without_pool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.domain.job import NewJob
    from queuectl.operations.context import Context
    from queuectl.operations.schedules import ScheduleRecord

_NAME = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)
_CRON_LETTERS = re.compile(r"[\d*@]", re.ASCII)
_BOTH = "give a cron expression or --every, not both"
MAX_JITTER_MS = 24 * 3600 * 1000


@record
class _ScheduleOptions(Enqueue):
    """Options that `schedule add` and `schedule edit` share, and those of a job."""

    job: str | None = None
    file: str | None = None
    lines: bool = False
    id: str | None = None
    delay: str | None = None
    at: str | None = None
    every: str | None = field("fire at this interval, counted from now: 90s, 6h", default=None, metavar="DURATION")
    tz: str | None = field(
        "the time zone of the cron expression: Europe/Berlin (default: the local one)", default=None, metavar="ZONE"
    )
    jitter: str | None = field("make each job due up to this much later, by chance", default=None, metavar="DURATION")


@record
class AddSchedule(_ScheduleOptions):
    """Parameters of `schedule add`."""

    name: str = field("the name of the schedule", metavar="NAME", positional=True)
    words: tuple[str, ...] = field(
        "a cron expression in quotes, unless --every is given, and the job as for enqueue, unless it stands after --",
        default=(),
        metavar="CRON|JOB",
        positional=True,
    )
    overlap: str = field(
        "while the job before waits or runs: skip this time, allow both, or replace it",
        default=Overlap.SKIP.value,
        choices=tuple(each.value for each in Overlap),
        metavar="WORD",
    )
    missed: str = field(
        "for times at which no workers ran: enqueue once, skip them, or enqueue all up to 100",
        default=Missed.ONCE.value,
        choices=tuple(each.value for each in Missed),
        metavar="WORD",
    )


@record
class EditSchedule(_ScheduleOptions):
    """Parameters of `schedule edit`."""

    name: str = field("the schedule", metavar="NAME", completes="schedules", positional=True)
    cron: str | None = field("another cron expression", default=None, metavar="CRON")
    command: str | None = field("another shell command", default=None, metavar="COMMAND")
    overlap: str | None = field(
        "while the job before waits or runs: skip this time, allow both, or replace it",
        default=None,
        choices=tuple(each.value for each in Overlap),
        metavar="WORD",
    )
    missed: str | None = field(
        "for times at which no workers ran: enqueue once, skip them, or enqueue all up to 100",
        default=None,
        choices=tuple(each.value for each in Missed),
        metavar="WORD",
    )


def add(context: Context, params: AddSchedule) -> ScheduleRecord:
    """Store a schedule. Raises UsageError, and Refused for a name that is in use."""
    from queuectl.domain.timing import next_time

    name = _check_name(params.name)
    cron, job = _split(params)
    now = context.now()
    timing = _timing(cron, params.every, params.tz, now)
    new = _job(context, params, job)
    schedule = Schedule(
        name=name,
        timing=timing,
        overlap=Overlap(params.overlap),
        missed=Missed(params.missed),
        jitter_ms=_jitter(params.jitter),
        job=_text(new),
        created_at=now,
        created_by=context.actor,
        next_at=next_time(timing, now),
    )

    def added(there: Schedule | None) -> Schedule:
        if there is not None:
            raise Refused(f"schedule {name} exists already", hint=f"to change it: queuectl schedule edit {name}")
        return schedule

    with context.store.undo.keeping("schedule add", now=now):
        _, after = context.store.schedules.change(
            name, added, verb="schedule_add", snapshot=snapshot_of(context.settings, params), now=now
        )
    say_without_pool(context)
    return recorded(context, after or schedule)


def edit(context: Context, params: EditSchedule) -> ScheduleRecord:
    """Change a schedule; jobs that it has enqueued stay as they are. Raises UsageError, NotFound."""
    from queuectl.domain.timing import next_time

    now = context.now()
    if params.argv and params.command is not None:
        raise UsageError("give --command or words after --, not both")
    options = check(options_of(params))
    if params.argv or params.command is not None:
        options["command"] = check_command(in_shell(params.argv) if params.argv else params.command)
    changes: dict[str, object] = {
        name: value
        for name, value in (
            ("overlap", None if params.overlap is None else Overlap(params.overlap)),
            ("missed", None if params.missed is None else Missed(params.missed)),
            ("jitter_ms", None if params.jitter is None else _jitter(params.jitter)),
        )
        if value is not None
    }
    retimed = (params.cron, params.every, params.tz) != (None, None, None)
    if not (options or changes or retimed or params.env_all or params.no_env):
        raise UsageError("nothing to change", hint="queuectl schedule edit --help")

    def edited(there: Schedule | None) -> Schedule:
        if there is None:
            raise missing(params.name)
        after = replace(there, **changes)
        if options:
            after = replace(after, job=_text(replace(_stored(there), **options)))
        if params.no_env:
            after = replace(after, environment=None)
        if retimed:
            timing = _retimed(there.timing, params, now)
            after = replace(after, timing=timing, next_at=next_time(timing, now))
        return after

    snapshot = snapshot_of(context.settings, params) if params.env_all else None
    with context.store.undo.keeping("schedule edit", now=now):
        _, after = context.store.schedules.change(params.name, edited, verb="schedule_edit", snapshot=snapshot, now=now)
    if after is None:
        raise missing(params.name)
    return recorded(context, after)


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name) or len(name) > MAX_NAME:
        raise UsageError(
            f"a schedule cannot be named {name[:60]!r}", hint="a name has 1 to 200 of the characters A-Z a-z 0-9 . _ -"
        )
    return name


def _split(params: AddSchedule) -> tuple[str | None, str | None]:
    """Return the cron expression and the job among the words."""
    words = list(params.words)
    cron = None
    if params.every is None:
        if not words:
            raise UsageError("a cron expression is missing", hint="queuectl schedule add NAME '*/5 * * * *' COMMAND")
        cron = words.pop(0)
    elif len(words) > 1 and _CRON_LETTERS.match(words[0]):
        raise UsageError(_BOTH)
    if len(words) > 1:
        raise UsageError(
            "the job must be one word", hint="quote the cron expression and the command, or write the command after --"
        )
    if words and params.argv:
        raise UsageError("give JOB or words after --, not both", hint="quote a shell command as one word")
    if not words and not params.argv:
        raise UsageError("the schedule has no command", hint="queuectl schedule add NAME '*/5 * * * *' COMMAND")
    return cron, words[0] if words else None


def _job(context: Context, params: AddSchedule, job: str | None) -> NewJob:
    if job == "-":
        raise UsageError("a schedule does not read its command from standard input", hint="put it into a script file")
    values = {name: value for name, value in as_dict(params).items() if name in Enqueue.__fields__}  # type: ignore[attr-defined]  # as `record` makes it
    _, new = one_job(context, Enqueue(**(values | {"job": job})))
    for name, value in (("id", new.id), ("run_at", new.run_at), ("delay", new.delay_ms)):
        if value is not None:
            raise UsageError(f"the job of a schedule cannot have {name}", hint="each time has a job of its own")
    return new


def _timing(cron: str | None, every: str | None, zone: str | None, now: int) -> Timing:
    from queuectl.domain.timing import MIN_INTERVAL_MS, check_cron, check_zone, local_zone, next_time

    if every is not None:
        if cron is not None:
            raise UsageError(_BOTH)
        if zone is not None:
            raise UsageError("--tz is for a cron expression: an interval has no time zone")
        interval = parse_duration(every)
        if interval < MIN_INTERVAL_MS:
            raise UsageError("--every must be at least 1s")
        return Timing(every_ms=interval, since=now)
    timing = Timing(cron=check_cron(cron or ""), zone=local_zone() if zone is None else check_zone(zone), since=now)
    if next_time(timing, now) is None:
        raise UsageError(f"{timing.cron!r} never comes", hint="queuectl schedule next CRON prints its times")
    return timing


def _retimed(of: Timing, params: EditSchedule, now: int) -> Timing:
    if params.cron is not None or params.every is not None:
        zone = params.tz if params.every is not None or params.tz is not None else of.zone
        return _timing(params.cron, params.every, zone, now)
    if of.cron is None:
        raise UsageError("--tz is for a cron expression: an interval has no time zone")
    return _timing(of.cron, None, params.tz, now)


def _jitter(text: str | None) -> int:
    jitter = 0 if text is None else parse_duration(text)
    if jitter > MAX_JITTER_MS:
        raise UsageError("--jitter must be at most 1 day")
    return jitter


def _text(new: NewJob) -> str:
    from queuectl.store.schedules import job_text

    return job_text(new)


def _stored(schedule: Schedule) -> NewJob:
    from queuectl.store.schedules import new_job

    return new_job(schedule)


ADD = Operation(
    name="schedule add",
    heading=Heading.SCHEDULES,
    see=("schedule list", "schedule next", "schedule edit"),
    secret_variables=True,
    summary="Enqueue a job again and again, by a cron expression",
    params=AddSchedule,
    run=add,
    makes_store=True,
    description=(
        "A cron expression has five fields: minute, hour, day of the month, month and weekday, with names, ranges, "
        "steps, L for the last day and # for the nth weekday; or it is @hourly, @daily, @weekly, @monthly or @yearly. "
        "Any pool of the store enqueues the jobs, at the planned time, or when it starts after it. "
        "They run in this directory and with the variables that enqueue would keep; QUEUECTL_SCHEDULED_FOR is the "
        "planned time. A time that does not exist on a day on which the clocks change fires at the next that does; one "
        "that comes twice fires once, unless its minute or hour is *."
    ),
    examples=(
        "schedule add nightly '0 3 * * *' ./backup.sh --tz Europe/Berlin",
        "schedule add poll --every 90s --overlap replace -- ./poll.sh 'a b'",
        "schedule add report '0 9 * * mon#1' --missed skip ./report.sh",
    ),
)
EDIT = Operation(
    name="schedule edit",
    heading=Heading.SCHEDULES,
    see=("schedule show", "schedule pause"),
    secret_variables=True,
    summary="Change the times, the rules or the job of a schedule",
    params=EditSchedule,
    run=edit,
    description="Only what is given changes. Jobs that were enqueued already stay as they are.",
    examples=("schedule edit nightly --cron '0 4 * * *'", "schedule edit poll --every 5m --queue slow"),
)
