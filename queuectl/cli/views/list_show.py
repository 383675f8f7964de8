"""A list of jobs, and one job in full."""

from __future__ import annotations

import time
from itertools import chain, islice

from queuectl.cli.render import Column, colour_of_state, facts, painted, state_cell, table
from queuectl.domain.job import FINAL, JobState
from queuectl.domain.terminal import shown
from queuectl.domain.text import safe, safe_block
from queuectl.domain.units import format_age, format_duration, format_time
from queuectl.operations.job_record import describe, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from queuectl.cli.screen import Screen
    from queuectl.domain.attempt import Attempt, Output
    from queuectl.operations.job_record import JobDetail, JobRecord
    from queuectl.operations.list_show import List, Show

_PAGE = 1000
LONGEST = 4096
"""Characters of a command that are printed in a list: commands may have megabytes."""


def list_jobs(records: Iterator[JobRecord], _params: List | None, screen: Screen) -> None:
    """Print a table of jobs, the newest last."""
    first = list(islice(records, _PAGE))
    # A terminal is narrow: the column is left out where all jobs are in the default queue.
    queues = not screen.is_terminal or any(each.job.queue != "default" for each in first)
    columns = [
        Column(title="ID"),
        Column(title="STATE", colour=colour_of_state),
        *([Column(title="QUEUE")] if queues else []),
        Column(title="TRY", right=True),
        Column(title="WHEN", right=True),
        Column(title="LAST"),
        Column(title="COMMAND", grows=True),
    ]
    rows = (_row(each, screen, queues=queues) for each in chain(first, records))
    if not table(columns, rows, screen):
        screen.say_empty("no jobs")


def show(detail: JobDetail, _params: Show, screen: Screen) -> None:
    """Print the fields of a job, its attempts, and the output of the latest one."""
    job, latest = detail.record.job, detail.record.latest
    facts(
        (
            ("id", safe(job.id)),
            ("command", safe_block(job.command)),
            ("state", painted(state_cell(job.state, screen), colour_of_state(job.state), screen)),
            ("queue", safe(job.queue)),
            ("priority", str(job.priority) if job.priority else None),
            ("tries", f"{job.attempts} of {job.max_retries + 1}"),
            ("losses", str(job.losses) if job.losses else None),
            ("timeout", None if detail.record.timeout_ms is None else format_duration(detail.record.timeout_ms)),
            ("cwd", None if job.cwd is None else safe(job.cwd)),
            ("shell", None if job.shell is None else safe(job.shell)),
            ("env", " ".join(f"{safe(name)}=***" for name, _ in job.env) or None),
            ("captured", " ".join(f"{safe(name)}=***" for name in detail.record.captured) or None),
            ("tags", safe(" ".join(job.tags)) or None),
            ("needs", safe(" ".join(job.needs)) or None),
            ("enqueued", format_time(job.created_at)),
            ("due", format_time(job.run_at) if job.state not in FINAL else None),
            ("finished", None if job.finished_at is None else format_time(job.finished_at)),
            ("cancel", "requested" if job.cancel_requested and job.state is JobState.PROCESSING else None),
            ("error", None if latest is None or latest.error is None else safe(latest.error)),
        ),
        screen,
    )
    if detail.history:
        screen.write("\n")
        columns = [
            Column(title="ATTEMPT", right=True),
            Column(title="OUTCOME"),
            Column(title="STARTED"),
            Column(title="TOOK", right=True),
            Column(title="WORKER"),
            Column(title="ERROR", grows=True),
        ]
        table(columns, map(_attempt_row, detail.history), screen)
    for name, output in (("stdout", detail.stdout), ("stderr", detail.stderr)):
        if output.total:
            screen.write(f"\n{painted(name, '1', screen)}\n{_block(output)}")


def _row(of: JobRecord, screen: Screen, *, queues: bool) -> tuple[str, ...]:
    job, latest = of.job, of.latest
    return (
        job.id,
        state_cell(job.state, screen),
        *((job.queue,) if queues else ()),
        f"{job.attempts}/{job.max_retries + 1}",
        when(of),
        "" if latest is None or latest.outcome is None else describe(latest),
        " ".join(job.command[:LONGEST].split("\n")),
    )


def when(of: JobRecord) -> str:
    """Return `in 18s` until the job is due, for how long it has waited or run, or how long ago it ended."""
    job, now = of.job, time.time_ns() // 1_000_000
    if job.finished_at is not None:
        return f"{format_age(now - job.finished_at)} ago"
    if job.state is JobState.PROCESSING and of.latest is not None:
        return format_age(now - of.latest.started_at)
    return f"in {format_age(job.run_at - now)}" if job.run_at > now else format_age(now - job.run_at)


def _attempt_row(attempt: Attempt) -> tuple[str, ...]:
    return (
        str(attempt.attempt),
        describe(attempt),
        format_time(attempt.started_at),
        "" if attempt.duration_ms is None else format_duration(attempt.duration_ms),
        attempt.worker,
        attempt.error or "",
    )


def _block(output: Output) -> str:
    text = shown(text_of(output))
    return text if text.endswith("\n") else text + "\n"


VIEWS = {"list": list_jobs, "show": show}
