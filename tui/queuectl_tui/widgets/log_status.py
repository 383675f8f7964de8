"""The status line of a log: attempt, outcome, search, and whether it follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.message import Message
from textual.widgets import Static

from queuectl.domain.phrases import plural
from queuectl.domain.text import one_line
from queuectl.domain.units import format_bytes, format_duration
from queuectl.operations.job_record import describe
from queuectl_tui.console import console_of
from queuectl_tui.widgets.log_source import LINES

if TYPE_CHECKING:
    from rich.style import Style
    from textual import events

    from queuectl_tui.progress import Progress
    from queuectl_tui.widgets.log_source import LogUpdate
    from queuectl_tui.widgets.log_view import LogView

_STREAM_WORDS = {None: "out+err", "out": "stdout only", "err": "stderr only"}
_BAR = 10
_GAP = 2


class LogStatus(Static):
    """One line; what does not fit is left out, the least important first."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "status--good", "status--warn", "status--bad", "status--dim", "status--chip", "status--live",
    }  # fmt: skip
    DEFAULT_CSS = """
    LogStatus {
        height: 1;
        padding: 0 1;
        background: $panel;
        color: $foreground;
        & > .status--good { color: $success; }
        & > .status--live { color: $primary; text-style: bold; }
        & > .status--warn { color: $warning; }
        & > .status--bad { color: $error; }
        & > .status--dim { color: $foreground-muted; }
        & > .status--chip { color: $warning; background: $panel; text-style: bold reverse; }
    }
    """

    def __init__(self, *, id: str, ascii_only: bool = False) -> None:
        """Create an empty line."""
        super().__init__(id=id, markup=False)
        self._ascii = ascii_only
        self._shown: Text | None = None
        self._chip = 0
        """Columns that the count of new lines takes at the right; 0 while it is not shown."""

    class FollowWanted(Message):
        """The count of new lines was clicked."""

    def on_click(self, event: events.Click) -> None:
        """Follow when the count of new lines is clicked."""
        if self._chip and event.x >= self.size.width - self._chip - 1:
            self.post_message(self.FollowWanted())

    def show(self, update: LogUpdate | None, view: LogView, note: tuple[str, str] | None) -> None:
        """Show the state of a log; a `note` (text and role) replaces the follow state."""
        line = self.line(update, view, note, max(self.size.width, 10))
        if self._shown is None or line != self._shown or line.spans != self._shown.spans:
            self._shown = line
            self.update(line, layout=False)

    def line(self, update: LogUpdate | None, view: LogView, note: tuple[str, str] | None, width: int) -> Text:
        """Return the line in `width` columns."""
        right = self._right(update, view, note)
        self._chip = right.cell_len if note is None and view.unseen and not view.following else 0
        left = Text()
        for part in self._parts(update, view):
            if left.cell_len + part.cell_len + _GAP + right.cell_len + 1 > width:
                break
            if left:
                left.append(" " * _GAP)
            left.append_text(part)
        left.append(" " * max(width - left.cell_len - right.cell_len, 1))
        left.append_text(right)
        return left

    def _style(self, role: str) -> Style:
        return self.get_component_rich_style(f"status--{role}", partial=True)

    def _shown_key(self, id_: str) -> str:
        return console_of(self).shown_key(id_)

    def _right(self, update: LogUpdate | None, view: LogView, note: tuple[str, str] | None) -> Text:
        if note is not None:
            return Text(one_line(note[0], 60), self._style(note[1]))
        if view.unseen and not view.following:
            lines = plural(view.unseen, "line")
            return Text(
                f" {view.unseen:,} new {lines} · {self._shown_key('log.bottom')} to follow ", self._style("chip")
            )
        if update is not None and update.running:
            return (
                Text("● following", self._style("live"))
                if view.following
                else Text(f"paused · {self._shown_key('log.follow')} follows", self._style("warn"))
            )
        total, bottom = len(view.rows), view.scroll_offset.y + view.size.height
        if not total:
            return Text("")
        return Text("end" if bottom >= total else f"{bottom * 100 // total} %", self._style("dim"))

    def _parts(self, update: LogUpdate | None, view: LogView) -> list[Text]:
        """Return the parts of the left side, the most important first."""
        if update is None:
            return [Text("reading …", self._style("dim"))]
        if update.problem is not None:
            return [Text(one_line(update.problem, 60), self._style("bad"))]
        attempt = update.attempt
        if attempt is None:
            return [Text("no attempt yet, so no output", self._style("dim"))]
        parts = [Text(f"attempt {attempt.attempt} of {update.newest}")]
        if view.rows.query:
            count, hits = len(view.rows.hits), view.rows.hits
            place = f"{hits.index(view.here) + 1}/" if view.here in hits else ""
            parts.append(
                Text(
                    f"/{one_line(view.rows.query, 20)}  {place}{count:,} {plural(count, 'line')}",
                    self._style("warn"),
                )
            )
        if attempt.outcome is None:
            parts.append(Text("running", self._style("live")))
        else:
            took = "" if attempt.duration_ms is None else f" {format_duration(attempt.duration_ms)}"
            role = "good" if attempt.outcome == "success" else "bad"
            parts.append(Text(f"{describe(attempt)}{took}", self._style(role)))
        if update.progress is not None and update.running:
            parts.append(self._progress(update.progress))
        if attempt.attempt < update.newest:
            parts.append(Text(f"{self._shown_key('log.next_attempt')} newer", self._style("dim")))
        parts.append(Text(_STREAM_WORDS[view.rows.stream], self._style("warn" if view.rows.stream else "dim")))
        if view.wrap:
            parts.append(Text("wrap", self._style("dim")))
        if not update.total and attempt.outcome is not None and not update.more:
            return [*parts, Text("the attempt printed nothing", self._style("dim"))]
        count = len(view.rows.lines)
        kept = f"last {LINES:,}" if update.first and count else f"{count:,}"
        parts.append(Text(f"{kept} {plural(count, 'line')}, {format_bytes(update.total)}", self._style("dim")))
        return parts

    def _progress(self, progress: Progress) -> Text:
        if progress.percent is None:
            return Text("working", self._style("live"))
        full, empty = ("#", ".") if self._ascii else ("▓", "░")
        done = progress.percent * _BAR // 100
        role = {"error": "bad", "paused": "warn"}.get(progress.state, "live")
        return Text(f"{full * done}{empty * (_BAR - done)} {progress.percent} %", self._style(role))
