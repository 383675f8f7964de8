"""The line that reports the last action with the equivalent command line, so that the console teaches the commands."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

from queuectl.domain.text import one_line, safe
from queuectl_tui.keymap import shown_key

if TYPE_CHECKING:
    from typing import Any

    from textual.app import App

    from queuectl.domain.errors import QueuectlError

_ABOUT = 60
TOO_MUCH = "too many to undo"


class EchoLine(Static):
    """`✓ 14:03:25 retried 12476   $ queuectl retry 12476      u undo`, or the error in red with its hint."""

    DEFAULT_CSS = """
    EchoLine { height: 1; width: 1fr; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(
        self, *, id: str | None = None, ascii_only: bool = False, undo_key: str = shown_key("global.undo")
    ) -> None:
        super().__init__(id=id)
        self._undo = f"{undo_key} undo"
        self._ascii = ascii_only
        self._left = Content("")
        self._right = ""
        self.command = ""
        """The last command line, whole and unchanged, for copying."""

    def done(self, at: int, about: str, command: str, *, undo: bool = False, too_much: bool = False) -> None:
        """Report a completed action.

        `at` is in milliseconds since the epoch; `too_much`: it changed more jobs than an undo keeps.
        """
        self.command = command
        mark = "+" if self._ascii else "✓"
        self._left = Content.assemble(
            (f"{mark} {clock(at)} ", "$text-success"),
            one_line(about, _ABOUT),
            ("   $ ", "$foreground 60%"),
            (one_line(command, 400), "$foreground 80%"),
        )
        self._right = self._undo if undo else TOO_MUCH if too_much else ""
        self._show()

    def failed(self, at: int, about: str, error: QueuectlError, command: str = "") -> None:
        """Report a failed action."""
        self.command = command
        mark = "x" if self._ascii else "×"
        parts: list[Content | str | tuple[str, str]] = [
            (f"{mark} {clock(at)} ", "bold $text-error"),
            # `about` is in the past tense, which would be wrong for a failure; the command says it too.
            (f"{one_line(about, _ABOUT)}: " if about and not command else "", "$text-error"),
            (one_line(error.message, 200), "bold $text-error"),
        ]
        if error.hint:
            parts.append((f"   {one_line(error.hint, 200)}", "$foreground 80%"))
        if command:
            parts += [("   $ ", "$foreground 60%"), (one_line(command, 400), "$foreground 60%")]
        self._left = Content.assemble(*parts)
        self._right = ""
        self._show()

    def working(self, about: str) -> None:
        """Report an action in progress."""
        self._left = Content.assemble((f"{'~' if self._ascii else '…'} ", "$foreground 60%"), one_line(about, _ABOUT))
        self._right = ""
        self._show()

    def say(self, text: str) -> None:
        """Show a text that belongs to no operation."""
        self._left = Content(one_line(text, 200))
        self._right = ""
        self._show()

    def offer_undo(self) -> None:
        """Offer undo."""
        self._right = self._undo
        self._show()

    def withdraw_undo(self) -> None:
        """Remove the offer to undo."""
        self._right = ""
        self._show()

    def on_resize(self) -> None:
        """Keep the offer at the right edge."""
        self._show()

    def _show(self) -> None:
        width = self.content_size.width
        if not self._right or width < len(self._right) + 20:
            self.update(self._left)
            return
        width_left = width - len(self._right) - 2
        left = self._left.truncate(width_left, ellipsis=True)
        gap = " " * (width - left.cell_length - len(self._right))
        self.update(Content.assemble(left, gap, (self._right, "bold $accent")))


def clock(at: int) -> str:
    """Format a time of day, in local time."""
    return time.strftime("%H:%M:%S", time.localtime(at / 1000))


def toast(
    app: App[Any],
    text: str,
    *,
    title: str = "",
    wrong: bool = False,
    warning: bool = False,
    timeout: float | None = None,
) -> None:
    """Show a notice in the corner for `timeout` seconds (default: Textual's). The text is never parsed as markup."""
    app.notify(
        safe(text[:400], keep="\n"),
        title=safe(title[:80]),
        severity="error" if wrong else "warning" if warning else "information",
        timeout=timeout,
        markup=False,
    )
