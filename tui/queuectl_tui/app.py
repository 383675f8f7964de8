"""The console app: one screen with five views, a reader thread and a writer thread."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding
from textual.widgets import ContentSwitcher, Static

from queuectl.domain.clock import Clock
from queuectl.domain.errors import Refused, StoreBusy
from queuectl.domain.text import safe
from queuectl_tui import ansi, keymap
from queuectl_tui.available_keys import WRITES
from queuectl_tui.console_actions import ConsoleActions
from queuectl_tui.keymap import hint
from queuectl_tui.reader import Answered, Reader, SnapshotArrived, read_liveness
from queuectl_tui.screens.views import PLACES, View
from queuectl_tui.snapshot import empty_snapshot
from queuectl_tui.theme import CYCLE, THEMES, Paint
from queuectl_tui.widgets.echo_line import EchoLine
from queuectl_tui.widgets.job_table import JobTable
from queuectl_tui.widgets.key_bar import KeyBar
from queuectl_tui.widgets.line_list import LineList
from queuectl_tui.widgets.status_line import StatusLine
from queuectl_tui.widgets.tabs import Tabs, number
from queuectl_tui.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.dom import DOMNode
    from textual.widget import AwaitMount

    from queuectl.domain.errors import QueuectlError
    from queuectl.operations.context import Context
    from queuectl.operations.operation import Operation
    from queuectl_tui.history import History
    from queuectl_tui.reader import Census
    from queuectl_tui.snapshot import Snapshot
    from queuectl_tui.writer import ActionDone

SMALLEST = (60, 15)
_INTERRUPT = 5.0
"""Seconds within which a second Ctrl+C ends the console."""
_SAVE_TITLE, _GIVE_BACK_TITLE = "\x1b[22;2t", "\x1b[23;2t"


class ConsoleApp(ConsoleActions):
    """The console. `live=False`: no threads and no timers, for pictures."""

    CSS_PATH = "app.tcss"
    TITLE = "queuectl"
    AUTO_FOCUS = "JobTable"
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
        self.user_keymap = user_keymap or {}
        self.clock = clock or Clock()
        self.read_only = read_only
        self.ascii_only = ascii
        self.live = live
        self.location = location if location is not None else context_factory().location
        self.reader = Reader(self, context_factory, census, live=live)
        self.writer = Writer(self, context_factory, live=live)
        self.snapshot: Snapshot = empty_snapshot(self.clock.now())
        self.paused = False
        self.history = history
        self._lines = history.read() if history is not None else []
        self.mounted_all = False
        """Whether the widgets are mounted."""
        self._interrupted_at = float("-inf")
        self._terminal_title = ""
        self._paint: Paint | None = None
        for each in THEMES:
            self.register_theme(each)
        self.ansi_theme_dark, self.ansi_theme_light = ansi.DARK, ansi.LIGHT
        mono = bool(os.environ.get("NO_COLOR"))
        self.theme = theme or ("queuectl-mono" if mono else "queuectl")
        from queuectl_tui.screens.palette import ConsoleCommands

        self.COMMANDS = {ConsoleCommands}  # type: ignore[misc]  # without Textual's own

    def compose(self) -> ComposeResult:
        """Lay out status, tabs, views, echo line and keys."""
        yield StatusLine(self.location, read_only=self.read_only, id="status")
        yield Tabs(id="tabs")
        yield ContentSwitcher(PLACES[0].load(), initial=PLACES[0].name, id="views")
        yield Static(id="trouble", markup=False)
        yield EchoLine(id="echo", ascii_only=self.ascii_only)
        yield KeyBar(id="keys")
        yield Static(id="too-small", markup=False)

    def on_mount(self) -> None:
        """Start the threads and show the first view."""
        self.set_keymap(self.user_keymap)
        main = self.screen_stack[0]
        self.status, self.tabs = main.query_one(StatusLine), main.query_one(Tabs)
        self.echo, self.key_bar = main.query_one(EchoLine), main.query_one(KeyBar)
        self.switcher = main.query_one(ContentSwitcher)
        self.mounted_all = True
        self.theme_changed_signal.subscribe(self, self._theme_changed)
        if self.live:
            for each in (signal.SIGTERM, signal.SIGHUP):
                # Fails outside the main thread, as in tests.
                with suppress(RuntimeError, NotImplementedError, ValueError):
                    asyncio.get_running_loop().add_signal_handler(each, self.exit, None, 128 + each)
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
        if self._terminal_title:
            self._write(_GIVE_BACK_TITLE)

    # What others use -------------------------------------------------------------------------------------------------

    @property
    def paint(self) -> Paint:
        """The styles of the current theme."""
        if self._paint is None:
            self._paint = Paint(self.theme, dark=self.current_theme.dark, ascii_only=self.ascii_only)
        return self._paint

    @property
    def view(self) -> View:
        """The current view."""
        view = self.switcher.get_child_by_id(self.switcher.current or PLACES[0].name)
        if not isinstance(view, View):
            raise TypeError
        return view

    def act(
        self, operation: Operation, params: Any, *, about: str, then: Callable[[ActionDone], None] | None = None
    ) -> None:
        """Run an operation in the writer's thread; the echo line reports its result, which `then` receives too."""
        if operation.writes(params) and not self.may_write():
            return
        self.echo.working(about)
        self.writer.run(operation, params, about, then)

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

    def copy(self, text: str, about: str) -> None:
        """Copy text to the terminal's clipboard."""
        self.copy_to_clipboard(text)
        self.say(about)

    def show_hints(self) -> None:
        """Show the keys that apply now, and those that always apply."""
        if not self.mounted_all:
            return
        typing = getattr(self.screen_stack[0].focused, "value", None) is not None
        general = [hint("global.new_job")]
        general.append(hint("global.stop_pool") if self.snapshot.pools else hint("global.start_pool"))
        if self.read_only or typing:
            general = []
        general += [] if typing else [hint("global.pause", "resume" if self.paused else None), hint("global.command")]
        always = [] if typing else [hint("global.help"), hint("global.leave")]
        own = [each for each in self.view.hints() if not (self.read_only and each.action in WRITES)]
        self.key_bar.show([*own, *general, *always])

    # Reading ---------------------------------------------------------------------------------------------------------

    @on(SnapshotArrived)
    def _snapshot_arrived(self, event: SnapshotArrived) -> None:
        if self.is_another(event.snapshot.store):
            self._forget_jobs()
        self.report_ends(event.snapshot)
        if self.paused and event.snapshot.error is None:
            return
        self.snapshot = event.snapshot
        with self.batch_update():
            self._show()

    def _forget_jobs(self) -> None:
        """Drop the marks, and the cursor of the job table: another store may have other jobs with the same ids."""
        main = self.screen_stack[0]
        for table in main.query(JobTable):
            table.reset()
        for lines in main.query(LineList):
            lines.clear_marks()

    @on(Answered)
    def _answered(self, event: Answered) -> None:
        event.answer(event.value)
        self.typed.wake()

    def _show(self) -> None:
        self.status.show(self.snapshot, self.clock.now(), paused=self.paused)
        self._show_store_error()
        self.tabs.show(self.snapshot)
        self.view.show(self.snapshot)
        self.show_hints()
        self._show_title()
        self._show_too_small()

    def _tick(self) -> None:
        """Update ages and clocks each second."""
        with self.batch_update():
            self.status.show(self.snapshot, self.clock.now(), paused=self.paused)
            if not self.paused and hasattr(self.view, "tick") and len(self.screen_stack) == 1:
                self.view.tick()

    def on_app_blur(self) -> None:
        """Poll less often: the terminal is in the background."""
        self.reader.seen = False

    def on_app_focus(self) -> None:
        """Poll at the normal rate again, and read at once."""
        self.reader.seen = True
        self.reader.refresh()

    # Doing -----------------------------------------------------------------------------------------------------------

    @on(KeyBar.Pressed)
    async def _hint_clicked(self, event: KeyBar.Pressed) -> None:
        await self.run_action(event.action, self._action_target(event.action))

    def _action_target(self, action: str) -> DOMNode:
        """Return the nearest node to the focus that has this action, as for a key."""
        name = f"action_{action.partition('(')[0]}"
        start = self.focused or self.view
        return next((node for node in start.ancestors_with_self if hasattr(node, name)), self)

    @on(Tabs.Chosen)
    def _tab_clicked(self, event: Tabs.Chosen) -> None:
        self.show_view(event.name)

    # Keys ------------------------------------------------------------------------------------------------------------

    async def action_view(self, name: str) -> None:
        """Show a view."""
        self.show_view(name)

    def show_view(self, name: str) -> None:
        """Show a view; it is created when it is first shown."""
        while len(self.screen_stack) > 1:
            self.pop_screen()
        place = next(each for each in PLACES if each.name == name)
        there = self.switcher.query_children(f"#{name}")
        self.call_next(self._switch, name, None if there else self.switcher.mount(place.load()))

    async def _switch(self, name: str, mounted: AwaitMount | None) -> None:
        if mounted is not None:
            # The view paints at once, so its children must be mounted.
            await mounted
        self.switcher.current = name
        self.tabs.choose(name)
        self.view.on_view_shown()
        self.view.show(self.snapshot)
        self.show_hints()

    def action_pause(self) -> None:
        """Freeze the display, or resume."""
        self.paused = not self.paused
        if not self.paused:
            self.reader.refresh()
        self._show()

    def action_refresh(self) -> None:
        """Read everything again."""
        self.reader.refresh()

    def action_zoom(self) -> None:
        """Toggle between one pane and the whole view."""
        zoom = getattr(self.view, "action_zoom", None)
        if zoom is not None:
            zoom()

    def action_theme(self) -> None:
        """Switch to the next theme."""
        place = CYCLE.index(self.theme) if self.theme in CYCLE else -1
        self.theme = CYCLE[(place + 1) % len(CYCLE)]
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
        now = self.clock.monotonic()
        if now - self._interrupted_at < _INTERRUPT:
            self.exit(0)
            return
        self._interrupted_at = now
        self.say("Ctrl+C again quits the console; workers and jobs keep running")

    # The terminal ----------------------------------------------------------------------------------------------------

    def _theme_changed(self, _theme: Any) -> None:
        self._paint = None
        self.call_after_refresh(self._repaint_all)

    def _repaint_all(self) -> None:
        self._show()
        self.refresh(layout=True)

    def on_resize(self) -> None:
        """Show a message if the terminal is too small."""
        self._show_too_small()

    def _show_too_small(self) -> None:
        width, height = self.size
        small = width < SMALLEST[0] or height < SMALLEST[1]
        main = self.screen_stack[0]
        main.set_class(small, "-too-small")
        if small:
            counts = self.snapshot.counts
            text = f"queuectl needs {SMALLEST[0]}x{SMALLEST[1]}, this is {width}x{height}\n"
            text += f"{number(counts.get('processing', 0))} running  {number(counts.get('pending', 0))} pending  "
            text += f"{number(counts.get('dead', 0))} dead"
            main.query_one("#too-small", Static).update(Text(text, justify="center"))

    def _show_store_error(self) -> None:
        """Show the full error of the store, if it is permanent or nothing has been read yet."""
        where = self.screen_stack[0].query_one("#trouble", Static)
        wrong = self.snapshot.failure
        shown = wrong is not None and (self.snapshot.never or not isinstance(wrong, StoreBusy))
        where.display = shown
        if shown and wrong is not None:
            # The hint of a lock error addresses a user who tried to write.
            hint = "it is read as soon as the lock is released" if isinstance(wrong, StoreBusy) else wrong.hint
            where.update(Text(safe("\n".join(filter(None, (wrong.message, hint))), keep="\n"), self.paint("error")))

    def _show_title(self) -> None:
        """Set the title of the terminal."""
        if not self.live or self.is_headless:
            return
        counts = self.snapshot.counts
        title = f"{counts.get('processing', 0)} running, {counts.get('dead', 0)} dead - queuectl"
        if title != self._terminal_title:
            if not self._terminal_title:
                self._write(_SAVE_TITLE)
            self._terminal_title = title
            self._write(f"\x1b]2;{safe(title)}\x07")

    def _write(self, sequence: str) -> None:
        if self._driver is not None and not self.is_headless:
            self._driver.write(sequence)
