"""The writer: runs operations away from the screen, one after the other, and tells how they ended."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Any

from textual.message import Message

from queuectl.domain.errors import QueuectlError
from queuectl.domain.record import replace
from queuectl.operations.commandline.render import command_line
from queuectl.store.postgres.url import shown
from queuectl_tui.opened import Opened
from queuectl_tui.snapshot import mistake

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from queuectl.operations.context import Context
    from queuectl.operations.operation import Operation
    from queuectl_tui.app import ConsoleApp

    Task: TypeAlias = tuple[Operation, Any, str, Callable[["ActionDone"], None] | None]

READS = frozenset(
    {
        "list", "show", "logs", "wait", "worker list", "status", "dlq list", "dlq show", "config list", "config get",
        "explain", "history", "view list", "tui",
    }
)  # fmt: skip
"""Operations that change nothing: the ones that `--read-only` leaves."""


def reads(operation: Operation, params: Any) -> bool:
    """Whether it changes nothing. The doctor looks, and cures only when it is asked to."""
    return operation.name in READS or (operation.name == "doctor" and not params.fix)


_LONG = frozenset({"worker start", "worker stop", "wait", "doctor", "backup", "migrate", "prune", "selftest"})
"""They may take as long as a job does, so that nothing must wait behind them."""


class ActionDone(Message):
    """An operation has ended."""

    def __init__(
        self,
        operation: Operation,
        params: Any,
        about: str,
        *,
        result: Any = None,
        error: QueuectlError | None = None,
        undo: int | None = None,
        too_much: bool = False,
        then: Callable[[ActionDone], None] | None = None,
    ) -> None:
        super().__init__()
        self.operation = operation
        self.params = params
        self.about = about
        self.result = result
        """What it gave; an iterator has become a list."""
        self.error = error
        self.undo = undo
        """The number of what would take it back; None when nothing can."""
        self.too_much = too_much
        """Whether it cannot be taken back because it was more than is kept."""
        self.then = then
        self.echo = command_line(operation, _without_password(params))
        """The command line that does the same."""


class Writer:
    """Runs operations for the whole console."""

    def __init__(self, app: ConsoleApp, factory: Callable[[], Context], *, live: bool) -> None:
        """`live=False`: no thread; an operation has ended when `run` returns."""
        self._app = app
        self._factory = factory
        self._live = live
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self.changing: list[str] = []
        """The names of the operations that change something and whose end the app does not know yet."""

    def start(self) -> None:
        """Begin."""
        if self._live:
            self._thread.start()

    def stop(self) -> None:
        """End after what is under way."""
        if self._thread.is_alive():
            self._tasks.put(None)
            self._thread.join(2)

    def run(
        self, operation: Operation, params: Any, about: str, then: Callable[[ActionDone], None] | None = None
    ) -> None:
        """Do it, and post `ActionDone`."""
        if not reads(operation, params):
            self.changing.append(operation.name)
        task = (operation, params, about, then)
        if not self._live:
            self._once(task)
        elif operation.name in _LONG:
            threading.Thread(target=self._once, args=(task,), name=operation.name, daemon=True).start()
        else:
            self._tasks.put(task)

    def ended(self, done: ActionDone) -> None:
        """The app knows how an operation ended."""
        if not reads(done.operation, done.params):
            self.changing.remove(done.operation.name)

    def _run(self) -> None:
        opened = Opened(self._factory)
        try:
            while (task := self._tasks.get()) is not None:
                self._app.post_message(_done(opened, task))
        finally:
            opened.close()

    def _once(self, task: Task) -> None:
        opened = Opened(self._factory)
        try:
            self._app.post_message(_done(opened, task))
        finally:
            opened.close()


def _masked(params: Any) -> Any:
    """The params without the values of a job's variables, which may be secrets."""
    if getattr(params, "env", ()):
        params = replace(params, env=tuple((name, "***") for name, _ in params.env))
    if '"env"' in (getattr(params, "changes", None) or ""):
        params = replace(params, changes="{…}")
    return _without_password(params)


def _without_password(params: Any) -> Any:
    """The params without what is secret in the URL of another store."""
    url = getattr(params, "to", "")
    if "://" in url and url != shown(url):
        params = replace(params, to=shown(url))
    return params


def has_secrets(params: Any, line: str) -> bool:
    """Whether a command line gives variables to a job, or a password to a server: they are not kept."""
    return _masked(params) is not params or '"env"' in line


def _done(opened: Opened, task: Task) -> ActionDone:
    operation, params, about, then = task
    undo, too_much = None, False
    try:
        context = opened.get()
        # Written down with what it does, so that everybody sees which command line would have done it.
        context.command = command_line(operation, _masked(params))
        # Somebody may have upgraded the store under this console.
        context.store.recheck()
        result = operation.run(context, params)
        undo, too_much = getattr(result, "undo", None), getattr(result, "too_much", False)
        if hasattr(result, "__next__"):
            result = list(result)
    except QueuectlError as error:
        opened.failed(error)
        return ActionDone(operation, params, about, error=error, then=then)
    except Exception as error:  # noqa: BLE001 - a mistake of ours must not take the console down
        return ActionDone(operation, params, about, error=mistake(error), then=then)
    return ActionDone(operation, params, about, result=result, undo=undo, too_much=too_much, then=then)
