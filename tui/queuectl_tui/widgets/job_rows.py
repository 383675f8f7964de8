"""Rows of the job table: the columns, their widths, and the text of each cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment

from queuectl.domain.record import record
from queuectl.domain.text import safe
from queuectl_tui.widgets.duration_bar import bar_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.style import Style

    from queuectl.store.job_pages import Row
    from queuectl_tui.duration_estimates import Pace
    from queuectl_tui.theme import Paint

MARK, CURSOR, WATCHED = "*", ">", "◎"
GUTTER = 2
"""Cells before the first column: cursor and marks as characters, so that colour is not needed."""


class Cell(NamedTuple):
    """A text and its style; at the right edge of the cell, an optional tail with a style of its own.

    A tuple, as all cells on the screen are made and compared at each key: a record takes ten times as long to compare.
    """

    text: str
    style: Style
    tail: str = ""
    tail_style: Style | None = None


@record
class Note:
    """What the table knows of a job besides its row."""

    pace: Pace | None = None
    """The progress of a running job."""
    doing: str = ""
    """The operation that was requested here and has not ended yet."""
    watched: bool = False


NOTHING_NOTED = Note()


@record
class Column:
    """A column of the job table."""

    id: str
    title: str
    help: str
    right: bool = False
    widths: tuple[int, int, int]
    """Cells below 100 columns of table, below 150, and above; 0 leaves it out."""


COLUMNS = (
    Column(id="id", title="ID", help="the job's id", right=True, widths=(7, 9, 14)),
    Column(id="state", title="STATE", help="its state", widths=(12, 12, 12)),
    Column(id="queue", title="QUEUE", help="its queue", widths=(7, 8, 12)),
    Column(id="try", title="TRY", help="tries used, and allowed", right=True, widths=(4, 5, 5)),
    Column(id="command", title="COMMAND", help="the command", widths=(1, 1, 1)),
    Column(id="priority", title="PRIO", help="higher runs first", right=True, widths=(0, 0, 5)),
    Column(id="age", title="AGE", help="since it was enqueued", right=True, widths=(4, 4, 5)),
    Column(id="due", title="DUE", help="when it runs next", right=True, widths=(0, 0, 6)),
    Column(id="worker", title="WKR", help="the worker of the last attempt", widths=(4, 5, 8)),
    Column(id="run", title="RUN", help="how long it has run", right=True, widths=(5, 6, 7)),
)
"""All columns, in order. `COMMAND` takes the remaining width."""
_UNSURE = {0x200D: None, 0xFE0E: None, 0xFE0F: None}
_LEAST_COMMAND = 16
_DROPPED = ("priority", "due", "worker", "queue", "try", "run", "age")
"""The order in which columns are dropped where the table is too narrow."""


def layout(width: int, hidden: frozenset[str], shown: frozenset[str], widest_id: int) -> tuple[tuple[Column, int], ...]:
    """Return the columns that fit into `width` cells, and their widths.

    `hidden` and `shown` are the user's choice; other columns are shown if they fit.
    """
    size = 0 if width < 100 else 1 if width < 150 else 2
    chosen = {}
    for column in COLUMNS:
        cells = column.widths[size] or (column.widths[2] if column.id in shown else 0)
        if column.id == "id":
            cells = max(4, min(widest_id, max(cells, 4)))
        if cells and column.id not in hidden:
            chosen[column.id] = cells

    def remaining() -> int:
        used = sum(cells for id_, cells in chosen.items() if id_ != "command")
        return width - GUTTER - used - (len(chosen) - 1)

    for id_ in _DROPPED:
        if remaining() >= _LEAST_COMMAND:
            break
        chosen.pop(id_, None)
    if "command" in chosen:
        chosen["command"] = max(remaining(), 1)
    return tuple((column, chosen[column.id]) for column in COLUMNS if column.id in chosen)


def state_of(row: Row, now: int) -> str:
    """Return the state as shown: a pending job that is not due yet is scheduled."""
    return "scheduled" if row.state == "pending" and row.run_at > now + 999 else row.state


def cells(
    row: Row, columns: Sequence[tuple[Column, int]], now: int, paint: Paint, note: Note = NOTHING_NOTED
) -> tuple[Cell, ...]:
    """Return the texts of a row and their styles, not yet cut to their widths."""
    dim = paint("dim")
    text = paint("text")
    late = note.pace is not None and note.pace.is_late(now)
    row_cells = []
    for column, width in columns:
        style, tail, tail_style = dim, "", None
        if column.id == "id":
            value, style = short_id(row.id, width, paint), text
        elif column.id == "state" and note.doing:
            value, style = f"{paint.glyph('…')} {note.doing}", paint("ghost")
        elif column.id == "state":
            glyph, word, style = paint.state(state_of(row, now))
            value = f"{glyph} {'cancelling' if row.cancel_requested and row.state == 'processing' else word}"
        elif column.id == "queue":
            value = plain(row.queue)
        elif column.id == "try":
            value = f"{row.attempts}/{row.max_retries + 1}"
        elif column.id == "command":
            value, style = plain(row.command.replace("\n", " ")), text
            if note.watched:
                value = f"{paint.glyph(WATCHED)} {value}"
            if note.pace is not None and row.state == "processing":
                tail, tail_style = bar_of(note.pace, now, width, paint)
        elif column.id == "priority":
            value = str(row.priority) if row.priority else ""
        elif column.id == "age":
            value = coarse(now - row.created_at)
        elif column.id == "due":
            waits = row.state in {"pending", "failed"}
            value = coarse(row.run_at - now) if waits and row.run_at > now else ""
        elif column.id == "worker":
            value = plain(row.worker or "")[:width]
        else:
            value, style = run_time(row, now), dim
            if row.state == "processing":
                style = paint("warning" if late else "processing")
            elif row.state in {"pending", "failed"}:
                # A waiting job has no run time; the time until its next run is more useful.
                due = row.run_at - now
                value, style = f"+{coarse(due)}" if due > 999 else "", paint("scheduled")
        row_cells.append(Cell(value, style, tail, tail_style))
    return tuple(row_cells)


def segments(
    values: Sequence[Cell],
    columns: Sequence[tuple[Column, int]],
    gutter: tuple[str, Style],
    over: Style,
    paint: Paint,
) -> list[Segment]:
    """Return one line of the table, each cell in exactly its width."""
    row_cells = [Segment(gutter[0], gutter[1] + over)]
    for place, ((value, style, tail, tail_style), (column, width)) in enumerate(zip(values, columns, strict=True)):
        fitted = fit(value, width - len(tail), paint, right=column.right)
        row_cells.append(Segment(fitted if not place else f" {fitted}", style + over))
        if tail:
            row_cells.append(Segment(tail, (tail_style or style) + over))
    return row_cells


def plain(text: str) -> str:
    """Return `text` sanitised, without joined emoji and variation selectors, on whose width terminals disagree."""
    return text if text.isascii() and text.isprintable() else safe(text).translate(_UNSURE)


def short_id(id_: str, width: int, paint: Paint) -> str:
    """Return an id in `width` cells; of a long one the end, which distinguishes ids better than the start."""
    text = plain(id_)
    if cell_len(text) <= width:
        return text
    return paint.glyph("…") + text[-(width - 1) :]


def fit(text: str, width: int, paint: Paint, *, right: bool = False) -> str:
    """Return `text` in exactly `width` cells; a cut is shown as an ellipsis."""
    if text.isascii():
        length = len(text)
        if length > width:
            return text[: width - 1] + paint.glyph("…")
    else:
        # Limit the text first: measuring a long command of wide characters is slow.
        text = text[: width * 4]
        length = cell_len(text)
        if length > width:
            return set_cell_size(text, width - 1) + paint.glyph("…")
    return " " * (width - length) + text if right else text + " " * (width - length)


def run_time(row: Row, now: int) -> str:
    """Return how long a job has run, or took."""
    if row.state == "processing" and row.started_at is not None:
        return clock(now - row.started_at)
    if row.duration_ms is None:
        return ""
    return f"{row.duration_ms}ms" if row.duration_ms < 1000 else clock(row.duration_ms)


def clock(milliseconds: int) -> str:
    """Format a duration as `0:39`, `12:05`, `3h05`."""
    minutes, seconds = divmod(max(milliseconds, 0) // 1000, 60)
    if minutes < 60:
        return f"{minutes}:{seconds:02d}"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}" if hours < 100 else f"{hours // 24}d"


def coarse(milliseconds: int) -> str:
    """Format an age as `3s`, `12m`, `5h`, `9d`."""
    seconds = max(milliseconds, 0) // 1000
    for size, unit in ((60, "s"), (60, "m"), (48, "h")):
        if seconds < size:
            return f"{seconds}{unit}"
        seconds //= size if unit != "h" else 24
    return f"{seconds}d"
