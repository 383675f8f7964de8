"""The jobs of an undone action, and the actions that can be undone."""

from __future__ import annotations

import time

from queuectl.cli.render import Column, table
from queuectl.domain.phrases import plural
from queuectl.domain.queue_settings import ALL
from queuectl.domain.text import safe
from queuectl.domain.units import format_age
from queuectl.operations.undo import Undone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from queuectl.cli.screen import Screen
    from queuectl.operations.undo import Undo, UndoableRecord
    from queuectl.store.undo_records import Undoable


def undo(result: Undone | Iterator[UndoableRecord], _params: Undo, screen: Screen) -> None:
    """Print a line for each job or queue that was restored; the others go to stderr, with the reason."""
    if not isinstance(result, Undone):
        _list(result, screen)
        return
    of = result.taken_back
    for name in of.changed_queues:
        screen.write(f"{of.verb} of {'all queues' if name == ALL else f'queue {safe(name)}'} undone\n")
    for name in of.changed_schedules:
        screen.write(f"{of.verb} of schedule {safe(name)} undone\n")
    if not of.jobs and not of.changed_queues and not of.changed_schedules:
        screen.write(f"{of.verb} of {of.restored:,} {plural(of.restored, 'job')} undone\n")
    if of.left_out:
        screen.say(f"{of.left_out:,} were not restored: they have run, changed or been deleted since")
    for id_, _ in of.jobs:
        screen.write(f"{of.verb} of {safe(id_)} undone\n")
    for id_, reason in of.left:
        screen.say(f"{id_} was not restored: {reason}")


def _list(actions: Iterator[UndoableRecord], screen: Screen) -> None:
    columns = [
        Column(title="UNDO", right=True),
        Column(title="WHEN", right=True),
        Column(title="BY"),
        Column(title="VERB"),
        Column(title="CHANGED", right=True),
        Column(title="COMMAND", grows=True),
    ]
    now = time.time_ns() // 1_000_000
    rows = (
        (str(of.id), f"{format_age(now - of.at)} ago", of.actor, of.verb, _changed(of), of.command or "")
        for of in (each.undoable for each in actions)
    )
    if not table(columns, rows, screen):
        screen.say_empty("nothing can be undone")


def _changed(of: Undoable) -> str:
    what = "schedule" if of.verb.startswith("schedule") else "queue"
    return f"{of.rows:,} {plural(of.rows, what)}" if of.rows else f"{of.jobs:,} {plural(of.jobs, 'job')}"


VIEWS = {"undo": undo}
