"""Form of a job: a new one, or one that is edited and retried."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from textual import on
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Static, TextArea

from queuectl.domain.local_time import described
from queuectl.domain.text import one_line, safe
from queuectl.domain.units import parse_time
from queuectl.operations.commandline.render import command_line
from queuectl.operations.edit import EDIT
from queuectl.operations.enqueue import ENQUEUE
from queuectl_tui.screens.dialog import Box, Dialog, shown_command
from queuectl_tui.screens.job_fields import NAMES, changes, edit_params, enqueue_params, read, texts_of
from queuectl_tui.widgets.safe_input import SafeInput, SafeTextArea

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ClassVar

    from textual.app import ComposeResult
    from textual.binding import BindingType

_HINTS = {
    "id": "its number",
    "queue": "default",
    "priority": "0",
    "max_retries": "as configured",
    "timeout": "as configured; 90s",
    "when": "now; 90s, or a time",
    "cwd": "where the console runs",
    "tags": "words to find it by",
    "needs": "labels of its worker",
    "env": "NAME=VALUE NAME='two words'",
}
_LABELS = {"max_retries": "retries", "when": "delay / at"}
_PAIRS = (("id", "queue"), ("priority", "max_retries"), ("timeout", "when"), ("tags", "needs"))
_DIFF_WIDTH = 27
_AROUND = 7
"""Lines taken by the frame, the command line and the buttons."""


class Labelled(Vertical):
    """A field with its label, and an error message below it."""

    def __init__(self, name: str, text: str) -> None:
        """Create a field; `name` is one of `NAMES`."""
        super().__init__(classes="field")
        self.field = name
        self._text = text

    def compose(self) -> ComposeResult:
        with Horizontal(classes="row"):
            yield Static(Content(_LABELS.get(self.field, self.field)), classes="label")
            if self.field == "command":
                yield SafeTextArea(self._text, id="command")
            else:
                yield SafeInput(
                    self._text, placeholder=_HINTS[self.field], id=self.field, compact=True, select_on_focus=False
                )
        for kind in ("wrong", "meant"):
            line = Static(classes=kind)
            line.display = False
            yield line

    def complain(self, message: str | None) -> None:
        """Show an error message, or clear it."""
        wrong = self.query_one(".wrong", Static)
        wrong.display = message is not None
        if message is not None:
            wrong.update(Content(f"↑ {safe(message)}"))

    def explain(self, meaning: str | None) -> None:
        """Show what the text was understood as, or clear it."""
        meant = self.query_one(".meant", Static)
        meant.display = meaning is not None
        if meaning is not None:
            meant.update(Content(meaning))


class JobForm(Dialog["dict[str, Any] | None"]):
    """Returns a job in the format of `domain.spec`; None when cancelled."""

    DEFAULT_CSS = """
    JobForm {
        Box { width: 96; padding: 0 2; }
        #fields { height: auto; scrollbar-size-vertical: 1; }
        .field { height: auto; width: 1fr; }
        .row { height: auto; }
        .pair { height: auto; }
        .pair .field:first-of-type { margin-right: 2; }
        .label { width: 12; color: $text-muted; }
        Input { width: 1fr; }
        TextArea { height: 3; width: 1fr; }
        .field .wrong { padding-left: 12; }
        .pair .wrong { padding-left: 0; }
        .meant { color: $text-muted; height: auto; }
        #kept { color: $text-muted; height: auto; max-height: 3; }
        #diff { height: auto; max-height: 6; margin-top: 1; }
        .command { margin-top: 1; max-height: 3; }
        .buttons { margin-top: 0; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [("ctrl+s", "submit", "Save")]

    def __init__(
        self,
        initial: dict[str, Any] | None = None,
        problems: dict[str, str] | None = None,
        *,
        editing: str | None = None,
        kept: str = "",
        line: Callable[[dict[str, Any]], str] | None = None,
    ) -> None:
        """Create the form; `initial` fills the fields, `problems` are errors reported by the store, by field.

        `editing` is the id of the job being edited: the form then shows the changes, and the id is fixed. `kept` is a
        line about what of the job no field changes. `line` makes the equivalent command line; by default that of
        `enqueue` or `edit`.
        """
        super().__init__()
        self._initial = initial or {}
        self._problems = problems or {}
        self._editing = editing
        self._kept = kept
        self._line = line or self._default_line

    def compose(self) -> ComposeResult:
        texts = texts_of(self._initial)
        title = "New job" if self._editing is None else f"Edit and retry {one_line(self._editing, 50)}"
        with Box(title, "tab next   ctrl+s save   esc leave"):
            with VerticalScroll(id="fields", can_focus=False):
                yield Labelled("command", texts["command"])
                for left, right in _PAIRS:
                    with Horizontal(classes="pair"):
                        yield Labelled(left, texts[left])
                        yield Labelled(right, texts[right])
                for name in ("cwd", "env"):
                    yield Labelled(name, texts[name])
                if self._kept:
                    yield Static(Content(safe(self._kept)), id="kept")
                yield Static(id="diff")
            yield Static(classes="command")
            with Horizontal(classes="buttons"):
                yield Button("Leave", id="leave", compact=True)
                yield Button("Enqueue" if self._editing is None else "Retry", id="submit", compact=True)

    def on_mount(self) -> None:
        """Focus the command."""
        self.query_one("#id", Input).disabled = self._editing is not None
        self.query_one("#diff").display = self._editing is not None
        self._validate()
        self.query_one(TextArea).focus()
        self.query_one(TextArea).move_cursor(self.query_one(TextArea).document.end)

    def on_resize(self) -> None:
        """Limit the height of the fields, so that the buttons stay on the screen."""
        self.query_one("#fields").styles.max_height = max(self.size.height - _AROUND, 3)

    def texts(self) -> dict[str, str]:
        """Return the texts of the fields; an untouched one keeps its original text, with control characters."""
        shown = {name: self.query_one(f"#{name}", Input).value for name in NAMES if name != "command"}
        shown["command"] = self.query_one(TextArea).text
        before = texts_of(self._initial)
        return {name: before[name] if safe(before[name], keep="\n\t") == text else text for name, text in shown.items()}

    @on(Input.Changed)
    @on(TextArea.Changed)
    def _changed(self, event: Input.Changed | TextArea.Changed) -> None:
        name = event.control.id or ""
        if name in self._problems and self.texts()[name] != texts_of(self._initial)[name]:
            del self._problems[name]
        self._validate()

    def _validate(self) -> None:
        job, wrong = self._read()
        errors = self._problems | wrong
        if self._editing is None and not self.texts()["command"]:
            # Nothing has been typed yet: show no error.
            errors.pop("command", None)
        for field in self.query(Labelled):
            field.complain(errors.get(field.field))
            if field.field == "when":
                field.explain(_meaning(job) if "when" not in errors else None)
        changed = changes(self._initial, job) if self._editing is not None else []
        self.query_one("#submit", Button).disabled = bool(wrong)
        missing = "— correct the errors first" if errors else "— enter a command first"
        line = self.query_one(".command", Static)
        line.update(Content.styled(missing, "$foreground 60%") if wrong else self._echo(job))
        self.query_one("#diff", Static).update(_diff(changed))

    def _default_line(self, job: dict[str, Any]) -> str:
        if self._editing is None:
            return command_line(ENQUEUE, enqueue_params(job))
        return command_line(EDIT, edit_params(self._editing, self._initial, job))

    def _echo(self, job: dict[str, Any]) -> Content:
        return shown_command(self._line(job), 190)

    def _read(self) -> tuple[dict[str, Any], dict[str, str]]:
        return read(self.texts(), now=_now())

    @on(Input.Submitted)
    def _next(self) -> None:
        self.focus_next()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "submit":
            self.action_submit()
        else:
            self.dismiss(None)

    def action_submit(self) -> None:
        """Return the job, unless a field has an error."""
        job, wrong = self._read()
        if not wrong:
            self.dismiss(job)


def _now() -> int:
    return time.time_ns() // 1_000_000


def _meaning(job: dict[str, Any]) -> str | None:
    """Return when a job with a due time is due, in local time; None for one without."""
    return f"due {described(parse_time(job['run_at']), now=_now())}" if "run_at" in job else None


def _diff(changed: list[tuple[str, str, str]]) -> Content:
    """Return the changes, one line per field."""
    if not changed:
        return Content.styled("nothing changes: it runs again as it is", "$foreground 60%")
    lines = []
    for name, before, after in changed:
        old, new = _different(before, after)
        lines.append(
            Content.assemble(
                (f"{_LABELS.get(name, name):12}", "$foreground 60%"),
                (f"- {old}", "$text-error"),
                "  ",
                (f"+ {new}", "$text-success"),
            )
        )
    return Content("\n").join(lines)


def _different(before: str, after: str) -> tuple[str, str]:
    """Return two texts, cut to shortly before their first difference."""
    same = next((place for place, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), None)
    start = max((min(len(before), len(after)) if same is None else same) - 10, 0)
    if max(len(before), len(after)) <= _DIFF_WIDTH:
        start = 0
    cut = "…" if start else ""
    old, new = (one_line(cut + text[start:], _DIFF_WIDTH) if text else "(none)" for text in (before, after))
    return old, new
