"""Completion of the command line: commands, options, and names from the store."""

from __future__ import annotations

from itertools import zip_longest
from signal import Signals

from queuectl.config import SETTINGS
from queuectl.domain.job import JobState
from queuectl.domain.record import described, record
from queuectl.domain.text import one_line
from queuectl.operations import WHERE, find
from queuectl.operations.arguments import is_many, option_strings
from queuectl.operations.commandline.quoting import quoted, split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from queuectl.domain.record import Field
    from queuectl.operations.context import Context
    from queuectl.operations.operation import Operation

GROUPS = frozenset(name.partition(" ")[0] for name in WHERE if " " in name)
VIEWS = {
    "jobs": "the jobs; state: queue: tag: or any text filter them",
    "workers": "the workers",
    "dead": "the dead letters",
    "overview": "throughput, durations and failures",
    "activity": "the events",
}
"""Words that open a view instead of running an operation."""
_IDS = 200
_MOST = 50


@record
class Names:
    """Names in the store that a line can complete."""

    ids: tuple[str, ...] = ()
    """Ids of the newest jobs, the newest first."""
    commands: tuple[str, ...] = ()
    """Their states and commands, in the same order."""
    queues: tuple[str, ...] = ()


@record
class Choice:
    """One possible completion."""

    text: str
    """Quoted where a shell would need it."""
    about: str = ""


@record
class Completion:
    """The choices for the text from `start` to the end of the line."""

    start: int
    choices: tuple[Choice, ...]


def read_names(context: Context) -> Names:
    """Read the names that the store has now."""
    newest = [each.job for each in context.store.jobs.listing(limit=_IDS)][::-1]
    queues = sorted({queue for queue, _, _ in context.store.counts()})
    return Names(
        ids=tuple(job.id for job in newest),
        commands=tuple(f"{job.state}  {one_line(job.command, 80)}" for job in newest),
        queues=tuple(queues),
    )


def command_of(words: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Return the command at the start of `words` and the words after it; "" if there is none."""
    for length in (2, 1):
        name = " ".join(words[:length])
        if len(words) >= length and name in WHERE:
            return name, words[length:]
    return "", words


def complete(line: str, names: Names) -> Completion:
    """Return the completions at the end of `line`."""
    words = split(line)
    whole = not words or (line[-1:].isspace() and words[-1].closed)
    partial = "" if whole else words[-1].text
    start = len(line) if whole else words[-1].start
    before = [word.text for word in (words if whole else words[:-1])]
    if before[:1] == ["queuectl"]:
        before = before[1:]
    name, after = command_of(before)
    if name:
        choices = _of_operation(find(name), after, partial, names)
    elif before[:1] == ["jobs"]:
        choices = _filters(partial, names)
    elif before and before[0] not in GROUPS:
        choices = []
    else:
        choices = _commands(before, partial)
    return Completion(start=start, choices=tuple(choices[:_MOST]))


def _commands(before: Sequence[str], partial: str) -> list[Choice]:
    lead = " ".join([*before, partial])
    skip = len(" ".join(before)) + 1 if before else 0
    choices = [
        Choice(text=name[skip:], about=find(name).summary)
        for name in WHERE
        if name.startswith(lead) and not find(name).not_in_console
    ]
    if not before:
        choices += [
            Choice(text=name, about=f"go to {about}") for name, about in VIEWS.items() if name.startswith(partial)
        ]
    return choices


def _of_operation(operation: Operation, after: Sequence[str], partial: str, names: Names) -> list[Choice]:
    fields = described(operation.params)
    if "--" in after:
        return []
    options = {
        string: (name, field, annotation)
        for name, (field, annotation) in fields.items()
        if not field.positional and not field.rest
        for string in option_strings(name, field)
    }
    option, equals, value = partial.partition("=")
    if equals and option in options:
        name, field, _ = options[option]
        return [
            Choice(text=f"{option}={choice.text}", about=choice.about)
            for choice in _starting(_values(name, field, names), value)
        ]
    if after and after[-1] in options and options[after[-1]][2] != "bool":
        name, field, _ = options[after[-1]]
        return _starting(_values(name, field, names), partial)
    given = {options[word][0] for word in after if word in options}
    offered = [
        Choice(text=string, about=field.help)
        for string, (name, field, annotation) in options.items()
        if string.startswith("--") and string.startswith(partial) and (name not in given or is_many(annotation))
    ]
    if partial.startswith("-"):
        return offered
    return _starting(_positionals(fields, after, options, names), partial) + ([] if partial else offered)


def _positionals(
    fields: dict[str, tuple[Field, str]],
    after: Sequence[str],
    options: dict[str, tuple[str, Field, str]],
    names: Names,
) -> Iterable[Choice]:
    """Return the choices for the next positional argument."""
    used: list[str] = []
    value_of_option = False
    for word in after:
        if value_of_option:
            value_of_option = False
        elif word.startswith("-") and word != "-":
            value_of_option = word in options and options[word][2] != "bool"
        else:
            used.append(word)
    remaining = len(used)
    for name, (field, annotation) in fields.items():
        if field.positional and (remaining <= 0 or is_many(annotation)):
            return [choice for choice in _values(name, field, names) if choice.text not in used]
        remaining -= field.positional
    return []


def _values(name: str, field: Field, names: Names) -> list[Choice]:
    if field.choices is not None:
        return [Choice(text=each) for each in field.choices]
    if name in {"id", "ids"} and field.positional:
        return [
            Choice(text=quoted(id_), about=about) for id_, about in zip_longest(names.ids, names.commands, fillvalue="")
        ]
    if name in {"queue", "queues"}:
        return [Choice(text=quoted(each)) for each in names.queues]
    if name == "key":
        return [Choice(text=key, about=setting.help) for key, setting in SETTINGS.items()]
    if name == "signal":
        return [Choice(text=each.name.removeprefix("SIG")) for each in Signals]
    return []


def _filters(partial: str, names: Names) -> list[Choice]:
    choices = [Choice(text=f"state:{state.value}") for state in JobState]
    choices += [Choice(text=quoted(f"queue:{queue}")) for queue in names.queues]
    return _starting([*choices, Choice(text="tag:", about="jobs with this tag")], partial)


def _starting(choices: Iterable[Choice], partial: str) -> list[Choice]:
    return [each for each in choices if "".join(word.text for word in split(each.text)).startswith(partial)]
