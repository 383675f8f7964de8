"""The grammar of command lines: the options and arguments of each command, and where the name of the command ends.

Parsing, completion, rendering, help and the reference all use these tables. An option of every command is a described
field of `Call`; those of one command are the described fields of its params.
"""

from __future__ import annotations

from queuectl.domain.errors import UsageError
from queuectl.domain.record import MISSING, described, field, record
from queuectl.domain.text import nearest
from queuectl.operations import GROUPS, WHERE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuectl.domain.record import Field
    from queuectl.operations.operation import Operation


@record
class Parameter:
    """A field of params, as a command line gives it: an option, a positional argument, or the words after `--`."""

    name: str
    """The name of the field."""
    field: Field
    annotation: str
    strings: tuple[str, ...]
    """The strings of an option, the long one last: `-q`, `--queue`; none for the others."""

    @property
    def many(self) -> bool:
        """Whether it may be given several times."""
        return self.annotation.startswith("tuple[")

    @property
    def takes_value(self) -> bool:
        """Whether a value belongs to it; a switch has none."""
        return self.annotation != "bool"

    @property
    def required(self) -> bool:
        """Whether a command line must have it."""
        return self.field.default is MISSING

    @property
    def word(self) -> str:
        """The placeholder for its value."""
        return self.field.metavar or self.name.upper()

    @property
    def label(self) -> str:
        """Its name in errors: the long string of an option, else the placeholder."""
        return self.strings[-1] if self.strings else self.word

    @property
    def usage(self) -> str:
        """Itself as it stands in a usage line: `--state STATE…`, `ID…`, `-- ARGV…`."""
        word = self.word + ("…" if self.many else "") if self.takes_value else ""
        return " ".join(filter(None, [self.strings[-1] if self.strings else "--" if self.field.rest else "", word]))

    @property
    def help(self) -> str:
        """Its help, with its choices and whether it is a required option."""
        choices = f": {', '.join(self.field.choices)}" if self.field.choices else ""
        return self.field.help + choices + (" (required)" if self.required and self.strings else "")


@record
class Grammar:
    """The parameters of a command, in the order of their fields."""

    parameters: tuple[Parameter, ...]
    options: dict[str, Parameter]
    """By each of their strings."""
    positionals: tuple[Parameter, ...]
    rest: Parameter | None
    """What takes the words after `--` unchanged."""


_made: dict[type, Grammar] = {}


def grammar(params: type) -> Grammar:
    """Return the grammar that the described fields of a record class define; it is made once."""
    if params not in _made:
        found = [
            Parameter(name=name, field=each, annotation=annotation, strings=_strings(name, each))
            for name, (each, annotation) in described(params).items()
        ]
        # Options that a command shares with others come after its own; arguments keep the order of the fields.
        own = params.__slots__  # type: ignore[attr-defined]  # as `record` makes it
        parameters = tuple(sorted(found, key=lambda each: bool(each.strings) and each.name not in own))
        _made[params] = Grammar(
            parameters=parameters,
            options={string: each for each in parameters for string in each.strings},
            positionals=tuple(each for each in parameters if each.field.positional),
            rest=next((each for each in parameters if each.field.rest), None),
        )
    return _made[params]


def _strings(name: str, of: Field) -> tuple[str, ...]:
    if of.positional or of.rest:
        return ()
    long = "--" + (of.flag or name).replace("_", "-")
    return (f"-{of.short}", long) if of.short else (long,)


def usage(operation: Operation) -> str:
    """Return the usage line: required options, `[options]`, arguments; `(A | B)` where exactly one is given."""
    parameters = grammar(operation.params).parameters
    one_of = [each for each in parameters if each.name in operation.one_of]
    free = [each for each in parameters if each not in one_of]
    options = [each for each in free if each.strings]
    pieces = [f"queuectl {operation.name}", *(each.usage for each in options if each.required)]
    if not all(each.required for each in options):
        pieces.append("[options]")
    if one_of:
        pieces.append(f"({' | '.join(each.usage for each in one_of)})")
    pieces += [each.usage if each.required else f"[{each.usage}]" for each in free if not each.strings]
    return " ".join(pieces)


