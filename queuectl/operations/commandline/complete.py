"""Candidates for the next word of a command line that is being typed, in a shell or in the console."""

from __future__ import annotations

from queuectl.domain.record import record
from queuectl.operations import GROUPS, WHERE, find
from queuectl.operations.commandline.grammar import ANYWHERE, grammar, split_words
from queuectl.operations.document import Document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from queuectl.operations.commandline.grammar import Grammar, Parameter
    from queuectl.operations.operation import Operation

    Names = Callable[[str], Iterable["Choice"]]
    """Takes a kind of names; returns the names of that kind in the store."""


@record
class Choice(Document):
    """A candidate for a word."""

    text: str
    """The word, not quoted for a shell."""
    about: str = ""
    """A short description."""


FILES = Choice(text="", about="files")
DIRECTORIES = Choice(text="", about="directories")
"""No words: the shell completes these itself."""
_HELP = Choice(text="help", about="List the commands, or describe one")


def complete(words: Sequence[str], names: Callable[[str | None, str], Iterable[Choice]]) -> list[Choice]:
    """Return the candidates for the last of `words`, which are all the words after `queuectl`. Never fails.

    `names` takes the store that the line names and a kind of names.
    """
    *before, partial = words or ("",)
    call = split_words(before)
    if (call.db == "" and before[-1] == "--db") or (partial.startswith("--db=") and "--" not in call.words):
        return [FILES]
    if call.name is not None:
        return complete_words(find(call.name), call.words, partial, lambda kind: names(call.db, kind))
    if call.command[:1] == ("help",):
        return _commands(call.words, partial)
    if call.command:
        return _commands(call.command, partial)
    others = _options_anywhere() if partial.startswith("-") else [_HELP]
    return _commands((), partial) + _starting(others, partial)


def complete_words(
    operation: Operation, words: Sequence[str], partial: str, names: Names, *, with_options: bool = False
) -> list[Choice]:
    """Return the candidates for `partial`, the word after `words`, which are those after the command's name.

    With `with_options` an empty word gets options in addition to the values of an argument.
    """
    known = grammar(operation.params)
    positionals, used, open_option, after_dashes = _walk(words, known)
    if operation.reads:
        names = _with_job_names(names)
    if after_dashes and known.rest is not None:
        return [FILES]  # the words of a program and its arguments
    if open_option is not None:
        return [each for each in _of_option(open_option, names, partial) if each.text[:1] != "-"]
    option, equals, value = partial.partition("=")
    if not after_dashes and equals and option in known.options:
        values = _of_option(known.options[option], names, value)
        return [each if not each.text else Choice(text=f"{option}={each.text}", about=each.about) for each in values]
    options = [
        Choice(text=each.label, about=each.field.help)
        for each in known.parameters
        if each.strings and (each.many or each not in used) and not after_dashes
    ]
    if not after_dashes and partial.startswith("-"):
        return _starting([*options, *_options_anywhere(version=False)], partial)
    positional = _next_positional(known, len(positionals))
    if positional is None:
        return _starting(options, partial)
    values = [each for each in _starting(_values(positional, names), partial) if each.text not in positionals]
    values = [each for each in values if after_dashes or each.text[:1] != "-"]
    return values + (options if with_options and not partial else [])


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


def _options_anywhere(*, version: bool = True) -> list[Choice]:
    """Return the options of every command; `version` makes no sense behind one."""
    return [
        Choice(text=each.label, about=each.help.partition(":")[0])
        for each in ANYWHERE.parameters
        if version or each.name != "version"
    ]


def _walk(words: Sequence[str], known: Grammar) -> tuple[list[str], list[Parameter], Parameter | None, bool]:
    """Return the positional words, the options used, the option that awaits its value, and whether `--` was there."""
    positionals: list[str] = []
    used: list[Parameter] = []
    open_option: Parameter | None = None
    after_dashes = False
    for word in words:
        if open_option is not None:
            open_option = None
        elif not after_dashes and word == "--":
            after_dashes = True
        elif not after_dashes and word.startswith("-") and word != "-":
            string, equals, _ = word.partition("=")
            if string in known.options:
                used.append(known.options[string])
                open_option = None if equals or not used[-1].takes_value else used[-1]
        else:
            positionals.append(word)
    return positionals, used, open_option, after_dashes


def _next_positional(known: Grammar, count: int) -> Parameter | None:
    """Return the parameter of the next positional word, after `count` of them."""
    for index, each in enumerate(known.positionals):
        if index >= count or each.many:
            return each
    return None


def _of_option(of: Parameter, names: Names, partial: str) -> list[Choice]:
    """Return the values of an option that begin with `partial`; where commas separate several, the next of them."""
    before, comma, last = partial.rpartition(",") if of.field.commas else ("", "", partial)
    values = _starting(_values(of, names), last)
    used = before.split(",")
    return (
        [Choice(text=before + comma + each.text, about=each.about) for each in values if each.text not in used]
        if comma
        else values
    )


def _values(of: Parameter, names: Names) -> Iterable[Choice]:
    if of.field.choices is not None:
        return [Choice(text=each) for each in of.field.choices]
    match of.field.completes:
        case None:
            return ()
        case "files":
            return [FILES]
        case "directories":
            return [DIRECTORIES]
        case "settings":
            # Loaded here, as below: few command lines need it.
            from queuectl.config import SETTINGS

            return [Choice(text=key, about=setting.help) for key, setting in SETTINGS.items()]
        case "signals":
            from signal import Signals

            return [Choice(text=each.name.removeprefix("SIG")) for each in Signals]
        case kind:
            return names(kind)


def _with_job_names(names: Names) -> Names:
    """Return `names` for a command that reads, which takes names such as @last in place of the ID of a job."""
    return lambda kind: names("jobs to read" if kind == "jobs" else kind)


def _starting(choices: Iterable[Choice], partial: str) -> list[Choice]:
    return [each for each in choices if not each.text or each.text.startswith(partial)]
