"""Figures against a peer: drain, start-up, bulk enqueue."""

from __future__ import annotations

import time

from tests.benchmarks.figure import Figure, middle, paired
from tests.benchmarks.stage import QUEUECTL, Stage, python, timed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl.operations.context import Context

JOBS = 4000
LINES = 100_000
GROWN = 10_000_000


def drain(rounds: int) -> list[Figure]:
    """4,000 jobs that do nothing: the whole protocol against a program that stores nothing."""
    peer = f"seq {JOBS} | xargs -P8 -n1 sh -c true"

    def ours() -> float:
        with Stage() as stage:
            stage.run("enqueue", "--lines", "-f", "-", given=b"true\n" * JOBS)
            return JOBS / timed([QUEUECTL, "worker", "start", "--count", "8", "--drain"], env=stage.environment)

    def xargs() -> float:
        return JOBS / timed(["/bin/sh", "-c", peer])

    ratio, mine, theirs = paired(ours, xargs, rounds=rounds)
    return [
        Figure(
            what=f"drain {JOBS:,} `true` jobs, 8 workers, from start to exit / `xargs -P8 sh -c true`",
            value=f"{ratio:.2f}",
            target="≥ 1.0 of its jobs/s",
            met=ratio >= 1.0,
            detail=f"{middle(mine):,.0f} / {middle(theirs):,.0f} jobs/s",
        )
    ]


def start_up(rounds: int) -> list[Figure]:
    """One process that enqueues one job."""
    with Stage() as stage:
        stage.run("enqueue", "true")
        ratio, mine, theirs = paired(
            lambda: timed([QUEUECTL, "enqueue", "true"], env=stage.environment),
            lambda: timed([python(), "-c", "import apsw, json"]),
            rounds=rounds * 10,
        )
    return [
        Figure(
            what="one `queuectl enqueue` / `python -c 'import apsw, json'`",
            value=f"{ratio:.2f}",
            target="≤ 1.25 of its time",
            met=ratio <= 1.25,
            detail=f"{middle(mine) * 1000:.1f} / {middle(theirs) * 1000:.1f} ms",
        )
    ]


def bulk(rounds: int) -> list[Figure]:
    """100,000 lines through the command, against a bare executemany into the same tables, both as processes."""
    lines = b"".join(b"echo %d\n" % number for number in range(LINES))
    bare = """
import sys, apsw
connection = apsw.Connection(sys.argv[1])
connection.execute("PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY")
with connection:
    connection.executemany(
        "INSERT INTO jobs (id, command, queue, max_retries, run_at, created_at, updated_at)"
        " VALUES (?, ?, 'default', 3, 0, 0, 0)",
        ((str(number), line.rstrip("\\n")) for number, line in enumerate(sys.stdin, 1)))
"""

    def ours() -> float:
        with Stage() as stage:
            stage.run("worker", "start", "--drain")  # creates the store
            return LINES / timed([QUEUECTL, "enqueue", "--lines", "-f", "-"], given=lines, env=stage.environment)

    def executemany() -> float:
        with Stage() as stage:
            stage.run("worker", "start", "--drain")  # creates the store
            return LINES / timed([python(), "-c", bare, stage.path], given=lines)

    ratio, mine, theirs = paired(ours, executemany, rounds=rounds)
    return [
        Figure(
            what=f"enqueue {LINES:,} lines / a bare `executemany` into the same tables",
            value=f"{ratio:.2f}",
            target="≥ 0.6 of its rows/s",
            met=ratio >= 0.6,
            detail=f"{middle(mine):,.0f} / {middle(theirs):,.0f} rows/s",
        )
    ]


def scale(rounds: int) -> list[Figure]:
    """What an operation costs with 10,000,000 finished jobs in the store (3 GB), against 1,000."""
    with Stage() as small, Stage() as large:
        for stage, count in ((small, 1_000), (large, GROWN)):
            fill(stage, count)
        return [
            _scaled(name, work, small, large, rounds)
            for name, work in (
                ("claim + finish", claim_and_finish),
                ("`status`", _status),
                ("first page of `list`", _list),
                ("the console's first page and one in the middle", _console_pages),
            )
        ]


