"""The base class of the views, and the list of views."""

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
    """One of the five views. It is mounted once and shown every snapshot; it never reads the store itself."""

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
    def console_app(self) -> ConsoleApp:
        """The app, typed as `ConsoleApp`."""
        return self.app  # type: ignore[return-value]  # the only app

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


@record
class Place:
    """A view and where it is defined; it is loaded when it is first shown."""

    number: str
    name: str
    title: str
    short: str
    """Title for narrow terminals."""
    module: str
    cls: str

    def load(self) -> View:
        """Create the view. Raises ImportError."""
        view: View = getattr(import_module(f"queuectl_tui.screens.{self.module}"), self.cls)(id=self.name)
        return view


PLACES = (
    Place(number="1", name="jobs", title="Jobs", short="Jobs", module="jobs", cls="JobsView"),
    Place(number="2", name="workers", title="Workers", short="Wkrs", module="workers", cls="WorkersView"),
    Place(number="3", name="dead", title="Dead", short="Dead", module="dead", cls="DeadView"),
    Place(number="4", name="overview", title="Overview", short="Ovw", module="overview", cls="OverviewView"),
    Place(number="5", name="activity", title="Activity", short="Act", module="activity", cls="ActivityView"),
)
"""The views in the order of their keys."""
