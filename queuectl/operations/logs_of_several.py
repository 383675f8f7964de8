"""The output of several jobs: of one after the other, or of all at once while they are followed.

Only jobs that run have a reader, and jobs are read from the store a page at a time: memory does not grow with the
output. Of a job that waits, its number and its id are kept; while jobs are followed by their state, also the numbers of
those that have ended.
"""

from __future__ import annotations

import time
from collections import Counter

from queuectl.domain.filter import Filter
from queuectl.domain.job import FINAL, JobState
from queuectl.domain.record import record
from queuectl.operations.explain import WaitReporter
from queuectl.operations.job_record import describe, recorded
from queuectl.operations.log_pieces import INTERVAL, JobReader
from queuectl.operations.silence import SilenceReporter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from queuectl.domain.job import Job
    from queuectl.operations.context import Context
    from queuectl.operations.job_record import JobRecord
    from queuectl.operations.log_pieces import EmptyLogDocument, LogDocument, Piece, Wanted
    from queuectl.operations.output_lines import OutputLine
    from queuectl.store.rows import Listed

_PAGE = 1000
_OVERLAP = 1000
"""Numbers below the newest that are looked through for new jobs: on a server a lower number may be committed later."""
_SHARE = 4
"""A check of the jobs is followed by a pause of so many times what it took, however often the store changes."""


@record
class OfJob:
    """Some output of one of the jobs; or, without a piece, the end of an attempt or of the job."""

    seq: int
    id: str
    piece: Piece | None = None
    final: bool = False
    """Whether this is the last of the job."""
    ended: JobRecord | None = None
    """The job, if it became final while it was followed."""
    error: str | None = None
    """Why its latest attempt did not run, or ended, if queuectl itself knows."""


@record
class _Open:
    """A job that is not final."""

    id: str
    number: int
    """The next attempt to read."""


