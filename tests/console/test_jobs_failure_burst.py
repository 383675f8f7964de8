"""A failure burst raises a banner, and one key holds the waiting jobs of its queue."""

from __future__ import annotations

import pytest

from queuectl_tui.screens.confirm import Confirm
from queuectl_tui.widgets.failure_burst_banner import FailureBurstBanner
from queuectl_tui.widgets.job_table import JobTable
from tests.support import seed as seeds
from tests.support.pilot import read_again, screen_of
from tests.support.seed import CURL_ERROR, MINUTE, SECOND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl_tui.app import ConsoleApp

    Make = Callable[..., ConsoleApp]

pytestmark = pytest.mark.asyncio
SIZE = (120, 40)


def burst(seeder: seeds.Seeder, *, queue: str = "mail", error: str = CURL_ERROR.format(ms=30_000), n: int = 24) -> None:
    for _ in range(n):
        seeder.job(
            "curl https://api.example", "failed", age=MINUTE, queue=queue, due=20 * SECOND,
            runs=[("exit", 28, 20 * SECOND, None, error, "w1")],
        )  # fmt: skip
    seeder.stat(0, queue, "exit", 20_000, n)
    seeder.job("send", "pending", age=SECOND, queue=queue, id="waits")
    seeder.job("other", "pending", age=SECOND, queue="video", id="elsewhere")


async def test_a_failure_burst_is_shown_and_takes_no_focus(make_app: Make) -> None:
    app = make_app(burst)
    async with app.run_test(size=SIZE):
        assert "24 jobs failed in 2 min in mail, same error: exit 28" in screen_of(app)
        assert "H holds queue mail" in screen_of(app)
        assert app.query_one(FailureBurstBanner).size.height == 1
        assert app.query_one(JobTable).has_focus


async def test_without_a_failure_burst_there_is_no_banner(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        assert not app.query_one(FailureBurstBanner).display
        await pilot.press("H")
        assert "no queue has a failure burst" in screen_of(app)


async def test_one_key_holds_the_waiting_jobs_of_the_queue_after_confirmation(make_app: Make) -> None:
    app = make_app(burst)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("H")
        assert isinstance(app.screen, Confirm)
        assert "Hold 25 jobs?" in screen_of(app)
        assert "$ queuectl hold waits 24 23" in screen_of(app)
        assert app.snapshot.counts["held"] == 0
        await pilot.press("y")
        await pilot.pause()
        assert app.snapshot.counts["held"] == 25
        assert app.snapshot.counts["pending"] == 1
        assert not app.query_one(FailureBurstBanner).display
        await pilot.press("u")
        await pilot.pause()
        assert app.snapshot.counts["held"] == 0


async def test_leaving_the_confirmation_holds_nothing(make_app: Make) -> None:
    app = make_app(burst)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("H", "enter")
        await pilot.pause()
        await read_again(pilot)
        assert app.snapshot.counts["held"] == 0
        assert app.query_one(FailureBurstBanner).display


async def test_esc_hides_it_until_the_failure_burst_is_over(make_app: Make) -> None:
    app = make_app(burst)
    async with app.run_test(size=SIZE) as pilot:
        banner = app.query_one(FailureBurstBanner)
        await pilot.press("slash", *"queue:mail", "enter", "escape")
        assert not banner.display
        assert app.query_one(JobTable).filter.queues == ("mail",)
        await read_again(pilot)
        assert not banner.display
        await pilot.press("escape")
        assert app.query_one(JobTable).filter.queues == ()


async def test_it_disappears_by_itself(make_app: Make) -> None:
    app = make_app(burst)
    async with app.run_test(size=SIZE) as pilot:
        assert app.query_one(FailureBurstBanner).display
        app.clock.at += 3 * MINUTE  # type: ignore[attr-defined]  # a StoppedClock
        await read_again(pilot)
        assert not app.query_one(FailureBurstBanner).display


async def test_read_only_shows_it_and_offers_no_action(make_app: Make) -> None:
    app = make_app(burst, read_only=True)
    async with app.run_test(size=SIZE) as pilot:
        assert "24 jobs failed" in screen_of(app)
        assert "holds queue" not in screen_of(app)
        await pilot.press("H")
        await pilot.pause()
        assert len(app.screen_stack) == 1
        assert "read-only" in screen_of(app)


@pytest.mark.parametrize("width", [60, 80, 120])
async def test_a_hostile_error_stays_on_its_line(make_app: Make, width: int) -> None:
    nasty = "\x1b]0;owned\x07 [/bold] [red]x \u202e \x9b2J 処理を開始します" * 5
    app = make_app(lambda seeder: burst(seeder, queue="\x1b[31m[/q]", error=nasty))
    async with app.run_test(size=(width, 24)):
        banner = app.query_one(FailureBurstBanner)
        line = banner.render_line(0).text
        assert banner.display
        assert not set(line) & {"\x1b", "\x07", "\x9b", "\u202e"}
        assert line.rstrip().endswith("esc hides")
