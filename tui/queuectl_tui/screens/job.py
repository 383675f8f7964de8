"""The page of one job: settings, why it is or is not running, attempts, and output."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.containers import VerticalScroll
from textual.widgets import Static

from queuectl_tui.keymap import KeyHint, bindings, these
from queuectl_tui.screens.job_actor import JobActor, JobKeys
from queuectl_tui.screens.job_acts import act_hints
from queuectl_tui.screens.job_screen_base import OneJobScreen
from queuectl_tui.screens.log import LogScreen
from queuectl_tui.screens.page_target import PageTarget
from queuectl_tui.widgets.job_facts import command, settings, story
from queuectl_tui.widgets.log_pane import LogPane
from queuectl_tui.widgets.log_view import SCROLLING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual import events
    from textual.binding import BindingType
    from textual.widget import Widget

    from queuectl_tui.job_page import JobPage
    from queuectl_tui.widgets.echo_line import EchoLine

_WIDE = 100
"""From this many columns on, the job and its attempts are side by side."""
_STORY = 56


ON_THE_PAGE = frozenset({"log.next_error", "log.previous_error"})
"""Keys of the log that have another meaning on the page."""


class PageLog(LogPane, inherit_bindings=False):
    """The output on its job's page, where `e` edits the job as in the lists."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("log", but=ON_THE_PAGE | frozenset(SCROLLING))


class JobScreen(JobKeys, OneJobScreen):
    """The page of a job; results of actions on it are reported in a line above its keys."""

    DEFAULT_CSS = """
    JobScreen {
        #job-top {
            height: auto;
            max-height: 50%;
            scrollbar-size: 1 1;
            &.-wide { layout: horizontal; }
            &.-zoomed { display: none; }
            &:focus { background-tint: $foreground 3%; }
        }
        #job-first, #job-second { height: auto; padding: 0 1; width: 1fr; }
        #job-second { padding: 1 1 0 1; }
        #job-top.-wide > #job-second { width: 56; padding: 0 1; }
        LogPane > #log-status { dock: top; }
        & > #job-echo { display: none; background: $surface; }
        & > #job-echo.-shown { display: block; }
    }
    """
    own_keys: ClassVar[tuple[str, ...]] = (
        "list.log", "job.log", "global.zoom", "list.retry", "list.cancel", "list.kill", "list.delete", "list.edit",
        "list.priority", "list.hold", "list.copy", "list.report", "global.undo", *OneJobScreen.own_keys,
    )  # fmt: skip
    lacks: ClassVar[frozenset[str]] = ON_THE_PAGE
    BINDINGS: ClassVar[list[BindingType]] = these(*own_keys)

    def __init__(self, job_id: str, *, attempt: int | None = None) -> None:
        """Create the page; `attempt` selects whose output is shown, None the latest."""
        super().__init__(job_id, attempt=attempt)
        self._target = PageTarget(self, self.job)
        self.actor = JobActor(self, self._target)
        self._first = Static(id="job-first", markup=False)
        self._second = Static(id="job-second", markup=False)
        self._top = VerticalScroll(self._first, self._second, id="job-top")
        self._shown: tuple[str, str] | None = None
        self._selected: int | None = None

    def body(self) -> Iterable[Widget]:
        """Return facts and attempts above, output below."""
        return (self._top, self.log_pane, self.echo)

    def hints(self) -> Sequence[KeyHint]:
        """Return the keys that apply here."""
        first, *others = super().hints()
        mine = (
            KeyHint(key="l", label="full log", priority=78, action="log", ids=("list.log",)),
            KeyHint(key="z", label="zoom", priority=35, action="zoom", ids=("global.zoom",)),
        )
        return (first, *self.act_hints(), *mine, *others)

    @property
    def echo(self) -> EchoLine:
        """The line that reports the last action."""
        return self._target.echo

    def act_hints(self) -> list[KeyHint]:
        """Return the actions that apply to the job's state."""
        job = self._target.current()
        return [] if job is None or self.console.read_only else act_hints(job.state)

    def make_log(self, kind: type[LogPane]) -> LogPane:
        """Create a log pane that leaves the page its keys."""
        del kind
        return super().make_log(PageLog)

    def show_page(self, page: JobPage, now: int) -> None:
        """Show the job's current state."""
        wide = self.size.width >= _WIDE
        self._top.set_class(wide, "-wide")
        width = self.size.width - 3
        its_command = command(page, self.paint)
        its_settings = settings(page, self.paint, now, width - _STORY if wide else width)
        its_story = story(page, self.paint, now, _STORY - 3 if wide else width, self.log_pane.attempt)
        # Where space is short, the outcome comes before the settings.
        first, second = (its_settings, its_story) if wide else (its_story, its_settings)
        first = Text("\n\n").join([its_command, first])
        shown = (first.markup, second.markup)
        if shown != self._shown:
            # Updating triggers a layout, so unchanged text is left alone.
            self._shown = shown
            self._first.update(first)
            self._second.update(second)

    def on_log_pane_updated(self, _: LogPane.Updated) -> None:
        """Mark the attempt whose output is shown. Textual calls the page's own handler too."""
        if self.job.page is not None and self.log_pane.attempt != self._selected:
            self._selected = self.log_pane.attempt
            self.show_page(self.job.page, self.console.clock.now())

    def action_undo(self) -> None:
        """Undo the last action; the page shows the result."""
        if self._target.may_write():
            self.console.undo(self._target.report, self._target.refuse)

    def action_copy(self) -> None:
        """Copy the id."""
        self.app.copy_to_clipboard(self.job_id)
        self._target.say(f"copied {self.job_id}")

    def action_log(self) -> None:
        """Open the output on the whole screen."""
        self.app.push_screen(LogScreen(self.job_id, attempt=self.log_pane.attempt))

    def action_zoom(self) -> None:
        """Toggle between output only and the whole page."""
        self._top.toggle_class("-zoomed")

    async def on_click(self, event: events.Click) -> None:
        """Show the output of the attempt that was clicked."""
        clicked, page = event.widget, self.job.page
        if clicked is not None and clicked in {self._first, self._second} and page is not None:
            words = clicked.render_line(event.y).text.split() if event.y < clicked.size.height else []
            number = next((word[1:] for word in words[:2] if word.startswith("#") and word[1:].isdigit()), None)
            if number is not None and 1 <= int(number) <= page.job.fence:
                self.log_pane.show_attempt(int(number))
