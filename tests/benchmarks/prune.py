"""Jobs of a busy pool while 1,000,000 others are pruned, against the same pool just before."""

from __future__ import annotations

import subprocess
import time

from tests.benchmarks.figure import Figure
from tests.benchmarks.speed import fill
from tests.benchmarks.stage import QUEUECTL, Stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.operations.context import Context

JOBS = 1_000_000
_WORKERS = 8
_JOB = "sleep 0.05"
_QUEUED = 24_000
"""More than the pool runs in the time of the measurement."""
_BEFORE = 15.0
"""Seconds of the measurement without the prune."""


def prune(rounds: int) -> list[Figure]:
    """The jobs need no processor, so that both fit on two cores and only the store is shared."""
    ratios, seconds = [], []
    for _ in range(max(1, rounds // 2)):
        with Stage() as stage:
            fill(stage, JOBS)
            stage.run("enqueue", "--lines", "-f", "-", given=f"{_JOB}\n".encode() * _QUEUED)
            stage.start_pool(_WORKERS)
            context = stage.context()

            def completed(context: Context = context) -> int:
                ((count,),) = context.store.database.query(
                    f"SELECT count(*) FROM jobs WHERE seq > {JOBS} AND state = 'completed'"
                )
                return int(count)

            begun, first = time.perf_counter(), completed()
            time.sleep(_BEFORE)
            before = (completed() - first) / (time.perf_counter() - begun)
            begun, first = time.perf_counter(), completed()
            subprocess.run(
                [QUEUECTL, "prune", "--state", "completed", "--older-than", "1h", "--yes"],
                env=stage.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True,
            )  # fmt: skip
            took = time.perf_counter() - begun
            ratios.append((completed() - first) / took / before)
            seconds.append(took)
            assert completed() < _QUEUED, "the pool ran out of jobs"
            context.close()
    ratio = sorted(ratios)[len(ratios) // 2]
    return [
        Figure(
            what=f"jobs/s of {_WORKERS} workers (`{_JOB}`) while {JOBS:,} jobs are pruned / just before",
            value=f"{ratio:.2f}",
            target="≥ 0.9",
            met=ratio >= 0.9,
            detail=f"the prune took {min(seconds):.0f} to {max(seconds):.0f} s",
        )
    ]
