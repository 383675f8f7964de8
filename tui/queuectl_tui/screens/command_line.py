"""The command line at the bottom: `queuectl` commands with completion, and the usage of the command being typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from queuectl.domain.errors import UsageError
from queuectl.domain.record import record, replace
from queuectl.domain.text import one_line
from queuectl.operations import GROUPS, find
from queuectl.operations.commandline.grammar import usage
from queuectl.operations.commandline.meant import hint
from queuectl.operations.commandline.parse import params
from queuectl.operations.commandline.quoting import split
from queuectl_tui.screens.completion import VIEWS, Completion, complete, named
from queuectl_tui.widgets.safe_input import SafeInput

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, ClassVar, TypeAlias

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from queuectl.operations.commandline.complete import Choice
    from queuectl.operations.operation import Operation

    ReadNames: TypeAlias = Callable[[str, Callable[[Sequence[Choice]], None]], None]
    """Takes a kind of names, and what receives the names of that kind, now or later, in the app's thread."""

_SHOWN = 8
_CHOICE = 26


@record
class Jump:
    """Result: go to a view."""

    view: str
    filter: str


@record
class Run:
    """Result: run an operation."""

    operation: Operation
    params: Any
    line: str


class CommandLine(ModalScreen[Jump | Run | None]):
    """Ask for a command line; returns `Jump`, `Run` or None."""

    DEFAULT_CSS = """
    CommandLine {
        align: left bottom;
        background: $background 0%;

        #panel { height: auto; width: 100%; background: $panel; border-top: solid $primary; }
        #choices { height: auto; max-height: 8; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
        #message { height: auto; max-height: 3; padding: 0 1; color: $text-muted; }
        #line { height: 1; }
        #colon { width: 2; padding-left: 1; color: $accent; text-style: bold; }
        Input { width: 1fr; padding: 0; background: $panel; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "leave", "Leave"),
        ("tab", "complete(1)", "Complete"),
        ("shift+tab", "complete(-1)"),
        ("up", "recall(-1)", "Earlier"),
        ("down", "recall(1)", "Later"),
    ]

    def __init__(
        self, text: str = "", *, read_names: ReadNames | None = None, history: list[str] | None = None
    ) -> None:
        """Create the dialog with `text` typed; new lines are appended to `history`, the oldest first.

        `read_names` reads the names of the store that a line can contain.
        """
        super().__init__()
        self._text = text
        self._read_names = read_names
        self._names: dict[str, Sequence[Choice]] = {}
        """Names by kind, of the kinds that a line has needed."""
        self._history = history if history is not None else []
        self._recalled = len(self._history)
        self._typed = text
        self._completion = Completion(start=0, choices=())
        self._chosen: int | None = None

    def compose(self) -> ComposeResult:
        with Vertical(id="panel"):
            yield Static(id="choices")
            yield Static(id="message")
            with Horizontal(id="line"):
                yield Static(Content(":"), id="colon")
                yield SafeInput(self._text, compact=True, select_on_focus=False)

    def on_mount(self) -> None:
        """Focus the input field."""
        field = self.query_one(Input)
        field.focus()
        field.cursor_position = len(field.value)
        self._look()

    def _names_of(self, kind: str) -> Sequence[Choice]:
        """Return the names of a kind: none until they have been read, which completes the line again."""
        if kind not in self._names:
            self._names[kind] = ()
            if self._read_names is not None:
                self._read_names(kind, lambda names: self._take_names(kind, names))
        return self._names[kind]

    def _take_names(self, kind: str, names: Sequence[Choice]) -> None:
        self._names[kind] = names
        if self.is_attached and self._chosen is None:
            self._look()

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        if self._chosen is not None and event.value == self._completed(self._chosen):
            return
        self._chosen = None
        self._typed = event.value
        self._look()

    def _look(self) -> None:
        """Compute the completions, and show the usage of the command."""
        line = self.query_one(Input).value
        self._completion = complete(line, self._names_of)
        name, _ = named([word.text for word in split(line)])
        self._show_text(Content.styled(usage(find(name)), "$foreground 60%") if name else None)
        self._show()

    def _show_text(self, text: Content | None) -> None:
        where = self.query_one("#message", Static)
        where.display = text is not None
        where.update(text or "")

    def _show(self) -> None:
        choices = self._completion.choices
        where = self.query_one("#choices", Static)
        where.display = bool(choices)
        first = min(max((self._chosen or 0) - _SHOWN // 2, 0), max(len(choices) - _SHOWN, 0))
        shown = [
            _line(choice, chosen=self._chosen == place)
            for place, choice in enumerate(choices[first : first + _SHOWN], first)
        ]
        where.update(Content("\n").join(shown))

    def _completed(self, place: int) -> str:
        choice = self._completion.choices[place].text
        return self._typed[: self._completion.start] + choice + ("" if choice.endswith((":", "=")) else " ")

    def action_complete(self, step: int) -> None:
        """Insert the next completion, or the previous one."""
        choices = self._completion.choices
        if not choices:
            return
        if self._chosen is not None and len(choices) == 1:
            # The only choice is inserted already: continue with the next word.
            self._chosen, self._typed = None, self.query_one(Input).value
            self._look()
            return
        if self._chosen is None:
            self._chosen = 0 if step > 0 else len(choices) - 1
        else:
            self._chosen = (self._chosen + step) % len(choices)
        self._put(self._completed(self._chosen))
        self._show()

    def action_recall(self, step: int) -> None:
        """Recall an earlier line, or a later one."""
        self._recalled = min(max(self._recalled + step, 0), len(self._history))
        self._chosen = None
        self._put(self._history[self._recalled] if self._recalled < len(self._history) else "")

    def _put(self, text: str) -> None:
        field = self.query_one(Input)
        field.value = text
        field.cursor_position = len(text)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        line = event.value.strip()
        if not line:
            self.dismiss(None)
            return
        try:
            answer = read_line(line)
        except UsageError as error:
            text = Content.styled(one_line(error.message, 200), "bold $text-error")
            if error.hint:
                text = Content.assemble(text, f"   {one_line(error.hint, 200)}")
            self._show_text(text)
            return
        if self._history[-1:] != [line]:
            self._history.append(line)
        self.dismiss(answer)

    def action_leave(self) -> None:
        """Close without running anything."""
        self.dismiss(None)


def read_line(line: str) -> Jump | Run:
    """Parse a line into the action it asks for. Raises UsageError."""
    found = split(line)
    if found and not found[-1].closed:
        raise UsageError("a quote is not closed")
    name, words = named([word.text for word in found])
    if not name:
        if words and words[0] in VIEWS:
            return Jump(view=words[0], filter=" ".join(words[1:]))
        asked = " ".join(words[:2]) if words and words[0] in GROUPS else " ".join(words[:1])
        raise UsageError(f"unknown command {asked[:60]!r}", hint=hint(asked, others=VIEWS) or "tab lists the commands")
    operation = find(name)
    return Run(operation=operation, params=_for_console(operation, params(operation, words)), line=line)


def _for_console(operation: Operation, given: Any) -> Any:
    """Return params that do not block the console. Raises UsageError for commands that it cannot run."""
    if operation.not_in_console:
        raise UsageError(f"{operation.name} is not for the console", hint=operation.not_in_console)
    if operation.name == "worker start":
        return replace(given, detach=True)
    if operation.name == "enqueue" and given.file == "-":
        raise UsageError("the console has no standard input to read", hint="give the name of a file")
    if operation.name == "logs" and given.follow:
        raise UsageError("the console always follows a log", hint="leave out --follow here")
    if operation.name == "status" and given.watch:
        raise UsageError("the console's overview is such a watch", hint="leave out --watch here, or press 5")
    return given


def _line(choice: Choice, *, chosen: bool) -> Content:
    text = f"{one_line(choice.text, 60):{_CHOICE}}"
    about = one_line(choice.about, 200)
    if chosen:
        return Content.styled(f"{text}  {about}", "reverse")
    return Content.assemble((text, "bold"), "  ", (about, "$foreground 60%"))
