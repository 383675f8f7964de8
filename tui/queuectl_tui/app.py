"""The console app: one screen with six views, a reader thread and a writer thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work
from textual.app import App
from textual.binding import Binding
from textual.widgets import ContentSwitcher, Static

from queuectl.domain.clock import Clock
from queuectl.domain.errors import Refused
from queuectl_tui import key_guide, keymap
from queuectl_tui.command_runner import CommandRunner
from queuectl_tui.exit_signals import Interrupts, exit_on_signals
from queuectl_tui.last_action import LastAction
from queuectl_tui.notices import Notices, report_ends
from queuectl_tui.pages import Pages
from queuectl_tui.places import PLACES
from queuectl_tui.pool_control import PoolControl
from queuectl_tui.reader import Answered, Reader, SnapshotArrived, read_liveness, read_outlook
from queuectl_tui.screens.views import load
from queuectl_tui.snapshot import empty_snapshot
from queuectl_tui.terminal_title import TerminalTitle
from queuectl_tui.theme import Paint, install, next_theme
from queuectl_tui.typed import Typed
from queuectl_tui.view_switcher import ViewSwitcher
from queuectl_tui.watch_list import WatchList
from queuectl_tui.widgets.echo_line import EchoLine
from queuectl_tui.widgets.key_bar import KeyBar
from queuectl_tui.widgets.status_line import StatusLine
from queuectl_tui.widgets.tabs import Tabs
from queuectl_tui.writer import ActionDone, Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.command import Provider
    from textual.dom import DOMNode
    from textual.events import Event
    from textual.screen import Screen

    from queuectl.domain.errors import QueuectlError
    from queuectl.operations.context import Context
    from queuectl.operations.operation import Operation
    from queuectl_tui.history import History
    from queuectl_tui.palette_entry import Entry
    from queuectl_tui.reader import Census
    from queuectl_tui.screens.views import View
    from queuectl_tui.snapshot import Snapshot


class ConsoleApp(App[int]):
    """The console. `live=False`: no threads and no timers, for pictures."""

    CSS_PATH = "app.tcss"
    TITLE = "queuectl"
    AUTO_FOCUS = "JobTable"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {key_guide.palette}
    BINDINGS: ClassVar[list[BindingType]] = [
        *keymap.bindings("global"),
        Binding("ctrl+c", "interrupt", "Quit", show=False, priority=True, id="global.interrupt"),
        Binding("ctrl+q", "quit", "Quit", show=False, id="global.quit"),
    ]

    def __init__(
        self,
        context_factory: Callable[[], Context],
        clock: Clock | None = None,
        *,
        read_only: bool = False,
        ascii: bool = False,
        live: bool = True,
        census: Census = read_liveness,
        location: str | None = None,
        theme: str | None = None,
        user_keymap: Mapping[str, str] | None = None,
        history: History | None = None,
    ) -> None:
        """Create the console.

        `census` reads the live workers and pools; `location` is the store without secrets; `user_keymap` has been
        checked by `user_keymap.read`.
        """
        super().__init__()
        self.typed = Typed(self, super().on_event)
        self.user_keymap = user_keymap or {}
        self.clock = clock or Clock()
        self.read_only = read_only
        self.ascii_only = ascii
        self.live = live
        self.location = location if location is not None else context_factory().location
        self.reader = Reader(self.post_message, self.clock, context_factory, census, live=live)
        self.writer = Writer(self.post_message, context_factory, live=live)
        self.snapshot: Snapshot = empty_snapshot(self.clock.now())
        self.frozen = False
        self.watching = WatchList()
        self.pool = PoolControl(self)
        self.pages = Pages(self, self, CommandRunner(self, history))
        self.mounted_all = False
        self._interrupts = Interrupts()
        self._title = TerminalTitle(self._write)
        self._paint: Paint | None = None
        install(self, theme)

    def compose(self) -> ComposeResult:
        """Lay out status, tabs, views, echo line and keys."""
        yield StatusLine(self.location, read_only=self.read_only, shown_key=self.shown_key, id="status")
        yield Tabs(id="tabs")
        yield ContentSwitcher(load(PLACES[0]), initial=PLACES[0].name, id="views")
        yield Static(id="trouble", markup=False)
        yield EchoLine(id="echo", ascii_only=self.ascii_only, undo_key=self.shown_key("global.undo"))
        yield KeyBar(id="keys")
        yield Static(id="too-small", markup=False)

    def on_mount(self) -> None:
        """Start the threads and show the first view."""
        self.set_keymap(self.user_keymap)
        main = self.screen_stack[0]
        self.status, self.tabs = main.query_one(StatusLine), main.query_one(Tabs)
        self.echo, self.key_bar = main.query_one(EchoLine), main.query_one(KeyBar)
        self.views = ViewSwitcher(self, main.query_one(ContentSwitcher), self.tabs)
        self.last_action = LastAction(self, self.writer, self.echo)
        self.notices = Notices(main)
        self.notices.fit(self.snapshot)
        self.mounted_all = True
        self.theme_changed_signal.subscribe(self, self._theme_changed)
        if self.live:
            exit_on_signals(self)
            self.set_interval(1.0, self._tick)
        self.reader.start()
        self.writer.start()
        self.view.on_view_shown()
        self.show_hints()

    def on_unmount(self) -> None:
        """Stop the threads, and restore the terminal's title."""
        self.typed.stop()
        self.reader.stop()
        self.writer.stop()
        self._title.restore()

    @property
    def paint(self) -> Paint:
        """The styles of the current theme."""
        if self._paint is None:
            self._paint = Paint(self.theme, dark=self.current_theme.dark, ascii_only=self.ascii_only)
        return self._paint

    @property
    def view(self) -> View:
        """The current view."""
        return self.views.current

    def act(
        self, operation: Operation, params: Any, *, about: str, then: Callable[[ActionDone], None] | None = None
    ) -> None:
        """Run an operation in the writer's thread; the echo line reports its result, which `then` receives too."""
        if operation.writes(params) and not self.may_write():
            return
        self.echo.working(about)
        self.writer.run(operation, params, about, then)

    async def push_screen_wait(self, screen: Screen[Any] | str, *, mode: str | None = None) -> Any:
        """Show a screen and wait for its answer, as a worker."""
        return await self.typed.wait_for_answer(self.push_screen(screen, wait_for_dismiss=True, mode=mode))

    def may_write(self) -> bool:
        """Return whether the console may write; if not, report why."""
        if self.read_only:
            refused = Refused("this console is read-only", hint="start it without --read-only")
            self.show_error(refused)
        return not self.read_only

    def show_error(self, error: QueuectlError) -> None:
        """Show an error in the echo line, and drop the keys typed after the one that caused it."""
        self.typed.discard()
        self.echo.failed(self.clock.now(), "", error)

    def say(self, text: str) -> None:
        """Show a text in the echo line."""
        self.echo.say(text)

    def refuse(self, text: str) -> None:
        """Report why a key does nothing, and drop the keys typed after it, which were meant for what it opens."""
        self.drop_typed()
        self.say(text)

    def drop_typed(self) -> None:
        """Drop the keys that were typed and not handled yet."""
        self.typed.discard()

    def copy(self, text: str, about: str) -> None:
        """Copy text to the terminal's clipboard."""
        self.copy_to_clipboard(text)
        self.say(about)

    def show_hints(self) -> None:
        """Show the keys that apply now, and those that always apply."""
        if not self.mounted_all:
            return
        typing = getattr(self.screen_stack[0].focused, "value", None) is not None
        self.key_bar.show(key_guide.shown_hints(self, self.view, typing=typing, frozen=self.frozen))

    @on(SnapshotArrived)
    def _snapshot_arrived(self, event: SnapshotArrived) -> None:
        if self.last_action.is_another(event.snapshot.store):
            self.views.forget_jobs()
        report_ends(self, self.watching, event.snapshot, self._write)
        self.reader.watching = self.watching.ids
        if self.views.is_empty or (self.frozen and event.snapshot.error is None):
            return
        self.snapshot = event.snapshot
        with self.batch_update():
            self._show()

    @on(ActionDone)
    def _action_done(self, event: ActionDone) -> None:
        self.last_action.ended(event)
        self.typed.wake()
        self.reader.refresh()

    @on(Answered)
    def _answered(self, event: Answered) -> None:
        event.answer(event.value)
        self.typed.wake()

    def _show(self) -> None:
        self.status.show(self.snapshot, self.clock.now(), frozen=self.frozen)
        self.notices.show(self.snapshot, self.paint)
        self.tabs.show(self.snapshot)
        self.view.show(self.snapshot)
        self.show_hints()
        if self.live and not self.is_headless:
            self._title.show(self.snapshot)
        self.notices.fit(self.snapshot)

    def _tick(self) -> None:
        """Update ages and clocks each second."""
        with self.batch_update():
            self.status.show(self.snapshot, self.clock.now(), frozen=self.frozen)
            if not self.frozen and hasattr(self.view, "tick") and len(self.screen_stack) == 1:
                self.view.tick()

    def on_app_blur(self) -> None:
        """Poll less often: the terminal is in the background."""
        self.reader.seen = False

    def on_app_focus(self) -> None:
        """Poll at the normal rate again, and read at once."""
        self.reader.seen = True
        self.reader.refresh()

    async def fetch(self, request: Callable[[Context], Any], key: str) -> Any:
        """Read something and wait for it. An error is shown, and cancels the worker that waits."""
        return await self.reader.fetch(request, key, self.show_error)

    async def outlook(self, operation: Operation, params: Any) -> list[str]:
        """Return whether an operation could be undone, as a line for a confirmation; empty if it changes no jobs."""
        lines: list[str] = await self.fetch(lambda context: read_outlook(context, operation.name, params), "outlook")
        return lines

    @on(KeyBar.Pressed)
    async def _hint_clicked(self, event: KeyBar.Pressed) -> None:
        await self.run_action(event.action, key_guide.target_of(event.action, self.focused or self.view, self))

    @property
    def changing(self) -> bool:
        """Whether a changing action is in progress."""
        return bool(self.writer.changing)

    def undo(
        self, then: Callable[[ActionDone], None] | None = None, refuse: Callable[[str], None] | None = None
    ) -> None:
        """Undo the last action; `then` receives its outcome, `refuse` the reason why it is not tried."""
        self.last_action.undo(then, refuse)

    @on(Tabs.SavedWanted)
    def _saved_wanted(self) -> None:
        self.show_view(PLACES[0].name)
        self.call_next(lambda: self._press("views", self.view))

    @on(Tabs.Chosen)
    def _tab_clicked(self, event: Tabs.Chosen) -> None:
        self.show_view(event.name)

    async def on_event(self, event: Event) -> None:
        """Queue keys and pastes; dispatch all other events at once."""
        await self.typed.take(event)

    def action_new_job(self) -> None:
        """Enqueue a job."""
        if self.may_write():
            self.pages.new_job()

    @work(group="pool")
    async def action_start_pool(self) -> None:
        """Start workers that keep running when the console closes."""
        await self.pool.start()

    @work(group="pool")
    async def action_stop_pool(self) -> None:
        """Let the workers finish their jobs, then stop."""
        await self.pool.stop()

    def action_scale(self, by: int) -> None:
        """Add or remove one worker of the newest pool."""
        self.pool.scale(by)

    def action_undo(self) -> None:
        """Undo the last action."""
        self.undo()

    def action_command(self) -> None:
        """Open the command line."""
        self.pages.command_line()

    def action_settings(self) -> None:
        """Open the settings."""
        self.pages.settings(self.last_action)

    def action_help(self) -> None:
        """Open the help."""
        self.push_screen(key_guide.help_for(self, self.view, self.screen))

    def key_entries(self, screen: Screen[Any] | None = None) -> Iterator[Entry]:
        """Yield the keys that apply on `screen` (the topmost), and the views, for the palette."""
        return key_guide.entries(self, self, self.view, screen or self.screen, self._press)

    def shown_key(self, id_: str) -> str:
        """Return the key of a binding, as shown to users."""
        return keymap.shown_key(id_, self.user_keymap)

    def _press(self, action: str, target: DOMNode) -> None:
        self.call_later(self.run_action, action, target)

    async def action_view(self, name: str) -> None:
        """Show a view."""
        self.show_view(name)

    def show_view(self, name: str, filter_text: str = "") -> None:
        """Show a view, and set its filter if one is given. It is created when it is first shown."""
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self.views.show(name, filter_text)

    def action_freeze(self) -> None:
        """Freeze the display, or show changes again."""
        self.frozen = not self.frozen
        if not self.frozen:
            self.reader.refresh()
        self._show()

    def action_refresh(self) -> None:
        """Read everything again."""
        self.reader.refresh()

    def action_zoom(self) -> None:
        """Toggle between one pane and the whole view."""
        if hasattr(self.view, "action_zoom"):
            self.view.action_zoom()

    def action_theme(self) -> None:
        """Switch to the next theme."""
        self.theme = next_theme(self.theme)
        self.say(f"theme {self.theme}")

    async def action_back(self) -> None:
        """Close one layer; never quits."""
        self.view.go_back()
        self.show_hints()

    def action_leave(self) -> None:
        """Close one layer; at the top, quit."""
        if not self.view.go_back():
            self.exit(0)

    def action_interrupt(self) -> None:
        """Show how to quit; a second call within five seconds quits."""
        if self._interrupts.is_second(self.clock.monotonic()):
            self.exit(0)
        else:
            self.say("Ctrl+C again quits the console; workers and jobs keep running")

    def _theme_changed(self, _theme: Any) -> None:
        self._paint = None
        self.call_after_refresh(self._show)
        self.call_after_refresh(self.refresh, layout=True)

    def on_resize(self) -> None:
        """Show a message if the terminal is too small; the first size may come before `on_mount`."""
        if self.mounted_all:
            self.notices.fit(self.snapshot)

    def _write(self, sequence: str) -> None:
        if self._driver is not None and not self.is_headless:
            self._driver.write(sequence)
