"""The base class of the views."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

from textual.widget import Widget

from queuectl_tui.console import console_of

if TYPE_CHECKING:
    from queuectl_tui.console import Console
    from queuectl_tui.keymap import KeyHint
    from queuectl_tui.places import Place
    from queuectl_tui.snapshot import Snapshot


class View(Widget):
    """One of the six views. It is mounted once and shown every snapshot; it never reads the store itself."""

    view_name: ClassVar[str] = ""
    """The name in `view('…')`; also the widget's id."""
    title: ClassVar[str] = ""
    """The title of the tab."""
    scope: ClassVar[str] = "list"
    """The scope of `keymap` that the help shows beside the global one."""

    lacks: ClassVar[frozenset[str]] = frozenset()
    """Keys of its scopes that do not apply."""

    DEFAULT_CSS = """
    View { height: 1fr; width: 1fr; }
    """

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes whose keys apply, the innermost first."""
        return (self.scope,)

    @property
    def console(self) -> Console:
        """The console that shows the view."""
        return console_of(self)

    def show(self, snapshot: Snapshot) -> None:
        """Paint changes. Called for every snapshot while the view is visible, in `batch_update`; must be cheap."""

    def hints(self) -> list[KeyHint]:
        """Return the keys that apply to the selection, without the global ones."""
        return []

    def on_view_shown(self) -> None:
        """Focus a child and read what is missing; called when the view becomes visible."""

    def go_back(self) -> bool:
        """Leave one layer (a filter, marks, an expanded group); False if there is none."""
        return False


def load(place: Place) -> View:
    """Create the view of a place. Raises ImportError."""
    view: View = getattr(import_module(f"queuectl_tui.screens.{place.module}"), place.cls)(id=place.name)
    return view
