"""Filters for lists of jobs, as users type them: `state:failed,dead queue:mail !tag:nightly exit:28 age:>1h report`."""

from __future__ import annotations

from queuectl.domain.errors import UsageError
from queuectl.domain.job import JobState
from queuectl.domain.record import as_dict, record
from queuectl.domain.text import nearest
from queuectl.domain.units import parse_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

KEYS = ("state", "queue", "tag", "id", "exit", "error", "worker", "age", "older", "newer")
LONGEST = 1000
"""Characters of a filter."""
_NOT = ("!", "not:")
_NEGATED = frozenset({"state", "queue", "tag"})
_ONCE = {"tag": "tag", "id": "id", "error": "error", "worker": "worker"}
"""Keys with one value, and their fields."""


@record
class Filter:
    """Conditions on a job, all of which hold; None and empty mean no condition."""

    states: tuple[JobState, ...] = ()
    queues: tuple[str, ...] = ()
    not_queues: tuple[str, ...] = ()
    tag: str | None = None
    not_tag: str | None = None
    id: str | None = None
    """A part of its id."""
    text: str | None = None
    """A part of its id or command."""
    exits: tuple[int, ...] = ()
    """Exit codes of its latest attempt."""
    error: str | None = None
    """The first digits of the error signature of a failed or dead job."""
    worker: str | None = None
    """The worker of its latest attempt."""
    older_ms: int | None = None
    """Least age: since the end of a final job, since the enqueue of any other."""
    newer_ms: int | None = None
    """Age that it has not reached."""

    @property
    def by_counters(self) -> bool:
        """Whether states and queues are the only conditions, so that counters know the number of matches."""
        return self == Filter(states=self.states, queues=self.queues)


def parse_filter(text: str) -> Filter:
    """Return the filter that `text` describes. Raises UsageError.

    Words without a key form a text that is searched for literally; so does what stands in double quotes, whatever it
    contains. A value may be in quotes too: `queue:"a, b"` is one queue.
    """
    if len(text) > LONGEST:
        raise UsageError(f"a filter must have at most {LONGEST:,} characters", hint="or save parts of it as views")
    found = _Conditions()
    for negated, key, value, quoted in _words(text):
        found.add(negated, key, value, quoted=quoted)
    return found.filter()


class _Conditions:
    """The conditions of a filter while it is parsed."""

    def __init__(self) -> None:
        self._states: list[JobState] = []
        self._not_states: list[JobState] = []
        self._texts: list[str] = []
        self._values: dict[str, Any] = {}

    def add(self, negated: bool, key: str | None, value: str, *, quoted: bool) -> None:  # noqa: FBT001 - as _words yields it
        if key is None:
            if not value.strip():
                raise UsageError("the text in quotes is empty", hint="leave it out")
            self._texts.append(value)
            return
        if not value:
            raise UsageError(f"{key}: needs a value", hint=f"write {key}:VALUE")
        if negated and key not in _NEGATED:
            raise UsageError(
                f"{key}: cannot be negated", hint=f"! negates {', '.join(f'{each}:' for each in sorted(_NEGATED))}"
            )
        parts = [value] if quoted else [each for each in value.split(",") if each]
        if not parts:
            raise UsageError(f"{key}: needs a value", hint=f"write {key}:VALUE")
        if key == "state":
            (self._not_states if negated else self._states).extend(map(_state, parts))
        elif key == "queue":
            self._extend("not_queues" if negated else "queues", parts)
        elif key == "exit":
            self._extend("exits", map(exit_code, parts))
        elif key in _ONCE:
            self._set(key, ("not_" if negated else "") + _ONCE[key], value)
        else:
            self._age(key, value)

    def filter(self) -> Filter:
        if self._not_states:
            wanted = self._states or list(JobState)
            self._states = [state for state in wanted if state not in self._not_states]
            if not self._states:
                raise UsageError("the filter excludes every state", hint="leave out a state: or a !state:")
        states = tuple(dict.fromkeys(self._states))
        return Filter(states=states, text=" ".join(self._texts) or None, **self._values)

    def _extend(self, name: str, values: Any) -> None:
        self._values[name] = tuple(dict.fromkeys([*self._values.get(name, ()), *values]))

    def _set(self, key: str, name: str, value: Any) -> None:
        if name in self._values:
            raise UsageError(f"{key}: given twice", hint=f"one {key}: can be asked for")
        self._values[name] = value

    def _age(self, key: str, value: str) -> None:
        if key == "age":
            if value[0] not in "<>":
                raise UsageError(f"age:{value[:40]} needs < or >", hint="write age:>1h, or age:<10m")
            key, value = "older" if value[0] == ">" else "newer", value[1:]
        self._set(key, f"{key}_ms", parse_duration(value))


