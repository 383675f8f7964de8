"""The job table and its view: cursor, marks, filter and keys."""

from __future__ import annotations

import random

import apsw
import pytest
from rich.cells import cell_len

from queuectl_tui.widgets.filter_bar import FilterBar
from queuectl_tui.widgets.job_table import JobTable
from tests.support import seed as seeds
from tests.support.pilot import lines_of, read_again

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from queuectl_tui.app import ConsoleApp

    Make = Callable[..., ConsoleApp]

pytestmark = pytest.mark.asyncio
SIZE = (120, 40)


def plain(count: int) -> Callable[[seeds.Seeder], None]:
    def seed(seeder: seeds.Seeder) -> None:
        seeder.many(count, state="pending")

    return seed


def table_of(app: ConsoleApp) -> JobTable:
    return app.query_one(JobTable)


async def test_the_cursor_stays_on_its_job_through_a_thousand_changes_above_it(make_app: Make, tmp_path: Path) -> None:
    app = make_app(plain(300), workers=False)
    rng = random.Random(1)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press(*["j"] * 60)
        table = table_of(app)
        assert table.cursor_row is not None
        kept = table.cursor_row.id
        connection = apsw.Connection(str(tmp_path / "queue.db"))
        last = 300
        for step in range(1000):
            above = [seq for (seq,) in connection.execute("SELECT seq FROM jobs WHERE seq > ?", (int(kept),))]
            if rng.random() < 0.5 or not above:
                last += 1
                connection.execute(
                    "INSERT INTO jobs (seq, id, command, queue, max_retries, run_at, created_at, updated_at)"
                    " VALUES (?, ?, 'true', 'q', 3, ?, ?, ?)",
                    (last, str(last), seeds.NOW, seeds.NOW, seeds.NOW),
                ).fetchall()
            else:
                connection.execute("DELETE FROM jobs WHERE seq = ?", (rng.choice(above),)).fetchall()
            if step % 10 == 0:
                await read_again(pilot)
                assert table.cursor_row is not None
                assert table.cursor_row.id == kept
                marked = [line for line in lines_of(app) if line.startswith(">")]
                assert len(marked) == 1
                assert f" {kept} " in marked[0]
        connection.close()


async def test_marks_are_jobs_and_survive_new_rows_and_filters(make_app: Make, tmp_path: Path) -> None:
    app = make_app(plain(50), workers=False)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("space", "j", "space")
        table = table_of(app)
        kept = ["50", "48"]
        assert list(table.marks) == kept
        seeder = seeds.Seeder(str(tmp_path / "queue.db"))
        seeder.many(5, state="pending")
        seeder.done()
        await read_again(pilot)
        assert list(table.marks) == kept
        await pilot.press("slash", *"queue:nothing", "enter")
        assert (table.window.total, list(table.marks)) == (0, kept)
        # One layer after the other: first the marks, then the filter.
        await pilot.press("escape")
        assert (list(table.marks), app.query_one(FilterBar).text) == ([], "queue:nothing")
        await pilot.press("escape")
        assert app.query_one(FilterBar).text == ""


async def test_a_range_and_all_in_the_filter_are_marked(make_app: Make) -> None:
    app = make_app(plain(500), workers=False)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("v", "j", "j", "j", "v")
        table = table_of(app)
        assert sorted(table.marks) == ["497", "498", "499", "500"]
        await pilot.press("a")
        assert len(table.marks) == 500
        await pilot.press("a")
        assert not table.marks


async def test_a_row_that_leaves_the_filter_stays_as_a_ghost_until_the_next_move(
    make_app: Make, tmp_path: Path
) -> None:
    app = make_app(plain(30), workers=False)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("slash", *"state:pending", "enter", "j", "j")
        table = table_of(app)
        assert table.cursor_row is not None
        ghost = table.cursor_row.id
        app.clock.at += 1000  # type: ignore[attr-defined]  # a StoppedClock
        connection = apsw.Connection(str(tmp_path / "queue.db"))
        connection.execute("UPDATE jobs SET state = 'cancelled', finished_at = 1 WHERE id = ?", (ghost,)).fetchall()
        connection.close()
        await read_again(pilot)
        assert (table.is_ghost, table.cursor_row.id, table.settled) == (True, ghost, False)
        await pilot.press("x")
        assert "just changed" in "".join(lines_of(app))
        app.clock.at += 200  # type: ignore[attr-defined]  # a StoppedClock
        await pilot.press("j")
        assert (table.is_ghost, table.settled) == (False, True)
        assert table.cursor_row.id == "27"
        assert table.window.row(2).id == "27"  # type: ignore[union-attr]  # the row exists


