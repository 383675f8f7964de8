"""Filters for lists of jobs, as users type them: `state:failed,dead queue:mail tag:nightly id:47 report`."""

from __future__ import annotations

from queuectl.domain.errors import UsageError
from queuectl.domain.job import JobState
from queuectl.domain.record import record

KEYS = ("state", "queue", "tag", "id")


@record
class Filter:
    """Conditions on a job; None and empty mean no condition."""

    states: tuple[JobState, ...] = ()
    queue: str | None = None
    tag: str | None = None
    id: str | None = None
    """A part of its id."""
    text: str | None = None
    """A part of its id or command."""


def parse_filter(text: str) -> Filter:
    """Return the filter that `text` describes. Raises UsageError.

    Words without a known key form a text that is searched for literally; so does a word in double quotes,
    whatever it contains.
    """
    states: list[JobState] = []
    values: dict[str, str] = {}
    words: list[str] = []
    for word in text.split():
        key, colon, value = word.partition(":")
        if word.startswith('"') and word.endswith('"') and len(word) > 2:
            words.append(word[1:-1])
        elif not colon or key not in KEYS:
            words.append(word)
        elif not value:
            raise UsageError(f"{key}: needs a value", hint=f"write {key}:VALUE")
        elif key == "state":
            states += [_state(each) for each in value.split(",") if each]
        elif key in values:
            raise UsageError(f"{key}: given twice", hint="a job has one queue, and one tag can be asked for")
        else:
            values[key] = value
    return Filter(states=tuple(dict.fromkeys(states)), text=" ".join(words) or None, **values)


def _state(word: str) -> JobState:
    """Return the state with this name, or the only one that starts with it."""
    candidates = [state for state in JobState if state.value.startswith(word.lower())]
    exact = [state for state in candidates if state.value == word.lower()]
    if len(exact or candidates) != 1:
        raise UsageError(f"{word[:40]!r} is not a state", hint=f"one of {', '.join(JobState)}")
    return (exact or candidates)[0]
