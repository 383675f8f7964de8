"""List jobs, and show one of them in full."""

from __future__ import annotations

from itertools import chain

from queuectl.domain.errors import UsageError
from queuectl.domain.phrases import first_of
from queuectl.domain.record import field, record
from queuectl.domain.view_layout import ViewLayout
from queuectl.operations.job_names import ABOUT, id_or_last
from queuectl.operations.job_record import detail, recorded
from queuectl.operations.operation import Heading, Operation
from queuectl.operations.selector import Selector, chosen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from queuectl.operations.context import Context
    from queuectl.operations.job_record import JobRecord, WholeJob

ORDERS = ("newest", "oldest", "next-run", "duration", "attempts", "late")
"""The orders of `job_pages.Sort`, which is not loaded for a list without one."""
COLUMNS = (
    "id", "state", "queue", "priority", "try", "age", "when", "due", "run", "last", "reason", "worker", "tags", "needs",
    "command",
)  # fmt: skip
"""The columns that a list can show, in their order."""
_NAMED = 10


@record
class List(Selector):
    """Parameters of `list`."""

    limit: int = field("list the newest N; 0 for all (default: 100)", default=100, short="n", metavar="N")
    ids: bool = field("print only the IDs, one a line", default=False)
    sort: str | None = field(
        "list them in an order of the console, from its top (default: the newest last)",
        default=None,
        metavar="ORDER",
        choices=ORDERS,
    )
    columns: tuple[str, ...] = field(
        "show these columns, separated by commas (default: what fits)",
        default=(),
        metavar="NAME",
        choices=COLUMNS,
        commas=True,
    )


@record
class Show:
    """Parameters of `show`."""

    id: str | None = field(
        "the job; on a terminal the default is @last", default=None, metavar="ID", completes="jobs", positional=True
    )


class Listing:
    """Jobs, and the columns that a saved view hides and adds."""

    def __init__(self, records: Iterator[JobRecord], *, hidden: tuple[str, ...], wanted: tuple[str, ...]) -> None:
        """Yield `records`."""
        self._records = records
        self.hidden = hidden
        self.wanted = wanted

    def __iter__(self) -> Iterator[JobRecord]:
        return self

    def __next__(self) -> JobRecord:
        return next(self._records)


def list_jobs(context: Context, params: List) -> Listing:
    """Return the newest jobs that match, the newest last, or the first ones in another order."""
    if params.limit < 0:
        raise UsageError("--limit must not be negative", hint="--limit 0 lists all")
    settings = context.settings
    filter_ = chosen(context, params)
    order, layout = params.sort, ViewLayout()
    if params.view is not None:
        from queuectl.operations.view import layout_of

        layout = layout_of(context, params.view)
    reverse = order is None and layout.reverse
    order = order or layout.sort
    if order is None:
        rows = context.store.jobs.listing(limit=params.limit, chosen=filter_)
    else:
        from queuectl.operations.list_order import in_order

        rows = in_order(context, filter_, order, reverse=reverse, limit=params.limit)
    first = next(rows, None)
    if first is None:
        _name_queues(context, filter_.queues)
    every = () if first is None else chain((first,), rows)
    timeouts = context.store.queues.timeouts()
    records = (recorded(each, settings, context.store, timeouts=timeouts) for each in every)
    return Listing(records, hidden=layout.hidden, wanted=layout.wanted)


def _name_queues(context: Context, queues: Sequence[str]) -> None:
    """Print which queues there are if one of `queues` has no jobs: its name may be mistyped."""
    known = sorted({name for name, _, count in context.store.counts() if count}) if queues else []
    missing = [queue for queue in queues if queue not in known]
    if known and missing:
        context.say(f"no queue {missing[0][:60]} has jobs; there are: {first_of(known, _NAMED)}")


def show(context: Context, params: Show) -> WholeJob:
    """Return a job with its output and every attempt."""
    return detail(context, id_or_last(context, params.id, SHOW), history=True)


LIST = Operation(
    name="list",
    heading=Heading.JOBS,
    see=("show", "status", "dlq list", "view save"),
    reads=True,
    summary="List the newest jobs",
    params=List,
    run=list_jobs,
    description=(
        "The newest job is last. On a narrow terminal columns are left out; --columns shows those that you name. "
        "--json prints an array of job records without their output."
    ),
    examples=(
        "list",
        "list --state failed,dead",
        "list --queue mail --search report --limit 0",
        "list --view ops-mail",
        "list --filter 'state:dead exit:28 age:<1d' --ids",
        "list --sort duration --columns id,run,command",
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
    description=ABOUT,
    examples=("show job1", "show job1 --json", "show @failed"),
)
