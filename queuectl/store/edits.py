"""Changes to jobs that do not run: hold, release, priority, edit. Every method is one transaction."""

from __future__ import annotations

import json

from queuectl.domain.errors import Refused, UsageError
from queuectl.domain.job import FINAL, READY, WAITING, JobState
from queuectl.store.environments import intern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from queuectl.domain.job import Job
    from queuectl.store.database import Database
    from queuectl.store.events import Events
    from queuectl.store.jobs import Jobs

EDITABLE = (
    "command", "queue", "priority", "max_retries", "timeout_ms", "run_at", "cwd", "env", "environment", "shell", "tags",
    "needs",
)  # fmt: skip


class Edits:
    """Changes to waiting and final jobs."""

    def __init__(self, database: Database, events: Events, jobs: Jobs) -> None:
        """Change jobs in `database`; `jobs` reads them."""
        self._database = database
        self._events = events
        self._jobs = jobs

    def hold(self, ids: Sequence[str], *, now: int) -> int:
        """Hold waiting jobs, all or none; return how many were not held already. Raises NotFound, Refused."""
        return len(self._each("hold", "hold_job", "held", ids, done=frozenset({JobState.HELD}), now=now))

    def release(self, ids: Sequence[str], *, now: int) -> list[str]:
        """Make held jobs claimable again once due, all or none; return the queues of those that were held.

        Raises NotFound, and Refused for a job that runs or has ended.
        """
        return self._each("release", "release_job", "released", ids, done=READY, now=now)

    def prioritise(self, ids: Sequence[str], priority: int, *, now: int) -> list[str]:
        """Give waiting jobs another priority, all or none; return their queues. Raises NotFound, Refused."""
        words = {"priority": priority}
        done: frozenset[JobState] = frozenset()
        return self._each("priority", "prioritise_job", "given another priority", ids, done=done, now=now, **words)

    def edit(
        self, id_: str, changes: dict[str, Any], *, requeue: bool, now: int, called: Mapping[str, str] | None = None
    ) -> Job:
        """Change fields of one job, as `edit_all` does; return the job as it was."""
        return self.edit_all([id_], changes, requeue=requeue, now=now, called=called)[0][0]

    def edit_all(
        self,
        ids: Sequence[str],
        changes: dict[str, Any],
        *,
        requeue: bool,
        now: int,
        called: Mapping[str, str] | None = None,
    ) -> list[tuple[Job, bool]]:
        """Change fields of jobs, of those in EDITABLE, all or none; with `requeue` also run them again.

        `changes` may hold a `snapshot`, the content of a new environment snapshot, or None to have none. `called` maps
        fields to the words that the user typed for them, where these differ. Returns the jobs as they were, each with
        whether it was changed: one that has all the values already is left alone.

        Raises:
            NotFound: no job has one of these ids
            Refused: one of the jobs is running
            UsageError: the change has no effect in a job's state

        """
        with self._database.transaction():
            self._database.lock_jobs(ids)
            jobs = [self._jobs.get(id_).job for id_ in ids]
            for job in jobs:
                if job.state is JobState.PROCESSING:
                    raise Refused(
                        f"job {job.id} is running and cannot be edited",
                        hint=f"end it first: queuectl cancel {job.id}",
                    )
                if not requeue:
                    _check(job, changes, called or {})
            changes = self.interned(changes, now=now)
            judged = [(job, requeue or bool(_differing(job, changes))) for job in jobs]
            edited = [job for job, changes_it in judged if changes_it]
            kept = self._events.keeping.before([job.seq for job in edited]) if self._events.keeping else []
            for job in edited:
                self._edit(job, changes, requeue=requeue, now=now)
            if self._events.keeping:
                self._events.keeping.after(kept)
        return judged

    def _edit(self, job: Job, changes: dict[str, Any], *, requeue: bool, now: int) -> None:
        values = {name: getattr(job, name) for name in EDITABLE} | changes
        if requeue and "run_at" not in changes:
            values["run_at"] = now
        statement = "edit_and_requeue_job" if requeue else "edit_job"
        self._database.run(
            statement, seq=job.seq, now=now, **{name: stored(name, value) for name, value in values.items()}
        )
        changed = [name.removesuffix("_ms") for name in _differing(job, changes)]
        self._events.note(now, "edit", job.id, ", ".join([*changed, *(["requeued"] if requeue else [])]) or None)

    def intern(self, changes: dict[str, Any], *, now: int) -> dict[str, Any]:
        """Return `changes` with the number of the snapshot in place of its content, in a transaction of its own."""
        with self._database.transaction():
            return self.interned(changes, now=now)

    def interned(self, changes: dict[str, Any], *, now: int) -> dict[str, Any]:
        """Do the same within a transaction."""
        if "snapshot" not in changes:
            return changes
        content = changes["snapshot"]
        others = {name: value for name, value in changes.items() if name != "snapshot"}
        return others | {"environment": None if content is None else intern(self._database, content, now=now)}

    def _each(
        self,
        verb: str,
        statement: str,
        participle: str,
        ids: Sequence[str],
        *,
        done: frozenset[JobState],
        now: int,
        **words: Any,
    ) -> list[str]:
        """Change each job; return the queues of those that were not in a state of `done` already."""
        queues = []
        with self._database.transaction():
            self._database.lock_jobs(ids)
            if done:
                ids = [id_ for id_, state in self._jobs.states(ids).items() if state not in done]
            kept = self._events.keeping.before_by_id(ids) if self._events.keeping else []
            for id_ in ids:
                rows = self._database.rows(statement, id=id_, now=now, **words)
                if not rows:
                    self._refuse(id_, verb, participle)
                queues.append(rows[0][0])
                self._events.note(now, verb, id_, str(words["priority"]) if words else None)
            if self._events.keeping:
                self._events.keeping.after(kept)
        return queues

    def _refuse(self, id_: str, verb: str, done: str) -> None:
        state = self._jobs.state(id_)
        hint = None
        if state is JobState.PROCESSING:
            hint = f"end it first: queuectl cancel {id_}"
        elif state in FINAL and verb != "release":
            hint = f"run it again: queuectl retry {id_}"
        raise Refused(f"job {id_} is {state} and cannot be {done}", hint=hint)


def stored(name: str, value: Any) -> Any:
    """Return the value of a field of a job as its column holds it."""
    if name == "env":
        return json.dumps(dict(value), ensure_ascii=False) if value else None
    if name == "tags":
        return f" {' '.join(value)} " if value else None
    return " ".join(value) or None if name == "needs" else value


def _differing(job: Job, changes: dict[str, Any]) -> list[str]:
    return [name for name, value in changes.items() if value != getattr(job, name)]


def _check(job: Job, changes: dict[str, Any], called: Mapping[str, str]) -> None:
    """Refuse a change that would leave the job in an invalid state."""
    retries = changes.get("max_retries", job.max_retries)
    if job.state in WAITING and retries < job.attempts:
        raise UsageError(
            f"job {job.id} has used {job.attempts} tries,"
            f" so {called.get('max_retries', 'max_retries')} must be at least {job.attempts}",
            hint="--retry runs the job again with a fresh set of retries",
        )
    for name in ("max_retries", "run_at"):
        if job.state in FINAL and changes.get(name, getattr(job, name)) != getattr(job, name):
            raise UsageError(
                f"job {job.id} is {job.state}: {called.get(name, name)} has an effect only if it runs again",
                hint="add --retry to run the job again with the change",
            )
