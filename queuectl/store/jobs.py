"""Operations on jobs: enqueue, list, cancel, retry, delete, prune."""

from __future__ import annotations

import json

from queuectl.domain.errors import NotFound, Refused
from queuectl.domain.job import WAITING, JobState
from queuectl.domain.text import one_line
from queuectl.store.database import Duplicate
from queuectl.store.environments import intern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from typing import Any

    from queuectl.domain.attempt import Attempt, Output
    from queuectl.domain.filter import Filter
    from queuectl.domain.job import Job, NewJob
    from queuectl.store.database import Database
    from queuectl.store.events import Events
    from queuectl.store.rows import Listed

    _Same = tuple[int | None, dict[str, tuple[int, int]], int, str]

_PAGE = 1000
_MANY = 10_000
"""Ids in one statement."""


class Jobs:
    """Operations on jobs. Every method is one transaction."""

    def __init__(self, database: Database, events: Events) -> None:
        """Work in `database`; record actions in `events`, in the same transactions."""
        self._database = database
        self._events = events
        self.announce: Callable[[list[int]], object] | None = None
        """Called with the numbers of new jobs in the transaction that stores them: before any worker can claim them."""

    def enqueue(self, new: Sequence[NewJob], *, max_retries: int, now: int, snapshot: str | None = None) -> list[str]:
        """Store all of `new` or none, and return the ids; a job without an id is named by its number.

        Jobs without a number of retries get that of their queue, else `max_retries`. `snapshot` is the content of their
        environment snapshot (domain/environment.py), None for none.
        Raises AlreadyThere for an id that exists; `position` of the error is the job's index in `new`.
        """
        with self._database.transaction():
            return [id_ for _, id_ in self.insert(new, max_retries=max_retries, now=now, snapshot=snapshot)]

    def insert(
        self,
        new: Sequence[NewJob],
        *,
        max_retries: int,
        now: int,
        snapshot: str | int | None = None,
        reason: str | None = None,
    ) -> list[tuple[int, str]]:
        """Store jobs as `enqueue` does, within the caller's transaction; return their numbers and ids.

        `snapshot` may be the number of one that is stored; `reason` is what the event says.
        """
        numbers = self._database.allocate_seqs(len(new))
        environment = intern(self._database, snapshot, now=now) if isinstance(snapshot, str) else snapshot
        defaults = self._defaults({job.queue for job in new}, max_retries)
        same = (environment, defaults, now, self._events.actor)
        rows = [_row(seq, job, same) for seq, job in zip(numbers, new, strict=True)]
        try:
            # All at once; only a duplicate id makes it necessary to insert them one by one.
            if len(rows) == 1:
                self._database.many("insert_job", rows)
            else:
                self._database.savepoint(lambda: self._database.many("insert_job", rows))
        except Duplicate:
            rows = self._enqueue_singly(new, numbers, same)
        queues: dict[str, int] = {}
        for job in new:
            queues[job.queue] = queues.get(job.queue, 0) + 1
        for queue, count in queues.items():
            self._events.count(now, queue, "enqueued", count)
        self._events.write_down()
        self._events.note(now, "enqueue", rows[0][1], reason if len(rows) == 1 else f"{len(rows)} jobs")
        if self.announce is not None:
            self.announce([row[0] for row in rows])
        return [(row[0], row[1]) for row in rows]

    def _defaults(self, queues: Collection[str], max_retries: int) -> dict[str, tuple[int, int]]:
        """Return retries and priority of jobs that are enqueued into these queues without them."""
        found = dict.fromkeys(queues, (max_retries, 0))
        for name, retries, priority in self._database.rows("queue_defaults", queues=json.dumps(list(queues))):
            found[name] = (max_retries if retries is None else retries, priority or 0)
        return found

    def _enqueue_singly(self, new: Sequence[NewJob], numbers: Sequence[int], same: _Same) -> list[tuple[Any, ...]]:
        supply = self._supply(numbers)
        rows = []
        for position, job in enumerate(new):
            while True:
                row = _row(next(supply), job, same)
                try:
                    self._database.many("insert_job", [row])
                except Duplicate:
                    if job.id is not None:
                        raise AlreadyThere(job.id, position) from None
                    # Another job has this number as its id: skip the number.
                else:
                    rows.append(row)
                    break
        return rows

    def _supply(self, numbers: Sequence[int]) -> Iterator[int]:
        """Yield `numbers`, none of which is in use, and more once they are used up."""
        last = numbers[-1]
        yield from numbers
        while True:
            # SQLite returns the same number again until it is stored: `max` moves past the skipped one.
            last = max(last + 1, *self._database.allocate_seqs(1))
            yield last

    def get(self, id_: str) -> Listed:
        """Return the job and its latest attempt. Raises NotFound."""
        # Imported here, as below: an enqueue reads no rows.
        from queuectl.store.rows import listed

        for row in self._database.rows("job_by_id", id=id_):
            return listed(row)
        raise missing(id_)

    def these(self, ids: Sequence[str]) -> dict[str, Listed]:
        """Return jobs and their latest attempts by id, of those that exist."""
        from queuectl.store.rows import listed

        found = map(listed, self._database.rows("jobs_by_ids", ids=json.dumps(list(ids))))
        return {each.job.id: each for each in found}

    def state(self, id_: str) -> JobState:
        """Return the state of a job. Raises NotFound."""
        for (state,) in self._database.rows("state_of", id=id_):
            return JobState(state)
        raise missing(id_)

    def states(self, ids: Sequence[str]) -> dict[str, JobState]:
        """Return the states of many jobs by id, in that order. Raises NotFound for an id that no job has."""
        found: dict[str, str] = {}
        for start in range(0, len(ids), _MANY):
            found.update(self._database.rows("states_of", ids=json.dumps(ids[start : start + _MANY])))
        for id_ in ids:
            if id_ not in found:
                raise missing(id_)
        return {id_: JobState(found[id_]) for id_ in ids}

    def attempts(self, seq: int) -> list[Attempt]:
        """Return every attempt of a job, the oldest first."""
        from queuectl.store.rows import attempt_from

        return [attempt_from(row) for row in self._database.rows("attempts_of", job=seq)]

    def output(self, seq: int, attempt: int) -> tuple[Output, Output]:
        """Return standard output and standard error of a finished attempt."""
        from queuectl.store.rows import outputs_from

        return outputs_from(self._database.rows("output_of", job=seq, fence=attempt))

    def last_words(self, seq: int, attempt: int, length: int) -> bytes:
        """Return the last `length` bytes that an attempt wrote to standard error."""
        return b"".join(words for (words,) in self._database.rows("last_words", job=seq, fence=attempt, length=length))

    def ahead(self, job: Job, *, now: int, limit: int, within_queue: bool, labels: Collection[str] = ()) -> int:
        """Return how many due jobs a worker with `labels` claims before `job`, counted up to `limit`."""
        place = {"priority": job.priority, "run_at": job.run_at, "seq": job.seq, "now": now, "limit": limit}
        if within_queue:
            rows = self._database.rows("ahead_in_queue", queue=job.queue, **place)
        else:
            rows = self._database.rows("ahead", **place)
        count = int(rows[0][0])
        heads = self._database.rows("heads_needing") if labels else []
        for needs, queue in {(needs, queue) for needs, queue, *_ in heads}:
            if set(labels).issuperset(needs.split(" ")) and (not within_queue or queue == job.queue):
                ((n,),) = self._database.rows("ahead_needing", needs=needs, queue=queue, **place)
                count += int(n)
        return min(count, limit)

    def next_due(self) -> int | None:
        """Return when the next job becomes due, whatever its needs; in the past if one is due already."""
        dues = [due for (due,) in self._database.rows("next_due")]
        dues += [due for *_, due in self._database.rows("heads_needing")]
        return min((due for due in dues if due is not None), default=None)

    def taken(self, ids: Sequence[str]) -> list[str]:
        """Return those of `ids` that exist already."""
        return [id_ for (id_,) in self._database.rows("ids_there", ids=json.dumps(ids))]

    def listing(self, *, limit: int, chosen: Filter | None = None, states: Sequence[JobState] = ()) -> Iterator[Listed]:
        """Yield the newest `limit` jobs that match, newest last; 0 means all of them. `states` replace the filter's.

        Jobs are read page by page, so that a million take no more memory than a thousand. Jobs enqueued during the
        listing are left out.
        """
        # Imported here: an enqueue needs no filter.
        from queuectl.domain.filter import Filter
        from queuectl.store.criteria import criteria

        chosen = chosen or Filter()
        words = criteria(chosen, self._database)
        ((last,),) = self._database.rows("last_seq")
        wanted = tuple(dict.fromkeys(states or chosen.states)) or (None,)
        after = self._before_newest(limit, wanted, last, words) if limit else 0
        streams = [self._pages(state, after, last, words) for state in wanted]
        if len(streams) == 1:
            return streams[0]
        # Imported here: only several states need merging.
        from heapq import merge

        return merge(*streams, key=lambda each: each.job.seq)

    def _before_newest(self, limit: int, states: Sequence[JobState | None], last: int, criteria: dict[str, Any]) -> int:
        """Return the number just below the oldest of the newest `limit` jobs."""
        newest: list[int] = []
        page = criteria | {"last": last, "limit": limit}
        for state in states:
            if state is None:
                rows = self._database.rows("newest_seqs", **page)
            else:
                rows = self._database.rows("newest_seqs_in_state", state=state.value, **page)
            newest.extend(seq for (seq,) in rows)
        newest.sort(reverse=True)
        return newest[:limit][-1] - 1 if newest else last

    def _pages(self, state: JobState | None, after: int, last: int, criteria: dict[str, Any]) -> Iterator[Listed]:
        from queuectl.store.rows import listed

        while after < last:
            page = criteria | {"after": after, "last": last, "limit": _PAGE}
            of_state = {} if state is None else {"state": state.value}
            rows = self._database.rows(f"jobs{'_in_state' if of_state else ''}_in_order", **page, **of_state)
            yield from map(listed, rows)
            if len(rows) < _PAGE:
                return
            after = rows[-1][0]

    def cancel(self, *ids: str, signal: int, now: int) -> tuple[list[str], int]:
        """Cancel waiting jobs and request the end of running ones, all or none.

        Returns the workers that run them, and how many jobs were cancelled already. Raises NotFound, and Refused for a
        job that has completed or is dead.
        """
        owners, unchanged = [], 0
        with self._database.transaction():
            self._database.lock_jobs(ids)
            keeping = self._events.keeping
            kept = keeping.before_by_id([id_ for id_ in ids if self._state_in(id_, WAITING)]) if keeping else []
            for id_ in ids:
                if not self._database.rows("cancel_ready", id=id_, now=now):
                    rows = self._database.rows("cancel_processing", id=id_, signal=signal, now=now)
                    if not rows:
                        if self.state(id_) is not JobState.CANCELLED:
                            self._refuse(id_, "cancelled")
                        unchanged += 1
                        continue
                    owners.append(rows[0][0])
                self._events.note(now, "cancel", id_)
            if keeping:
                keeping.after(kept)
        return owners, unchanged

    def retry(self, ids: Sequence[str], *, now: int, dead_only: bool = False) -> list[str]:
        """Make final or failed jobs due now with a fresh set of retries, all or none; return their queues.

        Raises NotFound, and Refused for a job whose state does not allow a retry.
        """
        queues = []
        with self._database.transaction():
            self._database.lock_jobs(ids)
            keeping = self._events.keeping
            kept = keeping.before_by_id(ids) if keeping else []
            for id_ in ids:
                rows = self._database.rows("retry_dead" if dead_only else "retry_job", id=id_, now=now)
                if not rows:
                    self._refuse(id_, "retried" if not dead_only else "retried from the dead letter queue")
                queues.append(rows[0][0])
                self._events.note(now, "retry", id_)
            if keeping:
                keeping.after(kept)
        return queues

    def revive(self, *, now: int) -> Iterator[list[tuple[str, str]]]:
        """Retry every dead job, in batches that leave time for others; yield ids and queues, the oldest first."""
        # Imported here: an enqueue needs none of it.
        from queuectl.store.pace import Pace

        after, pace = 0, Pace(self._database)
        keeping = self._events.keeping
        while True:
            limit = pace.limit
            with pace.step():
                kept: list[int] = []
                if keeping:
                    kept = keeping.before(
                        [seq for (seq,) in self._database.rows("dead_seqs", after=after, limit=limit)]
                    )
                revived = sorted(self._database.rows("revive", after=after, limit=limit, now=now))
                if keeping:
                    keeping.after(kept)
                for _, id_, _ in revived:
                    self._events.note(now, "retry", id_)
            if revived:
                yield [(id_, queue) for _, id_, queue in revived]
                after = revived[-1][0]
            if len(revived) < limit:
                return

    def delete(self, ids: Sequence[str], *, now: int) -> None:
        """Delete final jobs with their history, all or none. Raises NotFound, and Refused for other states."""
        with self._database.transaction():
            self._database.lock_jobs(ids)
            if self._events.keeping:
                seqs = [seq for (seq,) in self._database.rows("seqs_of", ids=json.dumps(ids))]
                self._events.keeping.before(seqs, deleted=True)
            for id_ in ids:
                if not self._database.rows("delete_job", id=id_):
                    self._refuse(id_, "deleted")
                self._events.note(now, "delete", id_)

    def prune(
        self, state: JobState, *, before: int, now: int, progress: Callable[[int], None] = lambda _count: None
    ) -> int:
        """Delete jobs in a final `state` that finished by `before`, in short batches; return how many.

        `progress` is called after each batch with its number of jobs, and may raise to stop.
        """
        # Imported here: an enqueue needs none of it.
        from queuectl.store.pruning import prune

        return prune(self._database, self._events, state, before=before, now=now, progress=progress)

    def count_prunable(self, state: JobState, *, before: int) -> int:
        """Return how many jobs `prune` would delete."""
        return int(self._database.rows("count_prunable", state=state.value, before=before)[0][0])

    def _state_in(self, id_: str, states: Collection[JobState]) -> bool:
        return any(state in states for (state,) in self._database.rows("state_of", id=id_))

    def _refuse(self, id_: str, done: str) -> None:
        state = self.state(id_)
        if done == "cancelled":
            hint = f"the job has ended; to delete it: queuectl delete {id_}"
        elif done == "deleted" or state is JobState.PROCESSING:
            hint = f"cancel it first: queuectl cancel {id_}"
        elif state is JobState.HELD:
            hint = f"release it: queuectl release {id_}"
        elif state is JobState.PENDING:
            hint = f"to see why it is not running: queuectl explain {id_}"
        else:
            hint = f"run it again: queuectl retry {id_}"
        raise Refused(f"job {id_} is {state} and cannot be {done}", hint=hint)


