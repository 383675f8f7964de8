"""Queue of typed keys and pastes: each is handled completely before the next one is dispatched to the focus.

Textual forwards a key to the widget that has the focus when the key arrives. Keys of one read all arrive before the
first is handled, so the letters of `/xy` would act on the list that `/` has just left. Here a key waits until the one
before it has been handled: until focus and screens are stable, until the dialog that it opens is there, and, if it acts
on a row, until the rows on the screen are those of the last request. The key that undoes the last action waits until
that action has ended.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Protocol, TypeVar
from weakref import WeakSet

from textual.events import Key, Paste
from textual.widgets import Input, TextArea
from textual.worker import get_current_worker

from queuectl_tui.keymap import acts_on_row, is_step

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
    from typing import Any

    from textual.dom import DOMNode
    from textual.events import Event
    from textual.message_pump import MessagePump
    from textual.screen import Screen
    from textual.worker import Worker

Answer = TypeVar("Answer")
_STILL = 3
"""Consecutive passes that change neither focus nor screens.

A message that a handler posts to its own widget is handled one pass later; the longest chain of them (a letter of the
filter: field, bar, view) takes three.
"""
_PATIENCE = 2.0
"""Seconds that a key waits for a dialog, for rows or for an action; then it and all keys typed after it are dropped."""
_CLOSING = 0.1
"""Seconds between two checks whether a widget still handles messages."""
_LOOK = 0.05
"""Seconds between two polls of what calls no `wake` when it ends: the search of the palette."""
_AT_ONCE = frozenset({"ctrl+c", "ctrl+q"})
"""Keys that quit the console: they wait for nothing, and drop the keys typed before them, as on a terminal."""


class TypedHost(Protocol):
    """What the queue uses of the app."""

    mounted_all: bool
    """Whether the widgets are mounted."""

    @property
    def changing(self) -> bool:
        """Whether a changing action is in progress."""

    @property
    def view(self) -> MessagePump:
        """The current view."""

    @property
    def screen(self) -> Screen[Any]:
        """The topmost screen."""

    @property
    def screen_stack(self) -> Sequence[Screen[Any]]:
        """All screens, the topmost last."""

    @property
    def workers(self) -> Iterable[Worker[Any]]:
        """The workers of the app."""

    def say(self, text: str) -> None:
        """Show a text."""


class Typed:
    """Queue of the keys and pastes that have not been handled yet."""

    def __init__(self, app: TypedHost, dispatch: Callable[[Event], Awaitable[None]]) -> None:
        """Create the queue; `dispatch` sends an event to the focus."""
        self._app = app
        self._dispatch = dispatch
        self._held: deque[Key | Paste] = deque()
        self._last: tuple[Key | Paste, object] | None = None
        """The last event dispatched, and the focus at that time."""
        self._task: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._asking: WeakSet[Worker[Any]] = WeakSet()
        """Workers whose dialog is open."""
        self._given_up: WeakSet[Worker[Any]] = WeakSet()
        """Workers that no key waits for any more."""

    async def take(self, event: Event) -> None:
        """Handle a key or a paste after all those typed before it, and any other event at once."""
        if not isinstance(event, Key | Paste) or event.is_forwarded:
            await self._dispatch(event)
        elif isinstance(event, Key) and event.key in _AT_ONCE:
            self.discard()
            await self._dispatch(event)
        else:
            self._held.append(event)
            if self._task is None:
                self._task = asyncio.create_task(self._handle_all(), name="typed")

    def discard(self) -> None:
        """Drop the unhandled events: they were meant for something that did not open."""
        self._held.clear()
        self.wake()

    def wake(self) -> None:
        """Check the queue again: something that a key may wait for has arrived."""
        self._news.set()

    async def wait_for_answer(self, answer: asyncio.Future[Answer]) -> Answer:
        """Wait for the answer to the dialog of the current worker, for which keys need not wait meanwhile."""
        worker = get_current_worker()
        self._asking.add(worker)
        self.wake()
        try:
            # As in Textual: the dialog outlives a cancelled worker.
            return await asyncio.shield(answer)
        finally:
            self._asking.discard(worker)
            self.wake()

    def stop(self) -> None:
        """Stop: the console ends."""
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
        """Wait until all events typed before have taken effect; return False after a timeout."""
        loop = asyncio.get_running_loop()
        end = loop.time() + _PATIENCE
        while True:
            if not self._repeats_last(event):
                await self._wait_until_stable()
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
                # Undo itself reports which action it would have to wait for.
                return not working and not rows
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), _LOOK)
            except TimeoutError:
                continue

    def _working(self) -> list[Worker[Any]]:
        """Return the workers started by a key that have neither ended nor opened their dialog."""
        return [
            worker
            for worker in self._app.workers
            if not worker.is_finished and worker not in self._asking and worker not in self._given_up
        ]

    def _types(self, event: Key | Paste) -> bool:
        """Return whether an event only adds to the text of a field, which does not depend on a read."""
        field = self._app.screen.focused
        return isinstance(field, Input | TextArea) and (not isinstance(event, Key) or event.is_printable)

    def _repeats_last(self, event: Key | Paste) -> bool:
        """Return whether an event continues the last one: text for the same field, or the same step of the same list.

        Neither changes focus or screens. A letter need not wait for the one before it, as a field handles them in
        order; a step waits only until the step before it has been made.
        """
        if self._last is None or self._last[1] != self._place() or not isinstance(event, Key):
            return False
        last = self._last[0]
        if self._types(event):
            return isinstance(last, Key) and last.is_printable
        return isinstance(last, Key) and last.key == event.key and is_step(self._binding(event))

    def _place(self) -> object:
        """Return the target of typed events: screens and focus."""
        return tuple(self._app.screen_stack), self._app.screen.focused

    def _awaits_rows(self, event: Key | Paste) -> bool:
        """Return whether an event acts on a row while the requested rows have not arrived."""
        screen = self._app.screen
        start: DOMNode = screen.focused or screen
        owner = next((node for node in start.ancestors_with_self if hasattr(node, "rows_ready")), None)
        if owner is None or owner.rows_ready or not isinstance(event, Key):
            return False
        return acts_on_row(self._binding(event))

    def _awaits_action(self, event: Key | Paste) -> bool:
        """Return whether an event undoes an action that is still in progress."""
        return self._app.changing and isinstance(event, Key) and self._binding(event) == "global.undo"

    def _binding(self, event: Key) -> str | None:
        """Return the id of a key's binding."""
        active = self._app.screen.active_bindings.get(event.key)
        return None if active is None else active.binding.id

    async def _wait_until_stable(self) -> None:
        """Wait until all effects of the last key have been handled."""
        stable, before = 0, None
        while stable < _STILL:
            await self._sweep()
            now = self._place()
            stable = stable + 1 if now == before else 0
            before = now

    async def _sweep(self) -> None:
        """Wait until all handlers of a key have processed the messages sent to them so far."""
        for pump in self._pumps():
            await self._pass(pump)

    def _pumps(self) -> Iterator[MessagePump]:
        """Yield the message pumps that handle the effects of a key, in the order in which messages bubble."""
        screen = self._app.screen
        start: DOMNode = screen.focused or screen
        if len(self._app.screen_stack) == 1 and self._app.mounted_all:
            yield self._app.view
        yield from start.ancestors_with_self

    async def _pass(self, pump: MessagePump) -> None:
        """Wait until `pump` has handled the messages sent to it so far; a closing one handles nothing."""
        handled = asyncio.Event()
        if not pump.call_later(handled.set):
            return
        while not handled.is_set():
            try:
                await asyncio.wait_for(handled.wait(), _CLOSING)
            except TimeoutError:
                if not pump.is_running:
                    return
