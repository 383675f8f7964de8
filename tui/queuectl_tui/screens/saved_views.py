"""Dialogs of saved views: show one, save the current one, delete one, as `queuectl view` does."""

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
    """The chosen view; None: save the current one."""

    view: SavedView | None
    delete: bool = False


class SavedViews(Dialog["Choice | None"]):
    """The saved views by name, each with its filter."""

    DEFAULT_CSS = """
    SavedViews {
        OptionList { height: auto; max-height: 14; background: transparent; border: none; padding: 0;
            text-wrap: nowrap; text-overflow: ellipsis; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("s", "save", "Save the current view"),
        ("D", "delete", "Delete the view"),
        ("V", "leave", "Leave"),
        ("j", "down", "Down"),
        ("k", "up", "Up"),
    ]

    def __init__(self, views: Sequence[SavedView], shown: str, *, read_only: bool = False) -> None:
        """Create the dialog; `shown` is the name of the current view."""
        super().__init__()
        self._views = list(views)
        self._shown = shown
        self._read_only = read_only

    def compose(self) -> ComposeResult:
        keys = "enter show   s save current   D delete   esc leave"
        with Box("Saved views", "enter show   esc leave" if self._read_only else keys):
            if self._views:
                yield OptionList(*map(self._option, self._views), compact=True)
            else:
                yield Static(Content("No saved views yet: s saves the current filter, order and columns."))

    def _option(self, view: SavedView) -> Option:
        mark = "*" if view.name == self._shown else " "
        name = fitted(one_line(view.name, _NAME), _NAME)
        return Option(Content.assemble(f"{mark} {name} ", (one_line(view.filter, 200), "$text-muted")))

    def on_mount(self) -> None:
        """Put the cursor on the current view."""
        for options in self.query(OptionList):
            names = [view.name for view in self._views]
            options.highlighted = names.index(self._shown) if self._shown in names else 0
            options.focus()

    def _under_cursor(self) -> SavedView | None:
        for options in self.query(OptionList):
            if options.highlighted is not None:
                return self._views[options.highlighted]
        return None

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(Choice(view=self._views[event.option_index]))

    def action_save(self) -> None:
        """Save the current view."""
        self.dismiss(Choice(view=None))

    def action_delete(self) -> None:
        """Delete the view under the cursor."""
        if (view := self._under_cursor()) is not None:
            self.dismiss(Choice(view=view, delete=True))

    def action_down(self) -> None:
        """Move to the next view."""
        for options in self.query(OptionList):
            options.action_cursor_down()

    def action_up(self) -> None:
        """Move to the previous view."""
        for options in self.query(OptionList):
            options.action_cursor_up()


class ViewName(Dialog["str | None"]):
    """Ask for the name of the view to save, and show the equivalent command line."""

    DEFAULT_CSS = "ViewName { .command { margin-top: 1; } .wrong { margin-top: 0; } }"

    def __init__(self, name: str, existing: Sequence[str], line: Callable[[str], str]) -> None:
        """Create the dialog with `name` filled in; an existing view with a name in `existing` is replaced."""
        super().__init__()
        self._name = name
        self._existing = frozenset(existing)
        self._line = line

    def compose(self) -> ComposeResult:
        with Box("Save this view", "enter save   esc leave"):
            yield SafeInput(self._name, placeholder="a name", id="name", compact=True, max_length=60)
            yield Static(classes="wrong")
            yield Static(classes="command")

    def on_mount(self) -> None:
        """Focus the name."""
        self.query_one(Input).focus()
        self._validate()

    @on(Input.Changed)
    def _validate(self) -> None:
        name = self.query_one(Input).value.strip()
        replaced = self.query_one(".wrong", Static)
        replaced.display = name in self._existing
        replaced.update(Content(f"The view {one_line(name, 40)} will be replaced."))
        command = self.query_one(".command", Static)
        command.display = bool(name)
        command.update(shown_command(self._line(name), 400))

    @on(Input.Submitted)
    def _submitted(self) -> None:
        if name := self.query_one(Input).value.strip():
            self.dismiss(name)
