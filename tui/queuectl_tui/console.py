"""What views, pages and widgets use of the console that shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from textual.dom import DOMNode
    from textual.screen import Screen

    from queuectl.domain.clock import Clock
    from queuectl.operations.context import Context
    from queuectl.operations.operation import Operation
    from queuectl_tui.palette_entry import Entry
    from queuectl_tui.reader import Reader
    from queuectl_tui.snapshot import Snapshot
    from queuectl_tui.theme import Paint
    from queuectl_tui.watch_list import WatchList
    from queuectl_tui.writer import ActionDone


class Opener(Protocol):
    """The pages and forms that the console opens: `pages.Pages`."""

    def job(self, job_id: str, *, attempt: int | None = None) -> None:
        """Open the page of a job."""

    def log(self, job_id: str, *, attempt: int | None = None) -> None:
        """Open the log of a job."""

    def new_job(self, initial: dict[str, Any] | None = None, problems: dict[str, str] | None = None) -> None:
        """Ask for a job and enqueue it; a refused one returns to the form, with the reason."""

    def edit_job(self, job_id: str, then: Callable[[ActionDone], None] | None = None) -> None:
        """Edit a job and put it back in the queue; `then` receives the result."""

    def command_line(self, text: str = "") -> None:
        """Open the command line with `text` typed, and run the answer."""


class Console(Protocol):
    """The console: `app.ConsoleApp`."""

    clock: Clock
    reader: Reader
    watching: WatchList
    read_only: bool
    live: bool
    """Whether threads and timers run; not for pictures."""
    user_keymap: Mapping[str, str]

    @property
    def pages(self) -> Opener:
        """The pages and forms that it opens."""

    snapshot: Snapshot
    """The store as it is shown."""

    @property
    def paint(self) -> Paint:
        """The styles of the current theme."""

    def act(
        self, operation: Operation, params: Any, *, about: str, then: Callable[[ActionDone], None] | None = None
    ) -> None:
        """Run an operation in the writer's thread; the echo line reports its result, which `then` receives too."""

    def undo(
        self, then: Callable[[ActionDone], None] | None = None, refuse: Callable[[str], None] | None = None
    ) -> None:
        """Undo the last action; `then` receives its outcome, `refuse` the reason why it is not tried."""

    def may_write(self) -> bool:
        """Return whether the console may write; if not, report why."""

    async def fetch(self, request: Callable[[Context], Any], key: str) -> Any:
        """Read something and wait for it. An error is shown, and cancels the worker that waits."""

    async def outlook(self, operation: Operation, params: Any) -> list[str]:
        """Return whether an operation could be undone, as a line for a confirmation; empty if it changes no jobs."""

    def say(self, text: str) -> None:
        """Show a text in the echo line."""

    def refuse(self, text: str) -> None:
        """Report why a key does nothing, and drop the keys typed after it."""

    def drop_typed(self) -> None:
        """Drop the keys that were typed and not handled yet."""

    def copy(self, text: str, about: str) -> None:
        """Copy text to the terminal's clipboard."""

    def shown_key(self, id_: str) -> str:
        """Return the key of a binding, as shown to users."""

    def key_entries(self, screen: Screen[Any] | None = None) -> Iterator[Entry]:
        """Yield the keys that apply on `screen` (the topmost), and the views, for the palette."""

    def show_view(self, name: str, filter_text: str = "") -> None:
        """Show a view, and set its filter if one is given."""

    def push_screen(self, screen: Screen[Any]) -> object:
        """Show a screen."""

    async def push_screen_wait(self, screen: Screen[Any]) -> Any:
        """Show a screen and wait for its answer."""

    def show_hints(self) -> None:
        """Show the keys that apply now."""


def console_of(node: DOMNode) -> Console:
    """Return the console that shows a widget or a screen."""
    return cast("Console", node.app)
