"""A list of jobs, and one job in full."""

from __future__ import annotations

import time
from itertools import chain, islice

from queuectl.cli.render import Column, colour_of_state, facts, painted, state_cell, table
from queuectl.cli.views.job_columns import USUAL, columns_of, tries
from queuectl.domain.job import FINAL, JobState
from queuectl.domain.local_time import LocalTimes, format_local
from queuectl.domain.terminal import shown
from queuectl.domain.text import safe, safe_block
from queuectl.domain.units import format_duration
from queuectl.operations.job_record import describe, text_of
from queuectl.operations.list_show import COLUMNS
from queuectl.operations.selector import narrowed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuectl.cli.screen import Screen
    from queuectl.domain.attempt import Attempt, Output
    from queuectl.domain.job import Job
    from queuectl.operations.job_record import JobRecord, WholeJob
    from queuectl.operations.list_show import List, Listing, Show

_PAGE = 1000


def list_jobs(listing: Listing, params: List, screen: Screen) -> None:
    """Print a table of jobs, or only their IDs."""
    if params.ids:
        for each in listing:
            screen.write(f"{safe(each.job.id)}\n")
        return
    first = list(islice(listing, _PAGE))
    wanted = list(dict.fromkeys(params.columns)) or _usual(listing, first, screen)
    columns, row = columns_of(wanted, screen, fixed=bool(params.columns))
    if not table(columns, map(row, chain(first, listing)), screen):
        screen.say_empty("no jobs match" if narrowed(params) else "no jobs")


def _usual(listing: Listing, first: Sequence[JobRecord], screen: Screen) -> list[str]:
    """Return the columns that are shown where none are chosen, with those of a saved view."""
    # A terminal is narrow: the queue is left out where all jobs are in the default one.
    queues = not screen.is_terminal or any(each.job.queue != "default" for each in first)
    shown = {*USUAL, *listing.wanted} - {*listing.hidden} - ({"queue"} - {*(["queue"] if queues else listing.wanted)})
    return [name for name in COLUMNS if name in shown]


def show(detail: WholeJob, _params: Show, screen: Screen) -> None:
    """Print the fields of a job, its attempts, and the output of the latest one."""
    job, latest = detail.record.job, detail.record.latest
    facts(
        (
            ("id", safe(job.id)),
            ("command", safe_block(job.command)),
            ("state", painted(state_cell(job.state, screen), colour_of_state(job.state), screen)),
            ("queue", safe(job.queue)),
            ("priority", str(job.priority) if job.priority else None),
            ("tries", tries(job)),
            ("losses", str(job.losses) if job.losses else None),
            ("timeout", None if detail.record.timeout_ms is None else format_duration(detail.record.timeout_ms)),
            ("cwd", None if job.cwd is None else safe(job.cwd)),
            ("shell", None if job.shell is None else safe(job.shell)),
            ("env", " ".join(f"{safe(name)}=***" for name, _ in job.env) or None),
            ("captured", " ".join(f"{safe(name)}=***" for name in detail.record.captured) or None),
            ("tags", safe(" ".join(job.tags)) or None),
            ("needs", safe(" ".join(job.needs)) or None),
            ("enqueued", format_local(job.created_at) + _by(job.enqueued_by)),
            ("schedule", _of_schedule(job)),
            ("due", format_local(job.run_at) if job.state not in FINAL else None),
            ("finished", None if job.finished_at is None else format_local(job.finished_at)),
            ("cancel", "requested" if job.cancel_requested and job.state is JobState.PROCESSING else None),
            ("error", None if latest is None or latest.error is None else safe(latest.error)),
        ),
        screen,
    )
    if detail.history:
        screen.write("\n")
        times = LocalTimes(time.time_ns() // 1_000_000)
        columns = [
            Column(title="ATTEMPT", right=True),
            Column(title="OUTCOME"),
            Column(title=f"STARTED ({times.zone})", whole=True),
            Column(title="TOOK", right=True),
            Column(title="WORKER"),
            Column(title="ERROR", grows=True),
        ]
        table(columns, (_attempt_row(each, times) for each in detail.history), screen)
    for name, output in (("stdout", detail.stdout), ("stderr", detail.stderr)):
        if output.total:
            screen.write(f"\n{painted(name, '1', screen)}\n{_block(output)}")


def _of_schedule(job: Job) -> str | None:
    """Return the schedule that enqueued a job, and for when; None if none did."""
    if job.schedule is None:
        return None
    return safe(job.schedule) + ("" if job.scheduled_for is None else f" for {format_local(job.scheduled_for)}")


def _by(enqueuer: str | None) -> str:
    return "" if enqueuer is None else f" by {safe(enqueuer)}"


def _attempt_row(attempt: Attempt, times: LocalTimes) -> tuple[str, ...]:
    return (
        str(attempt.attempt),
        describe(attempt),
        times.full(attempt.started_at),
        "" if attempt.duration_ms is None else format_duration(attempt.duration_ms),
        attempt.worker,
        attempt.error or "",
    )


def _block(output: Output) -> str:
    text = shown(text_of(output))
    return text if text.endswith("\n") else text + "\n"


VIEWS = {"list": list_jobs, "show": show}
