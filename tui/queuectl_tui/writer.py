"""The writer: runs operations in a thread of its own, one after the other, and reports their results."""

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
from queuectl_tui.snapshot import internal_error

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from queuectl.operations.context import Context
    from queuectl.operations.operation import Operation

    Task: TypeAlias = tuple[Operation, Any, str, Callable[["ActionDone"], None] | None]


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
        """The operation's result; an iterator has been read into a list."""
        self.error = error
        self.undo = undo
        """The number of the undo; None if there is none."""
        self.too_much = too_much
        """Whether there is no undo because the action changed more jobs than an undo keeps."""
        self.then = then
        self.echo = command_line(operation, _without_password(params))
        """The equivalent command line."""


class Writer:
    """Runs operations for the whole console."""

    def __init__(self, post: Callable[[Message], object], factory: Callable[[], Context], *, live: bool) -> None:
        """Create a writer that sends its results with `post`.

        `live=False`: no thread, `run` returns after the operation has ended.
        """
        self._post = post
        self._factory = factory
        self._live = live
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self.changing: list[str] = []
        """Names of the changing operations whose result the app has not received yet."""

    def start(self) -> None:
        """Start the thread."""
        if self._live:
            self._thread.start()

    def stop(self) -> None:
        """Stop after the current operation."""
        if self._thread.is_alive():
            self._tasks.put(None)
            self._thread.join(2)

    def run(
        self, operation: Operation, params: Any, about: str, then: Callable[[ActionDone], None] | None = None
    ) -> None:
        """Run an operation, and post `ActionDone`."""
        if operation.writes(params):
            self.changing.append(operation.name)
        task = (operation, params, about, then)
        if not self._live:
            self._once(task)
        elif operation.blocking:
            threading.Thread(target=self._once, args=(task,), name=operation.name, daemon=True).start()
        else:
            self._tasks.put(task)

    def ended(self, done: ActionDone) -> None:
        """Note that the app has received the result of an operation."""
        if done.operation.writes(done.params):
            self.changing.remove(done.operation.name)

    def _run(self) -> None:
        opened = Opened(self._factory)
        try:
            while (task := self._tasks.get()) is not None:
                self._post(_done(opened, task))
        finally:
            opened.close()

    def _once(self, task: Task) -> None:
        opened = Opened(self._factory)
        try:
            self._post(_done(opened, task))
        finally:
            opened.close()


def _masked(params: Any) -> Any:
    """Return the params without the values of a job's variables, which may be secrets."""
    if getattr(params, "env", ()):
        params = replace(params, env=tuple((name, "***") for name, _ in params.env))
    if '"env"' in (getattr(params, "changes", None) or ""):
        params = replace(params, changes="{…}")
    return _without_password(params)


def _without_password(params: Any) -> Any:
    """Return the params without the password in the URL of another store."""
    url = getattr(params, "to", "")
    if "://" in url and url != shown(url):
        params = replace(params, to=shown(url))
    return params


def has_secrets(params: Any, line: str) -> bool:
    """Return whether a line gives variables to a job, or a password to a server; the history omits such lines."""
    return _masked(params) is not params or '"env"' in line


def _kept(context: Context) -> int | None:
    """Return the number of the undo of the last action; None if it cannot be undone, or there was none."""
    latest = context.store.undo.latest
    return None if latest is None else latest.id


def _done(opened: Opened, task: Task) -> ActionDone:
    operation, params, about, then = task
    undo, too_much = None, False
    try:
        context = opened.get()
        # Recorded with the event, so that the history shows the equivalent command line.
        context.command = command_line(operation, _masked(params))
        # Another process may have upgraded the store while this console is open.
        context.store.recheck()
        context.store.undo.latest = None
        result = operation.run(context, params)
        undo, too_much = getattr(result, "undo", None), getattr(result, "too_much", False)
        if hasattr(result, "__next__"):
            result = list(result)
        if undo is None:
            # Results on queues are lists, which carry no number.
            undo = _kept(context)
    except QueuectlError as error:
        opened.failed(error)
        return ActionDone(operation, params, about, error=error, then=then)
    except Exception as error:  # noqa: BLE001 - a bug must not end the console
        return ActionDone(operation, params, about, error=internal_error(error), then=then)
    return ActionDone(operation, params, about, result=result, undo=undo, too_much=too_much, then=then)
