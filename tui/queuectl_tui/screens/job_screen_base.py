"""Base of the pages of one job: a title line, the job's state, a line of keys, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.screen import Screen
from textual.widgets import Static

from queuectl.domain.text import one_line
from queuectl_tui.console import console_of
from queuectl_tui.keymap import KeyHint, hint, these
from queuectl_tui.screens.job_reader import JobReader
from queuectl_tui.widgets.job_facts import title
from queuectl_tui.widgets.key_bar import KeyBar
from queuectl_tui.widgets.log_pane import LogPane

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widget import Widget

    from queuectl_tui.console import Console
    from queuectl_tui.job_page import JobPage
    from queuectl_tui.theme import Paint

_INTERVAL = 0.25
"""Seconds between two polls for a change of the job."""
_KEYS = (
    "log.follow", "log.search", "log.stream", "log.wrap", "log.next_error", "log.times", "log.save",
)  # fmt: skip


def _log_action(name: str) -> Callable[[OneJobScreen], None]:
    """Return an action that the palette and the key bar find on the page, and the log performs."""

    def action(page: OneJobScreen) -> None:
        getattr(page.log_pane, f"action_{name}")()

    return action


class OneJobScreen(Screen[None]):
    """A page of one job. Subclasses provide what is between the title and the keys."""

    scope: ClassVar[str] = "log"
    """The scope of `keymap` that the help shows beside the global one."""
    DEFAULT_CSS = """
    OneJobScreen {
        & > #job-title { height: 1; background: $panel; }
    }
    """
    own_keys: ClassVar[tuple[str, ...]] = ("global.back", "global.leave")
    """The keys of `keymap` that belong to the page, in the order of the help."""
    lacks: ClassVar[frozenset[str]] = frozenset()
    """Keys of the log that the page uses for something else."""
    BINDINGS: ClassVar[list[BindingType]] = these(*own_keys)

    def __init__(self, job_id: str, *, attempt: int | None = None) -> None:
        """Create the page; `attempt` selects whose output is shown, None the latest."""
        super().__init__()
        self.job_id = job_id
        self.job = JobReader(self, job_id, self._job_read)
        self._attempt = attempt
        self._title = Static(id="job-title", markup=False)
        self._keys = KeyBar(id="job-keys")
        self._log: LogPane | None = None

    @property
    def console(self) -> Console:
        """The console that shows the page."""
        return console_of(self)

    @property
    def log_pane(self) -> LogPane:
        """The log pane of the job."""
        if self._log is None:
            self._log = self.make_log(LogPane)
        return self._log

    def make_log(self, kind: type[LogPane]) -> LogPane:
        """Create the log pane."""
        return kind(self.job_id, attempt=self._attempt, ascii_only=self.paint.ascii_only)

    @property
    def paint(self) -> Paint:
        """The styles of the current theme."""
        return self.console.paint

    @property
    def rows_ready(self) -> bool:
        """Whether the job has been read: until then no key of the page can act on it."""
        return self.job.has_answered

    def body(self) -> Iterable[Widget]:
        """Return the widgets between the title and the keys."""
        return (self.log_pane,)

    def hints(self) -> Sequence[KeyHint]:
        """Return the keys that apply here."""
        back = KeyHint(key="esc", label="back", priority=99, action="back", ids=("global.back",))
        found = [back, *(hint(each) for each in _KEYS if each not in self.lacks)]
        if self.job.page is not None and self.job.page.job.fence > 1:
            found.append(
                KeyHint(key="[ ]", label="attempt", priority=45, ids=("log.previous_attempt", "log.next_attempt"))
            )
        if self.log_pane.view.rows.query:
            found.insert(3, KeyHint(key="n N", label="hits", priority=79, ids=("log.next", "log.previous")))
        return (*found, hint("global.help"))

    def show_page(self, page: JobPage, now: int) -> None:
        """Show the job; called after a change and once a second."""

    def compose(self) -> ComposeResult:
        yield self._title
        yield from self.body()
        yield self._keys

    def on_mount(self) -> None:
        self.set_interval(_INTERVAL, self.job.read)
        self.set_interval(1.0, self._repaint)
        self.job.read()
        self.log_pane.view.focus()

    def on_resize(self) -> None:
        self._repaint()

    def on_log_pane_updated(self, event: LogPane.Updated) -> None:
        """Update the keys: the log has changed, or a search has begun or ended."""
        event.stop()
        self._keys.show(self.hints())

    def action_back(self) -> None:
        """Close a search, else leave the page."""
        if not self.log_pane.close_search():
            self.action_leave()

    def action_leave(self) -> None:
        """Leave the page."""
        self.dismiss()

    action_follow = _log_action("follow")
    action_wrap = _log_action("wrap")
    action_times = _log_action("times")
    action_stream = _log_action("stream")
    action_search = _log_action("search")
    action_next = _log_action("next")
    action_previous = _log_action("previous")
    action_next_error = _log_action("next_error")
    action_previous_error = _log_action("previous_error")
    action_next_attempt = _log_action("next_attempt")
    action_previous_attempt = _log_action("previous_attempt")
    action_save = _log_action("save")

    async def on_key_bar_pressed(self, event: KeyBar.Pressed) -> None:
        """Run the action of a clicked hint."""
        event.stop()
        own = hasattr(self, f"action_{event.action.partition('(')[0]}")
        await self.app.run_action(event.action, self if own else self.app)

    def _job_read(self) -> None:
        page = self.job.page
        if page is not None and self.job.problem is None and page.job.finished_at is None:
            self.log_pane.attempt_began(page.job.fence)
        self._repaint()

    def _repaint(self) -> None:
        width = self.size.width
        with self.app.batch_update():
            self._title.update(self._title_line(width), layout=False)
            self._keys.show(self.hints())
            if self.job.page is not None:
                self.show_page(self.job.page, self.console.clock.now())

    def _title_line(self, width: int) -> Text:
        page, problem, now = self.job.page, self.job.problem, self.console.clock.now()
        if page is None:
            return Text(f" {one_line(self.job_id, 40)}  {one_line(problem or '', width)}", self.paint("error"))
        if problem is None:
            return title(page, self.paint, now, width)
        left = Text(f" {one_line(problem, width // 2)}  ", self.paint("error"))
        left.append_text(title(page, self.paint, now, max(width - left.cell_len, 10)))
        return left
