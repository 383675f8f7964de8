"""Schedules, and the jobs that they enqueue."""

from __future__ import annotations

import json

from queuectl.domain.errors import UsageError
from queuectl.domain.job import FINAL, JobState, NewJob
from queuectl.domain.queue_settings import Pause
from queuectl.domain.record import as_dict, record, replace
from queuectl.domain.schedule import LATE_MS, Fire, Missed, Overlap, Schedule, Timing
from queuectl.store.environments import intern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from queuectl.store.database import Database
    from queuectl.store.events import Events
    from queuectl.store.jobs import Jobs

_AT_A_TIME = 100
_OF_TIMES = ("cron", "every_ms", "zone", "since", "paused_at")
"""Columns of a schedule that decide when it fires."""
KEPT_MS = 400 * 24 * 3600 * 1000
"""Milliseconds for which fires are kept."""


@record
class Fired:
    """What a fire did."""

    new: tuple[NewJob, ...] = ()
    """The jobs that it enqueued, as they were given."""
    ids: tuple[str, ...] = ()
    """Their IDs."""
    cancelled: str | None = None
    """The worker of a running job whose cancel it requested."""
    moved: bool = True
    """Whether the planned time is dealt with; False where the job before must end first."""


class Schedules:
    """The schedules of a store. Every method is one transaction."""

    def __init__(self, database: Database, events: Events, jobs: Jobs) -> None:
        """Work in `database`; `jobs` enqueues, and changes are recorded in `events`."""
        self._database = database
        self._events = events
        self._jobs = jobs

    def all(self) -> list[Schedule]:
        """Return the schedules, by name."""
        return [_schedule(row) for row in self._database.rows("schedule_rows", name=None)]

    def find(self, name: str) -> Schedule | None:
        """Return the schedule of this name, or None."""
        return next((_schedule(row) for row in self._database.rows("schedule_rows", name=name)), None)

    def fires(self, name: str, *, limit: int) -> list[Fire]:
        """Return the newest fires of a schedule, the newest first."""
        return [
            Fire(schedule=schedule, planned_at=planned_at, at=at, job=id_, skipped=skipped)
            for schedule, planned_at, at, id_, skipped in self._database.rows("fires_of", schedule=name, limit=limit)
        ]

    def change(
        self,
        name: str,
        change: Callable[[Schedule | None], Schedule | None],
        *,
        verb: str,
        detail: str | None = None,
        snapshot: str | None = None,
        now: int,
    ) -> tuple[Schedule | None, Schedule | None]:
        """Add, change or delete a schedule; return it before and after, None where there is none.

        `change` gets it as it is, and may raise. `snapshot` is the content of a new environment snapshot for its jobs.
        """
        with self._database.transaction():
            if not self._database.exclusive:
                self._database.rows("lock_schedules")
            before = self.find(name)
            after = change(before)
            if after is not None and snapshot is not None:
                after = replace(after, environment=intern(self._database, snapshot, now=now))
            if after != before:
                _put(self._database, name, after)
                if self._events.keeping is not None:
                    self._events.keeping.row("schedule", name, image(before), image(after))
                self._events.note(now, verb, name, detail)
        return before, after

    def next_fire(self) -> int | None:
        """Return when the next schedule fires; in the past if one is due."""
        return next((int(at) for (at,) in self._database.rows("next_fire")), None)

    def due(self, now: int) -> Iterator[str]:
        """Yield the names of schedules that are due, the longest due first."""
        after_at, after = 0, ""
        while rows := self._database.rows("due_schedules", now=now, after_at=after_at, after=after, limit=_AT_A_TIME):
            yield from (name for _, name in rows)
            after_at, after = rows[-1]

    def last_job(self, name: str) -> str | None:
        """Return the ID of the last job that a schedule has enqueued; None before the first."""
        return next((id_ for (id_,) in self._database.rows("last_id_of", schedule=name)), None)

    def fire(self, name: str, *, max_retries: int, now: int) -> Fired:
        """Enqueue what a schedule has due, or record why not, in one transaction, and set its next time.

        Nothing is done where another steward is doing it. Raises UsageError where its time zone is not known any more.
        """
        with self._database.transaction():
            for row in self._database.rows("schedule_to_fire", name=name, now=now):
                return self._fire(_schedule(row), max_retries, now)
        return Fired(moved=False)

    def run(self, schedule: Schedule, *, max_retries: int, now: int) -> Fired:
        """Enqueue the job of a schedule now, whatever its times."""
        with self._database.transaction():
            # One fire for each planned time: a second one in the same millisecond gets the next.
            while self._database.rows("has_fired", schedule=schedule.name, planned_at=now):
                now += 1
            return self._enqueue(schedule, now, max_retries, now, due_at=now)

    def forget_fires(self, *, now: int) -> None:
        """Delete the records of old fires."""
        with self._database.transaction():
            self._database.run("forget_fires", before=now - KEPT_MS)

    def _fire(self, schedule: Schedule, max_retries: int, now: int) -> Fired:
        # Imported here: a steward without schedules needs no times.
        from queuectl.domain.timing import next_time, passed

        first = now if schedule.next_at is None else schedule.next_at
        planned = passed(schedule.timing, first, now) or [first]
        if schedule.missed is not Missed.ALL:
            planned = planned[-1:]
        if planned[0] != first:
            self._skip(schedule, first, "missed", now)
        at = planned[0]
        if schedule.missed is Missed.SKIP and now - at > LATE_MS:
            self._skip(schedule, at, "missed", now)
            fired = Fired()
        else:
            fired = self._fire_at(schedule, at, max_retries, now)
        if fired.moved:
            next_at = planned[1] if len(planned) > 1 else next_time(schedule.timing, max(now, at))
            self._database.run("move_schedule", name=schedule.name, last_at=at, next_at=next_at)
        return fired

    def _fire_at(self, schedule: Schedule, at: int, max_retries: int, now: int) -> Fired:
        """Enqueue the job of a planned time, or skip it, unless the job before must end first."""
        if self._database.rows("has_fired", schedule=schedule.name, planned_at=at):
            return Fired()
        if schedule.overlap is not Overlap.ALLOW:
            for _, id_, state, is_cancelled in self._database.rows("last_job_of", schedule=schedule.name):
                if JobState(state) in FINAL:
                    break
                if schedule.overlap is Overlap.REPLACE:
                    if is_cancelled:
                        return Fired(moved=False)
                    worker = self._cancel(id_, now)
                    if worker is not None:
                        return Fired(cancelled=worker, moved=False)
                    break
                if schedule.missed is Missed.ALL:
                    return Fired(moved=False)  # one after another
                self._skip(schedule, at, "overlap", now)
                return Fired()
        return self._enqueue(schedule, at, max_retries, now, due_at=at + _jitter(schedule, at))

    def _cancel(self, id_: str, now: int) -> str | None:
        """Cancel the job of the fire before; return its worker where it runs, which must end it first."""
        self._events.note(now, "cancel", id_, "replaced")
        if self._database.rows("cancel_ready", id=id_, now=now):
            return None
        return next(
            (owner for (owner,) in self._database.rows("cancel_processing", id=id_, signal=_TERM, now=now)), None
        )

    def _enqueue(self, schedule: Schedule, planned: int, max_retries: int, now: int, *, due_at: int) -> Fired:
        new = replace(new_job(schedule), schedule=schedule.name, scheduled_for=planned, run_at=due_at)
        ((seq, id_),) = self._jobs.insert(
            [new],
            max_retries=max_retries,
            now=now,
            snapshot=schedule.environment,
            reason=f"schedule {schedule.name}",
        )
        if schedule.environment is not None:
            self._database.run("use_environment", id=schedule.environment, now=now)
        self._note_fire(schedule, planned, now, job=seq, id_=id_)
        return Fired(new=(new,), ids=(id_,))

    def _skip(self, schedule: Schedule, planned: int, why: str, now: int) -> None:
        self._note_fire(schedule, planned, now, skipped=why)
        self._events.note(now, "schedule_skip", schedule.name, why)

    def _note_fire(
        self,
        schedule: Schedule,
        planned: int,
        now: int,
        *,
        job: int | None = None,
        id_: str | None = None,
        skipped: str | None = None,
    ) -> None:
        self._database.run(
            "insert_fire", schedule=schedule.name, planned_at=planned, now=now, job=job, id=id_, skipped=skipped
        )