def fill(stage: Stage, count: int) -> None:
    """Finished jobs with their runs, written as the engine writes them but in bulk."""
    context = stage.context()
    context.store.close()
    import apsw

    connection = apsw.Connection(stage.path)
    connection.execute("PRAGMA synchronous = OFF")
    with connection:
        connection.execute(
            "INSERT INTO pools (id, host, pid, queues, size, started_at) VALUES ('p', 'h', 1, '[]', 1, 1)"
        )
        connection.execute(
            "INSERT INTO workers (id, pool, host, boot_id, pid, pid_start, started_at)"
            " VALUES ('w', 'p', 'h', 'b', 1, 1, 1)"
        )
        connection.executemany(
            "INSERT INTO jobs (id, command, queue, state, attempts, fence, max_retries, run_at, created_at, updated_at,"
            " finished_at) VALUES (?, 'echo ' || ?, 'default', 'completed', 1, 1, 3, ?1, ?1, ?1, ?1)",
            ((str(number),) * 2 for number in range(1, count + 1)),
        )
        connection.execute(
            "INSERT INTO runs (job, fence, worker, started_at, ended_at, duration_ms, outcome, exit_code)"
            " SELECT seq, 1, 'w', seq, seq, 1, 'success', 0 FROM jobs"
        )
    connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    connection.close()


def claim_and_finish(stage: Stage) -> float:
    """Seconds of a claim and its result."""
    import random

    from queuectl.domain.attempt import Outcome, Result
    from queuectl.domain.job import NewJob

    context = stage.context()
    store = context.open_store(actor="w", durable=False)
    number = 500
    store.jobs.enqueue([NewJob(command="true") for _ in range(number)], max_retries=0, now=context.now())
    claims, backoff, rng = store.claims(), context.settings.backoff, random.Random(1)
    result = Result(outcome=Outcome.SUCCESS, duration_ms=1, exit_code=0)
    start = time.perf_counter()
    claim = claims.claim("w", now=context.now())
    # As many as were added: others may wait behind them.
    for left in range(number - 1, -1, -1):
        assert claim is not None
        if left:
            exchanged = claims.exchange([(claim, result)], "w", backoff=backoff, random=rng, now=context.now())
            claim = next(iter(exchanged.claims), None)
        else:
            claims.finish(claim, "w", result, backoff=backoff, random=rng, now=context.now())
    taken = time.perf_counter() - start
    store.close()
    context.close()
    return taken / number


def _status(stage: Stage) -> float:
    from queuectl.operations.status import STATUS

    return _repeated(stage, lambda context: STATUS.run(context, STATUS.params()))


def _list(stage: Stage) -> float:
    return _repeated(stage, lambda context: list(context.store.jobs.listing(limit=100)))


def _console_pages(stage: Stage) -> float:
    from queuectl.domain.filter import Filter
    from queuectl.store.job_pages import Sort

    def pages(context: Context) -> None:
        store = context.store
        top = store.job_pages.window(Filter(), Sort.NEWEST, around=None, above=0, below=200)
        middle_ = store.job_pages.window(Filter(), Sort.NEWEST, around=top.rows[0].seq // 2, above=100, below=100)
        assert len(middle_.rows) == len(top.rows) == 200

    return _repeated(stage, pages)


def _repeated(stage: Stage, work: Callable[[Context], object]) -> float:
    context = stage.context()
    context.store.counts()
    start = time.perf_counter()
    for _ in range(50):
        work(context)
    taken = time.perf_counter() - start
    context.close()
    return taken / 50


def _scaled(name: str, work: Callable[[Stage], float], small: Stage, large: Stage, rounds: int) -> Figure:
    ratio, mine, theirs = paired(lambda: work(large), lambda: work(small), rounds=rounds)
    return Figure(
        what=f"{name} with {GROWN:,} finished jobs / with 1,000",
        value=f"{ratio:.2f}",
        target="≤ 1.2",
        met=ratio <= 1.2,
        detail=f"{middle(mine) * 1e6:,.0f} / {middle(theirs) * 1e6:,.0f} µs",
    )