class AlreadyThere(Refused):
    """The id already exists."""

    code = "already_there"

    def __init__(self, id_: str, position: int) -> None:
        """Name the id; `position` is the job's index, from 0, among the jobs to be enqueued together."""
        super().__init__(f"job {id_} already exists", hint="choose another id, or leave it out")
        self.position = position


def missing(id_: str) -> NotFound:
    """Return the error for an id that no job has."""
    return NotFound(f"no job {one_line(id_, 200)}", hint="queuectl list lists the newest jobs")


def _row(seq: int, job: NewJob, same: _Same) -> tuple[Any, ...]:
    """Return the values of `insert_job`, in its order."""
    environment, defaults, now, actor = same
    max_retries, priority = defaults[job.queue]
    return (
        seq,
        str(seq) if job.id is None else job.id,
        job.command,
        job.queue,
        priority if job.priority is None else job.priority,
        max_retries if job.max_retries is None else job.max_retries,
        job.timeout_ms,
        now + (job.delay_ms or 0) if job.run_at is None else job.run_at,
        now,
        now,
        job.cwd,
        json.dumps(dict(job.env), ensure_ascii=False) if job.env else None,
        f" {' '.join(job.tags)} " if job.tags else None,
        " ".join(job.needs) or None,
        environment,
        job.shell,
        actor,
        job.schedule,
        job.scheduled_for,
    )
