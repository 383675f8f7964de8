"""What an operation is: one definition from which the command line, the palette and the keys are made."""

from __future__ import annotations

from enum import StrEnum

from queuectl.domain.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Danger(StrEnum):
    """How much a front end should ask before it does it."""

    NONE = "none"
    """Reads, or can be undone."""
    STOPS = "stops"
    """Ends something that runs."""
    DESTROYS = "destroys"
    """What it takes away does not come back."""


@record
class Operation:
    """Something that an operator can do."""

    name: str
    """The words of the command: `dlq retry`."""
    summary: str
    """One line, in the imperative, without a full stop."""
    params: type
    """A record class: what it takes. The fields' `Field`s carry the words that front ends show."""
    run: Callable[[Any, Any], Any]
    """Takes a Context and the params; raises QueuectlError.

    Returns a result: a record whose `document()` is its JSON form, or an iterator of such records, which is an array.
    A result that did not turn out well (a job that was waited for failed) has an `exit_code` other than 0.
    """
    key: str | None = None
    """The console's key, where it acts on a row."""
    makes_store: bool = False
    """Whether it creates the store where there is none; all other operations find an empty one there."""
    danger: Danger = Danger.NONE
    question: Callable[[Any, Any], str | None] | None = None
    """Takes a Context and the params; what to ask a person before it is done, None for nothing."""
    description: str = ""
    """More for `--help`, in paragraphs."""
    examples: tuple[str, ...] = ()
    """Command lines without the leading `queuectl`."""
