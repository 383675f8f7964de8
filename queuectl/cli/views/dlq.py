"""The dead letter queue."""

from __future__ import annotations

import time

from queuectl.cli.render import Column, table
from queuectl.cli.views.delete import deleted
from queuectl.cli.views.job_columns import one_line, tries, when
from queuectl.cli.views.list_show import show
from queuectl.cli.views.retry import states
from queuectl.domain.units import format_age

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from queuectl.cli.screen import Screen
    from queuectl.operations.changed import Changed
    from queuectl.operations.dlq import DeadRecord, ErrorRecord, ListDead, RetryDead


def list_dead(records: Iterator[Any], params: ListDead, screen: Screen) -> None:
    """Print a table of jobs with the reason, the newest last; or of errors, the most frequent last."""
    if params.by_error:
        _list_errors(records, screen)
        return
    columns = [
        Column(title="ID"),
        Column(title="QUEUE", drops=2),
        Column(title="TRIES", right=True, drops=1),
        Column(title="DIED", right=True, drops=3),
        Column(title="REASON"),
        Column(title="COMMAND", grows=True),
    ]
    if not table(columns, map(_row, records), screen):
        screen.say_empty("no dead jobs")


def retry(result: Changed, params: RetryDead, screen: Screen) -> None:
    """Print the ID and the state of each named job, else how many were retried."""
    states(result, params, screen)


def _list_errors(records: Iterator[ErrorRecord], screen: Screen) -> None:
    columns = [
        Column(title="N", right=True),
        Column(title="ERROR"),
        Column(title="QUEUE", drops=2),
        Column(title="FIRST", right=True, drops=1),
        Column(title="LAST", right=True, drops=3),
        Column(title="WHAT", grows=True),
    ]
    now = time.time_ns() // 1_000_000
    rows = (
        (
            str(each.error.n),
            each.error.signature,
            ", ".join(each.error.queues),
            f"{format_age(now - each.error.first_at)} ago",
            f"{format_age(now - each.error.last_at)} ago",
            each.text,
        )
        for each in records
    )
    if not table(columns, rows, screen):
        screen.say_empty("no dead jobs")


def _row(of: DeadRecord) -> tuple[str, ...]:
    job = of.record.job
    return (
        job.id,
        job.queue,
        tries(job),
        when(of.record),
        of.reason,
        one_line(job.command),
    )


VIEWS = {"dlq list": list_dead, "dlq show": show, "dlq retry": retry, "dlq purge": deleted}
