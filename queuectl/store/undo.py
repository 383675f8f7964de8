"""Undo: for ten minutes the store keeps how jobs were before an action.

The jobs of an action are recorded as they were before and after it. An undo restores the fields that the action
changed, for each job that has not been changed or run since, and leaves all other fields alone. A deleted job is
restored with its history and output. Records older than ten minutes are deleted by the next action.

An action that cannot be undone is recorded as well, without jobs: otherwise an undo would revert an older action.
"""

from __future__ import annotations

import json

from queuectl.domain.attempt import MAX_LOSSES
from queuectl.domain.errors import NotFound, Refused
from queuectl.domain.job import NEXT, WAITING, JobState
from queuectl.domain.phrases import first_of
from queuectl.store.database import Duplicate
from queuectl.store.undo_records import TakenBack, Undoable

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
"""Larger actions are not recorded: the store would grow by the very data that the user wants to delete."""
MAX_STATES = 1_000_000
"""Jobs of which an action on a selection overwrites state or priority."""
_STEP = 10_000
"""Jobs per query when the size of an action is computed."""
_NAMED = 3
_LIST = "queuectl undo --list shows what can be undone, by number"
_LATER = ("needs", "environment", "shell", "enqueued_by", "schedule", "scheduled_for")
"""Columns that records of older schemas do not have."""
_NEVER_CHANGED = ("created_at", "updated_at", "signature", "enqueued_by", "schedule", "scheduled_for")
_STAMPS = frozenset({"updated_at", "fence"})


class Keeping:
    """Recorder of jobs before and after one action, in the transactions of that action."""

    def __init__(self, database: Database, events: Events, verb: str, now: int, *, keeps: bool) -> None:
        """Prepare to record the action `verb`; nothing is written before its first change."""
        self._database = database
        self._events = events
        self._verb = verb
        self._now = now
        self._jobs = self._bytes = self._rows = 0
        self._action: int | None = None
        self.keeps = keeps
        """Whether jobs are recorded; the action itself always is."""
        self.too_much = False
        """Whether the action exceeded the limits, so that its jobs are not kept."""

    @property
    def id(self) -> int | None:
        """Id for `undo`; None when nothing was recorded."""
        return self._action if (self._jobs or self._rows) and not self.too_much else None

    def __enter__(self) -> Self:
        """Make all following changes to jobs a part of the action."""
        self._events.keeping = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._events.keeping = None

    def before_by_id(self, ids: Sequence[str]) -> list[int]:
        """Record these jobs before they are changed; return their numbers, for `after`."""
        return self.before([seq for (seq,) in self._database.rows("seqs_of", ids=json.dumps(ids))])

    def before(self, seqs: list[int], *, deleted: bool = False) -> list[int]:
        """Record these jobs before they are changed or, with `deleted`, deleted; return those recorded."""
        if not self.keeps or not seqs or not self._fits_limits(as_json := json.dumps(seqs), deleted=deleted):
            return []
        self.write_down()
        self._database.run("keep_jobs", undo=self._action, seqs=as_json)
        if deleted:
            self._database.run("keep_runs", undo=self._action, seqs=as_json)
            self._database.run("keep_outputs", undo=self._action, seqs=as_json)
        return seqs

    def states(self, seqs: Sequence[int]) -> None:
        """Record state and priority of these jobs of a selection, before the action overwrites them."""
        if not self.keeps or not seqs or self.too_much:
            return
        if self._action is not None and not self._is_open(self._action):
            # Undone, or forgotten as too old, while the action goes on: what follows can be undone by itself.
            self._action, self._jobs = None, 0
        self.write_down()
        self._jobs += self._database.run("keep_states", undo=self._action, seqs=json.dumps(seqs))
        if self._jobs > MAX_STATES:
            self.too_much = True
            self._database.run("empty_undo_states", undo=self._action)

    def row(self, kind: str, name: str, before: str | None, after: str | None) -> None:
        """Record a row of another table than jobs, as JSON, as the action found and left it; None for no row."""
        if self.keeps:
            self.write_down()
            self._database.run("keep_row", undo=self._action, kind=kind, name=name, before=before, after=after)
            self._rows += 1

    def _is_open(self, action: int) -> bool:
        return any(row[-1] is None for row in self._database.rows("undo_by_id", id=action))

    def write_down(self) -> None:
        """Record the action, once; `Events` calls this with each event."""
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
        """Record these jobs as the action left them."""
        if seqs and self.id is not None:
            self._database.run("keep_changes", undo=self.id, seqs=json.dumps(seqs))

    def _fits_limits(self, seqs: str, *, deleted: bool) -> bool:
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
                # Undoing half of an action would lead to a state that never existed.
                self._database.run("empty_undo", id=self._action)
        return not self.too_much


