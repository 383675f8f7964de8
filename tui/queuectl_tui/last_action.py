"""The last action of the console, and how `u` undoes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from queuectl.domain.errors import StoreGone
from queuectl.operations import find

if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl.operations.operation import Operation
    from queuectl_tui.console import Console
    from queuectl_tui.widgets.echo_line import EchoLine
    from queuectl_tui.writer import ActionDone, Writer


class LastAction:
    """Reports the outcome of each action, and remembers how to undo the last one."""

    def __init__(self, console: Console, writer: Writer, echo: EchoLine) -> None:
        """Report the actions of `writer` in `echo`."""
        self._console = console
        self._writer = writer
        self._echo = echo
        self._undo: int | None = None
        self._not_undoable: str | None = None
        """Name of the last operation, if it cannot be undone."""
        self._setting_undo: tuple[Operation, Any] | None = None
        """Operation and params that restore the last changed setting; None after any other action."""
        self._store = ""
        """Identity of the store that was read last."""

    def ended(self, done: ActionDone) -> None:
        """Report how an action ended."""
        self._writer.ended(done)
        now = self._console.clock.now()
        if done.error is not None:
            if isinstance(done.error, StoreGone):
                self._forget()
            self._echo.failed(now, done.about, done.error, done.echo)
        else:
            if done.operation.writes(done.params):
                self._undo, self._setting_undo = done.undo, None
                self._not_undoable = done.operation.name if done.undo is None else None
            self._echo.done(now, done.about, done.echo, undo=done.undo is not None, too_much=done.too_much)
        if done.then is not None:
            done.then(done)

    def setting_changed(self, operation: Operation, params: Any) -> None:
        """Take the operation that restores the setting that was just changed."""
        self._setting_undo = (operation, params)
        self._echo.offer_undo()

    def is_another(self, store: str) -> bool:
        """Return whether the store has been replaced by another one; if so, drop the last action."""
        before, self._store = self._store, store or self._store
        if not before or self._store == before:
            return False
        self._forget()
        return True

    def undo(
        self, then: Callable[[ActionDone], None] | None = None, refuse: Callable[[str], None] | None = None
    ) -> None:
        """Undo the last action; `then` receives its outcome, `refuse` the reason why it is not tried."""
        console = self._console
        refuse = refuse or console.refuse
        if self._writer.changing:
            # The number of that action is not known yet; the number that is known belongs to an older one.
            refuse(f"{self._writer.changing[-1]} is still in progress: press again when it has ended")
        elif self._setting_undo is not None:
            console.act(*self._setting_undo, about=f"put {self._setting_undo[1].key} back", then=then)
        elif self._not_undoable not in {None, "undo"}:
            refuse(f"{self._not_undoable} cannot be undone; :undo --list shows what can be, by number")
        elif console.may_write():
            undo = find("undo")
            console.act(undo, undo.params(undo=self._undo), about="undid", then=then)

    def _forget(self) -> None:
        """Drop the last action: its undo number may mean another action in the new store."""
        self._undo = self._not_undoable = self._setting_undo = None
        self._echo.withdraw_undo()
