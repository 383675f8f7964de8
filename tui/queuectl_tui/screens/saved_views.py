"""Saved views: show one, save what is shown, forget one. The same as `queuectl view`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from queuectl.domain.record import record
from queuectl.domain.text import one_line
from queuectl_tui.screens.dialog import Box, Dialog, shown_command
from queuectl_tui.widgets.lines import fitted
from queuectl_tui.widgets.safe_input import SafeInput

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from queuectl.store.views import SavedView

_NAME = 20


@record
class Choice:
    """Which view is wanted; None: what is shown is to be saved."""

    view: SavedView | None
    forget: bool = False


class SavedViews(Dialog["Choice | None"]):
    """The saved views by name, each with its filter."""

    DEFAULT_CSS = """
    SavedViews {
        OptionList { height: auto; max-height: 14; background: transparent; border: none; padding: 0;
            text-wrap: nowrap; text-overflow: ellipsis; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("s", "save", "Save what is shown"),
        ("D", "forget", "Forget the view"),
        ("V", "leave", "Leave"),
        ("j", "down", "Down"),
        ("k", "up", "Up"),
    ]

    def __init__(self, views: Sequence[SavedView], shown: str, *, read_only: bool = False) -> None:
        """`shown` is the name of the view that is on."""
        super().__init__()
        self._views = list(views)
        self._shown = shown
        self._read_only = read_only

    def compose(self) -> ComposeResult:
        """A line for each."""
        keys = "enter show   s save what is shown   D forget   esc leave"
        with Box("Saved views", "enter show   esc leave" if self._read_only else keys):
            if self._views:
                yield OptionList(*map(self._option, self._views), compact=True)
            else:
                yield Static(Content("No view is saved yet: s saves the filter, order and columns that are on."))

    def _option(self, view: SavedView) -> Option:
        mark = "*" if view.name == self._shown else " "
        name = fitted(one_line(view.name, _NAME), _NAME)
        return Option(Content.assemble(f"{mark} {name} ", (one_line(view.filter, 200), "$text-muted")))

    def on_mount(self) -> None:
        """The view that is on has the cursor."""
        for found in self.query(OptionList):
            names = [view.name for view in self._views]
            found.highlighted = names.index(self._shown) if self._shown in names else 0
            found.focus()

    def _under_cursor(self) -> SavedView | None:
        for found in self.query(OptionList):
            if found.highlighted is not None:
                return self._views[found.highlighted]
        return None

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(Choice(view=self._views[event.option_index]))

    def action_save(self) -> None:
        """Save what is shown."""
        self.dismiss(Choice(view=None))

    def action_forget(self) -> None:
        """Forget the view under the cursor."""
        if (view := self._under_cursor()) is not None:
            self.dismiss(Choice(view=view, forget=True))

    def action_down(self) -> None:
        """The next view."""
        for found in self.query(OptionList):
            found.action_cursor_down()

    def action_up(self) -> None:
        """The view before."""
        for found in self.query(OptionList):
            found.action_cursor_up()


class ViewName(Dialog["str | None"]):
    """Under which name a view is saved, with the command that does the same."""

    DEFAULT_CSS = "ViewName { .command { margin-top: 1; } .wrong { margin-top: 0; } }"

    def __init__(self, name: str, taken: Sequence[str], line: Callable[[str], str]) -> None:
        """`name` stands there at first; a view of a name that is `taken` is replaced."""
        super().__init__()
        self._name = name
        self._taken = frozenset(taken)
        self._line = line

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Box("Save this view", "enter save   esc leave"):
            yield SafeInput(self._name, placeholder="a name", id="name", compact=True, max_length=60)
            yield Static(classes="wrong")
            yield Static(classes="command")

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one(Input).focus()
        self._judge()

    @on(Input.Changed)
    def _judge(self) -> None:
        name = self.query_one(Input).value.strip()
        replaced = self.query_one(".wrong", Static)
        replaced.display = name in self._taken
        replaced.update(Content(f"The view {one_line(name, 40)} is replaced."))
        command = self.query_one(".command", Static)
        command.display = bool(name)
        command.update(shown_command(self._line(name), 400))

    @on(Input.Submitted)
    def _submitted(self) -> None:
        if name := self.query_one(Input).value.strip():
            self.dismiss(name)
