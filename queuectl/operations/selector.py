"""Select jobs by ID or by a filter: the params that list and every verb on jobs share."""

from __future__ import annotations

from queuectl.domain.errors import NotFound, UsageError
from queuectl.domain.filter import LONGEST, Filter, both, exit_code, parse_filter
from queuectl.domain.job import JobState
from queuectl.domain.record import as_dict, field, record
from queuectl.domain.units import parse_duration
from queuectl.domain.view_layout import parse_view

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from queuectl.operations.context import Context

STATES = tuple(state.value for state in JobState)


@record
class Selector:
    """Options that select jobs; a job must match all that are given."""

    state: tuple[str, ...] = field(
        "jobs in these states, separated by commas",
        default=(),
        short="s",
        metavar="STATE",
        choices=STATES,
        commas=True,
    )
    queue: tuple[str, ...] = field(
        "jobs of these queues, separated by commas (a comma in a name is doubled)",
        default=(),
        short="q",
        metavar="NAME",
        completes="queues",
        commas=True,
    )
    tag: str | None = field("jobs with this tag", default=None, metavar="WORD", completes="tags")
    search: str | None = field("jobs with this text in their id or command", default=None, metavar="TEXT")
    error: str | None = field(
        "failed or dead jobs with this error: at least four digits of its signature, which dlq list --by-error shows",
        default=None,
        metavar="SIG",
        completes="errors",
    )
    exit: tuple[int, ...] = field(
        "jobs whose latest attempt ended with one of these codes, separated by commas",
        default=(),
        metavar="CODE",
        commas=True,
        parse=exit_code,
    )
    worker: str | None = field("jobs whose latest attempt this worker ran", default=None, metavar="NAME")
    older_than: int | None = field(
        "jobs that ended, or were enqueued if they have not ended, at least this long ago: 90s, 12h, 7d",
        default=None,
        metavar="DURATION",
        parse=parse_duration,
    )
    newer_than: int | None = field(
        "jobs that ended, or were enqueued if they have not ended, less than this long ago",
        default=None,
        metavar="DURATION",
        parse=parse_duration,
    )
    filter: str | None = field(
        "jobs that match a filter as the console has it: 'state:dead !tag:x exit:28 age:>1h \"free text\"'",
        default=None,
        metavar="EXPR",
        completes="filters",
    )
    view: str | None = field("jobs of this saved view", default=None, short="v", metavar="NAME", completes="views")


NAMES = tuple(as_dict(Selector()))
"""The fields of a selector."""


@record
class JobSelector(Selector):
    """The jobs that a verb acts on: IDs, or options that select jobs."""

    ids: tuple[str, ...] = field("the jobs", default=(), metavar="ID", completes="jobs", positional=True)
    all: bool = field("every job", default=False)

    @property
    def unique(self) -> list[str]:
        """The ids in the order given, each once."""
        return list(dict.fromkeys(self.ids))


def narrowed(params: Any) -> bool:
    """Return whether options select some of the jobs."""
    return any(getattr(params, name, None) not in {None, ()} for name in NAMES)


def check_selector(params: Any) -> None:
    """Raise UsageError unless the jobs are named by IDs alone or by options alone."""
    narrow = narrowed(params)
    if params.ids and (narrow or params.all):
        raise UsageError("job IDs and options that select jobs cannot be combined", hint="give one or the other")
    if params.all and narrow:
        raise UsageError("--all selects every job", hint="leave out --all, or the options that select some")
    if not (params.ids or narrow or params.all):
        raise UsageError("no job is named", hint="give IDs, or select jobs by --state, --queue, --filter …, or --all")


def chosen(context: Context, params: Any) -> Filter:
    """Return the filter that the options, a filter and a view stand for together.

    Raises:
        NotFound: there is no such view or error.
        UsageError: an option is empty, or two of them exclude each other.
    """
    of = {name: getattr(params, name, None) for name in NAMES}
    for name in ("tag", "search", "worker", "filter", "error"):
        if isinstance(value := of[name], str) and not value.strip():
            raise UsageError(f"--{name} is empty", hint="leave it out, or give --all")
        if isinstance(value, str) and len(value) > LONGEST and name != "filter":
            raise UsageError(f"--{name} must have at most {LONGEST:,} characters", hint="give a part of it")
    queues = tuple(dict.fromkeys(of["queue"] or ()))
    if not all(queues):
        raise UsageError("--queue is empty", hint="give the name of a queue")
    found = Filter(
        states=tuple(dict.fromkeys(JobState(state) for state in of["state"] or ())),
        queues=queues,
        tag=of["tag"],
        text=of["search"],
        error=None if of["error"] is None else _signature(context, of["error"]),
        exits=tuple(dict.fromkeys(of["exit"] or ())),
        worker=of["worker"],
        older_ms=of["older_than"],
        newer_ms=of["newer_than"],
    )
    if of["filter"] is not None:
        found = both(found, parse_filter(of["filter"]))
    if of["view"] is not None:
        found = both(found, view_filter(context, of["view"]))
    if found == Filter() and getattr(params, "all", None) is False:
        raise UsageError("these options select every job", hint="give --all if that is meant")
    if found.error is not None and of["error"] is None:
        found = both(found, Filter(error=_signature(context, found.error)))
    return found


def _signature(context: Context, digits: str) -> str:
    return context.store.dlq.resolve(digits) or digits


def view_filter(context: Context, name: str) -> Filter:
    """Return the filter of a saved view. Raises NotFound."""
    view = context.store.views.find(name)
    if view is None:
        raise NotFound(f"no view {name[:60]}", hint="queuectl view list lists the views")
    return parse_filter(parse_view(view.filter)[0])


def expression(params: Any) -> str:
    """Return the options of a selector as one text, for the history."""
    words = ["all jobs"] if params.all else []
    for name in NAMES:
        value = getattr(params, name, None)
        if value not in {None, ()}:
            shown = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            words.append(f"--{name.replace('_', '-')} {shown}")
    return " ".join(words)
