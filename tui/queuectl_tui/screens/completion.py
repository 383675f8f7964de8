"""Completion of the console's command line: that of a shell, and views and their filters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuectl.domain.record import record
from queuectl.operations import GROUPS, WHERE, find
from queuectl.operations.commandline.complete import Choice, complete_words
from queuectl.operations.commandline.grammar import ANYWHERE, command_of
from queuectl.operations.commandline.quoting import quoted, split
from queuectl.operations.commandline.store_names import names_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from queuectl.operations.commandline.complete import Names

VIEWS = {
    "jobs": "the jobs; state: queue: tag: or any text filter them",
    "workers": "the workers",
    "dead": "the dead letters",
    "queues": "the queues, with their limits and pauses",
    "overview": "throughput, durations and failures",
    "activity": "the events",
}
"""Words that open a view instead of running an operation."""
_TAG = Choice(text="tag:", about="jobs with this tag")
_MOST = 50


@record
class Completion:
    """The choices for the text from `start` to the end of the line."""

    start: int
    choices: tuple[Choice, ...]
    """Quoted where a shell would need it."""


def read_names(ask: Callable[..., Any], kind: str, take: Callable[[Sequence[Choice]], None]) -> None:
    """Let `take` receive the names of a kind; `ask` is that of the reader, in whose thread they are read."""
    ask(lambda context: names_of(context.store, kind), take, f"names of {kind}")


def named(words: list[str]) -> tuple[str, tuple[str, ...]]:
    """Return the name of the operation at the start of `words`, and the words after it; "" if there is none."""
    command, rest = command_of(words[1:] if words[:1] == ["queuectl"] else words)
    name = " ".join(command)
    return (name, rest) if name in WHERE else ("", (*command, *rest))


def complete(line: str, names: Names) -> Completion:
    """Return the completions at the end of `line`."""
    words = split(line)
    whole = not words or (line[-1:].isspace() and words[-1].closed)
    partial = "" if whole else words[-1].text
    start = len(line) if whole else words[-1].start
    name, words_after = named([word.text for word in (words if whole else words[:-1])])
    if name:
        choices = complete_words(find(name), words_after, partial, names, with_options=True)
    elif words_after[:1] == ("jobs",):
        choices = [each for each in (*names("filters"), _TAG) if each.text.startswith(partial)]
    elif words_after and words_after[0] not in GROUPS:
        choices = []
    else:
        choices = _commands(words_after, partial)
    # Left out: files, which have no text here, and options such as --db, which this console has been started with.
    shown = [each for each in choices if each.text and each.text not in ANYWHERE.options]
    return Completion(start=start, choices=tuple(map(_quoted, shown[:_MOST])))


def _commands(before: Sequence[str], partial: str) -> list[Choice]:
    """Return commands, their names in full; and the views if they may follow."""
    lead = " ".join([*before, partial])
    skip = len(" ".join(before)) + 1 if before else 0
    commands = [
        Choice(text=name[skip:], about=find(name).summary)
        for name in WHERE
        if name.startswith(lead) and not find(name).not_in_console
    ]
    views = [] if before else [Choice(text=name, about=f"go to {about}") for name, about in VIEWS.items()]
    return commands + [each for each in views if each.text.startswith(partial)]


def _quoted(choice: Choice) -> Choice:
    """Return `choice` quoted as in a shell; of an option with its value only the value."""
    option, equals, value = choice.text.partition("=")
    if not (equals and option.startswith("--")):
        option, equals, value = "", "", choice.text
    return Choice(text=option + equals + quoted(value), about=choice.about)
