"""The last action of the console, and how `u` undoes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual import on

from queuectl.domain.errors import StoreGone
from queuectl.operations import find
from queuectl_tui.typed import TypedApp
from queuectl_tui.writer import ActionDone

if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl.domain.clock import Clock
    from queuectl.operations.operation import Operation
    from queuectl_tui.reader import Reader
    from queuectl_tui.widgets.echo_line import EchoLine
    from queuectl_tui.writer import Writer


class LastAction(TypedApp):
    """Reports the outcome of each action, and remembers how to undo the last one."""

    clock: Clock
    echo: EchoLine
    reader: Reader
    writer: Writer
    _last_undo: int | None = None
    _not_undoable: str | None = None
    """Name of the last operation, if it cannot be undone."""
    _setting_undo: tuple[Operation, Any] | None = None
    """Operation and params that restore the last changed setting; None after any other action."""

    if TYPE_CHECKING:

        def act(
            self,
            operation: Operation,
            params: Any,
            *,
            about: str,
            then: Callable[[ActionDone], None] | None = None,
        ) -> None:
            """Run an operation."""

        def may_write(self) -> bool:
            """Return whether the console may write."""

    _store = ""
    """Identity of the store that was read last."""

    @property
    def changing(self) -> bool:
        """Whether a changing action is in progress."""
        return bool(self.writer.changing)

    @on(ActionDone)
    def _action_done(self, event: ActionDone) -> None:
        self.writer.ended(event)
        now = self.clock.now()
        if event.error is not None:
            if isinstance(event.error, StoreGone):
                self._forget_last()
            self.echo.failed(now, event.about, event.error, event.echo)
        else:
            if event.operation.writes(event.params):
                self._last_undo, self._setting_undo = event.undo, None
                self._not_undoable = event.operation.name if event.undo is None else None
            self.echo.done(now, event.about, event.echo, undo=event.undo is not None, too_much=event.too_much)
        if event.then is not None:
            event.then(event)
        self.typed.wake()
        self.reader.refresh()

    def is_another(self, store: str) -> bool:
        """Return whether the store has been replaced by another one; if so, drop the last action."""
        before, self._store = self._store, store or self._store
        if not before or self._store == before:
            return False
        self._forget_last()
        return True

    def _forget_last(self) -> None:
        """Drop the last action: its undo number may mean another action in the new store."""
        self._last_undo = self._not_undoable = self._setting_undo = None
        self.echo.withdraw_undo()

    def action_undo(self) -> None:
        """Undo the last action."""
        self.undo()

    def undo(
        self, then: Callable[[ActionDone], None] | None = None, refuse: Callable[[str], None] | None = None
    ) -> None:
        """Undo the last action; `then` receives its outcome, `refuse` the reason why it is not tried."""
        refuse = refuse or self.refuse
        if self.changing:
            # The number of that action is not known yet; the number that is known belongs to an older one.
            refuse(f"{self.writer.changing[-1]} is still in progress: press again when it has ended")
        elif self._setting_undo is not None:
            self.act(*self._setting_undo, about=f"put {self._setting_undo[1].key} back", then=then)
        elif self._not_undoable not in {None, "undo"}:
            refuse(f"{self._not_undoable} cannot be undone; :undo --list shows what can be, by number")
        elif self.may_write():
            undo = find("undo")
            self.act(undo, undo.params(undo=self._last_undo), about="undid", then=then)
