"""Saved views: filters under a name, for list and for the console."""

from __future__ import annotations

from queuectl.domain.errors import NotFound, UsageError
from queuectl.domain.filter import KEYS, parse_filter
from queuectl.domain.record import field, record
from queuectl.domain.text import unwelcome
from queuectl.domain.units import format_time
from queuectl.domain.view_layout import parse_view
from queuectl.operations.operation import Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from queuectl.domain.job import JobState
    from queuectl.operations.context import Context
    from queuectl.store.views import SavedView

_LONGEST_NAME = 60
_LONGEST_FILTER = 1000


@record
class ListViews:
    """No parameters."""


@record
class SaveView:
    """Under which name, and what it shows."""

    name: str = field("its name; a view of that name is replaced", metavar="NAME", positional=True)
    words: tuple[str, ...] = field(
        "state:STATE (several between commas), queue:NAME, tag:WORD, id:TEXT, or text of an id or command (within "
        "double quotes if it looks like a key); for the "
        "console also sort:ORDER and columns:-COLUMN,+COLUMN",
        metavar="FILTER",
        positional=True,
    )


@record
class DeleteView:
    """Which view."""

    name: str = field("the view", metavar="NAME", positional=True)


@record
class ViewRecord:
    """A saved view."""

    view: SavedView

    def document(self) -> dict[str, Any]:
        """Return the JSON form."""
        of = self.view
        return {"name": of.name, "filter": of.filter, "created_at": format_time(of.created_at), "actor": of.actor}


def list_views(context: Context, _params: ListViews) -> Iterator[ViewRecord]:
    """All of them, by name."""
    return (ViewRecord(view=view) for view in context.store.views.list())


def save_view(context: Context, params: SaveView) -> ViewRecord:
    """Save a filter that can be read."""
    if unwelcome(params.name) or not params.name.strip() or len(params.name) > _LONGEST_NAME:
        raise UsageError(f"a view's name has 1 to {_LONGEST_NAME} printable characters")
    words = " ".join(params.words)
    if len(words) > _LONGEST_FILTER or unwelcome(words):
        raise UsageError(f"a filter has at most {_LONGEST_FILTER} printable characters")
    _check(words)
    with context.store.undo.keeping("view save", now=context.now(), keeps=False):
        context.store.views.save(params.name, words, now=context.now())
    return _find(context, params.name)


def _check(words: str) -> None:
    """Raises UsageError where a view could not be shown."""
    from queuectl.store.job_pages import Sort

    chosen, look = parse_view(words)
    parse_filter(chosen)
    for word in chosen.split():
        key, colon, value = word.partition(":")
        if colon and value and key.isalpha() and key not in KEYS and not value.startswith("//"):
            raise _unknown_key(key, word)
    orders = [order.value.replace(" ", "-") for order in Sort]
    if look.sort is not None and look.sort not in orders:
        raise UsageError(f"{look.sort[:40]!r} is not an order", hint=f"one of {', '.join(orders)}")


def _unknown_key(key: str, word: str) -> UsageError:
    """The error for what looks like a key and is none: taken as text, it would show no job, and that is not noticed."""
    from queuectl.operations.arguments import nearest

    known = (*KEYS, "sort", "columns")
    meant = nearest(key, known) or f"keys are {', '.join(known)}"
    return UsageError(f"unknown key {key[:40]!r} in the filter", hint=f"""{meant} (as text: '"{word[:40]}"')""")


def delete_view(context: Context, params: DeleteView) -> ViewRecord:
    """Forget a view; what it was."""
    was = _find(context, params.name)
    with context.store.undo.keeping("view delete", now=context.now(), keeps=False):
        if not context.store.views.delete(params.name, now=context.now()):
            raise _missing(params.name)
    return was


def narrowed(
    context: Context, name: str, states: list[JobState], criteria: dict[str, str | None]
) -> tuple[list[JobState], dict[str, str | None]]:
    """What `list` asks for, narrowed to a saved view. Raises NotFound, UsageError where the two exclude each other."""
    saved = parse_filter(parse_view(_find(context, name).view.filter)[0])
    both = [state for state in states if state in saved.states] if states and saved.states else [*states, *saved.states]
    if states and not both:
        raise UsageError(f"view {name} shows none of these states")
    shown = {"queue": saved.queue, "tag": saved.tag, "search": saved.text, "named": saved.id}
    for key, value in shown.items():
        given = criteria[key]
        if value is not None and given is not None and value != given:
            raise UsageError(f"view {name} shows one {key} already: {value}", hint=f"leave out --{key}, or --view")
    return both, {key: value if value is not None else criteria[key] for key, value in shown.items()}


def _find(context: Context, name: str) -> ViewRecord:
    found = context.store.views.find(name)
    if found is None:
        raise _missing(name)
    return ViewRecord(view=found)


def _missing(name: str) -> NotFound:
    return NotFound(f"no view {name[:_LONGEST_NAME]}", hint="queuectl view list")


LIST = Operation(
    name="view list",
    summary="List the saved views",
    params=ListViews,
    run=list_views,
    examples=("view list",),
)
SAVE = Operation(
    name="view save",
    summary="Save a filter under a name, for list --view and the console",
    params=SaveView,
    run=save_view,
    makes_store=True,
    examples=("view save ops-mail state:failed,dead queue:mail", "view save slow queue:video sort:duration"),
)
DELETE = Operation(
    name="view delete",
    summary="Forget a saved view",
    params=DeleteView,
    run=delete_view,
    examples=("view delete ops-mail",),
)
