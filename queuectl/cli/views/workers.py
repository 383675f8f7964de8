"""Pools and workers."""

from __future__ import annotations

import time

from queuectl.cli.render import Column, table
from queuectl.domain.phrases import plural
from queuectl.domain.text import safe
from queuectl.domain.units import format_bytes, format_duration
from queuectl.operations.workers import Detached, Ended

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from queuectl.cli.screen import Screen
    from queuectl.operations.workers import (
        ListWorkers,
        Scale,
        Scaled,
        Start,
        Stop,
        Stopped,
        WorkerRecord,
    )

_COLOURS = {"busy": "34", "stopping": "33", "stale": "33"}


def start(result: Ended | Detached, params: Start, screen: Screen) -> None:
    """Print the name of a background pool, or the counts of a pool that has ended."""
    if isinstance(result, Detached):
        screen.write(f"{result.pool}\n")
        screen.say(f"{_count(params.count, 'worker')} started; to stop them: queuectl worker stop")
    elif not params.quiet:
        screen.say(f"{result.completed} completed, {result.failed} failed attempts")
    if isinstance(result, Ended) and result.dead:
        screen.say(f"{_count(result.dead, 'job')} died: queuectl dlq list")


def stop(result: Stopped, _params: Stop, screen: Screen) -> None:
    """Print how many workers were stopped."""
    if result.workers or result.pools:
        screen.say(f"stopped {_count(result.workers, 'worker')}")
    else:
        screen.say_empty("no workers were running")


def list_workers(records: Iterator[WorkerRecord], _params: ListWorkers, screen: Screen) -> None:
    """Print a table of workers, the oldest first."""
    workers = list(records)
    labels = any(each.labels for each in workers)
    columns = [
        Column(title="ID"),
        Column(title="POOL", drops=8),
        Column(title="PID", right=True, drops=6),
        Column(title="HOST", drops=5),
        Column(title="STATE", colour=_COLOURS.get),
        Column(title="DONE", right=True, drops=10),
        Column(title="FAILED", right=True, drops=9),
        Column(title="CPU", right=True, drops=2),
        Column(title="MEM", right=True, drops=3),
        Column(title="BEAT", right=True, drops=1),
        Column(title="UP", right=True, drops=4),
        *([Column(title="LABELS", drops=7)] if labels else []),
        Column(title="JOB", grows=True),
    ]
    if not table(columns, (_row(each, labels=labels) for each in workers), screen):
        screen.say_empty("no workers are running; start some: queuectl worker start --count 4")


def scale(result: Scaled, _params: Scale, screen: Screen) -> None:
    """Print the new size of the pool."""
    screen.say(f"pool {safe(result.pool)} is being scaled to {_count(result.size, 'worker')}")


def _row(of: WorkerRecord, *, labels: bool) -> tuple[str, ...]:
    seen, info, now = of.seen, of.seen.info, time.time_ns() // 1_000_000
    return (
        info.id,
        info.pool,
        str(info.pid),
        info.host,
        seen.state,
        str(info.completed),
        str(info.failed),
        "" if seen.cpu_seconds is None else f"{seen.cpu_seconds:.1f}s",
        "" if seen.memory_bytes is None else format_bytes(seen.memory_bytes),
        "" if seen.last_beat_at is None else format_duration(max(0, now - seen.last_beat_at)),
        format_duration(max(0, now - info.started_at)),
        *((" ".join(of.labels),) if labels else ()),
        info.job or "",
    )


def _count(number: int, what: str) -> str:
    return f"{number} {plural(number, what)}"


VIEWS = {"worker start": start, "worker stop": stop, "worker list": list_workers, "worker scale": scale}
