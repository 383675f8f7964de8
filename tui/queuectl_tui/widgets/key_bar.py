"""The last line: the keys that apply now, as many as fit. The least important go first; `?` and `q` always stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from queuectl_tui.keymap import rehint
from queuectl_tui.widgets.lines import Drawing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events

    from queuectl_tui.keymap import KeyHint
    from queuectl_tui.widgets.lines import Line, Piece

_GAP = 2


class KeyBar(Drawing):
    """One line of hints; a click does what the key does."""

    DEFAULT_CSS = "KeyBar { height: 1; width: 1fr; background: $panel; }"

    class Pressed(Message):
        """A hint was clicked."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    def __init__(self, *, id: str | None = None) -> None:
        """No keys yet."""
        super().__init__(id=id)
        self._hints: tuple[KeyHint, ...] = ()

    def show(self, hints: Sequence[KeyHint]) -> None:
        """Show these, in this order."""
        # The views speak of the keys as they come; only here and in the help and the palette are they the user's.
        made = rehint(hints, getattr(self.app, "user_keymap", {}))
        if made != self._hints:
            self._hints = made
            self.redraw()

    def lines(self, width: int, height: int) -> list[Line]:
        """One line."""
        del height
        pieces: list[Piece] = [(" ", "text")]
        for place, hint in enumerate(fitting(self._hints, width - 2)):
            if place:
                pieces.append((" " * _GAP, "text"))
            pieces.append((hint.key, "key"))
            if hint.label:
                pieces.append((f" {hint.label}", "dim"))
        return [tuple(pieces)]

    def on_click(self, event: events.Click) -> None:
        """Do what was clicked."""
        at = 1
        for hint in fitting(self._hints, self.size.width - 2):
            at += _width(hint) + _GAP
            if event.x < at:
                if hint.action:
                    self.post_message(self.Pressed(hint.action))
                return


def fitting(hints: Sequence[KeyHint], width: int) -> list[KeyHint]:
    """The hints that fit into `width`, the most important ones, in the order given."""
    room = width + _GAP
    kept = set()
    for place in sorted(range(len(hints)), key=lambda each: -hints[each].priority):
        needs = _width(hints[place]) + _GAP
        if needs > room:
            continue
        room -= needs
        kept.add(place)
    return [hint for place, hint in enumerate(hints) if place in kept]


def _width(hint: KeyHint) -> int:
    return len(hint.key) + (len(hint.label) + 1 if hint.label else 0)
