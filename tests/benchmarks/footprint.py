"""Figures of a pool at rest and under a flood: latency, processor, memory, disk."""

from __future__ import annotations

import time
from pathlib import Path

from queuectl.domain.job import NewJob
from tests.benchmarks.figure import Figure, percentile
from tests.benchmarks.stage import Stage, family

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.operations.context import Context

WORKERS = 8
FLOOD = 10_000_000_000


def latency(rounds: int) -> list[Figure]:
    """From the return of an enqueue to the first thing that the job does, with idle workers."""
    with Stage() as stage:
        waits = waits_on(stage, rounds * 60)
    p50, p99 = percentile(waits, 0.5), percentile(waits, 0.99)
    return [
        Figure(
            what=f"enqueue returned → job started, {WORKERS} idle workers, {len(waits)} jobs",
            value=f"p50 {p50:.1f} ms, p99 {p99:.1f} ms",
            target="p50 ≤ 5 ms, p99 ≤ 25 ms",
            met=p50 <= 5 and p99 <= 25,
            detail=f"max {max(waits):.1f} ms",
        )
    ]


def waits_on(stage: Stage, jobs: int) -> list[float]:
    """Milliseconds from the return of each enqueue to the first thing that its job does."""
    waits = []
    stage.start_pool(WORKERS)
    context = stage.context()
    for number in range(jobs):
        mark = stage.directory / f"{number}"
        # The job's own first act: `date` has to be loaded for it, which counts against us.
        context.store.jobs.enqueue([NewJob(command=f"date +%s%N > {mark}")], max_retries=0, now=context.now())
        context.ring_for_queues(["default"])
        returned = time.time_ns()
        while not (mark.exists() and (text := mark.read_text())):
            time.sleep(0.001)
        waits.append((int(text) - returned) / 1e6)
        _settle(context)
    context.close()
    return waits


def _settle(context: Context) -> None:
    """Wait until the job is final and every worker is idle again."""
    while any(state in {"pending", "processing"} for _, state, _ in context.store.counts()):
        time.sleep(0.002)
    time.sleep(0.01)


def at_rest(rounds: int) -> list[Figure]:
    """Processor time and memory of a pool that has nothing to do."""
    seconds = 10 * rounds
    with Stage() as stage:
        supervisor = stage.start_pool(WORKERS)
        time.sleep(2)
        before = sum(processor_nanoseconds(pid) for pid in family(supervisor))
        slept = sum(_sleeps(pid) for pid in family(supervisor))
        time.sleep(seconds)
        processes = family(supervisor)
        woken = (sum(_sleeps(pid) for pid in processes) - slept) / seconds
        used = (sum(processor_nanoseconds(pid) for pid in processes) - before) / 1e9
        memory = sum(_pss(pid) for pid in processes) / 1024
    share = 100 * used / seconds
    return [
        Figure(
            what=f"processor of {WORKERS} idle workers, their supervisor and steward, over {seconds} s",
            value=f"{share:.2f} % of a core",
            target="< 0.5 %",
            met=share < 0.5,
        ),
        Figure(
            what="how often they wake up",
            value=f"{woken:.1f} times a second",
            target="< 10",
            met=woken < 10,
        ),
        Figure(
            what=f"proportional memory of {WORKERS} idle workers, their supervisor and steward",
            value=f"{memory:.0f} MiB",
            target="≤ 40 MiB",
            met=memory <= 40,
            detail=f"{len(processes)} processes",
        ),
    ]


def flood(_rounds: int) -> list[Figure]:
    """One job that prints ten gigabytes."""
    with Stage() as stage:
        stage.start_pool(1)
        context = stage.context()
        (worker,) = context.store.workers.running_workers()
        before = peak = _rss(worker.pid)
        context.store.jobs.enqueue(
            [NewJob(command=f"head -c {FLOOD} /dev/zero", id="flood")], max_retries=0, now=context.now()
        )
        context.ring_for_queues(["default"])
        start = time.perf_counter()
        while context.store.jobs.state("flood") not in {"completed", "dead"}:
            peak = max(peak, _rss(worker.pid))
            time.sleep(0.05)
        taken = time.perf_counter() - start
        found = context.store.jobs.get("flood").job
        assert found.state == "completed"
        assert context.store.jobs.output(found.seq, 1)[0].total == FLOOD
        disk = sum(file.stat().st_size for file in Path(stage.directory).glob("queue.db*") if file.is_file())
        context.close()
    grown, stored = (peak - before) / 1024, disk / 2**20
    return [
        Figure(
            what="a job that prints 10 GB: growth of its worker's memory",
            value=f"{grown:.1f} MiB",
            target="< 50 MiB",
            met=grown < 50,
            detail=f"{FLOOD / taken / 1e9:.2f} GB/s",
        ),
        Figure(
            what="the same: size of the store with its write-ahead log",
            value=f"{stored:.1f} MiB",
            target="< 3 MiB",
            met=stored < 3,
        ),
    ]


def _sleeps(pid: int) -> int:
    """How often the process has gone to sleep."""
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("voluntary_ctxt_switches"))


def processor_nanoseconds(pid: int) -> int:
    """Processor time as the scheduler counts it: /proc/PID/stat counts in ticks, which miss a process that naps."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


def _pss(pid: int) -> int:
    return _kib(f"/proc/{pid}/smaps_rollup", "Pss:")


def _rss(pid: int) -> int:
    return _kib(f"/proc/{pid}/status", "VmRSS:")


def _kib(path: str, key: str) -> int:
    return next(int(line.split()[1]) for line in Path(path).read_text().splitlines() if line.startswith(key))
