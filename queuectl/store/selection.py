"""Actions on all jobs that a filter selects, a thousand jobs a transaction.

The selection is of one moment: jobs enqueued later are left out, and each job is seen once. A job whose state does not
allow the action when its turn comes is left as it is.
"""

from __future__ import annotations

import json
from heapq import merge
from itertools import islice

from queuectl.domain.job import FINAL, READY, WAITING, JobState
from queuectl.domain.record import record
from queuectl.store.criteria import criteria
from queuectl.store.pace import Pace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import Any

    from queuectl.domain.filter import Filter
    from queuectl.store.database import Database
    from queuectl.store.events import Events

_STEP = 1000


@record
class Verb:
    """What an action does to a job."""

    name: str
    """The verb of the command and of the event."""
    participle: str
    """For messages: `cancelled`."""
    statement: str
    fits: frozenset[JobState]
    """States in which a job can be changed."""
    done: frozenset[JobState] = frozenset()
    """States in which the job is already as the action would leave it."""
    ends: frozenset[JobState] = frozenset()
    """States in which the job is ordered to end."""
    wakes: bool = False
    """Whether workers must be woken for the changed jobs."""
    keeps_images: bool = False
    """Whether an undo needs the whole jobs, and not only their states and priorities."""
    by_row: bool = False
    """Whether more than the state decides what is done to a job, so that counts by state do not predict it."""


CANCEL = Verb(
    name="cancel",
    participle="cancelled",
    statement="cancel_these",
    fits=WAITING,
    done=frozenset({JobState.CANCELLED}),
    ends=frozenset({JobState.PROCESSING}),
)
RETRY = Verb(name="retry", participle="retried", statement="retry_these", fits=FINAL | {JobState.FAILED}, wakes=True)
HOLD = Verb(name="hold", participle="held", statement="hold_these", fits=READY, done=frozenset({JobState.HELD}))
RELEASE = Verb(
    name="release",
    participle="released",
    statement="release_these",
    fits=frozenset({JobState.HELD}),
    done=READY,
    wakes=True,
)
PRIORITY = Verb(
    name="priority", participle="given another priority", statement="prioritise_these", fits=WAITING, by_row=True
)
DELETE = Verb(name="delete", participle="deleted", statement="delete_these", fits=FINAL, keeps_images=True)


@record
class Step:
    """What one transaction did."""

    matched: int
    changed: tuple[tuple[str, str], ...]
    """Ids and queues of the jobs that were changed."""
    unchanged: int
    """Jobs that were already as the action would have left them."""
    owners: tuple[str, ...] = ()
    """Workers that run jobs whose cancel was requested."""

    @property
    def skipped(self) -> int:
        """Jobs whose state did not allow the action."""
        return self.matched - len(self.changed) - self.unchanged


