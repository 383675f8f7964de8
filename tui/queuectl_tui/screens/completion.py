"""What could come next in a command line: commands, options, and the names that the store has."""

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
    "overview": "how it goes",
    "activity": "who did what",
}
"""Words that go to a view instead of running something."""
NOT_HERE = {
    "tui": "this is it",
    "wait": "the list shows it as it ends: leave the console open",
    "demo": "run it in a shell: queuectl demo",
    "completion": "it is for a shell: queuectl completion bash",
}
"""Commands that the console does not run, and what to do instead."""
_IDS = 200
_MOST = 50


@record
class Names:
    """What the store has names for."""

    ids: tuple[str, ...] = ()
    """The newest jobs, the newest first."""
    commands: tuple[str, ...] = ()
    """What each of them runs, in the same order."""
    queues: tuple[str, ...] = ()


@record
class Choice:
    """A word that could stand here."""

    text: str
    """Quoted where a shell would want it."""
    about: str = ""


@record
class Completion:
    """What could stand from `start` to the end of the line."""

    start: int
    choices: tuple[Choice, ...]


def read_names(context: Context) -> Names:
    """The names that the store has now."""
    newest = [each.job for each in context.store.jobs.listing(limit=_IDS)][::-1]
    queues = sorted({queue for queue, _, _ in context.store.counts()})
    return Names(
        ids=tuple(job.id for job in newest),
        commands=tuple(f"{job.state}  {one_line(job.command, 80)}" for job in newest),
        queues=tuple(queues),
    )


def command_of(words: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The name of the command at the beginning, and the words after it. "" when there is none."""
    for length in (2, 1):
        name = " ".join(words[:length])
        if len(words) >= length and name in WHERE:
            return name, words[length:]
    return "", words


def complete(line: str, names: Names) -> Completion:
    """What could come at the end of `line`."""
    words = split(line)
    whole = not words or (line[-1:].isspace() and words[-1].closed)
    partial = "" if whole else words[-1].text
    start = len(line) if whole else words[-1].start
    before = [word.text for word in (words if whole else words[:-1])]
    if before[:1] == ["queuectl"]:
        before = before[1:]
    name, after = command_of(before)
    if name:
        found = _of_operation(find(name), after, partial, names)
    elif before[:1] == ["jobs"]:
        found = _filters(partial, names)
    elif before and before[0] not in GROUPS:
        found = []
    else:
        found = _commands(before, partial)
    return Completion(start=start, choices=tuple(found[:_MOST]))


def _commands(before: Sequence[str], partial: str) -> list[Choice]:
    lead = " ".join([*before, partial])
    skip = len(" ".join(before)) + 1 if before else 0
    found = [
        Choice(text=name[skip:], about=find(name).summary)
        for name in WHERE
        if name.startswith(lead) and name not in NOT_HERE
    ]
    if not before:
        found += [
            Choice(text=name, about=f"go to {about}") for name, about in VIEWS.items() if name.startswith(partial)
        ]
    return found


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
    return _starting(_places(fields, after, options, names), partial) + ([] if partial else offered)


def _places(
    fields: dict[str, tuple[Field, str]],
    after: Sequence[str],
    options: dict[str, tuple[str, Field, str]],
    names: Names,
) -> Iterable[Choice]:
    """What could stand in the next place that is not an option's."""
    taken: list[str] = []
    value_of_option = False
    for word in after:
        if value_of_option:
            value_of_option = False
        elif word.startswith("-") and word != "-":
            value_of_option = word in options and options[word][2] != "bool"
        else:
            taken.append(word)
    left = len(taken)
    for name, (field, annotation) in fields.items():
        if field.positional and (left <= 0 or is_many(annotation)):
            return [choice for choice in _values(name, field, names) if choice.text not in taken]
        left -= field.positional
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
    found = [Choice(text=f"state:{state.value}") for state in JobState]
    found += [Choice(text=quoted(f"queue:{queue}")) for queue in names.queues]
    return _starting([*found, Choice(text="tag:", about="jobs with this tag")], partial)


def _starting(choices: Iterable[Choice], partial: str) -> list[Choice]:
    return [each for each in choices if "".join(word.text for word in split(each.text)).startswith(partial)]
