"""How a saved view looks in the console, as words beside its filter: `state:failed sort:-duration columns:-worker`."""

from __future__ import annotations

from queuectl.domain.errors import UsageError
from queuectl.domain.record import record

_SORT, _COLUMNS = "sort:", "columns:"


@record
class ViewLayout:
    """An order and some columns; what is left out stays as it is."""

    sort: str | None = None
    """An order's name, with hyphens for its spaces."""
    reverse: bool = False
    hidden: tuple[str, ...] = ()
    """Columns that are taken away."""
    wanted: tuple[str, ...] = ()
    """Columns that are wanted where they would not fit."""

    @property
    def says_anything(self) -> bool:
        """Whether it asks for anything."""
        return self.sort is not None or bool(self.hidden or self.wanted)


def parse_view(words: str) -> tuple[str, ViewLayout]:
    """A view's filter, to be read by `parse_filter`, and its look. Raises UsageError."""
    rest: list[str] = []
    sort: str | None = None
    columns: list[str] | None = None
    for word in words.split():
        if word.startswith(_SORT):
            if sort is not None:
                raise UsageError("sort: is there twice", hint="a view has one order")
            sort = word.removeprefix(_SORT)
            if not sort.removeprefix("-"):
                raise UsageError("sort: says nothing", hint="write sort:newest, or sort:-duration for the other way")
        elif word.startswith(_COLUMNS):
            columns = (columns or []) + word.removeprefix(_COLUMNS).split(",")
        else:
            rest.append(word)
    for column in columns or ():
        if column[:1] not in {"+", "-"} or not column[1:]:
            raise UsageError(f"{column[:40]!r} is not a column to add or take away", hint="columns:-worker,+due")
    look = ViewLayout(
        sort=None if sort is None else sort.removeprefix("-"),
        reverse=sort is not None and sort.startswith("-"),
        hidden=tuple(column[1:] for column in columns or () if column[0] == "-"),
        wanted=tuple(column[1:] for column in columns or () if column[0] == "+"),
    )
    return " ".join(rest), look


def view_words(chosen: str, look: ViewLayout) -> str:
    """A filter and a look as one line: what `parse_view` reads."""
    words = chosen.split()
    if look.sort is not None:
        words.append(f"{_SORT}{'-' * look.reverse}{look.sort}")
    columns = [f"-{column}" for column in look.hidden] + [f"+{column}" for column in look.wanted]
    if columns:
        words.append(_COLUMNS + ",".join(columns))
    return " ".join(words)
