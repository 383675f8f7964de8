"""The order of `list`: those of the console, read in pages or, where no index has the order, from the newest jobs."""

from __future__ import annotations

from itertools import islice

from queuectl.store.job_pages import BEST, Sort

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from queuectl.domain.filter import Filter
    from queuectl.operations.context import Context
    from queuectl.store.job_pages import Row
    from queuectl.store.rows import Listed

_PAGE = 500


def in_order(context: Context, chosen: Filter, order: str, *, reverse: bool, limit: int) -> Iterator[Listed]:
    """Return the first `limit` matches in an order, 0 for all."""
    sort = Sort(order.replace("-", " "))
    if sort.paged:
        return _records(context, _paged(context, chosen, newest=(sort is Sort.NEWEST) != reverse), limit)
    rows = context.store.job_pages.best(chosen, sort)
    if len(rows) >= BEST:
        context.say(f"the order {order} covers {BEST:,} jobs: a narrower list shows others")
    return _records(context, reversed(rows) if reverse else rows, limit)


def _paged(context: Context, chosen: Filter, *, newest: bool) -> Iterator[Row]:
    after: int | None = None
    while True:
        page = context.store.job_pages.page(chosen, newest=newest, after=after, limit=_PAGE)
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1].seq


def _records(context: Context, rows: Iterable[Row], limit: int) -> Iterator[Listed]:
    """Yield the jobs of the first `limit` rows, 0 for all; those that are deleted meanwhile are left out."""
    remaining = islice(rows, limit or None)
    while ids := [row.id for row in islice(remaining, _PAGE)]:
        found = context.store.jobs.these(ids)
        yield from (found[id_] for id_ in ids if id_ in found)
