"""List jobs, and show one of them in full."""

from __future__ import annotations

from queuectl.domain.errors import UsageError
from queuectl.domain.record import field, record
from queuectl.operations.job_record import detail, recorded
from queuectl.operations.operation import Heading, Operation
from queuectl.operations.selector import Selector, chosen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from queuectl.operations.context import Context
    from queuectl.operations.job_record import JobDetail, JobRecord


@record
class List(Selector):
    """Parameters of `list`."""

    limit: int = field("list the newest N; 0 for all (default: 100)", default=100, short="n", metavar="N")
    ids: bool = field("print only the IDs, one a line", default=False)


@record
class Show:
    """Parameters of `show`."""

    id: str = field("the job", metavar="ID", completes="jobs", positional=True)


def list_jobs(context: Context, params: List) -> Iterator[JobRecord]:
    """Return the newest jobs that match, the newest last."""
    if params.limit < 0:
        raise UsageError("--limit must not be negative", hint="--limit 0 lists all")
    settings = context.settings
    rows = context.store.jobs.listing(limit=params.limit, chosen=chosen(context, params))
    return (recorded(each, settings) for each in rows)


def show(context: Context, params: Show) -> JobDetail:
    """Return a job with its output and every attempt."""
    return detail(context, params.id, history=True)


LIST = Operation(
    name="list",
    heading=Heading.JOBS,
    see=("show", "status", "dlq list", "view save"),
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
        "list --filter 'state:dead exit:28 age:<1d' --ids",
    ),
)
SHOW = Operation(
    name="show",
    heading=Heading.JOBS,
    see=("logs", "explain", "history"),
    reads=True,
    summary="Show a job: its settings, its output and every attempt",
    params=Show,
    run=show,
    examples=("show job1", "show job1 --json"),
)
