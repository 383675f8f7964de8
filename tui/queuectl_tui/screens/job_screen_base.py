"""Base of the pages of one job: a title line, the job's state, a line of keys, and the way back."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual.screen import Screen
from textual.widgets import Static

from queuectl.domain.text import one_line
from queuectl_tui.keymap import KeyHint, hint, these
from queuectl_tui.widgets.job_facts import read_page, title
from queuectl_tui.widgets.key_bar import KeyBar
from queuectl_tui.widgets.log_pane import LogPane

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widget import Widget

    from queuectl_tui.app import ConsoleApp
    from queuectl_tui.theme import Paint
    from queuectl_tui.widgets.job_facts import JobPage

_INTERVAL = 0.25
"""Seconds between two polls for a change of the job."""
_OLD = 1.0
"""Seconds after which a job that is not final is read again although nothing was written."""
_PATIENCE = 2.0
"""Seconds after which a request is repeated: an unreadable store gives no answer."""
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
        self.page: JobPage | None = None
        self.problem: str | None = None
        self._attempt = attempt
        self._asked_at: float | None = None
        self._read_at = 0.0
        self._title = Static(id="job-title", markup=False)
        self._keys = KeyBar(id="job-keys")
        self._log: LogPane | None = None

    @property
    def console_app(self) -> ConsoleApp:
        """The app, typed as `ConsoleApp`."""
        return cast("ConsoleApp", self.app)

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
        return self.console_app.paint

    @property
    def rows_ready(self) -> bool:
        """Whether the job has been read: until then no key of the page can act on it."""
        return self.page is not None or self.problem is not None

    def body(self) -> Iterable[Widget]:
        """Return the widgets between the title and the keys."""
        return (self.log_pane,)

    def hints(self) -> Sequence[KeyHint]:
        """Return the keys that apply here."""
        back = KeyHint(key="esc", label="back", priority=99, action="back", ids=("global.back",))
        found = [back, *(hint(each) for each in _KEYS if each not in self.lacks)]
        if self.page is not None and self.page.job.fence > 1:
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
        self.set_interval(_INTERVAL, self.read_page)
        self.set_interval(1.0, self._repaint)
        self.read_page()
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

    def read_page(self) -> None:
        """Read the job, if it has changed."""
        if self._asked_at is not None and monotonic() - self._asked_at < _PATIENCE:
            return
        self._asked_at = monotonic()
        seen = None if self.page is None or self.problem is not None else self.page.changed
        if self.page is not None and self.page.job.finished_at is None and monotonic() - self._read_at > _OLD:
            seen = None  # workers start and end, and ages grow, without a change of the job
        self.console_app.reader.ask(
            lambda context: read_page(context, self.job_id, seen), self._take, f"job:{id(self)}"
        )

    def _take(self, found: JobPage | str | None) -> None:
        self._asked_at = None
        self._read_at = monotonic() if found is not None else self._read_at
        if found is None or not self.is_attached:
            return
        if isinstance(found, str):
            self.problem = found
        else:
            self.page, self.problem = found, None
            if found.job.finished_at is None:
                self.log_pane.attempt_began(found.job.fence)
        self._repaint()

    def _repaint(self) -> None:
        width = self.size.width
        with self.app.batch_update():
            self._title.update(self._title_line(width), layout=False)
            self._keys.show(self.hints())
            if self.page is not None:
                self.show_page(self.page, self.console_app.clock.now())

    def _title_line(self, width: int) -> Text:
        if self.page is None:
            return Text(f" {one_line(self.job_id, 40)}  {one_line(self.problem or '', width)}", self.paint("error"))
        if self.problem is None:
            return title(self.page, self.paint, self.console_app.clock.now(), width)
        left = Text(f" {one_line(self.problem, width // 2)}  ", self.paint("error"))
        left.append_text(title(self.page, self.paint, self.console_app.clock.now(), max(width - left.cell_len, 10)))
        return left