def _size(database: Database, seqs: str, *, deleted: bool) -> tuple[int, int]:
    """Return how many jobs would be recorded, and about how many bytes."""
    ((jobs, size),) = database.rows("size_of_jobs", seqs=seqs)
    if jobs and deleted:
        size += database.rows("size_of_outputs", seqs=seqs)[0][0]
    return jobs, size


class Undo:
    """Actions that can be undone."""

    def __init__(self, database: Database, events: Events) -> None:
        """Work in `database`; record undone actions in `events`."""
        self._database = database
        self._events = events
        self.latest: Keeping | None = None
        """The recorder of the last action of this connection."""

    def keeping(self, verb: str, *, now: int, keeps: bool = True) -> Keeping:
        """Record jobs during the action `verb`: `with store.undo.keeping("retry", now=now) as keeping: …`.

        `keeps` is False for an action that cannot be undone and is only recorded.
        """
        self.latest = Keeping(self._database, self._events, verb, now, keeps=keeps)
        return self.latest

    def list(self, *, now: int) -> list[Undoable]:
        """Return the actions that can be undone, the newest first."""
        return [each for each in self._actions(now) if each.changes]

    def _actions(self, now: int) -> Sequence[Undoable]:
        """Return actions that were not undone yet, the newest first; those without changes cannot be undone."""
        return [
            Undoable(id=id_, at=at, actor=actor, verb=verb, command=command, jobs=jobs, rows=rows)
            for id_, at, actor, verb, command, jobs, rows in self._database.rows("undos", since=now - KEPT_MS)
        ]

    def keeps(self, ids: Sequence[str], *, deleted: bool = False) -> bool:
        """Return whether these jobs are within the limits for an undo, with `deleted` including their history."""
        steps = (ids[start : start + _STEP] for start in range(0, len(ids), _STEP))
        return self.fits(
            ([seq for (seq,) in self._database.rows("seqs_of", ids=json.dumps(step))] for step in steps),
            deleted=deleted,
        )

    def keeps_dead(self, signatures: Sequence[str | None] | None, *, deleted: bool = False) -> bool:
        """Return the same for the dead jobs with these errors; None means all dead jobs."""
        first = {"after": 0, "limit": MAX_JOBS + 1}
        if signatures is None:
            pages = iter([self._database.rows("dead_seqs", **first)])
        else:
            pages = (self._database.rows("dead_seqs_of_error", signature=each, **first) for each in signatures)
        return self.fits(([seq for (seq,) in rows] for rows in pages), deleted=deleted)

    def fits(self, steps: Iterable[Sequence[int]], *, deleted: bool) -> bool:
        """Return the same for jobs by their numbers, read as far as necessary."""
        jobs = size = 0
        for seqs in steps:
            more, larger = _size(self._database, json.dumps(seqs), deleted=deleted)
            jobs, size = jobs + more, size + larger
            if jobs > MAX_JOBS or size > MAX_BYTES:
                return False
        return True

    def take_back(self, id_: int | None, *, now: int) -> TakenBack:
        """Undo an action, by default the last one: restore each of its jobs that can be restored.

        Raises NotFound, and Refused when no job of it can be restored.
        """
        before = self.list(now=now)[1:2] if id_ is None else []
        with self._database.transaction():
            chosen = self._choose(id_, now)
            if chosen.rows:
                # Imported here: most actions change jobs.
                from queuectl.store.undo_rows import put_back_rows

                return put_back_rows(self._database, self._events, chosen, now)
            if not self._database.rows("kept_states", undo=chosen.id, after=0, limit=1):
                return self._take_back_jobs(chosen, before, now)
        # Imported here: few actions are on a selection.
        from queuectl.store.undo_states import put_back_states

        return put_back_states(self._database, self._events, chosen, now)

    def _take_back_jobs(self, chosen: Undoable, before: Sequence[Undoable], now: int) -> TakenBack:
        jobs, left = [], []
        for row in self._database.rows("kept_jobs", undo=chosen.id):
            restore = self._restore_deleted if row[3] is None else self._restore_changed
            done, words = restore(chosen.id, *row, now=now)
            if done:
                jobs.append((row[1], words))
                self._events.note(now, "undo", row[1], chosen.verb)
            else:
                left.append((row[1], words))
        if not jobs:
            few = first_of([f"{job}: {why}" for job, why in left], _NAMED, ";")
            raise Refused(
                f"the {chosen.verb} cannot be undone any more ({few})",
                hint="".join(f"the {each.verb} before it: queuectl undo {each.id}" for each in before) or None,
            )
        self._database.run("close_undo", id=chosen.id, now=now)
        self._database.run("empty_undo", id=chosen.id)
        queues = frozenset(queue for _, queue in jobs)
        return TakenBack(
            id=chosen.id, verb=chosen.verb, restored=len(jobs), queues=queues, jobs=tuple(jobs), left=tuple(left)
        )

    def _choose(self, id_: int | None, now: int) -> Undoable:
        if id_ is None:
            for last in self._actions(now):
                if not last.changes:
                    raise Refused(f"the last action was {last.verb}, which cannot be undone", hint=_LIST)
                return last
            raise NotFound("nothing was done in the last ten minutes that can be undone")
        for number, at, _, verb, _, undone_at in self._database.rows("undo_by_id", id=id_):
            if undone_at is not None:
                raise Refused(f"action {number} ({verb}) was undone already", hint=_LIST)
            if at < now - KEPT_MS:
                raise Refused(f"action {number} ({verb}) is too old: actions can be undone for ten minutes", hint=_LIST)
            for each in self.list(now=now):
                if each.id == number:
                    return each
            raise Refused(f"action {number} ({verb}) cannot be undone", hint=_LIST)
        raise NotFound(f"no action {id_} that can be undone", hint=_LIST)

    def _restore_changed(
        self, _undo: int, seq: int, _id: str, before: str, after: str, _runs: str | None, *, now: int
    ) -> tuple[bool, str]:
        """Restore a changed job; return True and its queue, or False and the reason."""
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
        if not _is_consistent(wanted):
            return False, "its retries have been changed since"
        unusual = wanted["state"] not in NEXT[JobState(current["state"])] | {current["state"]}
        if unusual:
            self._database.run("begin_undoing", job=seq)
        self._database.run("put_back_job", seq=seq, now=now, **_without(wanted, *_NEVER_CHANGED))
        self._use_environment(wanted, now)
        if unusual:
            self._database.run("end_undoing")
        return True, wanted["queue"]

    def _restore_deleted(
        self, undo: int, seq: int, id_: str, before: str, _after: None, runs: str, *, now: int
    ) -> tuple[bool, str]:
        """Restore a deleted job; return True and its queue, or False and the reason."""
        if self._database.rows("state_of", id=id_):
            return False, "another job has that id now"
        was = dict.fromkeys(_LATER) | json.loads(before)
        try:
            self._database.savepoint(
                lambda: self._database.run("bring_back_job", seq=seq, id=id_, now=now, **_without(was, "updated_at"))
            )
        except Duplicate:
            # On a server, another session may have inserted it since the check.
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
        self._use_environment(was, now)
        return True, was["queue"]

    def _use_environment(self, image: dict[str, Any], now: int) -> None:
        if image["environment"] is not None:
            self._database.run("use_environment", id=image["environment"], now=now)


def _is_consistent(image: dict[str, Any]) -> bool:
    """Return whether attempts and state fit the retries, which a later action may have changed alone."""
    attempts, retries, state = image["attempts"], image["max_retries"], JobState(image["state"])
    if state in WAITING:
        return bool(attempts <= retries)
    if state is JobState.DEAD:
        return bool(attempts == retries + 1 or image["losses"] >= MAX_LOSSES)
    return bool(attempts <= retries + 1)


def _without(image: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in image.items() if name not in names}