@record
class Call:
    """A command line, before the words of its command are parsed."""

    command: tuple[str, ...]
    """The words that name the command, as far as they are there: of a group of commands perhaps only the first."""
    words: tuple[str, ...]
    """The words after them, without the options of every command."""
    db: str | None = field(
        "the store: a file or postgresql://… (default: $QUEUECTL_DB, else queue.db in your data directory)",
        default=None,
        metavar="PATH",
        completes="files",
    )
    json: bool = field("print one JSON document on stdout", default=False)
    json_lines: bool = field(
        "print JSON Lines on stdout: each element on a line, as soon as it is there", default=False
    )
    help: bool = field("show help", default=False, short="h")
    """Whether help was requested, also by the command `help`: it goes to stdout, with exit code 0."""
    version: bool = field("show the version, whatever else is on the line", default=False, short="V")
    """Whether the version was requested, also by the command `version`."""

    @property
    def for_a_program(self) -> bool:
        """Whether the output is JSON."""
        return self.json or self.json_lines

    @property
    def name(self) -> str | None:
        """The name of the operation; None for help, for a group of commands, and without a command."""
        name = " ".join(self.command)
        return name if name in WHERE else None


ANYWHERE = grammar(Call)
"""The options of every command, which may stand before and after its name."""


def split_words(argv: Sequence[str]) -> Call:
    """Return the call of a command line, which may be incomplete or wrong. Never fails.

    Where the value of an option of every command is missing, it is an empty string.
    """
    given: dict[str, str | bool] = {}
    words: list[str] = []
    remaining = iter(argv)
    for word in remaining:
        string, equals, value = word.partition("=")
        option = ANYWHERE.options.get(string)
        if word == "--":
            words += [word, *remaining]
        elif option is None or (equals and not option.takes_value):
            words.append(word)
        elif option.takes_value:
            value = value if equals else next(remaining, "")
            # An empty path, of a variable that is not set, stays an error: another one must not hide it.
            given[option.name] = value if given.get(option.name) != "" else ""
        else:
            given[option.name] = True
    command, rest = command_of(words)
    if command in {("help",), ("version",)}:
        given[command[0]] = True
    return Call(command=command, words=rest, **given)  # type: ignore[arg-type]  # the values of its own options


def command_of(words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the words that name a command, of a group perhaps only the first, and the words after them."""
    length = 0
    while length < len(words) and not _is_whole(words[:length]) and not words[length].startswith("-"):
        length += 1
    return tuple(words[:length]), tuple(words[length:])


def _is_whole(command: Sequence[str]) -> bool:
    """Return whether these words name a command, and not only a group of them."""
    return bool(command) and (command[0] not in GROUPS or len(command) == 2)


def read_words(argv: Sequence[str]) -> Call:
    """Return the call of a command line: of an operation, of help, of a group or of nothing. Raises UsageError."""
    call = split_words(argv)
    if call.db == "":
        raise UsageError("--db needs a path", hint="--db PATH")
    if call.json and call.json_lines:
        raise UsageError("--json and --json-lines cannot be combined", hint="leave out one of them")
    if call.words and not _is_whole(call.command):
        raise _unknown_option(call.words[0], call.command)
    name = " ".join(call.command)
    if call.command and name not in WHERE and name not in GROUPS and name != "help" and not call.version:
        raise unknown_command(name)
    return call


def _unknown_option(word: str, command: Sequence[str]) -> UsageError:
    string = word.partition("=")[0]
    if string in ANYWHERE.options:
        return UsageError(f"{string} takes no value", hint="queuectl help lists all options of all commands")
    place = f" between the words of a {command[0]} command" if command else " before the command"
    hint = nearest(word, [each.label for each in ANYWHERE.parameters])
    return UsageError(
        f"unknown option {word[:60]!r}{place}", hint=hint or "write the options of a command after its name"
    )


def unknown_command(name: str) -> UsageError:
    """Return the error for a command that does not exist, with the command that is probably meant as hint."""
    # Loaded here: only an error needs it.
    from queuectl.operations.commandline.meant import hint

    meant = hint(name, others=["help", "version"])
    return UsageError(f"unknown command {name[:60]!r}", hint=meant or "queuectl help lists all commands")
