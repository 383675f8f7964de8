"""Figures of recovery: a killed worker, a hung one, and a stress run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

from queuectl.domain.job import NewJob
from queuectl.runtime.liveness import lives
from tests.benchmarks.figure import Figure, middle
from tests.benchmarks.stage import QUEUECTL, Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl.domain.worker import WorkerInfo
    from queuectl.operations.context import Context

WORKERS = 4
LEASE = 3
MARK = 'date +%s%N > "{directory}/$QUEUECTL_JOB_ID-$QUEUECTL_ATTEMPT"'
OBEYS = MARK + "; sleep 1000"
STUBBORN = "trap '' TERM; " + MARK + "; while :; do sleep 0.05; done"
STRESS = ("--enqueuers", "10", "--jobs", "1000", "--workers", "50", "--kill-every", "200ms")


def reliability(rounds: int) -> list[Figure]:
    """All of them."""
    return [*_killed(rounds * 4), _hung(rounds), _siege()]


def _killed(rounds: int) -> list[Figure]:
    """A worker is killed with -9 while its job runs: from the kill until the job's next first act."""
    figures = []
    for what, command in (("its job's tree obeys TERM", OBEYS), ("the tree ignores TERM", STUBBORN)):
        taken = _again(command, rounds, lambda worker: os.kill(worker.pid, signal.SIGKILL))
        figures.append(
            Figure(
                what=f"kill -9 of a worker → its job runs again, {what}, {rounds} times",
                value=f"median {middle(taken):.2f} s, max {max(taken):.2f} s",
                target="≤ 2 s",
                met=max(taken) <= 2,
            )
        )
    return figures


def _hung(rounds: int) -> Figure:
    """A worker is stopped: from then until its job runs again, on a worker that takes its place."""
    taken = _again(OBEYS, rounds, lambda worker: os.kill(worker.pid, signal.SIGSTOP), lease=LEASE)
    return Figure(
        what=f"a worker is stopped (SIGSTOP), the lease is {LEASE} s → its job runs again, {rounds} times",
        value=f"median {middle(taken):.1f} s, max {max(taken):.1f} s",
        target=f"≤ lease + 5 s = {LEASE + 5} s",
        met=max(taken) <= LEASE + 5,
    )


def _siege() -> Figure:
    """The self-test as its acceptance asks for it."""
    with Stage() as stage:
        done = subprocess.run(
            [QUEUECTL, "selftest", "--crash", *STRESS, "--json"],
            env=stage.environment,
            stdout=subprocess.PIPE,
            check=False,
        )
    verdict = json.loads(done.stdout)
    return Figure(
        what=f"`queuectl selftest --crash {' '.join(STRESS)}`",
        value=f"{verdict['violation_count']} violations",
        target="0, every job final",
        met=done.returncode == 0,
        detail=f"{verdict['jobs']:,} jobs, {verdict['runs']:,} runs, {sum(verdict['kills'].values())} kills,"
        f" {verdict['recoveries']} recoveries, {verdict['seconds']:.0f} s",
    )


def _again(command: str, rounds: int, harm: Callable[[WorkerInfo], None], *, lease: int | None = None) -> list[float]:
    """Harm the worker of a job, each time in a pool that is whole: seconds until the job's second attempt begins."""
    taken = []
    with Stage() as stage:
        if lease is not None:
            stage.run("config", "set", "lease", str(lease))
        stage.start_pool(WORKERS)
        context = stage.context()
        for number in range(rounds):
            _whole(context)
            id_ = str(number)
            new = NewJob(id=id_, command=command.format(directory=stage.directory))
            context.store.jobs.enqueue([new], max_retries=0, now=context.now())
            context.ring_for_queues(["default"])
            first, second = (stage.directory / f"{number}-{attempt}" for attempt in (1, 2))
            while not (first.exists() and first.read_text()):
                time.sleep(0.001)
            (worker,) = (each for each in context.store.workers.running_workers() if each.job == id_)
            start = time.time_ns()
            harm(worker)
            while not (second.exists() and (text := second.read_text())):
                time.sleep(0.001)
            taken.append((int(text) - start) / 1e9)
            stage.run("cancel", "--signal", "KILL", id_)
            while context.store.jobs.state(id_) != "cancelled":
                time.sleep(0.002)
        context.close()
    return taken


def _whole(context: Context) -> None:
    """Wait until every worker of the pool is there and has settled: one that dies young is replaced more slowly."""
    while True:
        there = [each for each in context.store.workers.running_workers() if lives(each, context.run_dir)]
        if len(there) == WORKERS and all(context.now() - each.started_at > 1200 for each in there):
            return
        time.sleep(0.05)
