"""Open the console."""

from __future__ import annotations

import os

from queuectl.domain.errors import UsageError
from queuectl.domain.record import field, record
from queuectl.domain.text import can_draw, safe
from queuectl.operations.operation import Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from queuectl.operations.context import Context

_INSTEAD = "queuectl status and queuectl list work without one"


@record
class Console:
    """How."""

    read_only: bool = field("change nothing, whatever key is pressed", default=False)
    ascii: bool = field("no letter beyond ASCII, for fonts that lack the others", default=False)
    no_mouse: bool = field("leave the mouse to the terminal", default=False)


@record
class Closed:
    """The console has been left."""

    exit_code: int

    def document(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"exit_code": self.exit_code}


def console(context: Context, params: Console) -> Closed:
    """Show the console until somebody leaves it."""
    if not all(map(os.isatty, (0, 1, 2))):
        raise UsageError("the console needs a terminal", hint=_INSTEAD)
    term = os.environ.get("TERM")
    if not can_draw(term):
        raise UsageError(
            f"the console needs a terminal that can place its cursor, and TERM is {safe(term) if term else 'not set'}",
            hint=_INSTEAD,
        )
    # By its name, and only here: the engine does not know the console, nor load what it is made of.
    app: Any = __import__("queuectl_tui.entry", fromlist=("run",))
    code = app.run(
        context.given, say=context.say, read_only=params.read_only, ascii=params.ascii, no_mouse=params.no_mouse
    )
    return Closed(exit_code=code)


TUI = Operation(
    name="tui",
    summary="Open the console: watch, diagnose and repair the queue full-screen",
    params=Console,
    run=console,
    makes_store=True,
    description="`queuectl` alone does the same on a terminal. Workers that it starts go on when it is left.",
    examples=("tui", "tui --read-only", "--db /srv/queue.db tui"),
)
