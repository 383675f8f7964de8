"""Pictures of the Jobs view with bars, a failure burst, watched jobs, saved views and pending actions."""

from __future__ import annotations

import pytest

from queuectl import bootstrap
from tests.support import seed as seeds
from tests.support.live_job import LiveJob
from tests.support.seed import CURL_ERROR, HOUR, MINUTE, NOW, SECOND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from textual.pilot import Pilot

    from queuectl_tui.app import ConsoleApp

    Make = Callable[..., ConsoleApp]
    Snap = Callable[..., bool]

WIDE, NARROW = (120, 40), (80, 24)
PLAIN: dict[str, Any] = {"ascii": True, "theme": "queuectl-mono"}
LOOKS = pytest.mark.parametrize(
    ("size", "options"),
    [(WIDE, {}), (NARROW, {}), (NARROW, PLAIN)],
    ids=["120x40", "80x24", "80x24-ascii-mono"],
)


def busy(seeder: seeds.Seeder) -> None:
    """Running jobs: in time, late, and of an unknown kind."""
    seeds._past(seeder)
    for _ in range(4):
        seeder.job(
            "python crunch.py --deep", "completed", age=2 * HOUR, queue="report",
            runs=[("success", 0, MINUTE, None, None, "w4")],
        )  # fmt: skip
    for command, queue, since in (
        ("ffmpeg -i a.mov b.mp4", "video", 99 * SECOND),
        ("python crunch.py --deep", "report", 250 * SECOND),
        ("unheard-of --once", "mail", 9 * SECOND),
        ("send --to list-b", "mail", 700),
    ):
        seeder.job(command, "processing", age=6 * MINUTE, queue=queue, runs=[(None, None, since, None, None, "w2")])


def printing(directory: Path) -> None:
    """One more job, which reports its progress."""
    job = LiveJob(directory, "rsync -a /srv/photos backup:/photos", id="photos", queue="default")
    job.begin()
    job.print(b"sending\n\x1b]9;4;1;64\x07")


def burst(seeder: seeds.Seeder) -> None:
    seeds.lively(seeder)
    for number in range(48):
        seeder.job(
            "curl -fsS https://api.example/hook -d @p.json", "failed", age=80 * SECOND - number * 500, due=20 * SECOND,
            runs=[("exit", 28, 20 * SECOND, None, CURL_ERROR.format(ms=30_000 + number), f"w{number % 4 + 1}")],
        )  # fmt: skip
    seeder.stat(0, "mail", "exit", 20_000, 48)


def saved(directory: Path) -> None:
    store = bootstrap.open_store(str(directory / "queue.db"), actor="bob@ops")
    for name, words in (
        ("ops-mail", "state:failed,dead queue:mail sort:-attempts columns:-worker"),
        ("nightly reports", "tag:nightly report.sh sort:duration"),
        ("処理 [bold]", "queue:video"),
    ):
        store.views.save(name, words, now=NOW)
    store.close()


async def hold_the_writer(pilot: Pilot[Any]) -> None:
    app: Any = pilot.app
    app.writer.run = lambda *_: None


@LOOKS
def test_bars_of_running_jobs(
    make_app: Make, snap_compare: Snap, tmp_path: Path, size: tuple[int, int], options: dict[str, Any]
) -> None:
    app = make_app(busy, **options)
    printing(tmp_path)
    assert snap_compare(app, press=("j", "W", "j", "j"), terminal_size=size)


def test_late_jobs_on_top(make_app: Make, snap_compare: Snap, tmp_path: Path) -> None:
    app = make_app(busy)
    printing(tmp_path)
    assert snap_compare(app, press=(*["o"] * 5, "g"), terminal_size=WIDE)


@LOOKS
def test_a_failure_burst(make_app: Make, snap_compare: Snap, size: tuple[int, int], options: dict[str, Any]) -> None:
    assert snap_compare(make_app(burst, **options), terminal_size=size)


@LOOKS
def test_a_failure_burst_of_a_queue_that_was_paused(
    make_app: Make, snap_compare: Snap, size: tuple[int, int], options: dict[str, Any]
) -> None:
    def paused(seeder: seeds.Seeder) -> None:
        burst(seeder)
        seeder.queue("mail", paused=MINUTE, reason="failure burst: exit 28")

    assert snap_compare(make_app(paused, **options), terminal_size=size)


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x40", "80x24"])
def test_a_watched_job_has_ended(make_app: Make, snap_compare: Snap, tmp_path: Path, size: tuple[int, int]) -> None:
    app = make_app(busy)
    job = LiveJob(tmp_path, "rsync -a /srv/photos backup:/photos", id="photos")
    job.begin()

    async def watch(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        await pilot.press("W")
        job.end()
        pilot.app.reader.refresh()  # type: ignore[attr-defined]  # a ConsoleApp
        await pilot.pause()
        await pilot.pause()

    assert snap_compare(app, run_before=watch, terminal_size=size)


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x40", "80x24"])
@pytest.mark.parametrize(
    ("name", "keys"),
    [("list", ("V",)), ("shown", ("V", "j", "enter")), ("named", ("slash", *"tag:vip", "enter", "V", "s", *"vips"))],
    ids=["list", "shown", "named"],
)
def test_saved_views(
    make_app: Make, snap_compare: Snap, tmp_path: Path, name: str, keys: tuple[str, ...], size: tuple[int, int]
) -> None:
    del name
    app = make_app()
    saved(tmp_path)
    assert snap_compare(app, press=keys, terminal_size=size)


def test_no_saved_views(make_app: Make, snap_compare: Snap) -> None:
    assert snap_compare(make_app(), press=("V",), terminal_size=WIDE)


@pytest.mark.parametrize("options", [{}, PLAIN], ids=["colours", "ascii-mono"])
def test_pending_actions_are_shown_in_their_rows(make_app: Make, snap_compare: Snap, options: dict[str, Any]) -> None:
    async def ask(pilot: Pilot[Any]) -> None:
        await pilot.press("slash", *"state:dead", "enter", "j", "space", "space")
        await hold_the_writer(pilot)
        await pilot.press("r", "y")
        await pilot.pause()

    assert snap_compare(make_app(**options), run_before=ask, terminal_size=WIDE)
