"""The columns of a list of jobs: for each the title, the cell of a job, and its turn to be left out."""

from __future__ import annotations

import time

from queuectl.cli.render import Column, colour_of_state, state_cell
from queuectl.domain.job import READY, JobState
from queuectl.domain.local_time import LocalTimes
from queuectl.domain.units import format_age, format_duration
from queuectl.operations.job_record import describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from queuectl.cli.screen import Screen
    from queuectl.domain.job import Job
    from queuectl.operations.job_record import JobRecord

LONGEST = 4096
"""Characters of a command that are printed in a list: commands may have megabytes."""
USUAL = ("id", "state", "queue", "try", "when", "reason", "command")


def columns_of(
    names: Iterable[str], screen: Screen, *, fixed: bool
) -> tuple[list[Column], Callable[[JobRecord], tuple[str, ...]]]:
    """Return the columns of these names, and what makes the cells of a job; `fixed` columns are never left out."""
    times = LocalTimes(time.time_ns() // 1_000_000)
    cells: dict[str, tuple[Column, Callable[[JobRecord], str]]] = {
        "id": (Column(title="ID"), lambda of: of.job.id),
        "state": (Column(title="STATE", colour=colour_of_state), lambda of: state_cell(of.job.state, screen)),
        "queue": (Column(title="QUEUE", drops=2), lambda of: of.job.queue),
        "priority": (Column(title="PRIO", right=True, drops=1), lambda of: str(of.job.priority)),
        "try": (Column(title="TRIES", right=True, drops=1), lambda of: tries(of.job)),
        "age": (Column(title="AGE", right=True, drops=1), lambda of: format_age(_now() - of.job.created_at)),
        "when": (Column(title="WHEN", right=True, drops=4), when),
        "due": (
            Column(title=f"DUE ({times.zone})", whole=True, drops=1),
            lambda of: times.short(of.job.run_at) if of.job.state in READY else "",
        ),
        "run": (Column(title="RUN", right=True, drops=1), _run),
        "last": (
            Column(title="LAST", drops=1),
            lambda of: "" if of.latest is None or of.latest.outcome is None else describe(of.latest),
        ),
        "reason": (Column(title="REASON", drops=3, sparse=not fixed), reason),
        "worker": (Column(title="WORKER", drops=1), lambda of: "" if of.latest is None else of.latest.worker),
        "tags": (Column(title="TAGS", drops=1), lambda of: " ".join(of.job.tags)),
        "needs": (Column(title="NEEDS", drops=1), lambda of: " ".join(of.job.needs)),
        "command": (Column(title="COMMAND", grows=True), lambda of: one_line(of.job.command)),
    }
    chosen = [cells[name] for name in names]
    columns = [column for column, _ in chosen]
    if fixed:
        from queuectl.domain.record import replace

        columns = [replace(column, drops=0) for column in columns]
    return columns, lambda of: tuple(cell(of) for _, cell in chosen)


def one_line(command: str) -> str:
    """Return a command as one cell."""
    return " ".join(command[:LONGEST].split("\n"))


def tries(job: Job) -> str:
    """Return `1 of 4`: the tries that were used, and those that the job has."""
    return f"{job.attempts} of {job.max_retries + 1}"


def when(of: JobRecord) -> str:
    """Return `due in 18s`, `for 3m10s` of a job that waits or runs, or `5m00s ago` of one that has ended."""
    job, now = of.job, _now()
    if job.finished_at is not None:
        return f"{format_age(now - job.finished_at)} ago"
    if job.state is JobState.PROCESSING and of.latest is not None:
        return f"for {format_age(now - of.latest.started_at)}"
    if job.state is JobState.HELD:
        return f"for {format_age(now - job.updated_at)}"
    return f"due in {format_age(job.run_at - now)}" if job.run_at > now else f"for {format_age(now - job.run_at)}"


def reason(of: JobRecord) -> str:
    """Return what a waiting job waits for, or the error of a dead one; empty for the others."""
    job = of.job
    last = "" if of.latest is None else describe(of.latest)
    if job.state is JobState.DEAD:
        error = "" if of.latest is None or of.latest.error is None else f": {of.latest.error}"
        return last + error
    if job.state is JobState.PROCESSING:
        return "cancelling" if job.cancel_requested else ""
    if job.state is JobState.HELD:
        return "held"
    if job.state not in READY:
        return ""
    if job.state is JobState.FAILED:
        text = f"retry after {last}" if last else "retry"
    else:
        text = "scheduled" if job.run_at > _now() else "due"
    return f"{text}, needs {' '.join(job.needs)}" if job.needs else text


def _run(of: JobRecord) -> str:
    latest = of.latest
    if latest is None:
        return ""
    if of.job.state is JobState.PROCESSING:
        return format_age(_now() - latest.started_at)
    return "" if latest.duration_ms is None else format_duration(latest.duration_ms)


def _now() -> int:
    return time.time_ns() // 1_000_000