async def test_the_filter_is_live_and_an_error_keeps_the_list(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("slash", *"state:dead")
        table = table_of(app)
        assert table.window.total == 13
        await pilot.press(*",xx")
        assert table.window.total == 13
        assert "is not a state" in "".join(lines_of(app))
        await pilot.press("escape")
        assert table.window.total == 68
        assert table.has_focus


async def test_an_incomplete_filter_key_does_not_empty_the_list(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("slash", *"stat")
        assert table_of(app).window.total == 68
        await pilot.press("enter")
        assert table_of(app).window.total == 0


@pytest.mark.parametrize("keys", [("G",), ("end",), ("pagedown",) * 40])
async def test_the_end_is_reached_and_the_top_again(make_app: Make, keys: tuple[str, ...]) -> None:
    app = make_app(plain(700), workers=False)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press(*keys)
        await pilot.pause()
        table = table_of(app)
        assert table.cursor_row is not None
        assert table.cursor_row.id == "1"
        assert table.position == 700
        await pilot.press("g")
        await pilot.pause()
        assert table.cursor_row.id == "700"
        assert table.position == 1


async def test_every_order_shows_its_first_row(make_app: Make) -> None:
    app = make_app()
    first = []
    async with app.run_test(size=SIZE) as pilot:
        for _ in range(5):
            await pilot.press("g")
            row = table_of(app).window.row(0)
            first.append((table_of(app).sort.value, row.id if row else None))
            await pilot.press("o")
        await pilot.pause()
    assert first == [
        ("newest", "68"), ("oldest", "1"), ("next run", "64"), ("duration", "65"), ("attempts", "48"),
    ]  # fmt: skip


async def test_a_key_runs_the_operation_and_echoes_its_command(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("slash", *"state:dead", "enter", "r")
        await pilot.pause()
        await pilot.pause()
        assert "$ queuectl retry 54" in "".join(lines_of(app))
        assert "u undo" in "".join(lines_of(app))
        assert app.snapshot.counts["dead"] == 12


async def test_read_only_refuses_before_anything_runs(make_app: Make) -> None:
    app = make_app(read_only=True)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("slash", *"state:dead", "enter", "r", "D", "n", "S")
        await pilot.pause()
        assert "read-only" in "".join(lines_of(app))
        assert app.snapshot.counts["dead"] == 13
        assert len(app.screen_stack) == 1


async def test_nothing_hostile_reaches_the_terminal(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("slash", *"tag:hostile", "enter", "j", "j", "j")
        for line in lines_of(app):
            assert not set(line) & {"\x1b", "\x07", "\x9b", "\u202e", "\x00", "\r", "\t"}


@pytest.mark.parametrize("width", [60, 79, 80, 99, 100, 133, 200])
async def test_every_line_is_as_wide_as_the_table(make_app: Make, width: int) -> None:
    app = make_app()
    async with app.run_test(size=(width, 30)) as pilot:
        await pilot.pause()
        table = table_of(app)
        for y in range(table.size.height):
            assert cell_len(table.render_line(y).text) == table.viewport.width


@pytest.mark.parametrize("width", [60, 80, 120])
async def test_the_key_bar_keeps_help_and_quit(make_app: Make, width: int) -> None:
    app = make_app()
    async with app.run_test(size=(width, 24)) as pilot:
        await pilot.pause()
        last = lines_of(app)[-1]
        assert "? help" in last
        assert "q quit" in last


async def test_ctrl_c_asks_first_and_quits_the_second_time(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("ctrl+c")
        assert app.is_running
        await pilot.press("ctrl+c")
    assert app.return_code == 0
