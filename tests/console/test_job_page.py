"""The page of one job."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from queuectl.domain.attempt import Outcome
from queuectl.domain.record import replace
from queuectl_tui.job_page import JobPage, read_page
from queuectl_tui.screens.job import JobScreen
from queuectl_tui.screens.log import LogScreen
from queuectl_tui.theme import Paint
from queuectl_tui.widgets.job_facts import command, settings, story, title
from tests.support import seed as seeds
from tests.support.live_job import LiveJob
from tests.support.screen_harness import Stand
from tests.support.seed import NOW, SECOND, StoppedClock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SIZES = [pytest.param((80, 24), id="80x24"), pytest.param((120, 40), id="120x40")]
PAINT = Paint("queuectl", dark=True)
STEPS = "".join(f"\x1b[90m14:01:{n:02}\x1b[0m \x1b[32mINFO\x1b[0m step {n} of 40 done\n" for n in range(40))
LONG = (
    "python sync.py --all --region eu-west-1 --since 2026-07-01T00:00:00Z --until 2026-07-14T00:00:00Z"
    " | tee /var/log/sync.log\ngzip /var/log/sync.log"
)


def some_jobs(seeder: seeds.Seeder) -> None:
    error = seeds.SYNC_ERROR.format(line=88)
    seeder.job(
        LONG, "failed", id="failed", age=200 * SECOND, due=18 * SECOND, priority=5, timeout=60 * SECOND,
        env={"API_KEY": "hunter2", "LANG": "C"}, tags=("hook", "eu"),
        runs=[("exit", 1, 30 * SECOND, STEPS, error, "w1"), ("timeout", None, 60 * SECOND, STEPS, error, "w3")],
    )  # fmt: skip
    seeder.job(
        "python sync.py --all", "dead", id="dead", age=900 * SECOND,
        runs=[("exit", 1, 900 + n * 700, "syncing\n", error, f"w{n + 1}") for n in range(4)],
    )  # fmt: skip
    seeder.job(
        "./report.sh weekly", "completed", id="completed", age=900 * SECOND, queue="report",
        runs=[("success", 0, 72 * SECOND, STEPS, None, "w2")],
    )  # fmt: skip
    seeder.job("./later.sh", "pending", id="later", age=9 * SECOND, due=7200 * SECOND)
    seeder.job("./now.sh", "pending", id="now", age=9 * SECOND)
    seeder.job(seeds.HOSTILE[0] + seeds.HOSTILE[1], "pending", id="hostile", age=9 * SECOND, env={"A\x1b[2J": "x"})
    seeder.job(
        "flaky", "dead", id="often", age=20_000 * SECOND, retries=11,
        runs=[("exit", 1, 900 + n, None, None, "w1") for n in range(12)],
    )  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> str:
    return seeds.seeded(tmp_path, some_jobs)


def page_of(path: str, job_id: str) -> JobPage:
    page = read_page(Stand(path, lambda: JobScreen(job_id)).context, job_id, None)
    assert isinstance(page, JobPage)
    return page


def test_the_command_is_whole_and_values_are_masked(path: str):
    page = page_of(path, "failed")
    assert command(page, PAINT).plain == LONG
    text = settings(page, PAINT, NOW, 70).plain
    assert "hunter2" not in text
    assert "+API_KEY=***  +LANG=***" in text
    assert "hook eu" in text
    assert "1m00s" in text


def test_the_needs_of_a_job_are_shown_if_there_are_any(path: str):
    for id_, needs in (("failed", ("big", "gpu")), ("later", ())):
        of = page_of(path, id_)
        page = replace(of, job=replace(of.job, needs=needs))
        for width in (40, 110):
            assert ("needs    big gpu" in settings(page, PAINT, NOW, width).plain) == bool(needs)


def test_the_shell_and_the_captured_variables_are_shown_if_there_are_any(path: str):
    page = page_of(path, "failed")
    plain = settings(page, PAINT, NOW, 110).plain
    text = settings(
        replace(page, job=replace(page.job, shell="bash"), captured=("LANG", "PATH")), PAINT, NOW, 110
    ).plain

    assert "shell    bash" in text
    assert "captured LANG=***  PATH=***" in text
    assert "shell" not in plain
    assert "captured" not in plain


def test_the_title_shows_state_and_progress(path: str):
    titles = {
        id_: title(page_of(path, id_), PAINT, NOW, 80).plain.split("  ", 1)[1] for id_ in ("failed", "dead", "later")
    }
    assert titles["failed"].split() == ["◐", "failed", "try", "2", "of", "4", "next", "in", "18s"]
    assert titles["dead"].split()[:6] == ["×", "dead", "try", "4", "of", "4"]
    assert titles["later"].split() == ["◇", "scheduled", "not", "tried", "yet", "in", "2h00m"]


def test_the_attempts_are_a_timeline_that_ends_with_the_next_one(path: str):
    text = story(page_of(path, "failed"), PAINT, NOW, 60, 1).plain
    rows = [line.split() for line in text.splitlines() if "#" in line and "STARTED" not in line]
    assert [row[:5] for row in rows[:2]] == [
        [">", "#1", "14:00:07", "w1", "×"],
        ["#2", "14:00:41", "w3", "×", "timeout"],
    ]
    assert rows[2] == ["#3", "14:03:45", "due", "in", "18s"]


def test_it_explains_why_the_job_does_not_run(path: str):
    assert "is due in 18.0s" in story(page_of(path, "failed"), PAINT, NOW, 60, None).plain
    assert "all 4 tries failed" in story(page_of(path, "dead"), PAINT, NOW, 60, None).plain
    assert "No workers are running" in story(page_of(path, "now"), PAINT, NOW, 60, None).plain


def test_very_many_attempts_are_bounded(path: str):
    page = page_of(path, "dead")
    page = replace(page, attempts=tuple(replace(page.attempts[0], attempt=number) for number in range(1, 151)))
    text = story(page, PAINT, NOW, 60, None).plain
    assert "… 50 earlier ones" in text
    assert text.count("exit 1") < 110


def test_hostile_text_is_written_out(path: str):
    page = page_of(path, "hostile")
    for width in (20, 60):
        for text in (
            command(page, PAINT),
            settings(page, PAINT, NOW, width),
            story(page, PAINT, NOW, width, None),
            title(page, PAINT, NOW, width),
        ):
            assert all(letter.isprintable() or letter == "\n" for letter in text.plain)


def test_a_deleted_job_is_reported(path: str):
    assert read_page(Stand(path, lambda: JobScreen("x")).context, "x", None) == "this job has been deleted"


@pytest.mark.asyncio
async def test_the_output_of_another_attempt_is_shown_and_marked(path: str):
    app = Stand(path, lambda: JobScreen("dead"))
    async with app.run_test(size=(120, 40)) as pilot:
        screen = app.screen
        assert isinstance(screen, JobScreen)
        await pilot.pause()
        assert screen.log_pane.attempt == 4
        await pilot.press("left_square_bracket")
        await pilot.pause()
        assert screen.log_pane.attempt == 3
        assert any(line.startswith("> #3") for line in str(screen._second.visual).splitlines())


@pytest.mark.asyncio
async def test_l_opens_the_log_and_escape_comes_back(path: str):
    app = Stand(path, lambda: JobScreen("dead"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("left_square_bracket", "l")
        await pilot.pause()
        assert isinstance(app.screen, LogScreen)
        assert app.screen.log_pane.attempt == 3
        await pilot.press("escape")
        assert isinstance(app.screen, JobScreen)
        await pilot.press("z")
        assert not app.screen._top.display
        await pilot.press("q")
        await pilot.pause()
        assert not isinstance(app.screen, JobScreen)


@pytest.mark.asyncio
async def test_the_page_follows_the_job(tmp_path: Path):
    job = LiveJob(tmp_path, id="build")
    app = Stand(job.path, lambda: JobScreen("build"), clock=job.clock)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = app.screen
        assert isinstance(screen, JobScreen)

        async def look() -> str:
            screen.job.read()
            screen.log_pane.read_on()
            await pilot.pause()
            return screen._title_line(120).plain + str(screen._second.visual)

        assert "pending" in await look()
        job.begin()
        job.print(b"working\n")
        assert "processing" in await look()
        await look()
        assert screen.log_pane.view.rows.lines[0].text == "working"
        job.clock.at += 2000
        job.end(Outcome.EXIT)
        assert "exit 1" in await look()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("job_id", ["failed", "dead", "completed"])
def test_picture_job_page(path: str, snap_compare: Any, job_id: str, size: tuple[int, int]):
    assert snap_compare(Stand(path, lambda: JobScreen(job_id)), terminal_size=size)


@pytest.mark.parametrize("size", SIZES)
def test_picture_job_page_running(tmp_path: Path, snap_compare: Any, size: tuple[int, int]):
    job = LiveJob(tmp_path, "ffmpeg -i a.mov -vf scale=1280:-2 b.mp4", id="encode", queue="video", timeout_ms=600_000)
    job.register_worker()
    job.begin()
    job.clock.at += 39_000
    job.print(b"".join(b"frame=%5d fps=25\n" % n for n in range(0, 600, 25)) + b"\x1b]9;4;1;61\x07frame=  600 fps=25\r")
    job.print(b"deprecated pixel format used\n", err=True)

    async def before(pilot: Pilot[None]) -> None:
        screen = pilot.app.screen
        assert isinstance(screen, JobScreen)
        screen.log_pane.read_on()
        await pilot.pause()

    assert snap_compare(
        Stand(job.path, lambda: JobScreen("encode"), clock=job.clock), terminal_size=size, run_before=before
    )


def test_picture_job_page_scheduled(path: str, snap_compare: Any):
    assert snap_compare(Stand(path, lambda: JobScreen("later")), terminal_size=(80, 24))


def test_picture_job_page_hostile_ascii(path: str, snap_compare: Any):
    assert snap_compare(Stand(path, lambda: JobScreen("hostile"), ascii_only=True), terminal_size=(80, 24))


def test_picture_job_page_many_attempts(path: str, snap_compare: Any):
    assert snap_compare(Stand(path, lambda: JobScreen("often"), clock=StoppedClock(NOW)), terminal_size=(120, 40))
