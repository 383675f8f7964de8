"""A watched job is marked, and its end is reported."""

from __future__ import annotations

import pytest

from queuectl.domain.attempt import Outcome
from queuectl_tui.watch_list import MOST, WatchList
from queuectl_tui.widgets.job_table import JobTable
from tests.support.live_job import LiveJob
from tests.support.pilot import read_again, screen_of
from tests.support.seed import HOUR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from queuectl_tui.app import ConsoleApp

    Make = Callable[..., ConsoleApp]

pytestmark = pytest.mark.asyncio
SIZE = (120, 40)


def notices(app: ConsoleApp) -> list[str]:
    return [each.message for each in app._notifications]


async def test_a_watched_job_is_marked_and_its_end_is_reported_once(make_app: Make, tmp_path: Path) -> None:
    app = make_app(None)
    job = LiveJob(tmp_path, "make world", id="world")
    job.begin()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("W")
        assert "◎ make world" in screen_of(app)
        await read_again(pilot)
        assert notices(app) == []
        job.end()
        await read_again(pilot)
        assert notices(app) == ["world is completed: make world"]
        assert "◎" not in screen_of(app)
        await read_again(pilot)
        assert len(notices(app)) == 1


async def test_a_failed_attempt_that_is_retried_is_not_an_end(make_app: Make, tmp_path: Path) -> None:
    app = make_app(None)
    job = LiveJob(tmp_path, "make world", id="world", max_retries=1)
    job.begin()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("W")
        job.end(Outcome.EXIT)
        await read_again(pilot)
        assert notices(app) == []
        assert "◎" in screen_of(app)
        job.clock.at += HOUR
        job.begin()
        job.end(Outcome.EXIT)
        await read_again(pilot)
        assert notices(app) == ["world is dead after 2 attempts: make world"]


async def test_the_end_is_reported_while_the_display_is_frozen(make_app: Make, tmp_path: Path) -> None:
    app = make_app(None)
    job = LiveJob(tmp_path, "make world", id="world")
    job.begin()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("W", "p")
        job.end()
        await read_again(pilot)
        assert notices(app) == ["world is completed: make world"]


async def test_a_second_press_stops_watching(make_app: Make, tmp_path: Path) -> None:
    app = make_app(None)
    job = LiveJob(tmp_path, "make world", id="world")
    job.begin()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("W", "W")
        assert "◎" not in screen_of(app)
        job.end()
        await read_again(pilot)
        assert notices(app) == []
        await pilot.press("W")
        assert "world has ended already: completed" in screen_of(app)


async def test_a_deleted_job_has_ended_too(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("W")
        import apsw

        connection = apsw.Connection(str(tmp_path / "queue.db"))
        connection.execute("DELETE FROM jobs WHERE id = '68'").fetchall()
        connection.close()
        await read_again(pilot)
        assert notices(app) == ["68 has been deleted"]


async def test_hostile_names_are_sanitised(make_app: Make, tmp_path: Path) -> None:
    app = make_app(None)
    job = LiveJob(tmp_path, "printf '\x1b]0;owned\x07' [/x] [bold]\x9b2J", id="[/] \x1b[2J \u202e")
    job.begin()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("W")
        job.end()
        await read_again(pilot)
        (words,) = notices(app)
        assert words.isprintable()
        assert "[/]" in screen_of(app)
        assert not set(screen_of(app)) & {"\x1b", "\x07", "\x9b", "\u202e"}


async def test_the_number_of_watched_jobs_is_bounded(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=SIZE):
        row = app.query_one(JobTable).cursor_row
        assert row is not None
        watching = WatchList()
        for number in range(MOST):
            watching.toggle(row._replace(id=str(-number)))
        assert watching.toggle(row) == f"{MOST} jobs are watched already, which is the maximum"
        assert len(watching.ids) == MOST
