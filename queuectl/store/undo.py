"""Take back what was just done: how jobs were before it is kept for ten minutes.

An action's jobs are written down as they were and as they were left. An undo puts back what the action changed, of
each job that has not been changed or run since, and does not touch the rest of it. A deleted job comes back with its
history and output. What was kept is let go of by the next action after ten minutes.

An action of which nothing is kept is written down too, without jobs: an undo must not take back an older one instead.
"""

from __future__ import annotations

import json

from queuectl.domain.attempt import MAX_LOSSES
from queuectl.domain.errors import NotFound, Refused
from queuectl.domain.job import NEXT, WAITING, JobState
from queuectl.domain.record import record
from queuectl.store.database import Duplicate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType
    from typing import Any, Self

    from queuectl.store.database import Database
    from queuectl.store.events import Events

KEPT_MS = 600_000
MAX_JOBS = 10_000
MAX_BYTES = 64 * 1024 * 1024
"""More than this is not kept: the store would grow by what somebody wants to be rid of."""
_STEP = 10_000
"""Jobs that are looked at together before an action."""
_NAMED = 3
_STAMPS = frozenset({"updated_at", "fence"})


@record
class Undoable:
    """Something that can be taken back."""

    id: int
    at: int
    actor: str
    verb: str
    command: str | None
    jobs: int


@record
class TakenBack:
    """What an undo did."""

    id: int
    verb: str
    jobs: tuple[tuple[str, str], ...]
    """Ids and queues of the jobs that are as they were."""
    left: tuple[tuple[str, str], ...]
    """Ids of the others, and why each could not be put back."""


class Keeping:
    """Writes down how jobs are before and after one action, in the transactions of that action."""

    def __init__(self, database: Database, events: Events, verb: str, now: int, *, keeps: bool) -> None:
        """Nothing is written until something is done."""
        self._database = database
        self._events = events
        self._verb = verb
        self._now = now
        self._jobs = self._bytes = 0
        self._action: int | None = None
        self.keeps = keeps
        """Whether jobs are kept; the action is written down in any case."""
        self.too_much = False
        """Whether it was more than is kept."""

    @property
    def id(self) -> int | None:
        """The undo that takes the action back; None when nothing was kept."""
        return self._action if self._jobs and not self.too_much else None

    def __enter__(self) -> Self:
        """Whatever the store does to jobs from here on belongs to the action."""
        self._events.keeping = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._events.keeping = None

    def before_by_id(self, ids: Sequence[str]) -> list[int]:
        """Keep how these jobs are, before they are changed; their numbers, for `after`."""
        return self.before([seq for (seq,) in self._database.rows("seqs_of", ids=json.dumps(ids))])

    def before(self, seqs: list[int], *, deleted: bool = False) -> list[int]:
        """Keep how these jobs are, before they are changed, or before they are `deleted`."""
        if not self.keeps or not seqs or not self._has_room(given := json.dumps(seqs), deleted=deleted):
            return []
        self.write_down()
        self._database.run("keep_jobs", undo=self._action, seqs=given)
        if deleted:
            self._database.run("keep_runs", undo=self._action, seqs=given)
            self._database.run("keep_outputs", undo=self._action, seqs=given)
        return seqs

    def write_down(self) -> None:
        """Record that the action was done, once: the journal asks for it with each event that it notes."""
        if self._action is None:
            self._database.run("forget_undos", before=self._now - KEPT_MS)
            ((self._action,),) = self._database.rows(
                "insert_undo",
                now=self._now,
                actor=self._events.actor,
                verb=self._verb,
                command=self._events.command,
            )

    def after(self, seqs: list[int]) -> None:
        """Keep how these jobs were left."""
        if seqs and self.id is not None:
            self._database.run("keep_changes", undo=self.id, seqs=json.dumps(seqs))

    def _has_room(self, seqs: str, *, deleted: bool) -> bool:
        if self.too_much:
            return False
        jobs, size = _size(self._database, seqs, deleted=deleted)
        if not jobs:
            return False
        self._jobs += jobs
        self._bytes += size
        if self._jobs > MAX_JOBS or self._bytes > MAX_BYTES:
            self.too_much = True
            if self._action is not None:
                # Half an action cannot be taken back: that would be a third state, which nobody asked for.
                self._database.run("empty_undo", id=self._action)
        return not self.too_much


