"""Queues: their rows, and the keys that pause, resume, limit and weight them."""

from __future__ import annotations

from typing import Any

import pytest

from queuectl.domain.filter import parse_filter, value_of
from queuectl.domain.queue_settings import ALL
from queuectl_tui.screens.confirm import Confirm
from queuectl_tui.screens.number import NumberPrompt
from queuectl_tui.screens.queue_rows import columns_of
from queuectl_tui.screens.queues import QueuesView
from queuectl_tui.widgets.job_table import JobTable
from queuectl_tui.widgets.line_list import LineList
from queuectl_tui.widgets.status_line import StatusLine, pauses
from tests.support import seed as seeds
from tests.support.pilot import read_again, screen_of
from tests.support.seed import MINUTE, SECOND
from tests.support.view_app import ViewApp, drive, screen, snapshot, the_list

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textual.pilot import Pilot

    from queuectl_tui.app import ConsoleApp

    Make = Callable[..., ConsoleApp]

SIZE = (120, 40)


def plain(seeder: seeds.Seeder) -> None:
    """Queues with jobs and no settings: mail, report, video, and default."""
    seeds.lively(seeder)


def settled(seeder: seeds.Seeder) -> None:
    """The same, with a paused queue, a full one, and one with settings and no jobs."""
    seeds.lively(seeder)
    seeder.queue("mail", paused=12 * MINUTE, reason="the relay is down")
    seeder.queue("video", limit=1, weight=3)
    seeder.queue("nightly", limit=2)


def all_paused(seeder: seeds.Seeder) -> None:
    settled(seeder)
    seeder.queue(ALL, paused=3 * MINUTE, reason="deploy")


def view_of(tmp_path: Path, seed: Callable[[seeds.Seeder], None] | None = plain, **options: Any) -> ViewApp:
    return ViewApp(QueuesView(), seeds.seeded(tmp_path, seed), snapshot(), **options)


def row(app: ViewApp, name: str) -> str:
    """Return the row of a queue as it is painted."""
    lines = the_list(app)
    place = lines.keys.index(name)
    return "".join(segment.text for segment in lines.render_line(place))


def settings_of(app: ViewApp, name: str) -> Any:
    return app.context.store.queues.get(name)


# Rows -------------------------------------------------------------------------------------------------------------


def test_each_queue_has_a_row_with_its_state_and_its_jobs(tmp_path: Path):
    app = view_of(tmp_path, settled)

    async def act(pilot: Pilot[None]) -> None:
        assert the_list(app).keys == ["default", "mail", "nightly", "report", "video"]
        assert row(app, "mail")[1:].split()[:5] == ["mail", "‖", "paused", "1", "5"]
        assert "bob@ops 12m: the relay is down" in row(app, "mail")
        assert "▲ full" in row(app, "video")
        assert "1/1" in row(app, "video")
        assert row(app, "nightly").split() == ["nightly", "○", "open", "0/2", "0", "0", "0", "0"]
        assert "5 queues   ‖ 1 paused   ▲ 1 full   ○ 3 open" in screen(app)

    drive(app, act, size=(120, 30))


@pytest.mark.parametrize(
    ("width", "titles"),
    [
        (60, "QUEUE STATE RUN WAIT OLDEST FAIL"),
        (80, "QUEUE STATE RUN WAIT HELD OLDEST IN 5M DONE FAIL"),
        (120, "QUEUE STATE RUN WAIT HELD OLDEST IN 5M DONE FAIL WEIGHT PAUSED BY"),
        (200, "QUEUE STATE RUNNING WAITING HELD OLDEST IN 5M DONE 5M FAIL 5M WEIGHT PAUSED BY"),
    ],
)
def test_the_columns_come_by_the_width(tmp_path: Path, width: int, titles: str):
    app = view_of(tmp_path, settled)

    async def act(pilot: Pilot[None]) -> None:
        head = next(line for line in screen(app).split("\n") if "QUEUE" in line)
        assert " ".join(head.split()) == titles

    drive(app, act, size=(width, 30))


def test_columns_that_no_queue_needs_are_left_out():
    assert {column.title for column in columns_of([], 200)}.isdisjoint({"WEIGHT", "PAUSED BY"})


def test_the_pause_of_the_selected_queue_is_shown_in_full_at_any_width(tmp_path: Path):
    app = view_of(tmp_path, settled)

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("j")
        await pilot.pause()
        assert "paused by bob@ops 12m ago: the relay is down" in screen(app)
        await pilot.press("G")
        await pilot.pause()
        assert "limit 1   weight 3" in screen(app)
        assert "as many of its jobs run as its limit allows" in screen(app)

    drive(app, act, size=(80, 24))


def test_a_pause_of_all_queues_is_the_headline(tmp_path: Path):
    app = view_of(tmp_path, all_paused)
    app.snapshot = snapshot(pause_of_all=app.context.store.queues.get(ALL).pause)

    async def act(pilot: Pilot[None]) -> None:
        assert "‖ all queues are paused  by bob@ops 3m ago: deploy" in screen(app)
        assert "H resumes them" in screen(app)
        assert "paused with all queues" in row(app, "report")
        assert "bob@ops 12m: the relay is down" in row(app, "mail")

    drive(app, act, size=(120, 30))


