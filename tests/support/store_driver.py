"""A store with simulated workers: claims and results without any process."""

from __future__ import annotations

import random

import pytest

from queuectl.domain.attempt import NOTHING, Outcome, Output, Result
from queuectl.domain.backoff import Backoff
from queuectl.domain.job import NewJob
from queuectl.domain.worker import PoolInfo, WorkerInfo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl.domain.job import JobState
    from queuectl.store.claims import Claims
    from queuectl.store.rows import Claim
    from queuectl.store.store import Store

ON_SQLITE = pytest.mark.parametrize("open_store", ["sqlite"], indirect=True)
"""For a test of SQLite's files or query plans."""
BACKOFF = Backoff(delay=0.5, base=2, maximum=3600)
START = 1_700_000_000_000


def printed(text: str | bytes) -> Output:
    data = text.encode() if isinstance(text, str) else text
    return Output(head=data, tail=b"", total=len(data))


def steps_of(store: Store, act: Callable[[], object]) -> int:
    """Return how many instructions of its virtual machine SQLite executes while `act` runs."""
    connection = store.database._connection  # type: ignore[attr-defined]  # SQLite's
    steps = 0

    def step() -> bool:
        nonlocal steps
        steps += 1
        return False

    connection.set_progress_handler(step, 1)
    act()
    connection.set_progress_handler(None)
    assert steps
    return steps


def finish_and_claim(
    claims: Claims, claim: Claim, worker: str, result: Result, *, now: int
) -> tuple[JobState | None, Claim | None]:
    """Record one result and claim one job, in one transaction."""
    exchanged = claims.exchange([(claim, result)], worker, backoff=BACKOFF, random=random.Random(1), now=now)
    return exchanged.states[0], next(iter(exchanged.claims), None)


class Stage:
    """The store, its workers, and a clock that only the test advances."""

    def __init__(self, store: Store, *workers: str, now: int = START) -> None:
        self.store = store
        self.now = now
        store.workers.add_pool(PoolInfo(id="pool", host="here", pid=1, queues=(), size=len(workers)), now=now)
        for worker in workers or ("w",):
            self.add(worker)

    def add(self, worker: str) -> None:
        info = WorkerInfo(id=worker, pool="pool", host="here", boot_id="boot", pid=2, pid_start=3)
        self.store.workers.add_worker(info, now=self.now)

    def enqueue(self, *jobs: NewJob | str, max_retries: int = 3) -> list[str]:
        new = [job if isinstance(job, NewJob) else NewJob(command="true", id=job) for job in jobs]
        return self.store.jobs.enqueue(new, max_retries=max_retries, now=self.now)

    def claim(self, worker: str = "w", *queues: str) -> Claim | None:
        claims = self.store.claims(queues)
        claim = claims.claim(worker, now=self.now)
        if claim is not None:
            claims.begun(claim, now=self.now)
        return claim

    def take(self, worker: str = "w") -> Claim:
        claim = self.claim(worker)
        assert claim is not None, "nothing is due"
        return claim

    def finish(
        self, claim: Claim, outcome: Outcome = Outcome.SUCCESS, worker: str = "w", *, out: str = "", err: str = ""
    ) -> JobState | None:
        code = {Outcome.SUCCESS: 0, Outcome.EXIT: 1}.get(outcome)
        result = Result(
            outcome=outcome,
            duration_ms=10,
            exit_code=code,
            signal=9 if outcome is Outcome.SIGNAL else None,
            stdout=printed(out) if out else NOTHING,
            stderr=printed(err) if err else NOTHING,
        )
        rng = random.Random(1)
        return self.store.claims().finish(claim, worker, result, backoff=BACKOFF, random=rng, now=self.now)

    def run(self, outcome: Outcome = Outcome.SUCCESS, *, out: str = "", err: str = "") -> str:
        """Claim the next due job, however late it is due, end it, and return its id."""
        due = self.store.claims().next_due()
        assert due is not None, "nothing waits"
        self.now = max(self.now, due)
        claim = self.take()
        self.now += 10
        assert self.finish(claim, outcome, out=out, err=err) is not None
        return claim.id

    def counts(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for _, state, number in self.store.counts():
            found[state] = found.get(state, 0) + number
        return {state: number for state, number in found.items() if number}

    def check(self) -> None:
        """Assert that every invariant holds."""
        broken = {checked.name: checked.broken for checked in self.store.invariants() if checked.broken}
        assert not broken
