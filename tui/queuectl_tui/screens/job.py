"""The page of one job: settings, why it is or is not running, attempts, and output."""

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
"""From this many columns on, the job and its attempts are side by side."""
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
        """Create the page; `attempt` selects whose output is shown, None the latest."""
        super().__init__(job_id, attempt=attempt)
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
        if self.page is not None and self.log_pane.attempt != self._selected:
            self._selected = self.log_pane.attempt
            self.show_page(self.page, self.console_app.clock.now())

    def action_log(self) -> None:
        """Open the output on the whole screen."""
        self.app.push_screen(LogScreen(self.job_id, attempt=self.log_pane.attempt))

    def action_zoom(self) -> None:
        """Toggle between output only and the whole page."""
        self._top.toggle_class("-zoomed")

    async def on_click(self, event: events.Click) -> None:
        """Show the output of the attempt that was clicked."""
        clicked = event.widget
        if clicked is not None and clicked in {self._first, self._second} and self.page is not None:
            words = clicked.render_line(event.y).text.split() if event.y < clicked.size.height else []
            number = next((word[1:] for word in words[:2] if word.startswith("#") and word[1:].isdigit()), None)
            if number is not None and 1 <= int(number) <= self.page.job.fence:
                self.log_pane.show_attempt(int(number))
