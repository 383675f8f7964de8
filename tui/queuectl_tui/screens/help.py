"""Help: the keys of the focused part first, then the global ones. Typing searches."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from textual import on
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from queuectl.domain.text import safe
from queuectl_tui.keymap import KEYS, shown
from queuectl_tui.screens.dialog import Box, Dialog
from queuectl_tui.widgets.safe_input import SafeInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import ClassVar

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from queuectl_tui.keymap import Key

TITLES = {
    "global": "Everywhere",
    "list": "The list of jobs",
    "dead": "Dead letters",
    "log": "A job's output",
    "job": "A job",
    "workers": "Workers",
    "queues": "Queues",
    "activity": "Activity",
    "overview": "Overview",
}
_KEY_WIDTH = 12
_LABEL_WIDTH = 13
_WIDTH = 90
_FRAME = 8
_NAMED = 2
"""Number of alternative keys shown for one action."""


class Help(Dialog[None]):
    """The keys of some scopes."""

    DEFAULT_CSS = """
    Help {
        Box { width: 90; height: 90%; padding: 0 2; }
        Input { margin: 0 0 1 0; }
        VerticalScroll { height: 1fr; scrollbar-size-vertical: 1; }
        #keys { height: auto; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("up", "scroll(-1)"),
        ("down", "scroll(1)"),
        ("pageup", "scroll(-12)"),
        ("pagedown", "scroll(12)"),
        ("question_mark", "leave"),
    ]

    def __init__(
        self, *scopes: str, keys: Sequence[Key] = KEYS, own: Sequence[str] = (), lacks: frozenset[str] = frozenset()
    ) -> None:
        """Create the dialog; `scopes` are those of the focused part, the innermost first.

        `own` are the bindings of a job's page, from any scope, listed first; `lacks` are ids of the scopes that do not
        apply.
        """
        super().__init__()
        self._scopes = tuple(dict.fromkeys((*scopes, "global")))
        self._keys = keys
        self._own, self._lacks = tuple(own), lacks

    def compose(self) -> ComposeResult:
        with Box("Keys", "type to search   ↑↓ scroll   esc leave"):
            yield SafeInput(placeholder="search", compact=True)
            with VerticalScroll(can_focus=False):
                yield Static(self._listed(""), id="keys")

    def on_mount(self) -> None:
        """Focus the search field."""
        self.query_one(Input).focus()

    def on_resize(self) -> None:
        """Wrap the lines for the new width."""
        self.query_one("#keys", Static).update(self._listed(self.query_one(Input).value))

    @on(Input.Changed)
    def _search(self, event: Input.Changed) -> None:
        if event.value == "?":
            self.dismiss(None)
            return
        self.query_one("#keys", Static).update(self._listed(event.value))
        self.query_one(VerticalScroll).scroll_home(animate=False)

    def action_scroll(self, lines: int) -> None:
        """Scroll while the search keeps the focus."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def _listed(self, search: str) -> Content:
        wanted = search.strip().lower().split()
        lines: list[Content] = []
        for title, keys in self._parts(everywhere=bool(wanted)):
            width = min(_WIDTH, self.app.size.width) - _FRAME - _KEY_WIDTH - 2 - _LABEL_WIDTH
            found = [key for key in keys if _matches(key, wanted)]
            if not found:
                continue
            if lines:
                lines.append(Content(""))
            lines.append(Content.styled(title, "bold $primary"))
            lines += [_line(key, width) for key in found]
        return Content("\n").join(lines) if lines else Content.styled("no key for that", "$foreground 60%")

    def _parts(self, *, everywhere: bool) -> Iterator[tuple[str, list[Key]]]:
        """Yield the keys of the page, then scope by scope. Without a search only what applies here is listed."""
        by_id = {key.id: key for key in self._keys}
        if self._own:
            yield TITLES["job"], [by_id[id_] for id_ in self._own if id_ in by_id]
        others = [each for each in TITLES if each not in self._scopes] if everywhere else []
        for scope in (*self._scopes, *others):
            left = self._lacks.union(self._own) if scope in self._scopes else frozenset()
            yield TITLES[scope], [key for key in self._keys if key.scope == scope and key.id not in left]


def _matches(key: Key, words: Iterable[str]) -> bool:
    text = f"{key.label} {key.help} {_names(key)}".lower()
    return all(word in text or word == _names(key) for word in words)


def _names(key: Key) -> str:
    return " ".join(shown(each) for each in key.keys.split(",")[:_NAMED])


def _line(key: Key, width: int) -> Content:
    words = f"\n{' ' * (_KEY_WIDTH + 2 + _LABEL_WIDTH)}".join(wrap(safe(key.help), max(width, 20)))
    return Content.assemble(
        (f"{safe(_names(key)):>{_KEY_WIDTH}}  ", "bold $accent"),
        f"{safe(key.label):{_LABEL_WIDTH}}",
        (words, "$foreground 75%"),
    )
