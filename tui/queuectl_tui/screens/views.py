"""What the views have in common, and which there are."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

from textual.widget import Widget

from queuectl.domain.record import record

if TYPE_CHECKING:
    from queuectl_tui.app import ConsoleApp
    from queuectl_tui.keymap import KeyHint
    from queuectl_tui.snapshot import Snapshot


class View(Widget):
    """One of the five views. It is mounted once and told of every snapshot; it never reads the store itself."""

    view_name: ClassVar[str] = ""
    """What `view('…')` calls it; also the widget's id."""
    title: ClassVar[str] = ""
    """What the tab says."""
    scope: ClassVar[str] = "list"
    """The scope of `keymap` that the help shows beside the global one."""

    lacks: ClassVar[frozenset[str]] = frozenset()
    """Keys of its scopes that it does not have."""

    DEFAULT_CSS = """
    View { height: 1fr; width: 1fr; }
    """

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes whose keys it has, the innermost first."""
        return (self.scope,)

    @property
    def console_app(self) -> ConsoleApp:
        """The app, with our own methods known to the type checker."""
        return self.app  # type: ignore[return-value]  # there is no other

    def show(self, snapshot: Snapshot) -> None:
        """Paint what is new. Called for every snapshot while the view is seen, in `batch_update`; must be cheap."""

    def hints(self) -> list[KeyHint]:
        """The keys that apply to what has the cursor now, without the global ones."""
        return []

    def on_view_shown(self) -> None:
        """It has come to the front: give the focus to the child that wants it, read what is missing."""

    def go_back(self) -> bool:
        """Leave one layer (a filter, marks, an open group); False when there is none left."""
        return False


@record
class Place:
    """A view and where it is defined; it is loaded when it is first shown."""

    number: str
    name: str
    title: str
    short: str
    """For narrow terminals."""
    module: str
    cls: str

    def load(self) -> View:
        """Make the view. Raises ImportError."""
        made: View = getattr(import_module(f"queuectl_tui.screens.{self.module}"), self.cls)(id=self.name)
        return made


PLACES = (
    Place(number="1", name="jobs", title="Jobs", short="Jobs", module="jobs", cls="JobsView"),
    Place(number="2", name="workers", title="Workers", short="Wkrs", module="workers", cls="WorkersView"),
    Place(number="3", name="dead", title="Dead", short="Dead", module="dead", cls="DeadView"),
    Place(number="4", name="overview", title="Overview", short="Ovw", module="overview", cls="OverviewView"),
    Place(number="5", name="activity", title="Activity", short="Act", module="activity", cls="ActivityView"),
)
"""The views in the order of their keys."""
