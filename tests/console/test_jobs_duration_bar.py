"""The bar of a running job: its own progress, or the usual duration of such jobs."""

from __future__ import annotations

import pytest

from queuectl import bootstrap
from queuectl.domain.attempt import Outcome
from queuectl.domain.filter import Filter
from queuectl.store.job_pages import Sort
from queuectl_tui.duration_estimates import DurationEstimates, Pace
from queuectl_tui.progress import Progress
from queuectl_tui.widgets.detail import Detail
from queuectl_tui.widgets.job_table import JobTable
from tests.support import seed as seeds
from tests.support.live_job import LiveJob
from tests.support.pilot import read_again, screen_of
from tests.support.seed import HOUR, NOW, SECOND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from queuectl_tui.app import ConsoleApp

    Make = Callable[..., ConsoleApp]

SIZE = (120, 40)


def run(seeder: seeds.Seeder, command: str, *, queue: str = "mail", since: int) -> None:
    seeder.job(command, "processing", id=command, age=HOUR, queue=queue, runs=[(None, None, since, None, None, "w1")])


def done(seeder: seeds.Seeder, command: str, *durations: int, queue: str = "mail") -> None:
    for duration in durations:
        seeder.job(command, "completed", age=2 * HOUR, queue=queue, runs=[("success", 0, duration, None, None, "w1")])


def paces(directory: Path, seed: Callable[[seeds.Seeder], None], *, looks: int = 1) -> dict[str, Pace]:
    """Return the paces of the running jobs, after some reads a minute apart."""
    clock = seeds.StoppedClock()
    context = bootstrap.context(seeds.seeded(directory, seed), clock=clock)
    estimates = DurationEstimates()
    found: dict[str, Pace] = {}
    for _ in range(looks):
        rows = context.store.job_pages.best(Filter(), Sort.LATE)
        found = estimates.paces(context, rows)
        clock.at += SECOND
    context.close()
    return found


def line_of(app: ConsoleApp, command: str) -> str:
    """Return the row of the running job with a command."""
    lines = [line for line in screen_of(app).splitlines() if "processing " in line and f"/4 {command}" in line]
    return lines[0].partition(" │")[0]


def test_the_usual_duration_is_that_of_the_same_command(tmp_path: Path):
    def seed(seeder: seeds.Seeder) -> None:
        done(seeder, "make all", 8000, 10_000, 90_000)
        done(seeder, "make docs", 1000, 1000)
        run(seeder, "make all", since=5000)

    (pace,) = paces(tmp_path, seed).values()

    assert pace.usual_ms == 10_000
    assert pace.part(NOW) == pytest.approx(0.5)
    assert not pace.is_late(NOW)


def test_else_the_usual_duration_is_that_of_the_program_in_its_queue(tmp_path: Path):
    def seed(seeder: seeds.Seeder) -> None:
        done(seeder, "send --to a", 4000)
        done(seeder, "send --to b", 6000)
        done(seeder, "send --to c", 100, 100, queue="video")
        run(seeder, "send --to d", since=1000)

    (pace,) = paces(tmp_path, seed).values()

    assert pace.usual_ms == 5000


def test_there_is_no_usual_duration_after_fewer_than_two_runs(tmp_path: Path):
    def seed(seeder: seeds.Seeder) -> None:
        done(seeder, "make all", 8000)
        run(seeder, "make all", since=60_000)
        run(seeder, "unheard of", since=60_000)

    for pace in paces(tmp_path, seed).values():
        assert (pace.usual_ms, pace.part(NOW), pace.is_late(NOW)) == (None, None, False)


def test_a_rare_command_is_found_behind_many_others_step_by_step(tmp_path: Path):
    def seed(seeder: seeds.Seeder) -> None:
        done(seeder, "make rarely", 20_000, 20_000)
        seeder.many(1500)
        run(seeder, "make rarely", since=1000)

    (tmp_path / "1").mkdir()
    (tmp_path / "5").mkdir()
    (at_first,) = paces(tmp_path / "1", seed, looks=1).values()
    (later,) = paces(tmp_path / "5", seed, looks=5).values()

    assert at_first.usual_ms is None
    assert later.usual_ms == 20_000


def test_a_job_is_late_after_half_as_long_again_and_two_seconds():
    assert not Pace(started_at=0, usual_ms=10_000, progress=None).is_late(15_000)
    assert Pace(started_at=0, usual_ms=10_000, progress=None).is_late(15_001)
    assert not Pace(started_at=0, usual_ms=10, progress=None).is_late(2000)


