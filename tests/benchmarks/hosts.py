"""A curve: more and more workers on four hosts, with one server for all of them.

A host is a process with a directory and a name of its own (a UTS namespace, where we may make one). Its workers are
simulated (crew.py): two hundred real ones, each with an interpreter and a shell, would measure this machine and not the
server. There is no target: it shows where the server becomes the limit.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from tests.benchmarks.figure import Figure, percentile
from tests.benchmarks.server import server
from tests.benchmarks.stage import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.postgres import Server

HOSTS = 4
IDLE = 20.0
"""Seconds of which the idle ones are watched: they do something every five."""
STEPS = (25, 50, 100, 200)
JOB_MS = 100
SECONDS_A_ROUND = 2


def hosts(rounds: int) -> list[Figure]:
    """The curve, the same workers without a pause between jobs, and the same workers with nothing to do."""
    return list(_curve(SECONDS_A_ROUND * rounds))


def _curve(seconds: float) -> Iterator[Figure]:
    with server() as on:
        for workers in STEPS:
            yield _measured(
                on,
                f"jobs of {JOB_MS / 1000} s",
                workers,
                job_ms=JOB_MS,
                jobs=round(workers * seconds * 12),
                seconds=seconds,
            )
        yield _measured(on, "jobs of no time", STEPS[-1], job_ms=0, jobs=round(6000 * seconds), seconds=seconds)
        yield _measured(on, "idle", STEPS[-1], job_ms=JOB_MS, jobs=0, seconds=max(seconds, IDLE))


def _measured(on: Server, what: str, workers: int, *, job_ms: int, jobs: int, seconds: float) -> Figure:
    url = on.create()
    directory = Path(tempfile.mkdtemp(prefix=".bench-", dir=ROOT))
    with psycopg.connect(url, autocommit=True) as watching:
        watching.execute("SET search_path = queuectl")
        if jobs:
            watching.execute(
                "INSERT INTO jobs (seq, id, command, queue, max_retries, run_at, created_at, updated_at)"
                f" SELECT n, n, 'true', 'default', 3, 1, 1, 1 FROM generate_series(1, {jobs}) AS n"
            )
        watching.execute("VACUUM ANALYZE")
        shares = [(workers + number) // HOSTS for number in range(HOSTS)]
        crews = [_crew(url, directory, number, share, job_ms, seconds) for number, share in enumerate(shares)]
        for crew in crews:
            assert crew.stdout is not None
            assert crew.stdout.readline() == b"ready\n"
        commits, used, start = _commits(watching), _processor(on), time.perf_counter()
        for crew in crews:
            assert crew.stdin is not None
            crew.stdin.close()
        # In the middle of it, so that neither the beginning nor the end counts.
        time.sleep(seconds * 0.9)
        taken = time.perf_counter() - start
        commits, used = _commits(watching) - commits, _processor(on) - used
        ((connections,),) = watching.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
        learned = []
        for crew in crews:
            assert crew.stdout is not None
            learned.append(json.loads(crew.stdout.read()))
            crew.stdout.close()
            assert crew.wait() == 0
    shutil.rmtree(directory)
    on.drop(url)
    took = [each * 1000 for crew in learned for each in crew["took"]]
    done = sum(crew["done"] for crew in learned) / seconds
    speed = f"{done:,.0f} jobs/s" if jobs else f"{commits / taken:,.0f} transactions/s"
    waits = f", claim p50 {percentile(took, 0.5):.1f} ms, p99 {percentile(took, 0.99):.1f} ms" if took else ""
    return Figure(
        what=f"PostgreSQL: {workers} simulated workers on {HOSTS} hosts, {what}",
        value=speed,
        target="none",
        met=True,
        detail=f"server {100 * used / taken:.0f} % of a core, {commits / taken:,.0f} transactions/s{waits},"
        f" {connections} connections",
    )


def _crew(url: str, directory: Path, number: int, workers: int, job_ms: int, seconds: float) -> subprocess.Popen[bytes]:
    """Start the workers of one host."""
    host = f"host{number}"
    home = directory / host
    home.mkdir()
    work = [sys.executable, "-m", "tests.benchmarks.crew", url, host, *map(str, (workers, job_ms, seconds))]
    if os.geteuid() == 0 and shutil.which("unshare"):
        work = ["unshare", "--uts", "sh", "-c", 'hostname "$1" && shift && exec "$@"', "sh", host, *work]
    return subprocess.Popen(
        work,
        cwd=ROOT,
        env={**os.environ, "XDG_DATA_HOME": str(home)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def _commits(watching: psycopg.Connection[tuple[int, ...]]) -> int:
    """Transactions that are over, as far as the backends have reported them."""
    ((commits,),) = watching.execute(
        "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
    ).fetchall()
    return commits


def _processor(on: Server) -> float:
    """Seconds of processor time of the server's processes, those that are gone included."""
    ticks = 0
    postmaster = on.pid
    for pid in [postmaster, *map(int, Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split())]:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # gone since: the postmaster has its time now
        ticks += sum(map(int, fields[11:13])) + (sum(map(int, fields[13:15])) if pid == postmaster else 0)
    return ticks / os.sysconf("SC_CLK_TCK")
