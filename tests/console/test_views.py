"""Workers, overview and activity: the effect of their keys, and what holds for every view."""

from __future__ import annotations

import pytest

from queuectl.domain.errors import StoreBusy
from queuectl.domain.record import replace
from queuectl.domain.worker import PoolInfo
from queuectl.operations import find
from queuectl_tui.screens.activity import ActivityView, command_of, what
from queuectl_tui.screens.confirm import Confirm
from queuectl_tui.screens.dead import DeadView
from queuectl_tui.screens.overview import OverviewView
from queuectl_tui.screens.queues import QueuesView
from queuectl_tui.screens.views import View
from queuectl_tui.screens.workers import WorkersView, pool_lines, state_of
from queuectl_tui.snapshot import empty_snapshot
from queuectl_tui.widgets.line_list import LineList
from queuectl_tui.widgets.lines import Drawing
from queuectl_tui.widgets.status_line import StatusLine
from queuectl_tui.worker_trend import SLOTS, Trend
from tests.support import seed as seeds
from tests.support.view_app import ViewApp, drive, made, screen, snapshot, the_list

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

VIEWS = (WorkersView, DeadView, QueuesView, OverviewView, ActivityView)

# Workers ----------------------------------------------------------------------------------------------------------


def test_a_worker_is_shown_with_its_job_and_state(tmp_path: Path):
    app = made(WorkersView(), tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        later = seeds.workers()[0]
        app.show(
            snapshot(
                seeds.NOW + 2000,
                workers=tuple(replace(each, cpu_seconds=(each.cpu_seconds or 0) + 1) for each in later),
            )
        )
        await pilot.pause()
        shown = screen(app)
        for word in ("▶ busy", "○ idle", "! stale", "send --to list-b", "4 of 4", "50%", "812/3", "0:04"):
            assert word in shown, word

    drive(app, act, size=(120, 30))


def test_enter_opens_the_job_of_a_worker_and_l_its_log(tmp_path: Path):
    app = made(WorkersView(), tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        job = app.snapshot.workers[0].info.job
        await pilot.press("enter", "l", "j", "j", "enter", "l")
        assert app.opened == [f"job {job}", f"log {job}"]  # the third is idle

    drive(app, act)


def test_stopping_now_asks_first_and_cancel_has_the_focus(tmp_path: Path):
    app = made(WorkersView(), tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("K")
        await pilot.pause()
        assert isinstance(app.screen, Confirm)
        await pilot.press("enter")
        await pilot.pause()
        assert app.acted == []
        await pilot.press("K")
        await pilot.pause()
        await pilot.press("y")
        await pilot.pause()
        assert [name for name, _ in app.acted] == ["worker stop"]
        assert app.acted[0][1].now is True

    drive(app, act)


@pytest.mark.parametrize(
    ("size", "stop", "workers", "expected"),
    [(4, None, 4, "▶ running"), (4, None, 1, "○ starting"), (2, None, 4, "◇ shrinking"), (4, "drain", 4, "◇ draining"),
     (4, "now", 4, "■ stopping")],
)  # fmt: skip
def test_a_pool_shows_wanted_and_current_size(size: int, stop: str | None, workers: int, expected: str):
    seen, (pool,) = seeds.workers()
    now = snapshot(workers=seen[:workers], pools=(replace(pool, size=size, stop=stop),))

    (line,) = pool_lines(now, 100, start_key="S")

    assert line[0][0] == expected


def test_without_a_pool_it_shows_waiting_jobs_and_how_to_start_one():
    (line,) = pool_lines(snapshot(workers=(), pools=()), 80, start_key="f7")

    text = "".join(piece for piece, _ in line)
    assert "no pool is running" in text
    assert "6 jobs wait" in text
    assert "f7 starts one" in text


@pytest.mark.parametrize(("busy", "expected"), [(1, "1 worker finishes its job"), (2, "2 workers finish their jobs")])
def test_a_killed_pool_is_shown_while_its_workers_continue(busy: int, expected: str):
    seen, _ = seeds.workers()
    running = [worker for worker in seen if worker.info.job is not None][:busy]
    now = snapshot(workers=tuple(running), pools=())
    line = StatusLine("q.db", id="status")
    line.show(now, now.at, frozen=False)

    (pools,) = pool_lines(now, 100, start_key="S")
    head = line._parts(now, wide=True)[0]

    assert "".join(text for text, _ in pools).startswith(f"! pool gone   {expected}")
    assert "".join(text for text, _ in head) == f"! pool gone: {expected}, S starts one"
    assert "no pool is running" not in str(pools)


def test_a_killed_pool_is_shown_beside_a_running_one():
    seen, (pool,) = seeds.workers()
    stray = replace(seen[0], info=replace(seen[0].info, pool="killed"))

    lines = pool_lines(snapshot(workers=(stray, *seen[1:]), pools=(pool,)), 100, start_key="S")

    assert len(lines) == 2
    assert lines[1][0][0] == "! pool gone"


def test_many_pools_do_not_fill_the_screen():
    pools = tuple(PoolInfo(id=f"p{n}", host="h", pid=n, queues=("a", "b"), size=1) for n in range(9))

    assert len(pool_lines(snapshot(pools=pools), 80, start_key="S")) == 4


def test_a_pool_shows_the_labels_of_its_workers():
    pools = tuple(PoolInfo(id=f"p{n}", host="h", pid=n, queues=(), labels=("gpu", "big") * n, size=1) for n in range(2))

    plain, labelled = (
        "".join(piece for piece, _ in line)
        for line in pool_lines(snapshot(pools=pools, workers=()), 120, start_key="S")
    )

    assert "every queue   up" in plain
    assert "every queue   labels gpu big   up" in labelled


def test_ended_workers_leave_no_ghost_rows(tmp_path: Path):
    app = made(WorkersView(), tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        app.show(snapshot(workers=(), pools=()))
        await pilot.pause()
        assert the_list(app).keys == []
        assert "S starts a pool" in screen(app)

    drive(app, act)


def test_a_stale_worker_is_stale_even_while_its_pool_drains():
    seen, _ = seeds.workers()

    assert [state_of(each, "drain") for each in seen] == ["draining", "draining", "draining", "stale"]
    assert [state_of(each, None) for each in seen] == ["busy", "busy", "idle", "stale"]
    assert state_of(seen[0], "now") == "stopping"


def test_a_trend_counts_what_was_done_between_snapshots():
    seen, _ = seeds.workers()
    worker, trend = seen[0], Trend()
    for second in range(0, 20, 2):
        info = replace(worker.info, completed=worker.info.completed + second)
        trend.see(replace(worker, info=info, cpu_seconds=second * 0.5), 1_000_000 + second * 1000)

    assert trend.cpu == pytest.approx(0.5)
    assert sum(trend.series(1_018_000)) == 18
    assert len(trend.series(1_018_000)) == SLOTS
    assert sum(trend.series(2_000_000)) == 0


def test_a_trend_ignores_long_gaps_between_snapshots():
    worker, trend = seeds.workers()[0][0], Trend()
    trend.see(worker, 0)
    trend.see(replace(worker, info=replace(worker.info, completed=99_999)), 600_000)

    assert sum(trend.series(600_000)) == 0
    assert trend.cpu is None


# Overview and activity --------------------------------------------------------------------------------------------


def test_the_overview_is_read_again_only_when_something_has_changed(tmp_path: Path):
    app = made(OverviewView(), tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        for second in range(5):
            app.show(snapshot(seeds.NOW + second * 1000))
        assert app.reader.asked.count("overview") == 1
        app.show(snapshot(seeds.NOW + 6000, changed=2))
        app.show(snapshot(seeds.NOW + 6100, changed=3))
        assert app.reader.asked.count("overview") == 2

    drive(app, act)


def test_the_overview_shows_an_hour_or_a_day(tmp_path: Path):
    app = made(OverviewView(), tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        assert "1 h ago" in screen(app)
        await pilot.press("t")
        await pilot.pause()
        assert "1 h ago" not in screen(app)
        assert "24 h" in screen(app)

    drive(app, act)


def test_activity_is_live_and_follows_the_newest_until_the_cursor_leaves_it(tmp_path: Path):
    app = made(ActivityView(), tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        app.context.store.jobs.cancel("weekly", signal=15, now=seeds.NOW)
        app.show(snapshot(changed=2))
        await pilot.pause()
        assert the_list(app).cursor == the_list(app).keys[0]
        assert "cancelled weekly" in screen(app)
        await pilot.press("j")
        kept = the_list(app).cursor
        app.context.store.set_config("backoff_base", "3", now=seeds.NOW)
        app.show(snapshot(changed=3))
        await pilot.pause()
        assert the_list(app).cursor == kept
        assert "queuectl config set backoff_base 3" in screen(app)

    drive(app, act)


def test_activity_is_filtered_while_typing_and_escape_clears_the_filter(tmp_path: Path):
    app = made(ActivityView(), tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        everything = len(the_list(app).keys)
        await pilot.press("slash", *"build")
        await pilot.pause()
        assert len(the_list(app).keys) == 1
        await pilot.press("enter", "enter")
        assert app.opened == ["job build-1"]
        assert app.view.go_back()
        await pilot.pause()
        assert len(the_list(app).keys) == everything

    drive(app, act)


def test_older_events_are_loaded_when_the_cursor_nears_the_end(tmp_path: Path):
    app = made(ActivityView(), tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        for number in range(450):
            app.context.store.set_config("backoff_base", str(number % 5 + 1), now=seeds.NOW)
        app.show(snapshot(changed=2))
        await pilot.pause()
        assert len(the_list(app).keys) == 200
        for _ in range(3):
            await pilot.press("G")
            await pilot.pause()
        assert len(the_list(app).keys) > 450

    drive(app, act)


def test_an_event_of_queues_names_them_and_the_reason(tmp_path: Path):
    app = made(ActivityView(), tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        pause = find("queue pause")
        pause.run(app.context, pause.params(queues=("mail",), reason="the relay is down"))
        pause.run(app.context, pause.params(all=True))
        newest, before, *_ = app.context.store.stats.events(limit=2)
        assert [what(newest), what(before)] == ["paused all queues", "paused queue mail: the relay is down"]

    drive(app, act)


def test_an_event_without_a_command_line_gets_an_equivalent_one(tmp_path: Path):
    app = made(ActivityView(), tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        app.context.store.jobs.cancel("weekly", signal=15, now=seeds.NOW)
        event, *_ = app.context.store.stats.events(limit=1)
        assert command_of(replace(event, command=None)) == "queuectl cancel weekly"
        assert command_of(replace(event, command="queuectl cancel weekly --signal KILL")).endswith("KILL")
        assert what(event) == "cancelled weekly"

    drive(app, act)


# All of them ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 10), (200, 60)])
@pytest.mark.parametrize("cls", VIEWS)
def test_hostile_text_is_harmless_at_any_size(tmp_path: Path, cls: type[View], size: tuple[int, int]):
    def hostile(seeder: seeds.Seeder) -> None:
        for number, text in enumerate(seeds.HOSTILE):
            for state, runs in (
                ("dead", [("exit", 1, 10, None, text + "\n", "w1")]),
                ("completed", [("success", 0, 10, text, None, "w1")]),
                ("processing", [(None, None, 10, None, None, f"w{number + 1}")]),
            ):
                seeder.job(
                    text, state, age=60_000, retries=0, runs=runs, queue=f"q[/]{number}", id=f"[/{state}]{number}"
                )
            seeder.event(1000, text, "enqueue", text, None)
            seeder.event(1000, text, text, text, text)
            seeder.stat(1, f"\x1b[31m{number}", "success", 10, 1)
            seeder.queue(text, limit=1, paused=1000, reason=text)
        seeder.queue("", paused=1000, reason=seeds.HOSTILE[0])

    seen, pools = seeds.workers()
    workers = tuple(
        replace(each, info=replace(each.info, job=f"[/processing]{number}")) for number, each in enumerate(seen)
    )
    app = ViewApp(
        cls(),
        seeds.seeded(tmp_path, hostile),
        snapshot(workers=workers, pools=(replace(pools[0], queues=("[/]", "\x1b")),)),
    )

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("enter", "j", "space", "b", "j", "G")
        await pilot.pause(0.15)
        shown = screen(app)
        assert not any(letter in shown for letter in "\x1b\x07\x9b\u202e\r\x00")

    drive(app, act, size=size)


@pytest.mark.parametrize("cls", VIEWS)
def test_an_empty_store_and_one_that_cannot_be_read_are_shown(tmp_path: Path, cls: type[View]):
    app = ViewApp(cls(), seeds.seeded(tmp_path, None), empty_snapshot(seeds.NOW))

    async def act(pilot: Pilot[None]) -> None:
        app.show(empty_snapshot(seeds.NOW, StoreBusy("database is locked")))
        await pilot.press("enter", "j", "k", "G", "g", "space", "a")
        assert app.opened == []
        assert app.acted == []

    drive(app, act)


@pytest.mark.parametrize("cls", VIEWS)
def test_ascii_mode_draws_only_ascii(tmp_path: Path, cls: type[View]):
    app = made(cls(), tmp_path, ascii_only=True)

    async def act(pilot: Pilot[None]) -> None:
        lines = [*app.view.query(Drawing), *app.view.query(LineList)]
        for widget in lines:
            for y in range(widget.size.height):
                text = "".join(segment.text for segment in widget.render_line(y))
                assert text.isascii(), text

    drive(app, act, size=(120, 40))
