"""The list of lines: cursor and marks stay with their rows, whatever is added or removed."""

from __future__ import annotations

import asyncio
import random

from textual.app import App, ComposeResult

from queuectl_tui.theme import Paint
from queuectl_tui.widgets.line_list import LineList, Row
from queuectl_tui.widgets.lines import Column

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from textual.pilot import Pilot

COLUMNS = (Column(title="KEY", width=8, grows=True),)


class ListApp(App[None]):
    """A list and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.paint = Paint("queuectl", dark=True)
        self.moves: list[str | None] = []
        self.opened: list[str] = []

    def compose(self) -> ComposeResult:
        yield LineList(id="list")

    def on_line_list_moved(self, event: LineList.Moved) -> None:
        self.moves.append(event.key)

    def on_line_list_opened(self, event: LineList.Opened) -> None:
        self.opened.append(event.key)


def rows(keys: Iterable[object]) -> list[Row]:
    return [Row(key=str(key), columns=COLUMNS, cells=((f"row {key}", "text"),)) for key in keys]


def drive(act: Callable[[ListApp, LineList, Pilot[None]], Awaitable[None]]) -> None:
    async def run() -> None:
        app = ListApp()
        async with app.run_test(size=(30, 10)) as pilot:
            the_list = app.query_one(LineList)
            the_list.focus()
            await act(app, the_list, pilot)

    asyncio.run(run())


def cursor(of: LineList) -> str | None:
    return of.cursor


def cursor_departed(of: LineList) -> bool:
    return of.cursor_departed


def line_of_cursor(of: LineList) -> str:
    """Return the text of the row that is drawn as the cursor's."""
    drawn = ["".join(segment.text for segment in of.render_line(y)) for y in range(of.size.height)]
    return next((line for line in drawn if line.startswith(">")), "")


def test_a_thousand_inserts_and_deletes_never_move_the_cursor_to_another_row():
    async def act(app: ListApp, of: LineList, pilot: Pilot[None]) -> None:
        rng = random.Random(3)
        keys = list(range(100))
        fresh = 100
        of.show(rows(keys))
        await pilot.pause()
        of.go_to("50")
        of.marks = {"50", "60"}
        for _ in range(1000):
            if rng.random() < 0.5 and len(keys) > 40:
                gone = rng.choice([key for key in keys if key not in {50, 60}])
                keys.remove(gone)
            else:
                keys.insert(rng.randrange(len(keys)), fresh)
                fresh += 1
            of.show(rows(keys))
            assert of.cursor == "50"
            assert of.marks == {"50", "60"}
        await pilot.pause()
        assert line_of_cursor(of).rstrip() == ">*row 50"

    drive(act)


def test_a_departed_row_stays_as_a_ghost_and_cannot_be_opened():
    async def act(app: ListApp, of: LineList, pilot: Pilot[None]) -> None:
        of.show(rows("abc"))
        await pilot.press("j")
        of.show(rows("ac"))
        assert cursor_departed(of)
        assert cursor(of) is None
        assert of.keys == ["a", "c"]
        await pilot.press("enter", "space")
        assert app.opened == []
        assert line_of_cursor(of).rstrip() == "> row b"
        await pilot.press("j")
        assert cursor(of) == "c"
        assert not cursor_departed(of)
        assert of.keys == ["a", "c"]

    drive(act)


def test_a_ghost_that_comes_back_is_a_row_again():
    async def act(app: ListApp, of: LineList, pilot: Pilot[None]) -> None:
        of.show(rows("ab"))
        of.show(rows("b"))
        assert cursor_departed(of)
        of.show(rows("ab"))
        assert of.cursor == "a"
        assert not cursor_departed(of)

    drive(act)


def test_after_the_last_row_departs_the_next_move_empties_the_list():
    async def act(app: ListApp, of: LineList, pilot: Pilot[None]) -> None:
        of.show(rows("a"))
        of.show([])
        assert cursor_departed(of)
        await pilot.press("j", "k", "G", "g", "enter", "space", "a")
        of.show(rows("xy"))
        await pilot.press("j")
        assert of.cursor in {"x", "y"}

    drive(act)


def test_keys_move_by_rows_pages_and_to_the_ends():
    async def act(app: ListApp, of: LineList, pilot: Pilot[None]) -> None:
        of.show(rows(range(100)))
        for keys, cursor in (
            ("j j down", "3"), ("k up", "1"), ("pagedown", "10"), ("ctrl+d", "19"), ("pageup", "10"), ("G", "99"),
            ("j", "99"), ("g", "0"), ("k", "0"), ("end", "99"), ("home", "0"),
        ):  # fmt: skip
            await pilot.press(*keys.split())
            assert of.cursor == cursor, keys
            assert f"row {cursor}" in line_of_cursor(of)

    drive(act)


def test_marks_are_set_with_space_and_all_at_once():
    async def act(app: ListApp, of: LineList, pilot: Pilot[None]) -> None:
        of.show(rows("abc"))
        await pilot.press("space", "space", "k", "space")
        assert of.marks == {"a"}
        await pilot.press("a")
        assert of.marks == {"a", "b", "c"}
        await pilot.press("a")
        assert of.marks == set()

    drive(act)


def test_a_click_selects_and_a_double_click_opens():
    async def act(app: ListApp, of: LineList, pilot: Pilot[None]) -> None:
        of.show(rows("abc"))
        await pilot.click(of, offset=(5, 2))
        assert cursor(of) == "c"
        await pilot.click(of, offset=(5, 1), times=2)
        assert app.opened == ["b"]
        await pilot.click(of, offset=(5, 8))
        assert of.cursor == "b"

    drive(act)
