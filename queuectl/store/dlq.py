"""The dead letter queue, grouped by error signature."""

from __future__ import annotations

import json

from queuectl.domain.errors import NotFound, UsageError
from queuectl.domain.record import record
from queuectl.store.pace import Pace, StepNotes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from queuectl.store.database import Database
    from queuectl.store.events import Events
    from queuectl.store.rows import Listed

UNKNOWN = "none"
"""Stands for jobs that died before the store recorded signatures."""
UNKNOWN_TEXT = "died before error signatures were recorded"
"""The same for people."""
_PAGE = 1000
_SHORTEST = 4
_DIGITS = frozenset("0123456789abcdef")


@record
class DeadError:
    """Dead jobs whose last attempts ended with the same signature."""

    signature: str
    """Eight hexadecimal digits, or `none`."""
    text: str | None
    """The error without what differs each time; None for jobs that died before the store recorded it."""
    n: int
    queues: tuple[str, ...]
    """The queues of these jobs."""
    first_at: int
    last_at: int
    """Times at which the first and the last of them died, in milliseconds since the epoch."""


class DeadLetters:
    """Reads and changes dead jobs, by error."""

    def __init__(self, database: Database, events: Events) -> None:
        """Work in `database`; record actions in `events`."""
        self._database = database
        self._events = events

    def errors(self, *, queue: str | None = None) -> list[DeadError]:
        """Return the errors of dead jobs, the most frequent last."""
        return [
            DeadError(
                signature=signature or UNKNOWN,
                text=text,
                n=n,
                queues=tuple(sorted(json.loads(queues))),
                first_at=first_at,
                last_at=last_at,
            )
            for signature, text, n, queues, first_at, last_at in self._database.rows("dead_errors", queue=queue)
        ]

    def resolve(self, digits: str) -> str | None:
        """Return the signature that begins with `digits`; None for `none`. Raises UsageError, NotFound."""
        if digits == UNKNOWN:
            if not self.count(None):
                raise NotFound(f"no dead job {UNKNOWN_TEXT}", hint="queuectl dlq list --by-error")
            return None
        prefix = digits.lower()
        if len(prefix) < _SHORTEST or not _DIGITS.issuperset(prefix):
            raise UsageError(
                f"{digits[:40]!r} is not an error signature",
                hint="give four or more digits of a signature that dlq list --by-error shows",
            )
        matches = [signature for (signature,) in self._database.rows("signatures_like", prefix=prefix)]
        if not matches:
            raise NotFound(f"no dead job ended with error {prefix}", hint="queuectl dlq list --by-error")
        if len(matches) > 1:
            raise UsageError(f"several error signatures begin with {prefix}", hint="give more digits")
        return str(matches[0])

    def listing(self, signature: str | None, *, limit: int, queue: str | None = None) -> Iterator[Listed]:
        """Return the newest `limit` dead jobs with an error, newest last; 0 means all."""
        from queuectl.store.rows import listed

        newest = self._database.rows("newest_dead_of_error", signature=signature, queue=queue, limit=limit or -1)
        seqs = sorted(seq for (seq,) in newest)
        for start in range(0, len(seqs), _PAGE):
            page = json.dumps(seqs[start : start + _PAGE])
            yield from map(listed, self._database.rows("jobs_by_seq", seqs=page))

    def count(self, signature: str | None) -> int:
        """Return how many dead jobs ended with an error."""
        ((n,),) = self._database.rows("count_dead_of_error", signature=signature)
        return int(n)

    def revive(self, signature: str | None, *, now: int) -> Iterator[list[tuple[str, str]]]:
        """Retry every dead job with an error, in batches; yield ids and queues of each batch."""
        keeping, pace = self._events.keeping, Pace(self._database)
        for seqs in self._batches(signature, pace):
            with pace.step():
                kept = keeping.before(seqs) if keeping else []
                revived = sorted(self._database.rows("revive_these", seqs=json.dumps(seqs), now=now))
                if keeping:
                    keeping.after(kept)
                for _, id_, _ in revived:
                    self._events.note(now, "retry", id_)
            yield [(id_, queue) for _, id_, queue in revived]

    def purge(self, signature: str | None, *, now: int, progress: Callable[[int], None] = lambda _count: None) -> int:
        """Delete every dead job with an error and its history, in batches; return how many.

        `progress` is as for `Jobs.prune`.
        """
        keeping, pace = self._events.keeping, Pace(self._database)
        purged = 0
        with StepNotes(self._database, self._events, "purge", signature or UNKNOWN, now) as notes:
            for seqs in self._batches(signature, pace):
                with pace.step():
                    if keeping:
                        keeping.before(seqs, deleted=True)
                    deleted = len(self._database.rows("purge_these", seqs=json.dumps(seqs)))
                    notes.add(deleted)
                purged += deleted
                progress(deleted)
        return purged

    def _batches(self, signature: str | None, pace: Pace) -> Iterator[list[int]]:
        after = 0
        while True:
            rows = self._database.rows("dead_seqs_of_error", signature=signature, after=after, limit=pace.limit)
            if not rows:
                return
            yield [seq for (seq,) in rows]
            after = rows[-1][0]
