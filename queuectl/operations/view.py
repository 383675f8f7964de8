"""Saved views: named filters for `list` and for the console."""

from __future__ import annotations

from queuectl.domain.errors import NotFound, UsageError
from queuectl.domain.filter import LONGEST, parse_filter
from queuectl.domain.record import field, record
from queuectl.domain.text import unwelcome
from queuectl.domain.units import format_time
from queuectl.domain.view_layout import parse_view
from queuectl.operations.operation import Danger, Heading, Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypedDict

    from queuectl.domain.json_types import Timestamp
    from queuectl.domain.view_layout import ViewLayout
    from queuectl.operations.context import Context
    from queuectl.store.views import SavedView

    class ViewDocument(TypedDict):
        """A saved view.

        See `SavedView`.
        """

        name: str
        filter: str
        created_at: Timestamp
        actor: str


_LONGEST_NAME = 60


@record
class ListViews:
    """No parameters."""


@record
class SaveView:
    """Parameters of `view save`."""

    name: str = field(
        "the name of the view; an existing view of that name is replaced",
        metavar="NAME",
        completes="views",
        positional=True,
    )
    words: tuple[str, ...] = field(
        "state:STATE, queue:NAME (several separated by commas), tag:WORD, id:TEXT, exit:CODE, error:SIG, worker:NAME, "
        "age:>1h, age:<1h, or text of an id or command (in double quotes if it looks like a key); ! before state:, "
        "queue: and tag: negates; also sort:ORDER, and columns:-COLUMN,+COLUMN to hide and show columns",
        metavar="FILTER",
        completes="filters",
        positional=True,
    )


@record
class DeleteView:
    """Parameters of `view delete`."""

    name: str = field("the view", metavar="NAME", completes="views", positional=True)


@record
class ViewRecord:
    """A saved view."""

    view: SavedView

    def document(self) -> ViewDocument:
        """Return the JSON form."""
        of = self.view
        return {"name": of.name, "filter": of.filter, "created_at": format_time(of.created_at), "actor": of.actor}


def list_views(context: Context, _params: ListViews) -> Iterator[ViewRecord]:
    """Return all saved views, by name."""
    return (ViewRecord(view=view) for view in context.store.views.list())


def save_view(context: Context, params: SaveView) -> ViewRecord:
    """Save a valid filter. Raises UsageError."""
    if unwelcome(params.name) or not params.name.strip() or len(params.name) > _LONGEST_NAME:
        raise UsageError(f"the name of a view must have 1 to {_LONGEST_NAME} printable characters")
    words = " ".join(params.words)
    if len(words) > LONGEST or unwelcome(words):
        raise UsageError(f"a filter must have at most {LONGEST} printable characters")
    _check(words)
    with context.store.undo.keeping("view save", now=context.now(), keeps=False):
        context.store.views.save(params.name, words, now=context.now())
    return _find(context, params.name)


def _check(words: str) -> None:
    """Raise UsageError for an invalid filter, order or key."""
    from queuectl.store.job_pages import Sort

    filter_text, layout = parse_view(words)
    parse_filter(filter_text)
    orders = [order.value.replace(" ", "-") for order in Sort]
    if layout.sort is not None and layout.sort not in orders:
        raise UsageError(f"{layout.sort[:40]!r} is not a sort order", hint=f"one of {', '.join(orders)}")


def delete_view(context: Context, params: DeleteView) -> ViewRecord:
    """Delete a view and return it. Raises NotFound."""
    view = _find(context, params.name)
    with context.store.undo.keeping("view delete", now=context.now(), keeps=False):
        if not context.store.views.delete(params.name, now=context.now()):
            raise _missing(params.name)
    return view


def layout_of(context: Context, name: str) -> ViewLayout:
    """Return the order and the columns of a saved view. Raises NotFound."""
    return parse_view(_find(context, name).view.filter)[1]


def _find(context: Context, name: str) -> ViewRecord:
    view = context.store.views.find(name)
    if view is None:
        raise _missing(name)
    return ViewRecord(view=view)


def _missing(name: str) -> NotFound:
    return NotFound(f"no view {name[:_LONGEST_NAME]}", hint="queuectl view list lists the views")


LIST = Operation(
    name="view list",
    heading=Heading.SETTINGS,
    see=("list", "view save"),
    reads=True,
    summary="List the saved views",
    params=ListViews,
    run=list_views,
    examples=("view list",),
)
SAVE = Operation(
    name="view save",
    heading=Heading.SETTINGS,
    see=("list", "view list"),
    summary="Save a filter for list --view and the console",
    params=SaveView,
    run=save_view,
    makes_store=True,
    examples=("view save ops-mail state:failed,dead queue:mail", "view save slow queue:video sort:duration"),
)
DELETE = Operation(
    name="view delete",
    heading=Heading.SETTINGS,
    see=("view list",),
    summary="Delete a saved view",
    danger=Danger.DESTROYS,
    params=DeleteView,
    run=delete_view,
    examples=("view delete ops-mail",),
)
