"""The words of a command line that are the same for every command: which one, on which store, in which form."""

from __future__ import annotations

from queuectl.domain.errors import UsageError
from queuectl.domain.record import record
from queuectl.operations import GROUPS, WHERE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


@record
class Call:
    """What a command line asks for, before anything is known about its command."""

    name: str | None
    """The operation; None for help, or a group of commands, or nothing at all."""
    words: tuple[str, ...]
    """What is for the command itself; for help, the words after it."""
    db: str | None
    json: bool
    help: bool = False
    """Help was asked for: on stdout, and all is well."""
    version: bool = False


def read_words(argv: Sequence[str]) -> Call:
    """Take the words apart. Raises UsageError."""
    db: str | None = None
    json = help_ = version = False
    command: list[str] = []
    words: list[str] = []
    left = iter(argv)
    for word in left:
        if word == "--json":
            json = True
        elif word == "--db" or word.startswith("--db="):
            db = word[5:] if word != "--db" else next(left, None)
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
            words += [word, *left]
        else:
            words.append(word)
    if version:
        return Call(name=None, words=(), db=db, json=json, help=help_, version=True)
    name = " ".join(command)
    if name in WHERE:
        return Call(name=name, words=tuple(words), db=db, json=json, help=help_)
    if not command or command[0] == "help":
        # `help help` is the help itself.
        asked = words if command and words != ["help"] else ()
        return Call(name=None, words=tuple(asked), db=db, json=json, help=help_ or bool(command))
    if command[0] in GROUPS and len(command) == 1:
        return Call(name=None, words=(name,), db=db, json=json, help=help_)
    raise unknown_command(name)


def _complete(command: list[str]) -> bool:
    """Whether these words name a command, and not only a group of them."""
    return bool(command) and (command[0] not in GROUPS or len(command) == 2)


def unknown_command(name: str) -> UsageError:
    """The error for a command that does not exist, with the nearest that does."""
    # Loaded here, as below: only a mistake pays for it.
    from queuectl.operations.arguments import nearest

    group = name.partition(" ")[0]
    known = [each for each in WHERE if each.startswith(group + " ")] if group in GROUPS else [*WHERE, *GROUPS, "help"]
    return UsageError(f"unknown command {name[:60]!r}", hint=nearest(name, known) or "queuectl help lists them all")


def _unknown_option(word: str, command: list[str]) -> UsageError:
    from queuectl.operations.arguments import nearest

    known = ["--db", "--json", "--version", "--help"]
    where = f" before the rest of {command[0]}" if command else " before a command"
    hint = nearest(word, known) or "options go after the command"
    return UsageError(f"unknown option {word[:60]!r}{where}", hint=hint)
