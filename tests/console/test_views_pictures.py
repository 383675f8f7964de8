"""Pictures of workers, dead letters, overview and activity."""

from __future__ import annotations

import pytest

from queuectl.domain.record import replace
from queuectl.runtime.liveness import WorkerState
from queuectl_tui.screens.activity import ActivityView
from queuectl_tui.screens.dead import DeadView
from queuectl_tui.screens.overview import OverviewView
from queuectl_tui.screens.workers import WorkersView
from tests.support import seed as seeds
from tests.support.view_app import ViewApp, snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import Any

    from textual.pilot import Pilot

    from queuectl_tui.screens.views import View
    from queuectl_tui.snapshot import Snapshot

SMALL, LARGE = (80, 24), (120, 40)
both = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["small", "large"])
_TALLY = ((3, 1), (2, 0), (0, 0), (4, 0), (1, 1), (5, 0), (6, 1), (3, 0), (2, 2), (7, 0))


@pytest.fixture
def picture(tmp_path: Path, snap_compare: Callable[..., bool]) -> Callable[..., bool]:
    """Compare a view over the lively store, or another, with its picture."""

    def compare(
        view: View,
        size: tuple[int, int] = SMALL,
        press: Sequence[str] = (),
        *,
        seed: Callable[[seeds.Seeder], None] | None = seeds.lively,
        then: Sequence[Snapshot] = (),
        start: Snapshot | None = None,
        last: Snapshot | None = None,
        **options: Any,
    ) -> bool:
        app = ViewApp(view, seeds.seeded(tmp_path, seed), start or snapshot(), **options)

        async def before(pilot: Pilot[None]) -> None:
            await pilot.pause(0.15)
            for each in then:
                app.show(each)
                await pilot.pause()
            await pilot.press(*press)
            await pilot.pause(0.15)
            if last is not None:
                app.show(last)
            await pilot.pause(0.15)

        return snap_compare(app, terminal_size=size, run_before=before)

    return compare


def working(stop: str | None = None, wanted: int = 4) -> list[Snapshot]:
    """Return a minute of snapshots in which the workers finish jobs."""
    seen, (pool,) = seeds.workers()
    pools = (replace(pool, stop=stop, size=wanted),)
    found = []
    for number in range(1, 13):
        at = seeds.NOW + number * 5000
        workers = []
        for place, each in enumerate(seen):
            done = sum(_TALLY[(step + place * 3) % len(_TALLY)][0] for step in range(number))
            failed = sum(_TALLY[(step + place) % len(_TALLY)][1] for step in range(number))
            stale = each.state is WorkerState.STALE
            info = replace(
                each.info,
                completed=each.info.completed + (0 if stale else done),
                failed=each.info.failed + (0 if stale else failed),
            )
            used = (each.cpu_seconds or 0) + number * (0.1, 4.6, 0.0, 0.0)[place]
            beat = each.last_beat_at if stale else at - 300
            workers.append(replace(each, info=info, cpu_seconds=used, last_beat_at=beat))
        found.append(snapshot(at, workers=tuple(workers), pools=pools))
    return found


def lone(state: WorkerState) -> tuple[Any, ...]:
    seen, _ = seeds.workers()
    return tuple(replace(each, state=state, info=replace(each.info, job=None)) for each in seen)


@both
def test_workers_busy_idle_and_stale(picture: Callable[..., bool], size: tuple[int, int]):
    assert picture(WorkersView(), size, ["j"], then=working())


def on_two_hosts(of: Snapshot) -> Snapshot:
    """The same, with half of the workers in a pool on another host, of which only the lease is known."""
    (pool,) = of.pools
    other = replace(pool, id="pother", host="build7")
    workers = [
        replace(each, info=replace(each.info, pool=other.id, host=other.host), cpu_seconds=None, memory_bytes=None)
        if number % 2
        else each
        for number, each in enumerate(of.workers)
    ]
    return replace(of, pools=(pool, other), workers=tuple(workers))


@both
def test_workers_of_two_hosts(picture: Callable[..., bool], size: tuple[int, int]):
    assert picture(WorkersView(), size, ["j"], then=[on_two_hosts(each) for each in working(wanted=2)])


@both
def test_workers_all_idle(picture: Callable[..., bool], size: tuple[int, int]):
    assert picture(WorkersView(), size, start=snapshot(workers=lone(WorkerState.IDLE)))


@both
def test_workers_draining(picture: Callable[..., bool], size: tuple[int, int]):
    assert picture(WorkersView(), size, then=working("drain"))


def test_workers_stopping_now(picture: Callable[..., bool]):
    assert picture(WorkersView(), then=working("now"))


@both
def test_workers_a_stale_one_under_the_cursor(picture: Callable[..., bool], size: tuple[int, int]):
    assert picture(WorkersView(), size, ["G"], then=working())


@both
def test_workers_no_pool(picture: Callable[..., bool], size: tuple[int, int]):
    assert picture(WorkersView(), size, start=snapshot(workers=(), pools=()))


@both
def test_workers_pool_starting(picture: Callable[..., bool], size: tuple[int, int]):
    seen, pools = seeds.workers()
    assert picture(WorkersView(), size, start=snapshot(workers=seen[2:3], pools=pools))


def test_workers_in_ascii(picture: Callable[..., bool]):
    assert picture(WorkersView(), LARGE, then=working(), ascii_only=True)


@both
def test_dead_by_error(picture: Callable[..., bool], size: tuple[int, int]):
    assert picture(DeadView(), size)


@both
def test_dead_an_open_group_with_marks(picture: Callable[..., bool], size: tuple[int, int]):
    assert picture(DeadView(), size, ["enter", "j", "space", "space"])


@both
def test_dead_one_by_one(picture: Callable[..., bool], size: tuple[int, int]):
    assert picture(DeadView(), size, ["b", "j"])


@both
def test_dead_none(picture: Callable[..., bool], size: tuple[int, int]):
    assert picture(DeadView(), size, seed=None)


@both
def test_dead_deletion_of_a_group(picture: Callable[..., bool], size: tuple[int, int]):
    assert picture(DeadView(), size, ["D"])


def test_dead_a_ghost(picture: Callable[..., bool]):
    # The retried job has left the list, and stays under the cursor until the next move.
    assert picture(DeadView(), SMALL, ["b", "j", "r"], last=snapshot(dead=12))


def test_dead_in_light(picture: Callable[..., bool]):
    assert picture(DeadView(), LARGE, ["enter", "j"], theme="queuectl-light")


@both
def test_overview_of_an_hour(picture: Callable[..., bool], size: tuple[int, int]):
    assert picture(OverviewView(), size)


@both
def test_overview_of_a_day(picture: Callable[..., bool], size: tuple[int, int]):
    assert picture(OverviewView(), size, ["t"])


@both
def test_overview_without_data(picture: Callable[..., bool], size: tuple[int, int]):
    assert picture(OverviewView(), size, seed=None)


def test_overview_in_ascii(picture: Callable[..., bool]):
    assert picture(OverviewView(), LARGE, ascii_only=True)


def test_overview_in_light(picture: Callable[..., bool]):
    assert picture(OverviewView(), LARGE, theme="queuectl-light")


@both
def test_activity(picture: Callable[..., bool], size: tuple[int, int]):
    assert picture(ActivityView(), size, ["j"])


@both
def test_activity_filtered(picture: Callable[..., bool], size: tuple[int, int]):
    assert picture(ActivityView(), size, ["slash", *"alice"])


def test_activity_none(picture: Callable[..., bool]):
    assert picture(ActivityView(), seed=None)