class Selection:
    """The jobs that a filter selects now."""

    def __init__(self, database: Database, events: Events, chosen: Filter, last: int | None = None) -> None:
        """Select by `chosen` in `database`, of the jobs up to number `last` (None: all); record actions in `events`."""
        self._database = database
        self._events = events
        self._states = tuple(dict.fromkeys(chosen.states)) or (None,)
        self._words = criteria(chosen, database)
        self.last: int = database.rows("last_seq")[0][0] if last is None else last

    def counts(self) -> list[tuple[str, JobState, int]]:
        """Return the number of the selected jobs by queue and state."""
        rows = self._database.rows("count_selected", last=self.last, **self._words)
        return [
            (queue, JobState(state), n)
            for queue, state, n in sorted(rows)
            if self._states == (None,) or state in self._states
        ]

    def pages(self, after: int = 0, *, among: Collection[JobState] | None = None) -> Iterator[list[int]]:
        """Yield the numbers of the selected jobs above `after`, the oldest first; only those in `among`, if given."""
        states = self._states
        if among is not None:
            states = tuple(each for each in among if states == (None,) or each in states)
        while True:
            streams = [self._page(state, after) for state in states]
            seqs = streams[0] if len(streams) == 1 else list(islice(merge(*streams), _STEP))
            if not seqs:
                return
            yield seqs
            after = seqs[-1]

    def _page(self, state: JobState | None, after: int) -> list[int]:
        name, of_state = ("select_jobs", {}) if state is None else ("select_jobs_in_state", {"state": state.value})
        rows = self._database.rows(name, after=after, last=self.last, limit=_STEP, **of_state, **self._words)
        return [seq for (seq,) in rows]

    def ids(self) -> Iterator[list[str]]:
        """Yield the ids of the selected jobs, the oldest first."""
        for seqs in self.pages():
            yield [id_ for (id_,) in self._database.rows("ids_of_these", seqs=json.dumps(seqs))]

    def apply(self, verb: Verb, *, now: int, detail: str, signal: int = 0, **words: Any) -> Iterator[Step]:
        """Do `verb` to the selected jobs; yield what each transaction did.

        `detail` describes the selection in the one event of the action; `signal` is for running jobs of a cancel, and
        `words` are parameters of the statement.
        """
        noted, pace = False, Pace(self._database)
        for seqs in (part for page in self.pages() for part in pace.parts(page)):
            with pace.step():
                step = self._apply_to(seqs, verb, now=now, signal=signal, words=words)
                if step.changed and not noted:
                    self._events.note(now, verb.name, None, detail)
                    noted = True
            yield step

    def rehearse(self, verb: Verb, **words: Any) -> Iterator[Step]:
        """Yield what each step of `apply` would do now, without a change or a lock."""
        for seqs in self.pages():
            found = self._sorted(seqs, verb, words, locks=False)
            doomed = json.dumps(sorted([*found.fit, *found.running]))
            rows = self._database.rows("queues_of_these", seqs=doomed)
            # An edit may move the jobs to another queue.
            changed = tuple((id_, words.get("queue") or queue) for id_, queue in rows)
            yield Step(matched=len(seqs), changed=changed, unchanged=found.unchanged)

    def _apply_to(self, seqs: list[int], verb: Verb, *, now: int, signal: int, words: dict[str, Any]) -> Step:
        found = self._sorted(seqs, verb, words, locks=True)
        kept = self._keep(found.fit, verb)
        changed: list[tuple[str, str]] = []
        if found.fit:
            rows = sorted(self._database.rows(verb.statement, seqs=json.dumps(found.fit), now=now, **words))
            changed = [(id_, queue) for _, id_, queue in rows]
        if kept and self._events.keeping:
            self._events.keeping.after(kept)
        owners: set[str] = set()
        if found.running:
            running = json.dumps(found.running)
            for _, id_, queue, owner in self._database.rows(
                "cancel_running_these", seqs=running, signal=signal, now=now
            ):
                changed.append((id_, queue))
                owners.add(owner)
        return Step(matched=len(seqs), changed=tuple(changed), unchanged=found.unchanged, owners=tuple(sorted(owners)))

    def _sorted(self, seqs: list[int], verb: Verb, words: dict[str, Any], *, locks: bool) -> _Sorted:
        """Sort jobs of a page, which was read without locks, by what the action does to them now."""
        as_json = json.dumps(seqs)
        rows = self._database.rows("states_of_these" if locks else "look_at_these", seqs=as_json)
        # A job that does not match any more is left as it is.
        matching = {seq for (seq,) in self._database.rows("select_these", seqs=as_json, **self._words)}
        jobs = {
            seq: (JobState(state), priority)
            for seq, state, priority in rows
            if seq in matching and (self._states == (None,) or state in self._states)
        }
        fit = sorted(seq for seq, (state, _) in jobs.items() if state in verb.fits)
        same, unfit = set[int](), frozenset[int]()
        if verb.by_row:
            same, unfit = self._judge(fit, {seq: priority for seq, (_, priority) in jobs.items()}, words)
        return _Sorted(
            fit=[seq for seq in fit if seq not in same and seq not in unfit],
            unchanged=sum(state in verb.done for state, _ in jobs.values()) + len(same),
            running=sorted(seq for seq, (state, _) in jobs.items() if state in verb.ends),
        )

    def _judge(
        self, fit: list[int], priorities: dict[int, int], words: dict[str, Any]
    ) -> tuple[set[int], frozenset[int]]:
        """Return which of the jobs are already as the action would leave them, and to which it cannot be done."""
        wanted = words.get("priority")
        return {seq for seq in fit if priorities[seq] == wanted}, frozenset()

    def _keep(self, seqs: list[int], verb: Verb) -> list[int]:
        """Record the jobs for an undo; return those whose images after the action are needed too."""
        if self._events.keeping is None:
            return []
        if verb.keeps_images:
            kept = self._events.keeping.before(seqs, deleted=verb is DELETE)
            return [] if verb is DELETE else kept
        self._events.keeping.states(seqs)
        return []


@record
class _Sorted:
    """The jobs of a page by what an action does to them."""

    fit: list[int]
    """It changes these."""
    unchanged: int
    running: list[int]
    """It orders these to end."""
