"""Figures of flow control: claims beside closed queues, and the punctuality and the cost of schedules."""

from __future__ import annotations

import time

from queuectl.domain.job import NewJob
from queuectl.domain.queue_settings import Pause
from queuectl.domain.record import replace
from queuectl.domain.schedule import Schedule, Timing
from queuectl.domain.timing import next_time
from queuectl.store.schedules import job_text
from tests.benchmarks.figure import Figure, paired, percentile
from tests.benchmarks.footprint import processor_nanoseconds
from tests.benchmarks.speed import claim_and_finish
from tests.benchmarks.stage import Stage, family

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.operations.context import Context

CLOSED = 1_000_000
SCHEDULES = 1000


def flow(rounds: int) -> list[Figure]:
    """Measure all of it."""
    return [_claims(rounds), *_schedules(rounds)]


def _claims(rounds: int) -> Figure:
    """A claim and its result in a store with a million due jobs of a paused queue, against an empty store."""
    with Stage() as empty, Stage() as full:
        context = full.context()
        new = [NewJob(command="true", queue="mail")] * 10_000
        for _ in range(CLOSED // len(new)):
            context.store.jobs.enqueue(new, max_retries=0, now=context.now())
        _pause(context, "mail")
        context.close()
        ratio, mine, theirs = paired(lambda: claim_and_finish(full), lambda: claim_and_finish(empty), rounds=rounds)
    return Figure(
        what=f"claim + finish beside {CLOSED:,} due jobs of a paused queue / in a store without queues",
        value=f"{ratio:.2f}",
        target="≤ 1.3",
        met=ratio <= 1.3,
        detail=f"{1e6 * percentile(mine, 0.5):.0f} / {1e6 * percentile(theirs, 0.5):.0f} µs",
    )


def _pause(context: Context, name: str) -> None:
    pause = Pause(at=context.now(), by="benchmark")
    context.store.queues.change([name], lambda of: replace(of, pause=pause), verb="queue_pause", now=context.now())


def _schedules(rounds: int) -> list[Figure]:
    """A pool with a thousand schedules that are not due, and one that fires each second."""
    seconds = 10 * rounds
    with Stage() as stage:
        context = stage.context()
        for number in range(SCHEDULES):
            _add(context, f"s{number}", Timing(cron=f"{number % 60} {number % 24} 1 1 *", zone="Europe/Berlin"))
        supervisor = stage.start_pool(1)
        time.sleep(2)
        steward = min(pid for pid in family(supervisor) if pid != supervisor)
        before = processor_nanoseconds(steward)
        time.sleep(seconds)
        share = 100 * (processor_nanoseconds(steward) - before) / 1e9 / seconds
        _add(context, "poll", Timing(every_ms=1000, since=context.now()))
        time.sleep(seconds)
        fires = [each for each in context.store.schedules.fires("poll", limit=10_000) if each.job is not None]
        late = [float(each.at - each.planned_at) for each in fires]
        context.close()
    p50, most = percentile(late, 0.5), max(late)
    return [
        Figure(
            what=f"processor of an idle steward with {SCHEDULES:,} schedules, over {seconds} s",
            value=f"{share:.2f} % of a core",
            target="< 0.5 %",
            met=share < 0.5,
        ),
        Figure(
            what=f"a fire after its planned time, {len(late)} fires",
            value=f"p50 {p50:.0f} ms, the latest {most:.0f} ms",
            target="≤ 100 ms",
            met=most <= 100,
        ),
    ]


def _add(context: Context, name: str, timing: Timing) -> None:
    now = context.now()
    schedule = Schedule(
        name=name,
        timing=timing,
        job=job_text(NewJob(command="true")),
        created_at=now,
        created_by="benchmark",
        next_at=next_time(timing, now),
    )
    context.store.schedules.change(name, lambda _: schedule, verb="schedule_add", now=now)
