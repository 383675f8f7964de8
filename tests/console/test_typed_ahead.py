"""Keys of one read: each acts on the screen that the one before it has left."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
from textual.widgets import Input, TextArea

from queuectl.domain.errors import StoreBusy
from queuectl_tui.keymap import KEYS
from queuectl_tui.screens.confirm import Confirm
from queuectl_tui.screens.form import JobForm
from queuectl_tui.screens.job import JobScreen
from queuectl_tui.screens.result import ResultPanel
from queuectl_tui.widgets.job_table import JobTable
from tests.support.console import Terminal
from tests.support.key_burst import burst, pasted
from tests.support.pilot import screen_of
from tests.support.queue import Queue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textual.pilot import Pilot

    from queuectl_tui.app import ConsoleApp

    Make = Callable[..., ConsoleApp]

LETTERS = "xhr"
"""Keys that change a job of a list without confirmation."""
LEAVE = {f"global.view_{number}" for number in range(1, 6)} | {"global.leave", "list.open"}
"""Keys after which these letters act on jobs again, or on nothing."""
ODD = {
    "slash": "/", "colon": ":", "question_mark": "?", "plus": "+", "minus": "-", "space": " ", "escape": "\x1b",
    "enter": "\r", "tab": "\t", "left_square_bracket": "[", "right_square_bracket": "]", "pageup": "\x1b[5~",
    "pagedown": "\x1b[6~", "home": "\x1b[H", "end": "\x1b[F", "up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C",
    "left": "\x1b[D",
}  # fmt: skip


def written(key: str) -> str:
    """Return the bytes that a terminal sends for a key."""
    if key.startswith("ctrl+"):
        return chr(ord(key[5:]) & 31)
    return ODD.get(key, key)


def clear(directory: Path) -> None:
    """Remove the store, so that another one can be created."""
    for each in directory.iterdir():
        shutil.rmtree(each) if each.is_dir() else each.unlink()


def jobs_of(app: Any) -> list[tuple[str, str, int]]:
    """Return the number of jobs by queue and state."""
    return sorted(app.reader._open().store.counts())


def where(app: Any) -> tuple[Any, Any]:
    return app.screen, app.screen.focused


def cursor_of(each: Any) -> str | None:
    return each.cursor.id if isinstance(each, JobTable) else each.cursor


async def to_the_top(pilot: Pilot[int], view: str) -> None:
    """Close all layers, and focus the list of the view."""
    app: Any = pilot.app
    for _ in range(6):
        if len(app.screen_stack) == 1:
            break
        await pilot.press("escape")
    app.show_view(view)
    await pilot.pause()
    for field in app.view.query(Input):
        field.value = ""
    app.view.on_view_shown()
    await pilot.pause()


@pytest.mark.asyncio
@pytest.mark.parametrize("view", ["jobs", "workers", "dead", "overview", "activity"])
async def test_letters_after_a_change_of_focus_never_reach_the_previous_list(make_app: Make, view: str):
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await to_the_top(pilot, view)
        scopes = {"global", *app.view.scopes}
        tried = []
        for key in [each for each in KEYS if each.scope in scopes and each.id not in LEAVE | set(app.view.lacks)]:
            before = where(app)
            await pilot.press(key.keys.partition(",")[0])
            moved = where(app) != before
            await to_the_top(pilot, view)
            if not moved:
                continue
            jobs = jobs_of(app)
            for behind in (LETTERS, pasted(LETTERS)):
                await burst(pilot, written(key.keys.partition(",")[0]) + behind)
                assert jobs_of(app) == jobs, f"{key.id} followed by {behind!r}"
                await to_the_top(pilot, view)
            tried.append(key.id)

    assert {"global.command", "global.new_job", "global.help", "global.palette", "global.config"} <= set(tried)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("typed", "field"),
    [("/xy", Input), (":xh", Input), ("nxh", TextArea), ("/" + pasted("xy"), Input), ("n" + pasted("xh"), TextArea)],
    ids=["filter", "command", "form", "paste in filter", "paste in form"],
)
async def test_letters_after_a_key_that_opens_a_field_are_in_the_field(make_app: Make, typed: str, field: Any):
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await burst(pilot, typed)

        focused: Any = app.screen.focused
        assert isinstance(focused, field)
        assert (focused.text if isinstance(focused, TextArea) else focused.value) == typed[1:].replace(
            "\x1b[200~", ""
        ).replace("\x1b[201~", "")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("view", "typed"),
    [
        ("jobs", "/ffmpeg\rx"), ("jobs", "nx\x13h"), ("jobs", "3r"), ("dead", "1x"), ("jobs", "\rx"), ("jobs", "jxjh"),
        ("jobs", "ah"), ("jobs", " jx"), ("jobs", "x\x10hold it\r"), ("jobs", "ojx"), ("dead", "\rjr"), ("dead", "bjr"),
        ("jobs", "Pq5\rj"), ("jobs", "\x1b[Bx\x1b[Bh"), ("workers", "\rx"), ("activity", "/enq\r\r"),
    ],
)  # fmt: skip
async def test_keys_of_one_read_act_as_slowly_typed_ones(make_app: Make, tmp_path: Path, view: str, typed: str):
    left = []
    for slowly in (True, False):
        clear(tmp_path)
        app: Any = make_app()
        async with app.run_test(size=(120, 40)) as pilot:
            await to_the_top(pilot, view)
            if slowly:
                rest = typed
                while rest:
                    step = 3 if rest.startswith("\x1b[") else 1
                    await burst(pilot, rest[:step])
                    rest = rest[step:]
            else:
                await burst(pilot, typed)
            focus = app.screen.focused
            lists = [(cursor_of(each), sorted(each.marks)) for each in app.view.query("JobTable, LineList")]
            left.append((jobs_of(app), lists, type(app.screen), type(focus), getattr(focus, "value", "")))

    assert left[0] == left[1]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("opens", "run", "behind"),
    [("n", "x" * 300, "\t"), ("/", "y" * 100, "\r"), (":", "z" * 100, "\x1b[D"), ("", "j" * 40, "k")],
    ids=["form", "filter", "command line", "list"],
)
async def test_of_a_run_of_letters_or_steps_only_the_first_waits_for_a_stable_screen(
    make_app: Make, opens: str, run: str, behind: str
):
    app: Any = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await burst(pilot, opens)
        focused, wait_until_stable, waited = app.screen.focused, app.typed._wait_until_stable, []

        async def count() -> None:
            waited.append(len(app.typed._held))
            await wait_until_stable()

        app.typed._wait_until_stable = count
        await burst(pilot, run + behind)

        assert waited == [len(run) + 1, 1]
        if opens:
            assert (focused.text if isinstance(focused, TextArea) else focused.value) == run


@pytest.mark.asyncio
async def test_keys_after_a_refused_key_are_dropped(make_app: Make):
    app: Any = make_app(workers=False)
    async with app.run_test(size=(120, 40)) as pilot:
        jobs = jobs_of(app)

        await burst(pilot, "Xhx")

        assert "no workers are running" in screen_of(app)
        assert jobs_of(app) == jobs


@pytest.mark.asyncio
async def test_a_key_waits_for_the_answer_that_opens_its_dialog(make_app: Make):
    app: Any = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        jobs, asked, ask = jobs_of(app), [], app.reader.ask

        def hold_back(request: Any, answer: Any, key: str, failed: Any = None) -> None:
            if key == "edit":
                asked.append((request, answer, key, failed))
            else:
                ask(request, answer, key, failed)

        app.reader.ask = hold_back
        await burst(pilot, "exh")
        assert not isinstance(app.screen, JobForm)
        assert jobs_of(app) == jobs

        ask(*asked.pop())
        app.typed.wake()
        await pilot.pause()

        assert isinstance(app.screen, JobForm)
        assert app.screen.query_one(TextArea).text.endswith("xh")
        assert jobs_of(app) == jobs


@pytest.mark.asyncio
async def test_an_unreadable_job_of_a_dialog_is_reported_and_drops_the_keys_after_it(make_app: Make):
    app: Any = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        jobs, ask = jobs_of(app), app.reader.ask

        def fail(request: Any, answer: Any, key: str, failed: Any = None) -> None:
            if key == "edit":
                failed(StoreBusy("the store is locked"))
            else:
                ask(request, answer, key, failed)

        app.reader.ask = fail
        await burst(pilot, "exh")

        assert len(app.screen_stack) == 1
        assert "the store is locked" in screen_of(app)
        assert jobs_of(app) == jobs
        app.reader.ask = ask
        await burst(pilot, "e")
        assert isinstance(app.screen, JobForm)


@pytest.mark.asyncio
async def test_ctrl_c_does_not_wait_for_earlier_keys(make_app: Make):
    app: Any = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        jobs, ask = jobs_of(app), app.reader.ask
        app.reader.ask = lambda request, answer, key, failed=None: (
            None if key == "edit" else ask(request, answer, key, failed)
        )

        await burst(pilot, "exh\x03")

        assert "Ctrl+C again quits" in screen_of(app)
        assert jobs_of(app) == jobs


@pytest.mark.asyncio
async def test_letters_after_a_command_with_a_result_reach_its_panel(make_app: Make):
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        jobs = jobs_of(app)

        await burst(pilot, ":config list\rxh")

        assert isinstance(app.screen, ResultPanel)
        assert jobs_of(app) == jobs


@pytest.mark.asyncio
async def test_enter_in_the_palette_uses_the_matches_of_all_letters(make_app: Make):
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        jobs = jobs_of(app)

        await burst(pilot, "\x10Enqueue a job\r")

        assert isinstance(app.screen, JobForm)
        assert jobs_of(app) == jobs


@pytest.mark.asyncio
async def test_a_key_after_opening_a_job_acts_on_that_job(make_app: Make):
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        row = app.view.query_one(JobTable).cursor_row
        assert row is not None

        await burst(pilot, "\rD" if row.state in {"completed", "dead", "cancelled"} else "\rx")

        assert isinstance(app.screen_stack[1], JobScreen)
        if isinstance(app.screen, Confirm):
            assert row.id in screen_of(app)


@pytest.mark.parametrize("typed", ["/xh", ":xh", "nxh", "exh", "n" + pasted("xh")])
def test_on_a_terminal_letters_of_one_write_are_in_the_field_that_opens(
    console: Callable[..., Terminal], queue: Queue, typed: str
):
    queue.enqueue("true", "--id", "job-1")
    terminal = console()
    terminal.wait_for("job-1", 120)

    terminal.press(typed)

    terminal.wait_for("xh", 120)
    assert queue.state("job-1") == "pending"
