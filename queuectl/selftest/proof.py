"""Proof of the promise after a stress run: store, ledger, acknowledgements and leftovers must agree."""

from __future__ import annotations

from queuectl.domain.attempt import MAX_LOSSES, Outcome
from queuectl.domain.job import FINAL, JobState
from queuectl.domain.record import record
from queuectl.selftest.ledger import Violation, crowded, judge
from queuectl.selftest.workload import LIMIT, LIMITED, must_end

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from queuectl.domain.attempt import Attempt
    from queuectl.domain.job import Job
    from queuectl.selftest.ledger import Entry
    from queuectl.selftest.stress_run import Evidence
    from queuectl.store.store import Store

_ENDS = frozenset({Outcome.SUCCESS, Outcome.EXIT})
"""The outcomes of attempts whose command ran to its end."""
_EVERY = 500
_OF_THE_SERVER = frozenset({"server", "connections", "durability", "vacuum"})
"""Findings on a server's set-up and other use, which are not about the queue."""


@record
class Found:
    """The results of the proof."""

    jobs: Mapping[str, int]
    """The number of jobs in each state."""
    runs: int
    recoveries: int
    """Attempts that were lost with their worker."""
    slowest_recovery_ms: int | None
    """From the kill of a worker until its job had been put back; None if none was."""
    violations: tuple[Violation, ...]


class Proof:
    """The proof of one stress run."""

    def __init__(
        self,
        store: Store,
        entries: Sequence[Entry],
        evidence: Evidence,
        *,
        must_end: Callable[[str], JobState | None] = must_end,
    ) -> None:
        """Check the `entries` of the ledger and the `evidence` against `store`, which is no longer written to.

        `must_end` returns the expected final state of the job with an id; None if the id is unknown.
        """
        self._store = store
        self._entries = entries
        self._evidence = evidence
        self._must_end = must_end
        self.runs: dict[tuple[str, int], Attempt] = {}
        """Attempts by job id and number, once `find` has read them."""
        self.jobs: dict[str, Job] = {}

    def find(self, progress: Callable[[int, int, str], None]) -> Found:
        """Check every job and every run. `progress` is called with done, total and unit."""
        total = sum(count for _, _, count in self._store.counts())
        for done, each in enumerate(self._store.jobs.listing(limit=0)):
            self.jobs[each.job.id] = each.job
            for attempt in self._store.jobs.attempts(each.job.seq):
                self.runs[each.job.id, attempt.attempt] = attempt
            if done % _EVERY == 0:
                progress(done, total, "jobs proven")
        states = [job.state.value for job in self.jobs.values()]
        lost = [attempt for attempt in self.runs.values() if attempt.outcome is Outcome.LOST]
        return Found(
            jobs={state: states.count(state) for state in dict.fromkeys(states)},
            runs=len(self.runs),
            recoveries=len(lost),
            slowest_recovery_ms=max(self._recovery_times(lost), default=None),
            violations=tuple(self._violations()),
        )

    def _recovery_times(self, lost: Iterable[Attempt]) -> Iterator[int]:
        for attempt in lost:
            killed_at = self._evidence.killed_at.get(attempt.worker)
            if killed_at is not None and attempt.ended_at is not None:
                yield max(0, attempt.ended_at - killed_at)

    def _violations(self) -> Iterator[Violation]:
        yield from (Violation(job="", sentence=sentence) for sentence in self._evidence.accidents)
        for checked in self._store.invariants():
            for subject in checked.broken:
                yield Violation(job=subject, sentence=f"broken: {checked.sentence}")
        for finding in self._store.findings(thorough=True):
            if finding.cure is not None and finding.name not in _OF_THE_SERVER:
                yield Violation(job="", sentence=finding.detail)
        yield from judge(self._entries)
        yield from crowded(self._entries, {id_ for id_, job in self.jobs.items() if job.queue == LIMITED}, LIMIT)
        yield from self._enqueued()
        yield from self._ended()
        yield from self._testified()

    def _enqueued(self) -> Iterator[Violation]:
        """Check that each acknowledged job is stored, once, and that other jobs may have been stored."""
        acknowledged = set[str]()
        for id_ in self._evidence.acknowledged:
            if id_ in acknowledged:
                yield Violation(job=id_, sentence="was acknowledged twice")
            acknowledged.add(id_)
            if id_ not in self.jobs:
                yield Violation(job=id_, sentence="was acknowledged, and is not in the store")
        for id_ in self.jobs:
            if id_ not in acknowledged and id_ not in self._evidence.asked:
                yield Violation(job=id_, sentence="is in the store, and was not acknowledged")

    def _ended(self) -> Iterator[Violation]:
        """Check that every job is final, and ended as its kind must, or was lost too often."""
        for id_, job in self.jobs.items():
            wanted = self._must_end(id_)
            if job.state not in FINAL:
                yield Violation(job=id_, sentence=f"is still {job.state.value}")
            elif job.state is not wanted and not (job.state is JobState.DEAD and job.losses >= MAX_LOSSES):
                expected = "unknown here" if wanted is None else f"meant to end {wanted.value}"
                latest = self.runs.get((id_, job.fence))
                outcome = "nothing" if latest is None or latest.outcome is None else latest.outcome.value
                yield Violation(job=id_, sentence=f"is {job.state.value} ({outcome}), and was {expected}")

    def _testified(self) -> Iterator[Violation]:
        """Check that each run in the ledger is in the store, and that each completed run is in the ledger."""
        ended = {(entry.job, entry.attempt) for entry in self._entries if entry.word == "end"}
        started = {(entry.job, entry.attempt) for entry in self._entries if entry.word == "start"}
        for id_, attempt in sorted(started - self.runs.keys()):
            yield Violation(job=id_, sentence=f"attempt {attempt} began, and the store has no record of it")
        for id_, attempt in sorted(ended - started):
            yield Violation(job=id_, sentence=f"attempt {attempt} ended, and never began")
        for (id_, number), run in self.runs.items():
            if run.outcome in _ENDS and (id_, number) not in ended:
                yield Violation(
                    job=id_,
                    sentence=f"attempt {number} is recorded as {run.outcome}, and the ledger has no end of it",
                )
