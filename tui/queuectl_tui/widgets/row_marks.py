"""The marked jobs of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from queuectl.store.job_pages import Row


class RowMarks:
    """Ids of jobs, in the order in which they were marked. A mark stays when its row is not loaded or has left."""

    def __init__(self) -> None:
        """Start without marks."""
        self._ids: dict[str, None] = {}
        self.began: Row | None = None
        """The row where a range of marks has begun."""

    def __len__(self) -> int:
        """Return the number of marks."""
        return len(self._ids)

    def __iter__(self) -> Iterator[str]:
        """Yield the ids."""
        return iter(self._ids)

    def __contains__(self, id_: object) -> bool:
        """Return whether a job is marked."""
        return id_ in self._ids

    def add(self, ids: Iterable[str]) -> None:
        """Mark jobs."""
        self._ids.update(dict.fromkeys(ids))

    def replace(self, ids: Iterable[str]) -> None:
        """Mark these jobs and no others."""
        self._ids.clear()
        self.add(ids)

    def discard(self, ids: Iterable[str]) -> None:
        """Unmark jobs."""
        for id_ in ids:
            self._ids.pop(id_, None)

    def toggle(self, id_: str) -> None:
        """Mark a job, or unmark it."""
        if id_ in self._ids:
            del self._ids[id_]
        else:
            self._ids[id_] = None

    def clear(self) -> bool:
        """Remove all marks and the beginning of a range; return False if there were none."""
        had = bool(self._ids) or self.began is not None
        self._ids.clear()
        self.began = None
        return had
