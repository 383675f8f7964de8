"""Which jobs somebody wants to see, as it is typed: `state:failed,dead queue:mail tag:nightly id:47 report`."""

from __future__ import annotations

from queuectl.domain.errors import UsageError
from queuectl.domain.job import JobState
from queuectl.domain.record import record

KEYS = ("state", "queue", "tag", "id")


@record
class Filter:
    """What a job must be to be seen; None and empty: whatever it is."""

    states: tuple[JobState, ...] = ()
    queue: str | None = None
    tag: str | None = None
    id: str | None = None
    """A part of its id."""
    text: str | None = None
    """A part of its id or command."""


def parse_filter(text: str) -> Filter:
    """Read a filter. Words without a known key are text, which is looked for as it stands. Raises UsageError.

    A word in double quotes is text too, whatever it looks like.
    """
    states: list[JobState] = []
    found: dict[str, str] = {}
    words: list[str] = []
    for word in text.split():
        key, colon, value = word.partition(":")
        if word.startswith('"') and word.endswith('"') and len(word) > 2:
            words.append(word[1:-1])
        elif not colon or key not in KEYS:
            words.append(word)
        elif not value:
            raise UsageError(f"{key}: says nothing", hint=f"write {key}:VALUE")
        elif key == "state":
            states += [_state(each) for each in value.split(",") if each]
        elif key in found:
            raise UsageError(f"{key}: is there twice", hint="a job has one queue, and one tag can be asked for")
        else:
            found[key] = value
    return Filter(states=tuple(dict.fromkeys(states)), text=" ".join(words) or None, **found)


def _state(word: str) -> JobState:
    """The state of this name, or the one that begins with it."""
    fitting = [state for state in JobState if state.value.startswith(word.lower())]
    exact = [state for state in fitting if state.value == word.lower()]
    if len(exact or fitting) != 1:
        raise UsageError(f"{word[:40]!r} is not a state", hint=f"one of {', '.join(JobState)}")
    return (exact or fitting)[0]
