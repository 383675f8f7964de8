"""Soundness of a queue at rest: its rows, processes, files and ledger are compared."""

from __future__ import annotations

import os
import time
from collections import Counter

from queuectl.domain.job import JobState
from queuectl.runtime import locks
from queuectl.selftest.leak_check import processes_of
from queuectl.selftest.ledger import judge, read
from tests.support.waiting import PATIENCE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from queuectl.store.store import Store
    from tests.support.queue import Queue


def assert_sound(
    queue: Queue,
    ledger: Path | str,
    acknowledged: Iterable[str] = (),
    *,
    clock_jumped: bool = False,
    seconds: float = PATIENCE,
) -> None:
    """Assert that nothing was lost, duplicated or left behind.

    Waits until no job runs and all dead workers have been reaped. Idle pools may still be there. `clock_jumped` skips
    the one invariant that compares two times of the wall clock.
    """
    deadline = time.monotonic() + seconds
    while (left := [*left_behind(queue)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not left, left
    rows = [*untrue_rows(queue.context.store, acknowledged, clock_jumped=clock_jumped)]
    assert not rows, rows
    testimony = [*untrue_testimony(queue.context.store, ledger)]
    assert not testimony, testimony


def untrue_rows(store: Store, acknowledged: Iterable[str], *, clock_jumped: bool = False) -> Iterator[str]:
    """Yield what is wrong in the rows of the store."""
    for checked in store.invariants():
        if checked.broken and not (clock_jumped and checked.name == "overlap"):
            yield f"{checked.sentence}: not so for {', '.join(checked.broken)}"
    rows = Counter(each.job.id for each in store.jobs.listing(limit=0))
    for id_, times in Counter(acknowledged).items():
        if times != 1 or rows[id_] != 1:
            yield f"{id_} was acknowledged {times} times, and is in the store {rows[id_]} times"


def untrue_testimony(store: Store, ledger: Path | str) -> Iterator[str]:
    """Yield what the jobs' own ledger contradicts."""
    entries = read(str(ledger))
    for violation in judge(entries):
        yield f"{violation.job}: {violation.sentence}"
    numbers = {each.job.id: each.job.seq for each in store.jobs.listing(limit=0)}
    runs = {(id_, attempt.attempt) for id_, seq in numbers.items() for attempt in store.jobs.attempts(seq)}
    for id_, attempt in sorted({(entry.job, entry.attempt) for entry in entries if entry.word != "torn"} - runs):
        yield f"{id_}: attempt {attempt} ran, and the store has no run of it"


def left_behind(queue: Queue) -> Iterator[str]:
    """Yield what should not exist once no job runs: attempts, their processes and locks, files of dead workers."""
    for each in queue.context.store.jobs.listing(states=[JobState.PROCESSING], limit=0):
        yield f"job {each.job.id} runs"
    for pid, cookie in processes_of(os.path.realpath(queue.path)).items():
        yield f"process {pid} of attempt {cookie} lives"
    run_dir = queue.context.run_dir
    workers, pools = (
        {name for name in _names(path) if not _is_free(path, name)} for path in (run_dir.workers, run_dir.pools)
    )
    for path, living in ((run_dir.workers, workers), (run_dir.pools, pools)):
        yield from (f"{path}/{name} has no owner" for name in _names(path) if name not in living)
    for name in _names(run_dir.attempts):
        if name.partition(".")[0] not in workers:
            yield f"{run_dir.attempts}/{name} has no owner"
        elif not _is_free(run_dir.attempts, name):
            yield f"{run_dir.attempts}/{name} is held by something of an attempt"
    for name in _names(run_dir.bells):
        kind, _, owner = name.partition("-")
        if {"w": owner not in workers, "p": owner not in pools}.get(kind, False):
            yield f"{run_dir.bells}/{name} has no owner"
    yield from (f"{run_dir.live}/{name} is output of a finished attempt" for name in _names(run_dir.live))


def _names(path: str) -> list[str]:
    try:
        return sorted(os.listdir(path))
    except FileNotFoundError:
        return []  # no pool was ever started


def _is_free(directory: str, name: str) -> bool:
    return locks.is_free(os.path.join(directory, name))
