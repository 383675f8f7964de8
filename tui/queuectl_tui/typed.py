"""The keys and pastes that were typed: each is handled in full before the next one is given to what has the focus.

Textual forwards a key to the widget that has the focus when the key arrives. Keys of one read all arrive before the
first is handled, so the letters of `/xy` would act on the list that `/` has just left. Here a key waits until the one
before it has been handled: until the focus and the screens stand still, until the dialog that it opens is there, and,
where it acts on a row, until the rows on the screen are those that were asked for. The key that takes the last action
back waits until that action has ended.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING
from weakref import WeakSet

from textual.app import App
from textual.events import Key, Paste
from textual.widgets import Input, TextArea
from textual.worker import get_current_worker

from queuectl_tui.keymap import acts_on_row, is_step

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from typing import Any

    from textual.dom import DOMNode
    from textual.events import Event
    from textual.message_pump import MessagePump
    from textual.screen import Screen
    from textual.worker import Worker

    from queuectl_tui.screens.views import View

_STILL = 3
"""Passes in a row that change neither focus nor screens. A message that a handler posts to its own widget is handled
one pass later; the longest chain of them (a letter of the filter: field, bar, view) takes three."""
_PATIENCE = 2.0
"""Seconds that a key waits for a dialog, for rows or for an action. Then it and all that was typed after it are
dropped."""
_CLOSING = 0.1
"""Seconds between two looks whether a widget still handles messages."""
_LOOK = 0.05
"""Seconds between two looks at what makes no `news` when it ends: the search of the palette."""
_AT_ONCE = frozenset({"ctrl+c", "ctrl+q"})
"""Keys that leave the console: they wait for nothing, and what was typed before them is dropped, as on a terminal."""


class Typed:
    """What has been typed and not been handled yet."""

    def __init__(self, app: TypedApp, dispatch: Callable[[Key | Paste], Awaitable[None]]) -> None:
        """`dispatch` gives an event to what has the focus."""
        self._app = app
        self._dispatch = dispatch
        self._held: deque[Key | Paste] = deque()
        self._last: tuple[Key | Paste, object] | None = None
        """What was handed over last, and where the focus was."""
        self._task: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._asking: WeakSet[Worker[Any]] = WeakSet()
        """Workers whose dialog is open."""
        self._given_up: WeakSet[Worker[Any]] = WeakSet()
        """Workers that no key waits for any more."""

    async def put(self, event: Key | Paste) -> None:
        """Handle this after all that was typed before it."""
        if isinstance(event, Key) and event.key in _AT_ONCE:
            self.discard()
            await self._dispatch(event)
            return
        self._held.append(event)
        if self._task is None:
            self._task = asyncio.create_task(self._handle_all(), name="typed")

    def discard(self) -> None:
        """Drop what has not been handled: it was meant for something that did not come."""
        self._held.clear()
        self.news()

    def news(self) -> None:
        """Something has arrived that a key may wait for."""
        self._news.set()

    def asks(self, worker: Worker[Any], *, now: bool) -> None:
        """The dialog of a worker is open `now`, or has been answered."""
        (self._asking.add if now else self._asking.discard)(worker)
        self.news()

    def stop(self) -> None:
        """The console ends."""
        self._held.clear()
        if self._task is not None:
            self._task.cancel()

    async def _handle_all(self) -> None:
        try:
            while self._held:
                event = self._held[0]
                ready = await self._wait_for_turn(event)
                if not self._held or self._held[0] is not event:
                    continue
                if not ready:
                    self.discard()
                    self._app.say("the store is still being read: press again")
                    continue
                self._held.popleft()
                self._last = event, self._place()
                await self._dispatch(event)
        finally:
            self._task = None

    async def _wait_for_turn(self, event: Key | Paste) -> bool:
        """Wait until all that was typed before has had its effect; False when that takes too long."""
        loop = asyncio.get_running_loop()
        end = loop.time() + _PATIENCE
        while True:
            if not self._goes_on(event):
                await self._stand_still()
            elif not self._types(event):
                await self._sweep()
            if self._types(event):
                return True
            working, rows = self._working(), self._awaits_rows(event)
            if not working and not rows and not self._awaits_action(event):
                return True
            if not self._held:
                return False
            if loop.time() >= end:
                self._given_up.update(working)
                # Undo itself says which action it would have to wait for.
                return not working and not rows
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), _LOOK)
            except TimeoutError:
                continue

    def _working(self) -> list[Worker[Any]]:
        """Workers that a key has started and that have neither ended nor opened their dialog."""
        return [
            worker
            for worker in self._app.workers
            if not worker.is_finished and worker not in self._asking and worker not in self._given_up
        ]

    def _types(self, event: Key | Paste) -> bool:
        """Whether it only adds to the text of a field, which waits for nothing that is being read."""
        field = self._app.screen.focused
        return isinstance(field, Input | TextArea) and (not isinstance(event, Key) or event.is_printable)

    def _goes_on(self, event: Key | Paste) -> bool:
        """Whether it is one more of what came before: text for the same field, or the same step of the same list.

        Neither changes focus or screens. A letter need not wait for the one before it, as a field takes them in order;
        a step waits only until the step before it has been made.
        """
        if self._last is None or self._last[1] != self._place() or not isinstance(event, Key):
            return False
        last = self._last[0]
        if self._types(event):
            return isinstance(last, Key) and last.is_printable
        return isinstance(last, Key) and last.key == event.key and is_step(self._binding(event))

    def _place(self) -> object:
        """Where what is typed goes."""
        return tuple(self._app.screen_stack), self._app.screen.focused

    def _awaits_rows(self, event: Key | Paste) -> bool:
        """Whether it acts on a row, and the rows that were asked for are not there yet."""
        screen = self._app.screen
        start: DOMNode = screen.focused or screen
        owner = next((node for node in start.ancestors_with_self if hasattr(node, "rows_ready")), None)
        if owner is None or owner.rows_ready or not isinstance(event, Key):
            return False
        return acts_on_row(self._binding(event))

    def _awaits_action(self, event: Key | Paste) -> bool:
        """Whether it takes back an action that is still under way."""
        return self._app.changing and isinstance(event, Key) and self._binding(event) == "global.undo"

    def _binding(self, event: Key) -> str | None:
        """The id of what the key does."""
        found = self._app.screen.active_bindings.get(event.key)
        return None if found is None else found.binding.id

    async def _stand_still(self) -> None:
        """Wait until everything has been handled that the last key has led to."""
        still, before = 0, None
        while still < _STILL:
            await self._sweep()
            now = self._place()
            still = still + 1 if now == before else 0
            before = now

    async def _sweep(self) -> None:
        """Wait until all that a key passes through has handled what it was sent before now."""
        for pump in self._pumps():
            await self._pass(pump)

    def _pumps(self) -> Iterator[MessagePump]:
        """What the effects of a key pass through, in the order in which messages bubble."""
        screen = self._app.screen
        start: DOMNode = screen.focused or screen
        if len(self._app.screen_stack) == 1 and self._app.mounted_all:
            yield self._app.view
        yield from start.ancestors_with_self

    async def _pass(self, pump: MessagePump) -> None:
        """Wait until `pump` has handled what it was sent before now; one that closes handles nothing."""
        handled = asyncio.Event()
        if not pump.call_later(handled.set):
            return
        while not handled.is_set():
            try:
                await asyncio.wait_for(handled.wait(), _CLOSING)
            except TimeoutError:
                if not pump.is_running:
                    return


class TypedApp(App[int]):
    """An app that handles what is typed one key after the other."""

    mounted_all: bool = False
    """Whether the widgets are there."""

    if TYPE_CHECKING:

        @property
        def changing(self) -> bool:
            """Whether an action is under way that changes something."""

        @property
        def view(self) -> View:
            """The view that shows."""

        def say(self, text: str) -> None:
            """Say a word."""

    def __init__(self) -> None:
        """Nothing has been typed."""
        super().__init__()
        self.typed = Typed(self, super().on_event)

    async def on_event(self, event: Event) -> None:
        """Keys and pastes are handled one after the other, everything else as it comes."""
        if isinstance(event, Key | Paste) and not event.is_forwarded:
            await self.typed.put(event)
        else:
            await super().on_event(event)

    async def push_screen_wait(self, screen: Screen[Any] | str, *, mode: str | None = None) -> Any:
        """Push a screen and wait for its answer. Keys need not wait for the worker while its dialog is open."""
        worker = get_current_worker()
        answer = self.push_screen(screen, wait_for_dismiss=True, mode=mode)
        self.typed.asks(worker, now=True)
        try:
            # As Textual does it: the dialog outlives a worker that is cancelled.
            return await asyncio.shield(answer)
        finally:
            self.typed.asks(worker, now=False)

    def refuse(self, text: str) -> None:
        """Say why a key does nothing. What was typed after it was meant for what it would have opened."""
        self.typed.discard()
        self.say(text)
