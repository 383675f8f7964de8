"""The dead letter queue."""

from __future__ import annotations

from queuectl.cli.render import Column, table
from queuectl.cli.views.changes import deleted, retry
from queuectl.cli.views.jobs import LONGEST, show, when

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from queuectl.cli.screen import Screen
    from queuectl.operations.dead import DeadRecord, ListDead


def list_dead(found: Iterator[DeadRecord], _params: ListDead, screen: Screen) -> None:
    """A table with the reasons, the newest job last."""
    columns = [
        Column(title="ID"),
        Column(title="QUEUE"),
        Column(title="TRY", right=True),
        Column(title="DIED", right=True),
        Column(title="REASON"),
        Column(title="COMMAND", grows=True),
    ]
    if not table(columns, map(_row, found), screen):
        screen.say("no dead jobs")


def _row(of: DeadRecord) -> tuple[str, ...]:
    job = of.record.job
    return (
        job.id,
        job.queue,
        f"{job.attempts}/{job.max_retries + 1}",
        when(of.record),
        of.reason,
        " ".join(job.command[:LONGEST].split("\n")),
    )


VIEWS = {"dlq list": list_dead, "dlq show": show, "dlq retry": retry, "dlq purge": deleted}