def value_of(text: str) -> str:
    """Return `text` as it stands behind a key: in double quotes where it would otherwise be read as something else."""
    if not any(letter.isspace() or letter in ',"' for letter in text):
        return text
    return '"{}"'.format(text.replace('"', '\\"'))


def _words(text: str) -> Iterator[tuple[bool, str | None, str, bool]]:
    """Yield of each word: whether it is negated, its key, its value, and whether that was quoted."""
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        negation = next((each for each in _NOT if text.startswith(each, position)), "")
        start = position + len(negation)
        end = start
        while end < len(text) and text[end].isalpha():
            end += 1
        key = text[start:end] if text[end : end + 1] == ":" and not text.startswith("//", end + 1) else None
        if key and key not in KEYS:
            raise _unknown_key(key, _to_blank(text, position)[0])
        if key:
            value, position, quoted = _value(text, end + 1)
            yield bool(negation), key, value, quoted
        else:
            value, position, quoted = _value(text, position)
            yield False, None, value, quoted


def _value(text: str, start: int) -> tuple[str, int, bool]:
    """Return the value at `start`, the position after it, and whether it was in double quotes."""
    if text[start : start + 1] != '"':
        return *_to_blank(text, start), False
    letters: list[str] = []
    position = start + 1
    while position < len(text) and text[position] != '"':
        position += text.startswith('\\"', position)
        letters.append(text[position])
        position += 1
    # A quote that is not closed holds the rest of the text: it is being typed.
    return "".join(letters), position + 1, True


def _to_blank(text: str, start: int) -> tuple[str, int]:
    end = start
    while end < len(text) and not text[end].isspace():
        end += 1
    return text[start:end], end


def _unknown_key(key: str, word: str) -> UsageError:
    """Return the error for a word that looks like a key but is none: as text it would silently match no job."""
    keys = nearest(key, KEYS) or f"keys are {', '.join(KEYS)}"
    return UsageError(
        f"unknown key {key[:40]!r} in the filter", hint=f"""{keys} (to search for this text: '"{word[:40]}"')"""
    )


def _state(word: str) -> JobState:
    """Return the state with this name, or the only one that starts with it."""
    candidates = [state for state in JobState if state.value.startswith(word.lower())]
    exact = [state for state in candidates if state.value == word.lower()]
    if len(exact or candidates) != 1:
        raise UsageError(f"{word[:40]!r} is not a state", hint=f"one of {', '.join(JobState)}")
    return (exact or candidates)[0]


def exit_code(word: str) -> int:
    """Return the exit code that `word` stands for. Raises UsageError."""
    if not (word.isascii() and word.isdigit() and len(word) < 4 and int(word) < 256):
        raise UsageError(f"exit:{word[:40]} is not an exit code", hint="a number from 0 to 255")
    return int(word)


_NOUNS = {"states": "state", "queues": "queue", "exits": "exit code"}


def both(one: Filter, other: Filter) -> Filter:
    """Return the filter of the jobs that match both. Raises UsageError where no filter can say that."""
    merged: dict[str, Any] = {}
    theirs = as_dict(other)
    for name, ours in as_dict(one).items():
        value = theirs[name]
        if ours in {None, ()} or value in {None, ()} or ours == value:
            merged[name] = value if ours in {None, ()} else ours
        elif name in {"states", "queues", "exits"}:
            merged[name] = tuple(each for each in ours if each in value)
            if not merged[name]:
                raise _exclude_each_other(_NOUNS[name], ", ".join(map(str, ours)), ", ".join(map(str, value)))
        elif name == "not_queues":
            merged[name] = tuple(dict.fromkeys((*ours, *value)))
        elif name in {"older_ms", "newer_ms"}:
            merged[name] = max(ours, value) if name == "older_ms" else min(ours, value)
        elif name == "error" and (ours.startswith(value) or value.startswith(ours)):
            merged[name] = max(ours, value, key=len)
        else:
            raise _exclude_each_other(name.removeprefix("not_"), ours, value)
    return Filter(**merged)


def _exclude_each_other(noun: str, one: str, other: str) -> UsageError:
    return UsageError(
        f"two conditions on the {noun} exclude each other: {one[:40]} and {other[:40]}", hint="leave out one of them"
    )