_TERM = 15


def job_text(new: NewJob) -> str:
    """Return the job of a schedule as it is stored."""
    return json.dumps({name: value for name, value in as_dict(new).items() if value not in (None, ())})


def new_job(schedule: Schedule) -> NewJob:
    """Return the job that a schedule enqueues."""
    fields = json.loads(schedule.job)
    for name in ("tags", "needs"):
        fields[name] = tuple(fields.get(name, ()))
    fields["env"] = tuple((name, value) for name, value in fields.get("env", ()))
    try:
        return NewJob(**fields)
    except (TypeError, ValueError):
        raise UsageError(
            f"the job of schedule {schedule.name} is not of this version",
            hint="upgrade queuectl on this host, or add the schedule again",
        ) from None


def image(schedule: Schedule | None) -> str | None:
    """Return the row of a schedule as JSON, for an undo; None where there is none."""
    return None if schedule is None else json.dumps(_row(schedule))


def put_back(database: Database, name: str, before: str | None, after: str | None, *, now: int) -> bool:
    """Restore the row that an action has changed from `before` to `after`; False if it has changed since.

    Within the caller's transaction. It fires at its times from `now` on: what has passed is not made up for.
    """
    # Imported here: most actions change jobs.
    from queuectl.domain.timing import next_time

    if not database.exclusive:
        database.rows("lock_schedules")
    rows = database.rows("schedule_rows", name=name)
    current = _row(_schedule(rows[0])) if rows else None
    was, then = (None if text is None else json.loads(text) for text in (before, after))
    if _settings(current) != _settings(then):
        return False
    if was is None:
        database.run("delete_schedule", name=name)
    else:
        last = [row["last_at"] for row in (current, was) if row is not None and row["last_at"] is not None]
        timing = Timing(**{name: was[name] for name in ("cron", "every_ms", "zone", "since")})
        if current is not None and all(current[name] == was[name] for name in _OF_TIMES):
            next_at = current["next_at"]
        else:
            next_at = next_time(timing, now)
        times = {"last_at": max(last, default=None), "next_at": next_at}
        database.run("put_schedule", **(was | times))
    return True