def test_without_queues_the_view_says_how_one_is_made(tmp_path: Path):
    app = view_of(tmp_path, None)

    async def act(pilot: Pilot[None]) -> None:
        assert "queuectl enqueue --queue NAME" in screen(app)
        assert "n creates a job" in screen(app)
        await pilot.press("h", "L", "W", "enter", "y")
        await pilot.pause()
        assert app.acted == []
        assert app.messages == ["no queue is under the cursor"] * 4

    drive(app, act)


def test_the_queues_are_read_again_only_after_a_change_or_a_minute(tmp_path: Path):
    app = view_of(tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        for second in range(5):
            app.show(snapshot(seeds.NOW + second * SECOND))
            app.view.tick()  # type: ignore[attr-defined]  # a QueuesView
        assert app.reader.asked == ["queues"]
        app.show(snapshot(changed=2))
        app.show(snapshot(seeds.NOW + MINUTE, changed=2))
        assert app.reader.asked == ["queues"] * 3

    drive(app, act)


def test_ages_advance_without_a_read(tmp_path: Path):
    app = view_of(tmp_path, settled)

    async def act(pilot: Pilot[None]) -> None:
        app.clock.at += 5 * MINUTE
        app.view.tick()  # type: ignore[attr-defined]  # a QueuesView
        assert "bob@ops 17m: the relay is down" in row(app, "mail")
        assert app.reader.asked == ["queues"]

    drive(app, act, size=(120, 30))


def test_a_queue_that_disappears_under_the_cursor_is_not_acted_on(tmp_path: Path):
    app = view_of(tmp_path, settled)

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("j", "j")
        assert the_list(app).cursor == "nightly"
        app.context.store.database.run("delete_queue", name="nightly")
        app.show(snapshot(changed=2))
        await pilot.pause()
        assert the_list(app).cursor_departed
        await pilot.press("h")
        assert app.acted == []
        assert "has just disappeared" in app.messages[-1]

    drive(app, act)


# Keys -------------------------------------------------------------------------------------------------------------


def test_a_key_pauses_the_queue_and_resumes_it(tmp_path: Path):
    app = view_of(tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("j", "h")
        await pilot.pause()
        assert app.acted[0][0] == "queue pause"
        assert settings_of(app, "mail").pause is not None
        assert "‖ paused" in row(app, "mail")
        await pilot.press("h")
        await pilot.pause()
        assert app.acted[1][0] == "queue resume"
        assert settings_of(app, "mail").pause is None
        assert app.messages == ["paused mail", "resumed mail"]

    drive(app, act)


def test_marked_queues_are_paused_together_and_resumed_once_all_are_paused(tmp_path: Path):
    app = view_of(tmp_path, settled)

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("a", "h")
        await pilot.pause()
        # One of them was paused already, and keeps its pause with the reason.
        assert app.acted[0][1].queues == ("default", "nightly", "report", "video")
        assert settings_of(app, "mail").pause.reason == "the relay is down"
        assert the_list(app).marks == set()
        await pilot.press("a", "h")
        await pilot.pause()
        assert app.acted[1][0] == "queue resume"
        assert len(app.acted[1][1].queues) == 5

    drive(app, act)


def test_a_queue_that_is_paused_with_all_is_not_paused_again(tmp_path: Path):
    app = view_of(tmp_path, all_paused)
    app.snapshot = snapshot(pause_of_all=app.context.store.queues.get(ALL).pause)

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("h")
        assert app.acted == []
        assert app.messages == ["all queues are paused: H resumes them"]
        await pilot.press("j", "h")
        assert app.acted[0][0] == "queue resume"
        assert app.acted[0][1].queues == ("mail",)

    drive(app, act)


def test_pausing_all_queues_asks_first(tmp_path: Path):
    app = view_of(tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("H")
        await pilot.pause()
        assert isinstance(app.screen, Confirm)
        assert "can be undone" in screen(app)
        await pilot.press("enter")
        await pilot.pause()
        assert app.acted == []
        await pilot.press("H")
        await pilot.pause()
        await pilot.press("y")
        await pilot.pause()
        assert settings_of(app, ALL).pause is not None

    drive(app, act)


def test_resuming_all_queues_names_those_that_stay_paused(tmp_path: Path):
    app = view_of(tmp_path, all_paused)
    app.snapshot = snapshot(pause_of_all=app.context.store.queues.get(ALL).pause)

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("H")
        await pilot.pause()
        assert "Still paused by name: mail." in screen(app)
        await pilot.press("y")
        await pilot.pause()
        assert settings_of(app, ALL).pause is None
        assert settings_of(app, "mail").pause is not None

    drive(app, act)


@pytest.mark.parametrize(("keys", "limit"), [(["4"], 4), (["0"], None), (["backspace"], None), (["up"], 2)])
def test_a_limit_is_set_and_an_empty_one_is_none(tmp_path: Path, keys: list[str], limit: int | None):
    app = view_of(tmp_path, settled)

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("G", "L")
        await pilot.pause()
        assert isinstance(app.screen, NumberPrompt)
        assert "0 or empty: no limit" in screen(app)
        await pilot.press(*keys)
        await pilot.pause()
        assert f"queuectl queue set --limit {limit or 'none'} video" in screen(app)
        await pilot.press("enter")
        await pilot.pause()
        assert settings_of(app, "video").limit == limit

    drive(app, act)


def test_a_weight_is_set(tmp_path: Path):
    app = view_of(tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("j", "W")
        await pilot.pause()
        await pilot.press("5", "enter")
        await pilot.pause()
        assert settings_of(app, "mail").weight == 5
        assert app.messages == ["set the weight of mail to 5"]

    drive(app, act)


def test_only_one_queue_is_limited_at_a_time(tmp_path: Path):
    app = view_of(tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("space", "space", "L")
        await pilot.pause()
        assert app.acted == []
        assert app.messages == ["2 queues are marked, and one can be set at a time: esc clears marks"]
        assert app.view.go_back()
        assert the_list(app).marks == set()

    drive(app, act)


def test_enter_opens_the_jobs_of_the_queue_and_y_copies_its_name(tmp_path: Path):
    app = view_of(tmp_path)

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("j", "enter", "y")
        assert app.opened == ["jobs queue:mail", "mail"]

    drive(app, act)


@pytest.mark.parametrize("name", ["mail", "a, b", 'say "now"', "dead,mail", "処理", "-x", "!q"])
def test_a_queue_of_any_name_is_one_condition_of_a_filter(name: str):
    assert parse_filter(f"queue:{value_of(name)}").queues == (name,)


# In the console ---------------------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_pause_is_echoed_and_undone(make_app: Make):
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("4", "j", "h")
        await pilot.pause()
        assert app.echo.command == "queuectl queue pause mail"
        assert "mail" in app.snapshot.paused
        await pilot.press("u")
        await pilot.pause()
        assert not app.snapshot.paused
        assert "○ open" in "".join(segment.text for segment in app.view.query_one(LineList).render_line(1))


@pytest.mark.asyncio
async def test_a_pause_from_the_command_line_of_the_console_is_undone_too(make_app: Make):
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("colon", *"queue", "space", *"pause", "space", *"mail", "enter")
        await pilot.pause()
        assert "mail" in app.snapshot.paused
        await pilot.press("u")
        await pilot.pause()
        assert not app.snapshot.paused


@pytest.mark.asyncio
async def test_two_presses_behind_each_other_pause_and_resume(make_app: Make):
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("4", "j", "h", "h")
        await pilot.pause()
        assert app.echo.command == "queuectl queue resume mail"
        assert not app.snapshot.paused


@pytest.mark.asyncio
async def test_enter_shows_the_jobs_view_with_the_queue_as_its_filter(make_app: Make):
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("4", "j", "enter")
        await pilot.pause()
        await read_again(pilot)
        assert app.view.view_name == "jobs"
        assert app.query_one(JobTable).filter.queues == ("mail",)


@pytest.mark.asyncio
async def test_a_read_only_console_refuses_to_pause(make_app: Make):
    app = make_app(read_only=True)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("4")
        for key in ("h", "H", "L", "W"):
            await pilot.press(key)
            await pilot.pause()
            assert len(app.screen_stack) == 1
            assert "read-only" in screen_of(app)
        assert not app.snapshot.paused


@pytest.mark.asyncio
@pytest.mark.parametrize("size", [(60, 15), (80, 24), (120, 40)])
@pytest.mark.parametrize(("seed", "text"), [(settled, "paused"), (all_paused, "all")])
async def test_every_view_shows_that_queues_are_paused(
    make_app: Make, seed: Callable[[seeds.Seeder], None], text: str, size: tuple[int, int]
):
    app = make_app(seed, ascii=True)
    async with app.run_test(size=size) as pilot:
        for key in "123456":
            await pilot.press(key)
            await pilot.pause()
            first = screen_of(app).split("\n")[0]
            assert "| " in first
            assert text in first


@pytest.mark.asyncio
async def test_a_frozen_display_is_not_called_paused(make_app: Make):
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("p")
        await pilot.pause()
        assert "■ FROZEN p unfreezes" in app.query_one(StatusLine).render_line(0).text
        assert "paused" not in screen_of(app).lower()


@pytest.mark.parametrize(
    ("paused", "wide", "text"),
    [
        ((), True, ""),
        (("mail",), True, "  ‖ queue mail paused"),
        (("mail",), False, "  ‖ 1 queue paused"),
        (("mail", "video"), True, "  ‖ 2 queues paused"),
    ],
)
def test_the_status_line_counts_paused_queues(paused: tuple[str, ...], wide: bool, text: str):
    assert "".join(piece for piece, _ in pauses(snapshot(paused=paused), wide=wide)) == text
