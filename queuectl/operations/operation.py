"""The definition of an operation, from which the command line, the palette and the keys are made."""

from __future__ import annotations

from enum import StrEnum

from queuectl.domain.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Danger(StrEnum):
    """What an operation can destroy; front ends decide by it whether to ask first."""

    NONE = "none"
    """It only reads, or can be undone."""
    STOPS = "stops"
    """It ends something that runs."""
    DESTROYS = "destroys"
    """It deletes data for good."""


class Heading(StrEnum):
    """The heading under which an operation stands in the help and the reference, in their order."""

    JOBS = "jobs"
    WORKERS = "workers"
    QUEUES = "queues"
    SCHEDULES = "schedules"
    OVERVIEW = "overview"
    DEAD_LETTERS = "dead letters"
    SETTINGS = "settings"
    CARE = "care"


@record
class Operation:
    """An action of an operator, with its params, its help and its result."""

    name: str
    """The words of the command: `dlq retry`."""
    heading: Heading
    see: tuple[str, ...] = ()
    """Names of the operations that its help refers to."""
    summary: str
    """One line of at most 61 characters, in the imperative, without a full stop."""
    params: type
    """The record class of its params. The fields' `Field`s carry the help that front ends show."""
    run: Callable[[Any, Any], Any]
    """Takes a Context and the params; raises QueuectlError.

    Returns a result: a record whose `document()` is its JSON form, or an iterator of such records, which is an array.
    A result that reports a failure (a job that was waited for failed) has an `exit_code` other than 0.
    """
    one_of: tuple[str, ...] = ()
    """Fields of its params of which a command line gives exactly one."""
    reads: bool = False
    """Whether it changes nothing in the store."""
    repairs: bool = False
    """Whether an operation that reads writes with its param `fix`."""
    blocking: bool = False
    """Whether it may take as long as a job does; the console runs it beside others."""
    streams: bool = False
    """Whether its view prints while it works, also for a caller that asks for JSON."""
    not_in_console: str | None = None
    """What to do instead in the console, where it is of no use; None for an operation that the console runs."""
    secret_variables: bool = False
    """Whether its words may hold values of a job's environment variables, which no recorded command line shows."""
    secret_urls: bool = False
    """Whether its words may hold the URL of a server, and in it a password."""
    makes_store: bool = False
    """Whether it creates the store where there is none; all other operations see an empty one there."""
    danger: Danger = Danger.NONE
    question: Callable[[Any, Any], str | None] | None = None
    """Takes a Context and the params; returns the question that a person must confirm first, or None."""
    needs_yes: Callable[[Any, Any], None] | None = None
    """Takes a Context and the params; raises UsageError where a script must give --yes first."""
    description: str = ""
    """More for `--help`, in paragraphs."""
    examples: tuple[str, ...] = ()
    """Command lines without the leading `queuectl`."""

    def writes(self, params: Any) -> bool:
        """Return whether it changes the store when it is run with `params`."""
        return not self.reads or (self.repairs and params.fix)
