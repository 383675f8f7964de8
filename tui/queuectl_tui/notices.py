"""Notices of the console: the terminal is too small, the store cannot be read, a watched job has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual.widgets import Static

from queuectl.domain.errors import StoreBusy
from queuectl.domain.text import safe
from queuectl_tui.widgets.echo_line import toast
from queuectl_tui.widgets.tabs import number

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from textual.app import App
    from textual.screen import Screen

    from queuectl_tui.snapshot import Snapshot
    from queuectl_tui.theme import Paint
    from queuectl_tui.watch_list import WatchList

SMALLEST = (60, 15)
"""Width and height of the smallest terminal."""


class Notices:
    """The widgets with these texts."""

    def __init__(self, main: Screen[Any]) -> None:
        """Show them on the screen `main`."""
        self._main = main
        self._too_small = main.query_one("#too-small", Static)
        self._trouble = main.query_one("#trouble", Static)

    def show(self, snapshot: Snapshot, paint: Paint) -> None:
        """Show or hide the error of the store."""
        text = store_error(snapshot, paint)
        self._trouble.display = text is not None
        if text is not None:
            self._trouble.update(text)

    def fit(self, snapshot: Snapshot) -> None:
        """Show or hide that the terminal is too small."""
        text = too_small(*self._main.app.size, snapshot)
        self._main.set_class(text is not None, "-too-small")
        if text is not None:
            self._too_small.update(text)


def too_small(width: int, height: int, snapshot: Snapshot) -> Text | None:
    """Return the text for a terminal that is too small, with the most important counts; None for a larger one."""
    if width >= SMALLEST[0] and height >= SMALLEST[1]:
        return None
    counts = snapshot.counts
    text = f"queuectl needs {SMALLEST[0]}x{SMALLEST[1]}, this is {width}x{height}\n"
    text += f"{number(counts.get('processing', 0))} running  {number(counts.get('pending', 0))} pending  "
    text += f"{number(counts.get('dead', 0))} dead"
    return Text(text, justify="center")


def store_error(snapshot: Snapshot, paint: Paint) -> Text | None:
    """Return the full error of the store, if it is permanent or nothing has been read yet; else None."""
    wrong = snapshot.failure
    if wrong is None or (isinstance(wrong, StoreBusy) and not snapshot.never):
        return None
    # The hint of a lock error addresses a user who tried to write.
    hint = "it is read as soon as the lock is released" if isinstance(wrong, StoreBusy) else wrong.hint
    return Text(safe("\n".join(filter(None, (wrong.message, hint))), keep="\n"), paint("error"))


def report_ends(app: App[Any], watching: WatchList, snapshot: Snapshot, write: Callable[[str], None]) -> None:
    """Report watched jobs that have ended: by a notice in the console, and by one of the terminal, with `write`."""
    for notice in watching.ended(snapshot.watched or {}, snapshot.asked):
        toast(app, notice.text, warning=not notice.good, timeout=10)
        write(f"\x1b]9;queuectl: {safe(notice.text)}\x07")
        app.bell()
