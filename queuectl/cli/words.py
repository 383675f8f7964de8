"""Parse the words of a command line that are the same for every command: its name, --db, --json, --help, --version."""

from __future__ import annotations

from queuectl.domain.errors import UsageError
from queuectl.domain.record import record
from queuectl.operations import GROUPS, WHERE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


@record
class Call:
    """A command line, before the words of its command are parsed."""

    name: str | None
    """The name of the operation; None for help, for a group of commands, and without a command."""
    words: tuple[str, ...]
    """The words of the command itself; for help, the words after it."""
    db: str | None
    json: bool
    help: bool = False
    """Whether help was requested: it goes to stdout, with exit code 0."""
    version: bool = False


def read_words(argv: Sequence[str]) -> Call:
    """Parse the words. Raises UsageError."""
    db: str | None = None
    json = help_ = version = False
    command: list[str] = []
    words: list[str] = []
    remaining = iter(argv)
    for word in remaining:
        if word == "--json":
            json = True
        elif word == "--db" or word.startswith("--db="):
            db = word[5:] if word != "--db" else next(remaining, None)
            if not db:
                raise UsageError("--db needs a path", hint="--db PATH")
        elif word in {"-h", "--help"}:
            help_ = True
        elif word == "--version":
            version = True
        elif not _complete(command):
            if word.startswith("-"):
                raise _unknown_option(word, command)
            command.append(word)
        elif word == "--":
            words += [word, *remaining]
        else:
            words.append(word)
    if version:
        return Call(name=None, words=(), db=db, json=json, help=help_, version=True)
    name = " ".join(command)
    if name in WHERE:
        return Call(name=name, words=tuple(words), db=db, json=json, help=help_)
    if not command or command[0] == "help":
        # `help help` is the same as `help`.
        topic = words if command and words != ["help"] else ()
        return Call(name=None, words=tuple(topic), db=db, json=json, help=help_ or bool(command))
    if command[0] in GROUPS and len(command) == 1:
        return Call(name=None, words=(name,), db=db, json=json, help=help_)
    raise unknown_command(name)


def _complete(command: list[str]) -> bool:
    """Return whether these words name a command, and not only a group of them."""
    return bool(command) and (command[0] not in GROUPS or len(command) == 2)


def unknown_command(name: str) -> UsageError:
    """Return the error for a command that does not exist, with the most similar one as hint."""
    # Loaded here, as below: only an error needs it.
    from queuectl.operations.arguments import nearest

    group = name.partition(" ")[0]
    known = [each for each in WHERE if each.startswith(group + " ")] if group in GROUPS else [*WHERE, *GROUPS, "help"]
    return UsageError(f"unknown command {name[:60]!r}", hint=nearest(name, known) or "queuectl help lists all commands")


def _unknown_option(word: str, command: list[str]) -> UsageError:
    from queuectl.operations.arguments import nearest

    known = ["--db", "--json", "--version", "--help"]
    place = f" between the words of a {command[0]} command" if command else " before the command"
    hint = nearest(word, known) or "write the options of a command after its name"
    return UsageError(f"unknown option {word[:60]!r}{place}", hint=hint)
