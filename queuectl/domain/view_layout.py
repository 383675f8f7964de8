"""The layout of a saved view, as words beside its filter: `state:failed sort:-duration columns:-worker`."""

from __future__ import annotations

from queuectl.domain.errors import UsageError
from queuectl.domain.record import record

_SORT, _COLUMNS = "sort:", "columns:"


@record
class ViewLayout:
    """A sort order and columns; unset parts keep the console's defaults."""

    sort: str | None = None
    """Name of a sort order, with hyphens for its spaces."""
    reverse: bool = False
    hidden: tuple[str, ...] = ()
    """Columns to hide."""
    wanted: tuple[str, ...] = ()
    """Columns to show even where the width would hide them."""

    @property
    def says_anything(self) -> bool:
        """Whether any part is set."""
        return self.sort is not None or bool(self.hidden or self.wanted)


def parse_view(words: str) -> tuple[str, ViewLayout]:
    """Return a view's filter, to be read by `parse_filter`, and its layout. Raises UsageError."""
    rest: list[str] = []
    sort: str | None = None
    columns: list[str] | None = None
    for word in words.split():
        if word.startswith(_SORT):
            if sort is not None:
                raise UsageError("sort: given twice", hint="a view has one order")
            sort = word.removeprefix(_SORT)
            if not sort.removeprefix("-"):
                raise UsageError("sort: needs a value", hint="write sort:newest, or sort:-duration for the other way")
        elif word.startswith(_COLUMNS):
            columns = (columns or []) + word.removeprefix(_COLUMNS).split(",")
        else:
            rest.append(word)
    for column in columns or ():
        if column[:1] not in {"+", "-"} or not column[1:]:
            raise UsageError(
                f"{column[:40]!r} is not a column to show or hide",
                hint="write + or - before a name: columns:-worker,+due",
            )
    layout = ViewLayout(
        sort=None if sort is None else sort.removeprefix("-"),
        reverse=sort is not None and sort.startswith("-"),
        hidden=tuple(column[1:] for column in columns or () if column[0] == "-"),
        wanted=tuple(column[1:] for column in columns or () if column[0] == "+"),
    )
    return " ".join(rest), layout


def view_words(chosen: str, layout: ViewLayout) -> str:
    """Return a filter and a layout as one line, which `parse_view` reads."""
    words = chosen.split()
    if layout.sort is not None:
        words.append(f"{_SORT}{'-' * layout.reverse}{layout.sort}")
    columns = [f"-{column}" for column in layout.hidden] + [f"+{column}" for column in layout.wanted]
    if columns:
        words.append(_COLUMNS + ",".join(columns))
    return " ".join(words)
