"""Candidates for the next word of a command line that is being typed in a shell."""

from __future__ import annotations

from queuectl.domain.record import described, record
from queuectl.operations import GROUPS, WHERE, find
from queuectl.operations.arguments import is_many, option_strings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from queuectl.domain.record import Field
    from queuectl.operations.operation import Operation

    Names = Callable[[str | None, str], Iterable["Choice"]]
    """Takes the store that the line names and a kind of names; returns the names of that kind in the store."""
    Options = dict[str, tuple[str, Field, str]]


@record
class Choice:
    """A candidate for a word."""

    text: str
    """The word, not quoted for a shell."""
    about: str = ""
    """A short description."""


FILES = Choice(text="", about="files")
DIRECTORIES = Choice(text="", about="directories")
"""No words: the shell completes these itself."""
_GLOBAL_OPTIONS = (
    Choice(text="--db", about="the store"),
    Choice(text="--json", about="print one JSON document on stdout"),
    Choice(text="--help", about="show help"),
)
_VERSION = Choice(text="--version", about="show the version")
_HELP = Choice(text="help", about="List the commands, or describe one")
_KINDS = {
    "queue": "queues",
    "tag": "tags",
    "needs": "labels",
    "label": "labels",
    "host": "hosts",
    "pool": "pools",
    "error": "errors",
    "view": "views",
}
"""Kinds of names in the store, by the field that takes one."""


def candidates(words: Sequence[str], names: Names) -> list[Choice]:
    """Return the candidates for the last of `words`, which are all the words after `queuectl`. Never fails."""
    *before, partial = words or ("",)
    db: str | None = None
    command: list[str] = []
    after: list[str] = []
    remaining = iter(before)
    for word in remaining:
        if word == "--db":
            db = next(remaining, None)
            if db is None:
                return [FILES]
        elif word.startswith("--db="):
            db = word[5:]
        elif word in {"--json", "-h", "--help", "--version"}:
            pass
        elif word == "--":
            after += [word, *remaining]
        elif " ".join(command) in WHERE or command[:1] == ["help"]:
            after.append(word)
        elif not word.startswith("-"):
            command.append(word)
    if partial.startswith("--db=") and "--" not in after:
        return [FILES]
    name = " ".join(command)
    if name in WHERE:
        return _of_operation(find(name), after, partial, lambda kind: names(db, kind))
    if command[:1] == ["help"]:
        return _commands(after, partial)
    if command:
        return _commands(command, partial)
    others = [*_GLOBAL_OPTIONS, _VERSION] if partial.startswith("-") else [_HELP]
    return _commands((), partial) + _starting(others, partial)


def _commands(before: Sequence[str], partial: str) -> list[Choice]:
    """Return commands and groups of commands, or, after a group, its commands."""
    if before:
        lead = f"{before[0]} " if len(before) == 1 else "\n"
        commands = [
            Choice(text=name.removeprefix(lead), about=find(name).summary) for name in WHERE if name.startswith(lead)
        ]
        return _starting(commands, partial)
    texts = dict.fromkeys(name.partition(" ")[0] for name in WHERE)
    return [Choice(text=text, about=_about(text)) for text in texts if text.startswith(partial)]


def _about(text: str) -> str:
    if text in GROUPS:
        return ", ".join(name.partition(" ")[2] for name in WHERE if name.startswith(text + " "))
    return find(text).summary


def _of_operation(
    operation: Operation, after: Sequence[str], partial: str, names: Callable[[str], Iterable[Choice]]
) -> list[Choice]:
    fields = described(operation.params)
    options = {
        string: (name, field, annotation)
        for name, (field, annotation) in fields.items()
        if not field.positional and not field.rest
        for string in option_strings(name, field)
    }
    positionals, used, open_option, after_dashes = _walk(after, options)
    if after_dashes and any(field.rest for field, _ in fields.values()):
        return [FILES]  # the words of a program and its arguments
    if open_option is not None:
        return [each for each in _starting(_values(operation, *open_option, names), partial) if each.text[:1] != "-"]
    option, equals, value = partial.partition("=")
    if not after_dashes and equals and option in options:
        values = _starting(_values(operation, *options[option][:2], names), value)
        return [each if not each.text else Choice(text=f"{option}={each.text}", about=each.about) for each in values]
    flags = [
        Choice(text=string, about=field.help)
        for string, (name, field, annotation) in options.items()
        if string.startswith("--") and (name not in used or is_many(annotation))
    ]
    if not after_dashes and partial.startswith("-"):
        return _starting([*flags, *_GLOBAL_OPTIONS], partial)
    positional = _positional(fields, len(positionals))
    if positional is None:
        return _starting(flags, partial) if not after_dashes else []
    values = [each for each in _values(operation, *positional, names) if each.text not in positionals]
    return [each for each in _starting(values, partial) if after_dashes or each.text[:1] != "-"]


def _walk(after: Sequence[str], options: Options) -> tuple[list[str], set[str], tuple[str, Field] | None, bool]:
    """Return the positional words, the options used, the option that awaits its value, and whether `--` was there."""
    positionals: list[str] = []
    used: set[str] = set()
    open_option: tuple[str, Field] | None = None
    after_dashes = False
    for word in after:
        if open_option is not None:
            open_option = None
        elif not after_dashes and word == "--":
            after_dashes = True
        elif not after_dashes and word.startswith("-") and word != "-":
            string, equals, _ = word.partition("=")
            if string in options:
                name, field, annotation = options[string]
                used.add(name)
                open_option = None if equals or annotation == "bool" else (name, field)
        else:
            positionals.append(word)
    return positionals, used, open_option, after_dashes


def _positional(fields: dict[str, tuple[Field, str]], count: int) -> tuple[str, Field] | None:
    """Return the field of the next positional word, after `count` of them."""
    for name, (field, annotation) in fields.items():
        if field.positional and (count <= 0 or is_many(annotation)):
            return name, field
        count -= field.positional
    return None


def _values(
    operation: Operation, name: str, field: Field, names: Callable[[str], Iterable[Choice]]
) -> Iterable[Choice]:
    if field.choices is not None:
        return [Choice(text=each) for each in field.choices]
    if field.metavar in {"FILE", "DIR"}:
        return [FILES if field.metavar == "FILE" else DIRECTORIES]
    if field.positional and name in {"id", "ids"}:
        return names("dead" if operation.name.startswith("dlq ") else "jobs")
    if field.positional and operation.name.startswith("view "):
        return names("views" if name == "name" else "filters")
    if name == "key":
        # Loaded here, as below: few command lines need it.
        from queuectl.config import SETTINGS

        return [Choice(text=key, about=setting.help) for key, setting in SETTINGS.items()]
    if name == "signal":
        from signal import Signals

        return [Choice(text=each.name.removeprefix("SIG")) for each in Signals]
    return names(_KINDS[name]) if name in _KINDS else ()


def _starting(choices: Iterable[Choice], partial: str) -> list[Choice]:
    return [each for each in choices if not each.text or each.text.startswith(partial)]