def test_reported_progress_takes_precedence_over_the_usual_duration():
    pace = Pace(started_at=0, usual_ms=10_000, progress=Progress(state="running", percent=80))

    assert pace.part(1000) == 0.8
    assert Pace(started_at=0, usual_ms=10_000, progress=Progress(state="busy", percent=None)).part(1000) == 0.1


def late(seeder: seeds.Seeder) -> None:
    done(seeder, "make slow", 10_000, 10_000)
    done(seeder, "make quick", 1000, 1000)
    run(seeder, "make slow", since=12_000)
    run(seeder, "make quick", since=11_000)
    run(seeder, "fresh start", since=90_000)


@pytest.mark.asyncio
async def test_a_late_job_is_marked_and_first_in_the_order_by_lateness(make_app: Make) -> None:
    app = make_app(late, workers=False)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert line_of(app, "make quick").count("▓") == 4
        assert " late " in line_of(app, "make quick")
        assert " late " not in line_of(app, "make slow")
        assert "▓" not in line_of(app, "fresh start")
        await pilot.press("o", "o", "o", "o", "o")
        table = app.query_one(JobTable)
        assert table.sort is Sort.LATE
        assert [row.id for row in table.window.rows][:3] == ["make quick", "make slow", "fresh start"]
        assert "sort: late" in screen_of(app)


@pytest.mark.asyncio
async def test_the_bar_grows_each_second_without_a_read(make_app: Make) -> None:
    app = make_app(late, workers=False)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        app.clock.at -= 9 * SECOND  # type: ignore[attr-defined]  # a StoppedClock
        app.view.tick()  # type: ignore[attr-defined]  # of the Jobs view
        await pilot.pause()
        assert "▓░░░" in line_of(app, "make slow")
        app.clock.at += 5 * SECOND  # type: ignore[attr-defined]  # a StoppedClock
        app.view.tick()  # type: ignore[attr-defined]  # of the Jobs view
        await pilot.pause()
        assert "▓▓▓░" in line_of(app, "make slow")


@pytest.mark.asyncio
async def test_a_job_that_prints_its_progress_shows_it(make_app: Make, tmp_path: Path) -> None:
    app = make_app(lambda seeder: done(seeder, "encode", 4000, 4000, queue="default"), workers=False)
    job = LiveJob(tmp_path, "encode")
    job.begin()
    job.print(b"frame 1\n\x1b]9;4;1;50\x07" + b"\x1b]9;4;1;9")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert "▓▓░░ 50%" in screen_of(app)

        async def after(data: bytes) -> str:
            job.print(data)
            app.view.tick()  # type: ignore[attr-defined]  # of the Jobs view
            await pilot.pause()
            return screen_of(app)

        assert "▓▓▓░ 75%" in await after(b"\x07\x1b]9;4;1;75\x1b\\")
        assert "▓▓▓░ 75%" in await after(b"a line that says nothing of it\n" * 1000)
        assert "▓▓▓▓ 100%" in await after(b"\x1b]9;4;1;999\x07\xff\xfe\x1b[2J")
        assert "▓░░░ 30% error" in await after(b"\x1b]9;4;2;30\x07")
        assert "%" not in line_of_command(await after(b"\x1b]9;4;0\x07"))
        job.end()
        await read_again(pilot)
        assert "▓" not in screen_of(app)


def line_of_command(screen: str) -> str:
    return next(line for line in screen.splitlines() if " encode " in line)[:70]


@pytest.mark.asyncio
async def test_an_attempt_begins_with_a_bar_of_its_own(make_app: Make, tmp_path: Path) -> None:
    app = make_app(None, workers=False)
    job = LiveJob(tmp_path, "encode")
    job.begin()
    job.print(b"\x1b]9;4;1;50\x07")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert " 50%" in screen_of(app)
        job.end(Outcome.EXIT)
        job.clock.at += HOUR
        job.begin()
        await read_again(pilot)
        assert " 50%" not in screen_of(app)


@pytest.mark.asyncio
@pytest.mark.parametrize("width", [60, 80, 100, 200])
async def test_a_bar_leaves_space_for_the_command(make_app: Make, width: int) -> None:
    app = make_app(late, workers=False)
    async with app.run_test(size=(width, 30)):
        table = app.query_one(JobTable)
        for y in range(table.size.height):
            assert len(table.render_line(y).text) == table.viewport.width
        assert "make quick" in screen_of(app)
        assert " late" in screen_of(app)


@pytest.mark.asyncio
async def test_the_detail_shows_the_usual_duration(make_app: Make) -> None:
    app = make_app(late, workers=False)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await pilot.press("j", "j")
        job = app.query_one(Detail).job
        assert job is not None
        assert job.page.job.id == "make slow"
        assert "usually 10s" in screen_of(app)
