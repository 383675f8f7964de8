"""Figures of queues on PostgreSQL: against peers on the same server, and against ourselves with a large store."""

from __future__ import annotations

import statistics
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg

from tests.benchmarks import peer
from tests.benchmarks.figure import Figure, middle, paired, percentile
from tests.benchmarks.footprint import WORKERS, waits_on
from tests.benchmarks.speed import LINES, claim_and_finish
from tests.benchmarks.stage import QUEUECTL, Stage, python, timed
from tests.support.postgres import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "autovacuum": "on",
    "max_connections": "300",
    "shared_buffers": "256MB",
}
"""The defaults of a server, with more connections and a little more memory."""
JOBS = 5000
FEW, MANY = 1_000, 10_000_000
JOB = """
    (seq, id, command, queue, state, attempts, fence, max_retries, run_at, created_at, updated_at, finished_at)
    SELECT n, n, 'echo ' || n, 'default', '{state}', {runs}, {runs}, 3, n, n, n, {finished_at}
    FROM generate_series(1, {count}) AS n
"""


@contextmanager
def server(**settings: str) -> Iterator[Server]:
    """A server of our own, which goes away."""
    started = Server(**SETTINGS | settings)
    try:
        yield started
    finally:
        started.close()


def drain(rounds: int) -> list[Figure]:
    """Jobs that do nothing, on one server: the whole protocol against other queues that keep theirs in PostgreSQL."""
    mine: list[float] = []
    theirs: dict[str, list[float]] = {"pgqueuer": [], "procrastinate": []}
    with server() as on:
        # One round more, whose figures are not kept: it warms up.
        for number in range(rounds + 1):
            for name, rates in theirs.items():
                rates.append(peer.drained(on, name, jobs=JOBS, at_once=WORKERS))
            with Stage(on.create()) as stage:
                stage.run("enqueue", "--lines", "-f", "-", given=b"true\n" * JOBS)
                work = [QUEUECTL, "worker", "start", "--count", str(WORKERS), "--drain"]
                mine.append(JOBS / timed(work, env=stage.environment))
                assert stage.run("status", "--json").count(f'"completed": {JOBS}'.encode())
                on.drop(stage.path)
            if number == 0:
                for rates in (mine, *theirs.values()):
                    rates.clear()
    figures = []
    for (name, rates), target in zip(theirs.items(), (1.2, 2.0), strict=True):
        ratio = statistics.median(a / b for a, b in zip(mine, rates, strict=True))
        figures.append(
            Figure(
                what=f"PostgreSQL: drain {JOBS:,} `true` jobs, {WORKERS} workers, from start to exit / {name}",
                value=f"{ratio:.2f}",
                target=f"≥ {target} of its jobs/s",
                met=ratio >= target,
                detail=f"{middle(mine):,.0f} / {middle(rates):,.0f} jobs/s",
            )
        )
    return figures


def scale(rounds: int) -> list[Figure]:
    """What a claim and its result cost with ten million jobs in the store, against a thousand; the disk left out."""
    figures = []
    with server(fsync="off") as on:
        for state, what in (("completed", "finished"), ("pending", "pending")):
            with Stage(on.create()) as small, Stage(on.create()) as large:
                for stage, count in ((small, FEW), (large, MANY)):
                    _fill(stage, state, count)
                ratio, mine, theirs = paired(
                    lambda large=large: claim_and_finish(large),  # type: ignore[misc]  # mypy gives a default no type
                    lambda small=small: claim_and_finish(small),  # type: ignore[misc]  # as above
                    rounds=rounds,
                )
                for stage in (small, large):
                    on.drop(stage.path)
            figures.append(
                Figure(
                    what=f"PostgreSQL: claim + finish with {MANY:,} {what} jobs / with {FEW:,}",
                    value=f"{ratio:.2f}",
                    target="≤ 1.2",
                    met=ratio <= 1.2,
                    detail=f"{middle(mine) * 1e6:,.0f} / {middle(theirs) * 1e6:,.0f} µs",
                )
            )
    return figures


def _fill(stage: Stage, state: str, count: int) -> None:
    """Jobs with their runs and counters, as the engine leaves them but in bulk. The pending ones are due last."""
    done = state == "completed"
    with psycopg.connect(stage.path, autocommit=True) as connection:
        connection.execute("SET search_path = queuectl")
        connection.execute(
            "INSERT INTO pools (id, host, pid, queues, size, started_at) VALUES ('p', 'h', 1, '[]', 1, 1)"
        )
        connection.execute(
            "INSERT INTO workers (id, pool, host, boot_id, pid, pid_start, started_at)"
            " VALUES ('w', 'p', 'h', 'b', 1, 1, 1)"
        )
        connection.execute(
            "INSERT INTO jobs"
            + JOB.format(state=state, runs=int(done), finished_at="n" if done else "NULL", count=count)
        )
        if done:
            connection.execute(
                "INSERT INTO runs (job, fence, worker, started_at, ended_at, duration_ms, outcome, exit_code)"
                " SELECT seq, 1, 'w', seq, seq, 1, 'success', 0 FROM jobs"
            )
        connection.execute(f"SELECT setval('numbers', {count})")
        connection.execute("VACUUM ANALYZE")


def latency(rounds: int) -> list[Figure]:
    """From the return of an enqueue to the first thing that the job does, with idle workers, through the server."""
    with server() as on, Stage(on.create()) as stage:
        waits = waits_on(stage, rounds * 60)
    p50, p99 = percentile(waits, 0.5), percentile(waits, 0.99)
    return [
        Figure(
            what=f"PostgreSQL: enqueue returned → job started, {WORKERS} idle workers, {len(waits)} jobs",
            value=f"p50 {p50:.1f} ms, p99 {p99:.1f} ms",
            target="p50 ≤ 10 ms",
            met=p50 <= 10,
            detail=f"max {max(waits):.1f} ms",
        )
    ]


def bulk(rounds: int) -> list[Figure]:
    """100,000 lines through the command, against a bare COPY into the same tables, both as processes."""
    lines = b"".join(b"echo %d\n" % number for number in range(LINES))
    bare = """
import sys, psycopg
columns = "seq, id, command, queue, max_retries, run_at, created_at, updated_at"
with psycopg.connect(sys.argv[1]) as connection, connection.cursor() as cursor:
    with cursor.copy(f"COPY queuectl.jobs ({columns}) FROM STDIN") as copy:
        for number, line in enumerate(sys.stdin, 1):
            copy.write_row((number, str(number), line.rstrip("\\n"), "default", 3, 0, 0, 0))
"""

    def ours(on: Server) -> float:
        with Stage(on.create()) as stage:
            stage.run("worker", "start", "--drain")  # creates the store
            taken = timed([QUEUECTL, "enqueue", "--lines", "-f", "-"], given=lines, env=stage.environment)
            on.drop(stage.path)
        return LINES / taken

    def copy(on: Server) -> float:
        with Stage(on.create()) as stage:
            stage.run("worker", "start", "--drain")  # creates the store
            taken = timed([python(), "-c", bare, stage.path], given=lines)
            on.drop(stage.path)
        return LINES / taken

    with server() as on:
        ratio, mine, theirs = paired(lambda: ours(on), lambda: copy(on), rounds=rounds)
    return [
        Figure(
            what=f"PostgreSQL: enqueue {LINES:,} lines / a bare `COPY` into the same tables",
            value=f"{ratio:.2f}",
            target="≥ 0.5 of its rows/s",
            met=ratio >= 0.5,
            detail=f"{middle(mine):,.0f} / {middle(theirs):,.0f} rows/s",
        )
    ]
