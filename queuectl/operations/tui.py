"""Open the console."""

from __future__ import annotations

import os

from queuectl.domain.errors import UsageError
from queuectl.domain.record import field, record
from queuectl.domain.text import can_draw, safe
from queuectl.operations.document import Document
from queuectl.operations.operation import Heading, Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from queuectl.operations.context import Context

_INSTEAD = "queuectl status and queuectl list work without one"


@record
class Console:
    """Parameters of `tui`."""

    read_only: bool = field("disable all keys that change something", default=False)
    ascii: bool = field("draw with ASCII only, for fonts without other characters", default=False)
    no_mouse: bool = field("do not capture the mouse", default=False)


@record
class Closed(Document):
    """The result after the console was closed."""

    exit_code: int
    """Its exit code."""


def console(context: Context, params: Console) -> Closed:
    """Show the console until the user leaves it. Raises UsageError without a terminal that can draw it."""
    if not all(map(os.isatty, (0, 1, 2))):
        raise UsageError("the console needs a terminal", hint=_INSTEAD)
    term = os.environ.get("TERM")
    if not can_draw(term):
        raise UsageError(
            f"the console needs a terminal that can place its cursor, and TERM is {safe(term) if term else 'not set'}",
            hint=_INSTEAD,
        )
    # Imported by name: the engine does not depend on the console, and loads none of its libraries before.
    app: Any = __import__("queuectl_tui.entry", fromlist=("run",))
    code = app.run(
        context.given, say=context.say, read_only=params.read_only, ascii=params.ascii, no_mouse=params.no_mouse
    )
    return Closed(exit_code=code)


TUI = Operation(
    name="tui",
    heading=Heading.OVERVIEW,
    see=("status", "demo"),
    reads=True,
    not_in_console="the console is open already",
    summary="Open the console: watch, diagnose and repair the queue",
    params=Console,
    run=console,
    makes_store=True,
    description="`queuectl` alone does the same on a terminal. Workers that it starts keep running when it is closed.",
    examples=("tui", "tui --read-only", "--db /srv/queue.db tui"),
)
