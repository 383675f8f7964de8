"""List jobs, and show one of them in full."""

from __future__ import annotations

from queuectl.domain.errors import UsageError
from queuectl.domain.job import JobState
from queuectl.domain.record import field, record
from queuectl.operations.job_record import detail, recorded
from queuectl.operations.operation import Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from queuectl.operations.context import Context
    from queuectl.operations.job_record import JobDetail, JobRecord

STATES = tuple(state.value for state in JobState)


@record
class List:
    """Parameters of `list`."""

    limit: int = field("list the newest N; 0 for all (default: 100)", default=100, short="n", metavar="N")
    state: tuple[str, ...] = field(
        "only jobs in this state; may be repeated", default=(), short="s", metavar="STATE", choices=STATES
    )
    queue: str | None = field("only this queue", default=None, short="q", metavar="NAME", completes="queues")
    tag: str | None = field("only jobs with this tag", default=None, metavar="WORD", completes="tags")
    search: str | None = field("only jobs with this text in their id or command", default=None, metavar="TEXT")
    view: str | None = field(
        "only jobs of this saved view; other options narrow it further",
        default=None,
        short="v",
        metavar="NAME",
        completes="views",
    )


@record
class Show:
    """Parameters of `show`."""

    id: str = field("the job", metavar="ID", completes="jobs", positional=True)


def list_jobs(context: Context, params: List) -> Iterator[JobRecord]:
    """Return the newest jobs that match, the newest last."""
    if params.limit < 0:
        raise UsageError("--limit must not be negative", hint="--limit 0 lists all")
    settings = context.settings
    states = [JobState(state) for state in params.state]
    criteria = {"queue": params.queue, "tag": params.tag, "search": params.search, "named": None}
    if params.view is not None:
        from queuectl.operations.view import narrowed

        states, criteria = narrowed(context, params.view, states, criteria)
    rows = context.store.jobs.listing(limit=params.limit, states=states, **criteria)
    return (recorded(each, settings, context.store) for each in rows)


def show(context: Context, params: Show) -> JobDetail:
    """Return a job with its output and every attempt."""
    return detail(context, params.id, history=True)


LIST = Operation(
    name="list",
    reads=True,
    summary="List the newest jobs",
    params=List,
    run=list_jobs,
    description="The newest job is last. --json prints an array of job records without their output.",
    examples=(
        "list",
        "list --state failed --state dead",
        "list --queue mail --search report --limit 0",
        "list --view ops-mail",
    ),
)
SHOW = Operation(
    name="show",
    reads=True,
    summary="Show a job: its settings, its output and every attempt",
    params=Show,
    run=show,
    examples=("show job1", "show job1 --json"),
)
