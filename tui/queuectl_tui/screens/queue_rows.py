"""Rows, headline and detail of the Queues view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from queuectl.domain.phrases import plural
from queuectl.domain.text import one_line
from queuectl.domain.units import format_duration
from queuectl.operations.queues import WINDOW_MINUTES
from queuectl_tui.screens.dead_rows import ago
from queuectl_tui.theme import STATE_STYLE
from queuectl_tui.widgets.line_list import Row
from queuectl_tui.widgets.lines import Column, length_of, spread_out
from queuectl_tui.widgets.tabs import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuectl.domain.queue_settings import Pause
    from queuectl.operations.queues import QueueRecord
    from queuectl_tui.widgets.lines import Line, Piece

WIDE = 100
"""Width from which who paused a queue is a column."""
_LONG_TITLES = 150
"""Width from which the titles of columns are whole words."""
_NAME = 60
_LATE_MS = 60_000
"""How long a job of an open queue may be due before that is shown in colour."""
_MEANING = {
    "open": "",
    "full": "as many of its jobs run as its limit allows",
    "paused": "none of its jobs is started",
}


def columns_of(queues: Sequence[QueueRecord], width: int) -> tuple[Column, ...]:
    """Return the columns for a list of this width; those that all queues would leave empty are left out."""
    wide = width >= _LONG_TITLES
    shows_pause = width >= WIDE and any(each.pause is not None for each in queues)
    longest = max((cell_len(one_line(each.name, _NAME)) for each in queues), default=0)
    columns = [
        Column(title="QUEUE", width=min(max(longest, 10), max(width // 8, 10)), grows=not shows_pause),
        Column(title="STATE", width=8),
        Column(title="RUNNING" if wide else "RUN", width=9 if wide else 7, right=True),
        Column(title="WAITING" if wide else "WAIT", width=7 if wide else 6, right=True),
        Column(title="HELD", width=6 if wide else 5, right=True, from_width=70),
        Column(title="OLDEST", width=6, right=True),
        Column(title="IN 5M", width=6 if wide else 5, right=True, from_width=77),
        Column(title="DONE 5M" if wide else "DONE", width=7 if wide else 5, right=True, from_width=66),
        Column(title="FAIL 5M" if wide else "FAIL", width=7 if wide else 5, right=True),
    ]
    if width >= WIDE and any(each.settings.weight != 1 for each in queues):
        columns.append(Column(title="WEIGHT", width=6, right=True))
    if shows_pause:
        columns.append(Column(title="PAUSED BY", width=20, grows=True))
    return tuple(columns)


def row_of(queue: QueueRecord, columns: tuple[Column, ...]) -> Row:
    """Return the row of a queue at its time `now`."""
    state, late = queue.state, queue.oldest_due_ms
    glyph, word, role = STATE_STYLE[state]
    limit = "" if queue.settings.limit is None else f"/{number(queue.settings.limit)}"
    is_late = late is not None and late >= _LATE_MS and state == "open"
    cells: list[Piece] = [
        (one_line(queue.name, _NAME), "title"),
        (f"{glyph} {word}", role),
        (f"{number(queue.running)}{limit}", "processing" if queue.running else "faint"),
        _count(queue.waiting, "pending"),
        (number(queue.held) if queue.held else "", "scheduled"),
        ("" if late is None else ago(late), "warning" if is_late else "text"),
        _count(queue.recent.get("enqueued", 0), "text"),
        _count(queue.done(well=True), "completed"),
        _count(queue.done(well=False), "dead"),
    ]
    titles = {column.title for column in columns}
    if "WEIGHT" in titles:
        cells.append((str(queue.settings.weight) if queue.settings.weight != 1 else "", "text"))
    if "PAUSED BY" in titles:
        cells.append((_paused(queue), "text" if queue.settings.pause is not None else "dim"))
    return Row(key=queue.name, columns=columns, cells=tuple(cells))


def _count(count: int, role: str) -> Piece:
    return number(count), role if count else "faint"


def _paused(queue: QueueRecord) -> str:
    if queue.settings.pause is not None:
        return in_words(queue.settings.pause, queue.now, "")
    return "" if queue.pause is None else "paused with all queues"


def in_words(pause: Pause, at: int, suffix: str = " ago") -> str:
    """Return who paused a queue, how long ago and why; `suffix` follows the age."""
    why = "" if pause.reason is None else f": {one_line(pause.reason, 200)}"
    return f"{one_line(pause.by, 40)} {ago(at - pause.at)}{suffix}{why}"


def headline(
    queues: Sequence[QueueRecord], of_all: Pause | None, at: int, width: int, *, resume_key: str, marks: int
) -> Line:
    """Return the line above the table: the pause of all queues, else how many there are in each state.

    `resume_key` resumes all; it is empty if the console is read-only.
    """
    right: Line = ((f"{marks:,} marked", "marked"),) if marks else ()
    if of_all is not None:
        glyph, _, role = STATE_STYLE["paused"]
        left: Line = ((f"{glyph} all queues are paused", role), (f"  by {in_words(of_all, at)}", "text"))
        if resume_key and not right:
            right = ((resume_key, "key"), (" resumes them", "dim"))
        # A key without its text would say nothing.
        return spread_out(left, right if length_of((*left, *right)) < width else (), width)
    count = len(queues)
    left = ((f"{count:,} {plural(count, 'queue')}" if count else "", "title"),)
    for state in ("paused", "full", "open"):
        n = sum(each.state == state for each in queues)
        glyph, word, role = STATE_STYLE[state]
        if n:
            left += ((f"   {glyph} ", role), (f"{n:,} {word}", "text"))
    return spread_out(left, right, width)


def detail_of(queue: QueueRecord, width: int) -> list[Line]:
    """Return the lines on the selected queue: its state and settings, its pause, its jobs."""
    glyph, word, role = STATE_STYLE[queue.state]
    head: Line = ((f"{one_line(queue.name, _NAME)}  ", "title"), (f"{glyph} {word}", role))
    if _MEANING[queue.state]:
        head += ((f"  {_MEANING[queue.state]}", "dim"),)
    settings: Line = ((_settings(queue), "text"),)
    lines = [spread_out(head, settings, width)] if width >= WIDE else [head, settings]
    if queue.pause is not None:
        which = "paused" if queue.settings.pause is not None else "paused with all queues"
        lines.append(((f"{which} by {in_words(queue.pause, queue.now)}", "warning"),))
    jobs = f"{queue.running:,} running   {queue.waiting:,} waiting   {queue.held:,} held   {queue.ended:,} ended"
    recent = (
        f"in {WINDOW_MINUTES} minutes: {queue.recent.get('enqueued', 0):,} enqueued, {queue.done(well=True):,} done, "
        f"{queue.done(well=False):,} failed"
    )
    lines.append(spread_out(((jobs, "text"),), ((recent, "dim"),), width))
    return lines


def _settings(queue: QueueRecord) -> str:
    of = queue.settings
    found = (
        ("limit", of.limit),
        ("weight", None if of.weight == 1 else of.weight),
        ("retries", of.max_retries),
        ("timeout", None if of.timeout_ms is None else format_duration(of.timeout_ms)),
        ("priority", of.priority),
    )
    return "   ".join(f"{name} {value}" for name, value in found if value is not None) or "no limit, no defaults"