def _size(database: Database, seqs: str, *, deleted: bool) -> tuple[int, int]:
    """How many jobs would be kept, and about how many bytes."""
    ((jobs, size),) = database.rows("size_of_jobs", seqs=seqs)
    if jobs and deleted:
        size += database.rows("size_of_outputs", seqs=seqs)[0][0]
    return jobs, size


class Undo:
    """The actions that can be taken back."""

    def __init__(self, database: Database, events: Events) -> None:
        """Keep them in `database`."""
        self._database = database
        self._events = events

    def keeping(self, verb: str, *, now: int, keeps: bool = True) -> Keeping:
        """Keep how jobs are while the action `verb` is done: `with store.undo.keeping("retry", now=now) as kept: …`.

        `keeps` is False for an action that is recorded only, as nothing takes it back.
        """
        return Keeping(self._database, self._events, verb, now, keeps=keeps)

    def list(self, *, now: int) -> list[Undoable]:
        """What can be taken back, the newest first."""
        return [each for each in self._actions(now) if each.jobs]

    def _actions(self, now: int) -> Sequence[Undoable]:
        """What was done and not taken back yet, the newest first; without jobs what cannot be."""
        return [
            Undoable(id=id_, at=at, actor=actor, verb=verb, command=command, jobs=jobs)
            for id_, at, actor, verb, command, jobs in self._database.rows("undos", since=now - KEPT_MS)
        ]

    def keeps(self, ids: Sequence[str], *, deleted: bool = False) -> bool:
        """Whether jobs are few and small enough for an action on them to be kept, or for them to be `deleted`."""
        steps = (ids[start : start + _STEP] for start in range(0, len(ids), _STEP))
        return self._fits(
            ([seq for (seq,) in self._database.rows("seqs_of", ids=json.dumps(step))] for step in steps),
            deleted=deleted,
        )

    def keeps_dead(self, signatures: Sequence[str | None] | None, *, deleted: bool = False) -> bool:
        """The same for the dead jobs of these errors, None for all dead jobs."""
        first = {"after": 0, "limit": MAX_JOBS + 1}
        if signatures is None:
            found = iter([self._database.rows("dead_seqs", **first)])
        else:
            found = (self._database.rows("dead_seqs_of_error", signature=each, **first) for each in signatures)
        return self._fits(([seq for (seq,) in rows] for rows in found), deleted=deleted)

    def _fits(self, steps: Iterable[Sequence[int]], *, deleted: bool) -> bool:
        jobs = size = 0
        for seqs in steps:
            more, larger = _size(self._database, json.dumps(seqs), deleted=deleted)
            jobs, size = jobs + more, size + larger
            if jobs > MAX_JOBS or size > MAX_BYTES:
                return False
        return True

    def take_back(self, id_: int | None, *, now: int) -> TakenBack:
        """Take back an action, the last one if none is named; put back all of its jobs that can be.

        Raises NotFound, and Refused when nothing of it can be taken back any more.
        """
        before = self.list(now=now)[1:2] if id_ is None else []
        with self._database.transaction():
            id_, verb = self._choose(id_, now)
            jobs, left = [], []
            for row in self._database.rows("kept_jobs", undo=id_):
                put_back = self._bring_back if row[3] is None else self._put_back
                done, words = put_back(id_, *row, now=now)
                if done:
                    jobs.append((row[1], words))
                    self._events.note(now, "undo", row[1], verb)
                else:
                    left.append((row[1], words))
            if not jobs:
                few = "; ".join(f"{job}: {why}" for job, why in left[:_NAMED]) + ("; …" if len(left) > _NAMED else "")
                raise Refused(
                    f"the {verb} cannot be undone any more ({few})",
                    hint="".join(f"the {each.verb} before it: queuectl undo {each.id}" for each in before) or None,
                )
            self._database.run("close_undo", id=id_, now=now)
            self._database.run("empty_undo", id=id_)
        return TakenBack(id=id_, verb=verb, jobs=tuple(jobs), left=tuple(left))

    def _choose(self, id_: int | None, now: int) -> tuple[int, str]:
        if id_ is None:
            for last in self._actions(now):
                if not last.jobs:
                    hint = "queuectl undo --list shows what can be undone, by number"
                    raise Refused(f"the last action was {last.verb}, which cannot be undone", hint=hint)
                return last.id, last.verb
            raise NotFound("nothing was done in the last ten minutes that can be undone")
        for found, at, _, verb, _, undone_at in self._database.rows("undo_by_id", id=id_):
            if undone_at is not None:
                raise Refused(f"undo {found} ({verb}) has been done already")
            if at < now - KEPT_MS:
                raise Refused(f"undo {found} ({verb}) is too long ago: ten minutes are kept")
            if not any(each.id == found for each in self.list(now=now)):
                raise Refused(f"undo {found} ({verb}) cannot be undone")
            return found, verb
        raise NotFound(f"no undo {id_}", hint="queuectl undo --list")

    def _put_back(
        self, _undo: int, seq: int, _id: str, before: str, after: str, _runs: str | None, *, now: int
    ) -> tuple[bool, str]:
        """Put a job back to how it was; its queue, or why it was left."""
        rows = self._database.rows("image_of", seq=seq)
        if not rows:
            return False, "it has been deleted since"
        was, then, current = (json.loads(image) for image in (before, after, rows[0][0]))
        changed = {key for key in was if was[key] != then[key]} - _STAMPS
        if current["fence"] != then["fence"]:
            return False, "it runs" if current["state"] == JobState.PROCESSING else "it has run since"
        if any(current[key] != then[key] for key in changed):
            return False, "it has been changed since"
        wanted = current | {key: was[key] for key in changed}
        if not _belongs_together(wanted):
            return False, "its retries have been changed since"
        unusual = wanted["state"] not in NEXT[JobState(current["state"])] | {current["state"]}
        if unusual:
            self._database.run("begin_undoing", job=seq)
        self._database.run(
            "put_back_job", seq=seq, now=now, **_without(wanted, "created_at", "updated_at", "signature")
        )
        if unusual:
            self._database.run("end_undoing")
        return True, wanted["queue"]

    def _bring_back(
        self, undo: int, seq: int, id_: str, before: str, _after: None, runs: str, *, now: int
    ) -> tuple[bool, str]:
        """Bring back a job that was deleted; its queue, or why it stays away."""
        if self._database.rows("state_of", id=id_):
            return False, "another job has that id now"
        # What was kept by schema 2 knows of no needs.
        was = {"needs": None} | json.loads(before)
        try:
            self._database.savepoint(
                lambda: self._database.run("bring_back_job", seq=seq, id=id_, now=now, **_without(was, "updated_at"))
            )
        except Duplicate:
            # On a server somebody may have come first since we looked.
            return False, "another job has that id now"
        for fence, worker, started_at, ended_at, duration_ms, outcome, exit_code, signal, error in json.loads(runs):
            self._database.run(
                "bring_back_run",
                job=seq,
                fence=fence,
                worker=worker,
                started_at=started_at,
                ended_at=ended_at,
                duration_ms=duration_ms,
                outcome=outcome,
                exit_code=exit_code,
                signal=signal,
                error=error,
            )
        self._database.run("bring_back_outputs", undo=undo, job=seq)
        return True, was["queue"]


def _belongs_together(image: dict[str, Any]) -> bool:
    """Whether attempts and state fit the retries, which a later action may have changed by themselves."""
    attempts, retries, state = image["attempts"], image["max_retries"], JobState(image["state"])
    if state in WAITING:
        return bool(attempts <= retries)
    if state is JobState.DEAD:
        return bool(attempts == retries + 1 or image["losses"] >= MAX_LOSSES)
    return bool(attempts <= retries + 1)


def _without(image: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in image.items() if name not in names}
