"""Entry point of the console: errors are reported before the terminal switches to full screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuectl import bootstrap
from queuectl_tui import history, user_keymap
from queuectl_tui.app import ConsoleApp

if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl.operations.context import Context


def run(
    flag_db: str | None,
    *,
    say: Callable[[str], None] = lambda _line: None,
    read_only: bool = False,
    ascii: bool = False,
    no_mouse: bool = False,
) -> int:
    """Open the console on a store and return its exit code.

    A read-only console creates no store: where there is none, it reports that and does not open.

    Raises:
        StoreError: the store cannot be opened.
        UsageError: the user's keymap cannot be used.
    """

    def factory() -> Context:
        return bootstrap.context(flag_db)

    keys = user_keymap.read(user_keymap.location())
    first = bootstrap.context(flag_db, on_absent=say) if read_only else factory()
    try:
        if first.store.absent:
            return 0
        first.store.changed()
        location = first.location
    finally:
        first.close()
    # A read-only console writes no history file either.
    lines = None if read_only else history.History(history.location())
    app = ConsoleApp(factory, read_only=read_only, ascii=ascii, location=location, user_keymap=keys, history=lines)
    code = app.run(mouse=not no_mouse)
    return app.return_code or code or 0
