"""Dialog: all settings with value and origin, edited in place. Input is checked while typed and written by enter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from queuectl.config import SETTINGS, show
from queuectl.domain.errors import UsageError
from queuectl.domain.text import one_line, safe
from queuectl.operations.commandline.render import command_line
from queuectl.operations.config import SET, UNSET, Set, Unset
from queuectl_tui.screens.dialog import Box, Dialog, shown_command
from queuectl_tui.widgets.safe_input import SafeInput

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import ClassVar, TypeAlias

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.events import DescendantFocus

    from queuectl.operations.config import SettingNow

    Change: TypeAlias = Set | Unset
    Write: TypeAlias = Callable[[Change, str, Callable[[SettingNow | None, str | None], None]], None]

_KEY, _ORIGIN = 16, 12


class SettingRow(Horizontal):
    """A setting: key, value in a field, and origin of the value."""

    def __init__(self, now: SettingNow) -> None:
        """Create the row with the setting's current value."""
        super().__init__(classes="setting")
        self.now = now

    def compose(self) -> ComposeResult:
        yield Static(Content(f"{self.now.key:{_KEY}}"), classes="key")
        yield SafeInput(show(self.now.value), id=f"value-{self.now.key}", compact=True)
        yield Static(classes="origin")

    def on_mount(self) -> None:
        """Show the origin of the value."""
        self.refresh_now(self.now)

    def refresh_now(self, now: SettingNow) -> None:
        """Show a changed value."""
        self.now = now
        self.query_one(Input).value = show(now.value)
        style = {"default": "$foreground 60%", "store": "bold $accent"}.get(now.origin, "$text-warning")
        default = "" if now.origin == "default" else f"  (default {show(now.default)})"
        self.query_one(".origin", Static).update(Content.styled(f"{now.origin}{default}", style))


class ConfigEditor(Dialog[None]):
    """The settings editor: stays open until it is closed, and writes through `write`."""

    DEFAULT_CSS = """
    ConfigEditor {
        Box { width: 90; padding: 0 2; }
        #rows { height: auto; max-height: 14; }
        .setting { height: 1; }
        .key { width: 18; }
        .setting Input { width: 16; }
        .origin { width: 1fr; padding-left: 2; }
        .setting.-now .key { text-style: bold; color: $accent; }
        #about { height: 3; margin-top: 1; color: $text-muted; }
        .command { height: 1; max-height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        .wrong { height: 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("up", "app.focus_previous"),
        ("down", "app.focus_next"),
        Binding("ctrl+d", "unset", "Default", priority=True),
    ]

    def __init__(self, settings: Sequence[SettingNow], write: Write, *, read_only: bool = False) -> None:
        """`write` receives the params of `config set` or `config unset`, a description, and a result callback."""
        super().__init__()
        self._settings = settings
        self._write = write
        self._read_only = read_only

    def compose(self) -> ComposeResult:
        keys = "↑↓ choose   esc leave" if self._read_only else "enter write   ctrl+d default   esc leave"
        with Box("Settings", keys):
            with VerticalScroll(id="rows", can_focus=False):
                for each in self._settings:
                    yield SettingRow(each)
            yield Static(id="about")
            yield Static(classes="command")
            yield Static(classes="wrong")

    def on_mount(self) -> None:
        """Focus the first field."""
        if self._read_only:
            for field in self.query(Input):
                field.disabled = True
        self.query(Input).first().focus()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Show the help of the focused setting."""
        if isinstance(event.widget, Input):
            here = self._row(event.widget)
            for row in self.query(SettingRow):
                row.set_class(row is here, "-now")
            self._validate(event.widget)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        if event.input.has_focus:
            self._validate(event.input)

    def _validate(self, field: Input) -> None:
        row = self._row(field)
        self.query_one("#about", Static).update(Content(safe(row.now.help)))
        change, wrong = _change(row.now, field.value)
        self._show_error(wrong)
        self.query_one(".command", Static).update(
            shown_command(_echo(change), 200)
            if change is not None
            else Content.styled("" if wrong else "unchanged", "$foreground 60%")
        )

    def _show_error(self, wrong: str | None, hint: str | None = None) -> None:
        text = "" if wrong is None else f"↑ {one_line(wrong, 160)}" + (f"  {one_line(hint, 160)}" if hint else "")
        self.query_one(".wrong", Static).update(Content(text))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        row = self._row(event.input)
        change, wrong = _change(row.now, event.value)
        if change is not None and wrong is None:
            self._do(row, change)
        elif wrong is None:
            # Nothing was changed: select the value, so that typing replaces it.
            event.input.select_all()

    def action_unset(self) -> None:
        """Reset the setting to its default."""
        if isinstance(self.focused, Input) and not self._read_only:
            row = self._row(self.focused)
            self._do(row, Unset(key=row.now.key))

    def action_leave(self) -> None:
        """Restore an unsaved value; if there is none, close the dialog."""
        if isinstance(self.focused, Input):
            row = self._row(self.focused)
            if self.focused.value != show(row.now.value):
                self.focused.value = show(row.now.value)
                return
        self.dismiss(None)

    def _do(self, row: SettingRow, change: Change) -> None:
        def on_result(now: SettingNow | None, wrong: str | None) -> None:
            if not self.is_mounted:
                return
            if now is not None:
                row.refresh_now(now)
            self._validate(row.query_one(Input))
            self._show_error(wrong)

        about = (
            f"set {change.key} to {change.value}" if isinstance(change, Set) else f"reset {change.key} to its default"
        )
        self._write(change, about, on_result)

    def _row(self, field: Input) -> SettingRow:
        return next(row for row in self.query(SettingRow) if row.query_one(Input) is field)


def _change(now: SettingNow, text: str) -> tuple[Change | None, str | None]:
    """Return the change that writing `text` would make, and the error in it. Empty text is the default."""
    if not text.strip():
        return (None, None) if now.origin == "default" else (Unset(key=now.key), None)
    try:
        value = SETTINGS[now.key].parse(text)
    except UsageError as error:
        return None, error.message
    return (None, None) if value == now.value else (Set(key=now.key, value=text.strip()), None)


def _echo(change: Change) -> str:
    return command_line(SET, change) if isinstance(change, Set) else command_line(UNSET, change)