def _settings(row: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if row is None else {name: value for name, value in row.items() if name not in {"next_at", "last_at"}}


def _put(database: Database, name: str, schedule: Schedule | None) -> None:
    if schedule is None:
        database.run("delete_schedule", name=name)
    else:
        database.run("put_schedule", **_row(schedule))


def _jitter(schedule: Schedule, at: int) -> int:
    """Return the delay of a planned time: the same however often it is computed."""
    from binascii import crc32

    return crc32(f"{schedule.name} {at}".encode()) % (schedule.jitter_ms + 1)


def _row(schedule: Schedule) -> dict[str, Any]:
    values = as_dict(schedule)
    timing, pause = values.pop("timing"), values.pop("pause")
    return {
        **values,
        "overlap": schedule.overlap.value,
        "missed": schedule.missed.value,
        **as_dict(timing),
        "paused_at": None if pause is None else pause.at,
        "paused_by": None if pause is None else pause.by,
        "pause_reason": None if pause is None else pause.reason,
    }


def _schedule(row: tuple[Any, ...]) -> Schedule:
    (
        name, cron, every_ms, zone, since, overlap, missed, jitter_ms, job, environment, created_at, created_by,
        paused_at, paused_by, pause_reason, next_at, last_at,
    ) = row  # fmt: skip
    return Schedule(
        name=name,
        timing=Timing(cron=cron, every_ms=every_ms, zone=zone, since=since),
        overlap=Overlap(overlap),
        missed=Missed(missed),
        jitter_ms=jitter_ms,
        job=job,
        environment=environment,
        created_at=created_at,
        created_by=created_by,
        pause=None if paused_at is None else Pause(at=paused_at, by=paused_by, reason=pause_reason),
        next_at=next_at,
        last_at=last_at,
    )