class LogOfSeveral:
    """The output of several jobs, read as it is consumed."""

    def __init__(self, context: Context, wanted: Wanted, of: Sequence[str] | Filter, *, follows: bool) -> None:
        """Find the jobs, by their IDs or by a filter. Raises NotFound for an ID that no job has."""
        self._context, self._wanted = context, wanted
        self.follows = follows
        self._filter = of if isinstance(of, Filter) else None
        self._ids = () if isinstance(of, Filter) else of
        context.store.jobs.states(self._ids)
        self._open: dict[int, _Open] = {}
        self._readers: dict[int, JobReader] = {}
        """Of the jobs that run."""
        self._seen: set[int] = set()
        """Jobs that a look for new ones would find again."""
        self._newest = 0
        self.matched = 0
        self.states: Counter[JobState] = Counter()
        """Of the jobs that are final."""

    def documents(self) -> Iterator[LogDocument | EmptyLogDocument]:
        """Yield the JSON form of each job; when following, once it is final."""
        if self.follows:
            for each in self._follow():
                if each.final:
                    yield self._document(self._context.store.jobs.get(each.id))
            return
        for page in self._pages():
            yield from map(self._document, page)

    def _document(self, listed: Listed) -> LogDocument | EmptyLogDocument:
        attempt = listed.latest if self._wanted.allows(listed.latest) else None
        return self._wanted.document(self._context, listed.job, attempt)

    def lines(self) -> Iterator[OutputLine]:
        """Yield the output line by line, for JSON Lines; when following, as it comes."""
        from queuectl.operations.output_lines import LinesOfJob

        of: dict[int, LinesOfJob] = {}
        for each in self.pieces():
            if each.piece is not None:
                yield from of.setdefault(each.seq, LinesOfJob(each.id)).take(each.piece)
            elif each.final and each.seq in of:
                yield from of.pop(each.seq).rest()

    def pieces(self) -> Iterator[OfJob]:
        """Yield the output so far, one job after the other; when following, also the output to come."""
        if self.follows:
            yield from self._follow()
            return
        for page in self._pages():
            for listed in page:
                yield from self._stored(listed)

    def _pages(self) -> Iterator[Sequence[Listed]]:
        """Yield the jobs, a page at a time."""
        store = self._context.store
        if self._filter is None:
            for start in range(0, len(self._ids), _PAGE):
                ids = self._ids[start : start + _PAGE]
                found = store.jobs.these(ids)
                page: Sequence[Listed] = [found[id_] for id_ in ids if id_ in found]
                self.matched += len(page)
                yield page
            return
        for seqs in store.select(self._filter).pages():
            self.matched += len(seqs)
            yield store.following.these(seqs)

    def _stored(self, listed: Listed, *, ended: bool = False) -> Iterator[OfJob]:
        job, latest = listed.job, listed.latest
        error = None
        if latest is not None and self._wanted.allows(latest):
            yield from _of(job.seq, job.id, self._wanted.stored(self._context, job, latest))
            error = None if latest.error is None else f"{describe(latest)}: {latest.error}"
        yield OfJob(seq=job.seq, id=job.id, final=True, error=error, ended=self._record(listed) if ended else None)

    def _follow(self) -> Iterator[OfJob]:
        store, reporter, silence = self._context.store, WaitReporter(self._context), SilenceReporter(self._context)
        try:
            for page in self._pages():
                for listed in page:
                    yield from self._join(listed)
            while True:
                seen, began = store.changed(), time.monotonic()
                yield from self._new_jobs()
                yield from self._check()
                if not self._open:
                    return
                free_at = time.monotonic() + _SHARE * (time.monotonic() - began)
                while store.changed() == seen or time.monotonic() < free_at:
                    reporter.report(each.id for each in self._open.values())
                    silence.report(self._readers.values(), named=True)
                    time.sleep(INTERVAL)
                    for seq, reader in self._readers.items():
                        yield from _of(seq, reader.id, reader.live())
        finally:
            for reader in self._readers.values():
                reader.close()

    def _join(self, listed: Listed, *, later: bool = False) -> Iterator[OfJob]:
        """Begin to follow a job, perhaps one that came `later`: yield what it has printed."""
        job, latest = listed.job, listed.latest
        self._newest = max(self._newest, job.seq)
        self._seen.add(job.seq)
        if job.state in FINAL:
            self.states[job.state] += 1
            yield from self._stored(listed, ended=later)
            return
        self._open[job.seq] = _Open(id=job.id, number=job.fence + 1)
        if latest is not None and self._wanted.allows(latest):
            reader = JobReader(self._context, job, latest.attempt, self._wanted)
            yield from _of(job.seq, job.id, self._wanted.last(reader.new()))
            self._keep(job, reader)

    def _keep(self, job: Job, reader: JobReader) -> None:
        """Keep the reader of a job that runs, else only the number of its next attempt."""
        if job.state is JobState.PROCESSING:
            self._readers[job.seq] = reader
        else:
            reader.close()
            self._readers.pop(job.seq, None)
        self._open[job.seq] = _Open(id=job.id, number=reader.number)

    def _new_jobs(self) -> Iterator[OfJob]:
        """Begin to follow the jobs that match by now: those enqueued since, and all that came into a wanted state."""
        if self._filter is None:
            return
        after = 0 if self._filter.states else max(self._newest - _OVERLAP, 0)
        if not self._filter.states:
            self._seen = {seq for seq in self._seen if seq > after}
        store = self._context.store
        for seqs in store.select(self._filter).pages(after):
            new = [seq for seq in seqs if seq not in self._seen]
            self.matched += len(new)
            for listed in store.following.these(new):
                yield from self._join(listed, later=True)

    def _check(self) -> Iterator[OfJob]:
        """Yield the output of the jobs that have run, and the end of those that are final."""
        store = self._context.store
        for seqs in _in_pages(list(self._open)):
            fences = store.following.fences(seqs)
            for seq in [seq for seq in seqs if seq not in fences]:
                self._context.say(f"job {self._open.pop(seq).id} was deleted")
                if seq in self._readers:
                    self._readers.pop(seq).close()
            ran = [
                seq
                for seq, (state, fence) in fences.items()
                if state in FINAL or seq in self._readers or fence >= self._open[seq].number
            ]
            for listed in store.following.these(ran):
                yield from self._read(listed)

    def _read(self, listed: Listed) -> Iterator[OfJob]:
        job = listed.job
        reader = self._readers.get(job.seq)
        if reader is None:
            reader = JobReader(self._context, job, self._open[job.seq].number, self._wanted)
        number = reader.number
        yield from _of(job.seq, job.id, reader.new())
        self._keep(job, reader)
        if reader.number != number:
            yield OfJob(seq=job.seq, id=job.id)
        if job.state in FINAL:
            del self._open[job.seq]
            self.states[job.state] += 1
            yield OfJob(seq=job.seq, id=job.id, final=True, ended=self._record(listed))

    def _record(self, listed: Listed) -> JobRecord:
        return recorded(listed, self._context.settings, self._context.store)


def _of(seq: int, id_: str, pieces: Iterator[Piece]) -> Iterator[OfJob]:
    return (OfJob(seq=seq, id=id_, piece=piece) for piece in pieces)


def _in_pages(seqs: list[int]) -> Iterator[list[int]]:
    return (seqs[start : start + _PAGE] for start in range(0, len(seqs), _PAGE))
