"""What the console has done last, and how `u` takes it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual import on

from queuectl.domain.errors import StoreGone
from queuectl.operations import find
from queuectl_tui.typed import TypedApp
from queuectl_tui.writer import ActionDone, reads

if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl.domain.clock import Clock
    from queuectl.operations.operation import Operation
    from queuectl_tui.reader import Reader
    from queuectl_tui.widgets.echo_line import EchoLine
    from queuectl_tui.writer import Writer


class LastAction(TypedApp):
    """Tells how each action ended, and remembers what takes the last one back."""

    clock: Clock
    echo: EchoLine
    reader: Reader
    writer: Writer
    _last_undo: int | None = None
    _not_kept: str | None = None
    """The operation that this console has done last, where nothing takes it back."""
    _before: tuple[Operation, Any] | None = None
    """What puts back the setting that was changed last, where nothing else was done since."""

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
            """Whether it may."""

    _store = ""
    """Which store the console has read last."""

    @property
    def changing(self) -> bool:
        """Whether an action is under way that changes something."""
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
            if not reads(event.operation, event.params):
                self._last_undo, self._before = event.undo, None
                self._not_kept = event.operation.name if event.undo is None else None
            self.echo.done(now, event.about, event.echo, undo=event.undo is not None, too_much=event.too_much)
        if event.then is not None:
            event.then(event)
        self.typed.news()
        self.reader.refresh()

    def is_another(self, store: str) -> bool:
        """Whether this is not the store that was read before; what was done in that one is forgotten then."""
        before, self._store = self._store, store or self._store
        if not before or self._store == before:
            return False
        self._forget_last()
        return True

    def _forget_last(self) -> None:
        """Forget what was done last: its number may mean another action in the store that comes next."""
        self._last_undo = self._not_kept = self._before = None
        self.echo.withdraw_undo()

    def action_undo(self) -> None:
        """Take back what was done last."""
        self.undo()

    def undo(
        self, then: Callable[[ActionDone], None] | None = None, refuse: Callable[[str], None] | None = None
    ) -> None:
        """Take back what was done last; `then` gets how that ended, `refuse` why it is not tried."""
        refuse = refuse or self.refuse
        if self.changing:
            # Its number is not known yet, and the number that is known belongs to an older action.
            refuse(f"{self.writer.changing[-1]} is still under way: press again when it has ended")
        elif self._before is not None:
            self.act(*self._before, about=f"put {self._before[1].key} back", then=then)
        elif self._not_kept not in {None, "undo"}:
            refuse(f"{self._not_kept} cannot be undone; :undo --list shows what can be, by number")
        elif self.may_write():
            undo = find("undo")
            self.act(undo, undo.params(undo=self._last_undo), about="undid", then=then)
