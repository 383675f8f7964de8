"""Schedules."""

from __future__ import annotations

import time

from queuectl.cli.render import Column, colour_of_state, facts, state_cell, table
from queuectl.domain.local_time import format_local
from queuectl.domain.text import safe
from queuectl.domain.units import format_age, format_duration, parse_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.domain.schedule import Fire, Timing
    from queuectl.operations.schedules import (
        ListSchedules,
        NextTime,
        NextTimes,
        ScheduleDetail,
        ScheduleRecord,
        ShowSchedule,
    )


def list_schedules(schedules: list[ScheduleRecord], _params: ListSchedules, screen: Screen) -> None:
    """Print a table of schedules, by name."""
    columns = [
        Column(title="SCHEDULE"),
        Column(title="WHEN"),
        Column(title="ZONE", drops=2),
        Column(title="NEXT"),
        Column(title="LAST", drops=3, right=True),
        Column(title="LAST JOB", drops=4),
        Column(title="STATE", colour=colour_of_state),
        Column(title="COMMAND", grows=True, drops=1),
    ]
    now = time.time_ns() // 1_000_000
    rows = (
        (
            each.schedule.name,
            written(each.schedule.timing),
            each.schedule.timing.zone or "",
            _next(each, now),
            "" if each.schedule.last_at is None else f"{format_age(max(0, now - each.schedule.last_at))} ago",
            each.last_job or "",
            "" if each.last_state is None else state_cell(each.last_state, screen),
            each.document()["command"],
        )
        for each in schedules
    )
    if not table(columns, rows, screen):
        screen.say_empty("there are no schedules; add one: queuectl schedule add NAME '0 3 * * *' COMMAND")


def written(timing: Timing) -> str:
    """Return when a schedule fires, as the user wrote it."""
    return timing.cron or f"every {format_duration(timing.every_ms or 0)}"


def _next(of: ScheduleRecord, now: int) -> str:
    if of.schedule.pause is not None:
        return "paused"
    at = of.schedule.next_at
    if at is None:
        return "never"
    return f"in {format_duration(at - now)}" if at > now else "now"


def show_schedule(result: ScheduleDetail, _params: ShowSchedule, screen: Screen) -> None:
    """Print the schedule, its next times and its last fires."""
    of = result.of.schedule
    document = result.of.document()
    pause = of.pause
    why = "" if pause is None or pause.reason is None else f": {pause.reason}"
    facts(
        (
            ("name", safe(of.name)),
            ("when", safe(written(of.timing) + (f" in {of.timing.zone}" if of.timing.zone else ""))),
            ("paused", None if pause is None else safe(f"by {pause.by} since {format_local(pause.at)}{why}")),
            ("command", safe(document["command"])),
            ("queue", safe(document["queue"])),
            ("overlap", of.overlap.value),
            ("missed", of.missed.value),
            ("jitter", format_duration(of.jitter_ms) if of.jitter_ms else None),
            ("added", safe(f"{format_local(of.created_at)} by {of.created_by}")),
            ("next", "\n".join(map(format_local, result.next)) or None),
        ),
        screen,
    )
    if result.fires:
        screen.write("\n")
        columns = [Column(title="SCHEDULED FOR"), Column(title="ENQUEUED"), Column(title="JOB", grows=True)]
        table(columns, map(_fire, result.fires), screen)


def _fire(of: Fire) -> tuple[str, ...]:
    late = max(0, of.at - of.planned_at)
    when = "at once" if late < 1000 else f"{format_duration(late)} later"
    if of.skipped is not None:
        what = {"missed": "skipped: no workers ran", "overlap": "skipped: the job before waited or ran"}[of.skipped]
        return format_local(of.planned_at), "", what
    return format_local(of.planned_at), when, of.job or ""


def next_times(times: list[NextTime], _params: NextTimes, screen: Screen) -> None:
    """Print a line for each time."""
    for each in times:
        screen.write(f"{format_local(parse_time(each.at))}\n")
    if not times:
        screen.say_empty("it never fires")


VIEWS = {"schedule list": list_schedules, "schedule show": show_schedule, "schedule next": next_times}
