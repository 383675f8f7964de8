"""Rows of the Dead letters view: groups with their jobs, or a flat list."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from queuectl.domain.text import one_line, safe
from queuectl_tui.widgets.charts import spark
from queuectl_tui.widgets.line_list import Row
from queuectl_tui.widgets.lines import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuectl_tui.dead_letters import DeadGroup, DeadJob

GROUP_COLUMNS = (
    Column(title="", width=1),
    Column(title="N", width=5, right=True),
    Column(title="ERROR", width=20, grows=True),
    Column(title="QUEUE", width=8),
    Column(title="FIRST", width=5, right=True, from_width=90),
    Column(title="LAST", width=4, right=True),
    Column(title="LAST HOUR", width=12),
)
FLAT_COLUMNS = (
    Column(title="JOB", width=8, right=True),
    Column(title="COMMAND", width=16, grows=True),
    Column(title="HOW", width=10),
    Column(title="QUEUE", width=8),
    Column(title="TRIES", width=5, right=True),
    Column(title="DIED", width=4, right=True),
    Column(title="WORKER", width=8, from_width=90),
)
_IN_GROUP = (
    Column(title="", width=8, right=True),
    Column(title="", width=16, grows=True),
    Column(title="", width=5, right=True),
    Column(title="", width=4, right=True),
    Column(title="", width=12),
)
_INDENT = 5


def group_rows(groups: Sequence[DeadGroup], at: int, *, ascii_only: bool) -> list[Row]:
    """Return the rows of the groups, each expanded one followed by its jobs."""
    rows = []
    for group in groups:
        queues = one_line(group.queues[0], 20) if len(group.queues) == 1 else f"{len(group.queues)} queues"
        rows.append(
            Row(
                key=f"e:{group.signature}",
                columns=GROUP_COLUMNS,
                cells=(
                    ("▸" if group.jobs is None else "▾", "accent"),
                    (f"{group.n:,}", "title"),
                    (one_line(group.text, 200), "text"),
                    (queues, "dim"),
                    (_time_of_day(group.first_at, at), "dim"),
                    (ago(at - group.last_at), "dim"),
                    (spark(group.recent, 12, ascii_only=ascii_only), "dead"),
                ),
            )
        )
        rows += [_in_group(job, at) for job in group.jobs or ()]
    return rows


def job_rows(jobs: Sequence[DeadJob], at: int) -> list[Row]:
    """Return the rows of the flat list."""
    return [
        Row(
            key=f"j:{job.id}",
            columns=FLAT_COLUMNS,
            cells=(
                (one_line(job.id, 40), "title"),
                (one_line(job.command, 200), "text"),
                (one_line(job.how, 20), "dead"),
                (one_line(job.queue, 20), "dim"),
                (f"{job.attempts}/{job.allowed}", "text"),
                (ago(at - job.died_at), "dim"),
                (safe(job.worker), "dim"),
            ),
        )
        for job in jobs
    ]


def _in_group(job: DeadJob, at: int) -> Row:
    return Row(
        key=f"j:{job.id}",
        columns=_IN_GROUP,
        indent=_INDENT,
        cells=(
            (one_line(job.id, 40), "title"),
            (one_line(job.command, 200), "text"),
            (f"{job.attempts}/{job.allowed}", "dim"),
            (ago(at - job.died_at), "dim"),
            (safe(job.worker), "dim"),
        ),
    )


def ago(milliseconds: int) -> str:
    """Format an age as `42s`, `9m`, `3h`, `12d`: at most four characters up to 999 days."""
    seconds = max(milliseconds, 0) // 1000
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size * (1 if unit != "d" else 2):
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _time_of_day(moment: int, at: int) -> str:
    """Return `12:40` within the last day, else the age."""
    if at - moment < 86_400_000:
        return time.strftime("%H:%M", time.localtime(moment / 1000))
    return ago(at - moment)
