"""What could stand next in a command line that is being typed in a shell."""

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
    """Takes the store that the line names, and a kind of names; the names of that kind in the store."""
    Options = dict[str, tuple[str, Field, str]]


@record
class Choice:
    """A word that could stand here."""

    text: str
    """What it means: whoever shows it quotes it for a shell."""
    about: str = ""


FILES = Choice(text="", about="files")
DIRECTORIES = Choice(text="", about="directories")
"""Not a word, but for the shell to complete."""
_EVERYWHERE = (
    Choice(text="--db", about="the store"),
    Choice(text="--json", about="print one JSON document on stdout"),
    Choice(text="--help", about="show help"),
)
_VERSION = Choice(text="--version", about="show the version")
_HELP = Choice(text="help", about="Show what the commands are, or tell more about one")
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
"""Options that take a name which the store has."""


def candidates(words: Sequence[str], names: Names) -> list[Choice]:
    """What could stand in place of the last of `words`, which are all those after `queuectl`. Never fails."""
    *before, partial = words or ("",)
    db: str | None = None
    command: list[str] = []
    after: list[str] = []
    left = iter(before)
    for word in left:
        if word == "--db":
            db = next(left, None)
            if db is None:
                return [FILES]
        elif word.startswith("--db="):
            db = word[5:]
        elif word in {"--json", "-h", "--help", "--version"}:
            pass
        elif word == "--":
            after += [word, *left]
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
    beside = [*_EVERYWHERE, _VERSION] if partial.startswith("-") else [_HELP]
    return _commands((), partial) + _starting(beside, partial)


def _commands(before: Sequence[str], partial: str) -> list[Choice]:
    """Commands, groups of them, or the commands of a group."""
    if before:
        lead = f"{before[0]} " if len(before) == 1 else "\n"
        found = [
            Choice(text=name.removeprefix(lead), about=find(name).summary) for name in WHERE if name.startswith(lead)
        ]
        return _starting(found, partial)
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
    taken, given, waiting, plain = _walk(after, options)
    if plain and any(field.rest for field, _ in fields.values()):
        return [FILES]  # the words of a command of its own
    if waiting is not None:
        return [each for each in _starting(_values(operation, *waiting, names), partial) if each.text[:1] != "-"]
    option, equals, value = partial.partition("=")
    if not plain and equals and option in options:
        found = _starting(_values(operation, *options[option][:2], names), value)
        return [each if not each.text else Choice(text=f"{option}={each.text}", about=each.about) for each in found]
    flags = [
        Choice(text=string, about=field.help)
        for string, (name, field, annotation) in options.items()
        if string.startswith("--") and (name not in given or is_many(annotation))
    ]
    if not plain and partial.startswith("-"):
        return _starting([*flags, *_EVERYWHERE], partial)
    place = _place(fields, len(taken))
    if place is None:
        return _starting(flags, partial) if not plain else []
    found = [each for each in _values(operation, *place, names) if each.text not in taken]
    return [each for each in _starting(found, partial) if plain or each.text[:1] != "-"]


def _walk(after: Sequence[str], options: Options) -> tuple[list[str], set[str], tuple[str, Field] | None, bool]:
    """The words in places, the options given, the one that waits for its value, and whether `--` has been."""
    taken: list[str] = []
    given: set[str] = set()
    waiting: tuple[str, Field] | None = None
    plain = False
    for word in after:
        if waiting is not None:
            waiting = None
        elif not plain and word == "--":
            plain = True
        elif not plain and word.startswith("-") and word != "-":
            string, equals, _ = word.partition("=")
            if string in options:
                name, field, annotation = options[string]
                given.add(name)
                waiting = None if equals or annotation == "bool" else (name, field)
        else:
            taken.append(word)
    return taken, given, waiting, plain


def _place(fields: dict[str, tuple[Field, str]], left: int) -> tuple[str, Field] | None:
    """What the next word that is not an option's stands for."""
    for name, (field, annotation) in fields.items():
        if field.positional and (left <= 0 or is_many(annotation)):
            return name, field
        left -= field.positional
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
        # Loaded here, as below: few lines ask for it.
        from queuectl.config import SETTINGS

        return [Choice(text=key, about=setting.help) for key, setting in SETTINGS.items()]
    if name == "signal":
        from signal import Signals

        return [Choice(text=each.name.removeprefix("SIG")) for each in Signals]
    return names(_KINDS[name]) if name in _KINDS else ()


def _starting(choices: Iterable[Choice], partial: str) -> list[Choice]:
    return [each for each in choices if not each.text or each.text.startswith(partial)]
