"""A failure burst raises a banner, and one key pauses its queue."""

from __future__ import annotations

import pytest

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
        assert "H pauses queue mail" in screen_of(app)
        assert app.query_one(FailureBurstBanner).size.height == 1
        assert app.query_one(JobTable).has_focus


async def test_without_a_failure_burst_there_is_no_banner(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        assert not app.query_one(FailureBurstBanner).display
        await pilot.press("H")
        assert "no queue has a failure burst" in screen_of(app)


async def test_one_key_pauses_the_queue_and_the_banner_goes(make_app: Make) -> None:
    app = make_app(burst)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("H")
        await pilot.pause()
        reason = "failure burst: exit 28 · curl: (…) Operation timed out after"
        assert app.echo.command.startswith(f"queuectl queue pause --reason '{reason}")
        assert "mail" in app.snapshot.paused
        assert app.snapshot.counts["held"] == 0
        assert not app.query_one(FailureBurstBanner).display
        assert "‖ queue mail paused" in screen_of(app)
        await pilot.press("H")
        await pilot.pause()
        assert "queue mail is paused already" in screen_of(app)


async def test_the_undo_of_the_pause_resumes_the_queue_and_the_banner_returns(make_app: Make) -> None:
    app = make_app(burst)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("H", "u")
        await pilot.pause()
        await pilot.pause()
        assert not app.snapshot.paused
        assert app.query_one(FailureBurstBanner).display


async def test_a_failure_burst_of_a_paused_queue_raises_no_banner(make_app: Make) -> None:
    def paused(seeder: seeds.Seeder) -> None:
        burst(seeder)
        seeder.queue("", paused=MINUTE)

    app = make_app(paused)
    async with app.run_test(size=SIZE):
        assert app.snapshot.burst is not None
        assert not app.query_one(FailureBurstBanner).display


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
        assert "pauses queue" not in screen_of(app)
        await pilot.press("H")
        await pilot.pause()
        assert not app.snapshot.paused
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


async def test_a_hostile_error_is_a_reason_that_the_queue_accepts(make_app: Make) -> None:
    nasty = "\x1b]0;owned\x07 [/bold] [red]x \u202e \x9b2J 処理を開始します" * 5
    app = make_app(lambda seeder: burst(seeder, error=nasty))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("H")
        await pilot.pause()
        assert "mail" in app.snapshot.paused
