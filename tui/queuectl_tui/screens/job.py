"""Everything of one job on a page: what it is, why it is or is not running, its attempts, and their output."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.containers import VerticalScroll
from textual.widgets import Static

from queuectl_tui.keymap import KeyHint, these
from queuectl_tui.screens.job_page_actions import JobPageActions
from queuectl_tui.screens.log import LogScreen
from queuectl_tui.widgets.job_facts import command, settings, story

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual import events
    from textual.binding import BindingType
    from textual.widget import Widget

    from queuectl_tui.widgets.job_facts import JobPage
    from queuectl_tui.widgets.log_pane import LogPane

_WIDE = 100
"""From so many columns on, the job and its attempts stand side by side."""
_STORY = 56


class JobScreen(JobPageActions):
    """The page of a job."""

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
    }
    """
    own_keys: ClassVar[tuple[str, ...]] = ("list.log", "job.log", "global.zoom", *JobPageActions.own_keys)
    BINDINGS: ClassVar[list[BindingType]] = these(*own_keys)

    def __init__(self, job_id: str, *, attempt: int | None = None) -> None:
        """`attempt`: whose output to show; the latest if none is named."""
        super().__init__(job_id, attempt=attempt)
        self._first = Static(id="job-first", markup=False)
        self._second = Static(id="job-second", markup=False)
        self._top = VerticalScroll(self._first, self._second, id="job-top")
        self._shown: tuple[str, str] | None = None
        self._selected: int | None = None

    def body(self) -> Iterable[Widget]:
        """Facts and attempts above, output below."""
        return (self._top, self.log_pane, self.echo)

    def hints(self) -> Sequence[KeyHint]:
        """The keys that apply here."""
        first, *others = super().hints()
        mine = (
            KeyHint(key="l", label="full log", priority=78, action="log", ids=("list.log",)),
            KeyHint(key="z", label="zoom", priority=35, action="zoom", ids=("global.zoom",)),
        )
        return (first, *self.act_hints(), *mine, *others)

    def show_page(self, page: JobPage, now: int) -> None:
        """Show the job as it stands."""
        wide = self.size.width >= _WIDE
        self._top.set_class(wide, "-wide")
        width = self.size.width - 3
        its_command = command(page, self.paint)
        its_settings = settings(page, self.paint, now, width - _STORY if wide else width)
        its_story = story(page, self.paint, now, _STORY - 3 if wide else width, self.log_pane.attempt)
        # Where there is little room, what became of it comes before what it was enqueued with.
        first, second = (its_settings, its_story) if wide else (its_story, its_settings)
        first = Text("\n\n").join([its_command, first])
        shown = (first.markup, second.markup)
        if shown != self._shown:
            # A text that has not changed is not laid out again.
            self._shown = shown
            self._first.update(first)
            self._second.update(second)

    def on_log_pane_updated(self, _: LogPane.Updated) -> None:
        """Another attempt's output may be shown now. Textual calls the page's own handler too."""
        if self.page is not None and self.log_pane.attempt != self._selected:
            self._selected = self.log_pane.attempt
            self.show_page(self.page, self.console_app.clock.now())

    def action_log(self) -> None:
        """The output on the whole screen."""
        self.app.push_screen(LogScreen(self.job_id, attempt=self.log_pane.attempt))

    def action_zoom(self) -> None:
        """Only the output, and back."""
        self._top.toggle_class("-zoomed")

    async def on_click(self, event: events.Click) -> None:
        """A click on an attempt shows its output."""
        clicked = event.widget
        if clicked is not None and clicked in {self._first, self._second} and self.page is not None:
            words = clicked.render_line(event.y).text.split() if event.y < clicked.size.height else []
            number = next((word[1:] for word in words[:2] if word.startswith("#") and word[1:].isdigit()), None)
            if number is not None and 1 <= int(number) <= self.page.job.fence:
                self.log_pane.show_attempt(int(number))
