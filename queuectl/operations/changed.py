"""The result of a verb on jobs: what it changed, and the undo that reverts the change."""

from __future__ import annotations

from queuectl.operations.job_record import recorded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Literal, NotRequired, TypedDict

    from queuectl.operations.context import Context
    from queuectl.operations.job_record import JobDocument, JobRecord
    from queuectl.store.undo import Keeping

    class ChangedDocument(TypedDict):
        """What a verb did to jobs."""

        action: str
        """The name of the command."""
        matched: int
        """Number of jobs that were named, or that the selector found."""
        changed: int
        """Number of jobs that were changed; with `--dry-run`, that would be."""
        unchanged: int
        """Number of jobs that were so already: held before a `hold`, cancelled before a `cancel`."""
        skipped: int
        """Number of selected jobs whose state did not allow the action."""
        undo: int | None
        """The number for `queuectl undo`; null where nothing can be undone."""
        dry_run: NotRequired[Literal[True]]
        """Present with `--dry-run`: nothing was changed."""
        queues: NotRequired[dict[str, int]]
        """Number of changed jobs by queue; present with a selector that changed some."""
        jobs: NotRequired[list[JobDocument]]
        """The jobs that were named, as they are now; present with IDs, unless they were deleted."""
        ids: NotRequired[list[str]]
        """IDs of the jobs: with IDs of those that were deleted, with `--print-ids` of those that were changed."""
        too_many_to_undo: NotRequired[Literal[True]]
        """Present where there is no undo because the action exceeds what an undo may keep."""


class Changed:
    """What a verb did to jobs. Of jobs that were named by ID, an iterator over their records."""

    def __init__(
        self,
        context: Context,
        action: str,
        participle: str,
        undo_entry: Keeping,
        *,
        ids: Sequence[str] | None,
        matched: int,
        changed: int,
        unchanged: int = 0,
        queues: dict[str, int] | None = None,
        named: bool = True,
        dry_run: bool = False,
    ) -> None:
        """Describe `action`, of which messages say `participle`.

        With `named` the records of `ids` are read from `context` as they are consumed. `undo_entry` is what the change
        has written for an undo, `queues` the number of changed jobs by queue.
        """
        self.action, self.participle = action, participle
        self.ids = None if ids is None else tuple(ids)
        """The jobs that were named, or that a selector changed where their IDs were asked for; else None."""
        self.matched, self.changed, self.unchanged = matched, changed, unchanged
        self.queues = queues or {}
        self.named, self.dry_run = named, dry_run
        self.undo = undo_entry.id
        """Number of the undo that reverts the change; None when there is none."""
        self.too_much = undo_entry.too_much
        """Whether there is no undo because the change exceeds what an undo may keep."""
        # Deleted jobs have no records any more.
        self._records = _records(context, self.ids or () if named and action != "delete" else ())

    @property
    def skipped(self) -> int:
        """Selected jobs whose state did not allow the action."""
        return self.matched - self.changed - self.unchanged

    def __iter__(self) -> Iterator[JobRecord]:
        """Return the records; they can be iterated once."""
        return self._records

    def __next__(self) -> JobRecord:
        return next(self._records)

    def document(self) -> ChangedDocument:
        """Return the JSON form, the same for every verb."""
        document: ChangedDocument = {
            "action": self.action,
            "matched": self.matched,
            "changed": self.changed,
            "unchanged": self.unchanged,
            "skipped": self.skipped,
            "undo": self.undo,
        }
        if self.dry_run:
            document["dry_run"] = True
        if self.queues:
            document["queues"] = self.queues
        if self.named and self.action != "delete":
            document["jobs"] = [each.document() for each in self]
        elif self.ids is not None:
            document["ids"] = list(self.ids)
        if self.too_much:
            document["too_many_to_undo"] = True
        return document


def _records(context: Context, ids: Sequence[str]) -> Iterator[JobRecord]:
    settings = context.settings if ids else None
    return (recorded(context.store.jobs.get(id_), settings, context.store) for id_ in ids) if settings else iter(())
