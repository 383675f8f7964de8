"""Verbs on 300,000 selected jobs, against their enqueue in the same run; and the memory of one process of each."""

from __future__ import annotations

import os
import subprocess
import time

from tests.benchmarks.figure import Figure
from tests.benchmarks.speed import fill
from tests.benchmarks.stage import QUEUECTL, Stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

JOBS = 300_000
LISTED = 1_000_000
_VERBS = (
    ("hold", "--all", "--yes"),
    ("undo",),
    ("cancel", "--all", "--yes"),
    ("retry", "--all", "--yes"),
    ("priority", "5", "--all", "--yes"),
    ("cancel", "--all", "--yes"),
    ("list", "--limit", "0", "--ids"),
    ("delete", "--all", "--yes"),
)


def selections(rounds: int) -> list[Figure]:
    """Each verb in turn on all jobs of one store; the slowest of some rounds counts."""
    slowest = 0.0
    largest = 0
    times: dict[str, float] = {}
    for _ in range(max(1, rounds // 2)):
        with Stage() as stage:
            enqueue, _ = _measured(["enqueue", "--lines", "-f", "-"], stage.environment, given=b"echo hello\n" * JOBS)
            for words in _VERBS:
                seconds, peak = _measured(list(words), stage.environment)
                times[words[0]] = max(times.get(words[0], 0.0), seconds / enqueue)
                slowest, largest = max(slowest, seconds / enqueue), max(largest, peak)
    return [
        Figure(
            what=f"a verb on {JOBS:,} selected jobs, undo included / their enqueue",
            value=f"{slowest:.2f}",
            target="≤ 3 × its time",
            met=slowest <= 3,
            detail=", ".join(f"{verb} {ratio:.2f}" for verb, ratio in times.items()),
        ),
        Figure(
            what="the largest of these processes",
            value=f"{largest // 1024} MiB",
            target="≤ 64 MiB",
            met=largest <= 64 * 1024,
            detail="peak of resident memory",
        ),
    ]


def listing(_rounds: int) -> list[Figure]:
    """The peak of memory of a list of 1,000,000 jobs, in its three forms, over that of a list of 1,000."""
    with Stage() as small, Stage() as large:
        fill(small, 1_000)
        fill(large, LISTED)
        grown = {}
        for form in ((), ("--json",), ("--json-lines",)):
            words = ["list", "--limit", "0", *form]
            _, least = _measured(words, small.environment)
            seconds, most = _measured(words, large.environment)
            grown[" ".join(form) or "table"] = (most - least, seconds)
    worst = max(kib for kib, _ in grown.values())
    return [
        Figure(
            what=f"memory of `list` of {LISTED:,} jobs over that of 1,000",
            value=f"{worst / 1024:.0f} MiB",
            target="≤ 16 MiB",
            met=worst <= 16 * 1024,
            detail=", ".join(f"{form} {kib / 1024:.0f} MiB, {seconds:.0f} s" for form, (kib, seconds) in grown.items()),
        )
    ]


def _measured(words: list[str], environment: Mapping[str, str], *, given: bytes = b"") -> tuple[float, int]:
    """Run a command; return its seconds and its peak of resident memory in KiB."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [QUEUECTL, *words],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    process.stdin.write(given)
    process.stdin.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, words
    return time.perf_counter() - start, usage.ru_maxrss
