"""The last line: the keys that apply now, as many as fit. The least important are dropped first; `?` and `q` never."""

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
        """Create an empty line."""
        super().__init__(id=id)
        self._hints: tuple[KeyHint, ...] = ()

    def show(self, hints: Sequence[KeyHint]) -> None:
        """Show hints, in this order."""
        # The views use the default keys; only the key bar, the help and the palette show the user's.
        user_hints = rehint(hints, getattr(self.app, "user_keymap", {}))
        if user_hints != self._hints:
            self._hints = user_hints
            self.redraw()

    def lines(self, width: int, height: int) -> list[Line]:
        """Return the line."""
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
        """Run the action of the hint that was clicked."""
        at = 1
        for hint in fitting(self._hints, self.size.width - 2):
            at += _width(hint) + _GAP
            if event.x < at:
                if hint.action:
                    self.post_message(self.Pressed(hint.action))
                return


def fitting(hints: Sequence[KeyHint], width: int) -> list[KeyHint]:
    """Return the most important hints that fit into `width`, in the order given."""
    free = width + _GAP
    chosen = set()
    for place in sorted(range(len(hints)), key=lambda each: -hints[each].priority):
        needs = _width(hints[place]) + _GAP
        if needs > free:
            continue
        free -= needs
        chosen.add(place)
    return [hint for place, hint in enumerate(hints) if place in chosen]


def _width(hint: KeyHint) -> int:
    return len(hint.key) + (len(hint.label) + 1 if hint.label else 0)
