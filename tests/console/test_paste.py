"""Paste: CR, CR LF and LF are line breaks in every field, whichever of them the terminal sends."""

from __future__ import annotations

import json
from typing import Any

import pytest
from textual.widgets import Input, TextArea

from tests.support.console import Terminal
from tests.support.key_burst import burst, pasted
from tests.support.queue import Queue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl_tui.app import ConsoleApp

    Make = Callable[..., ConsoleApp]
BREAKS = pytest.mark.parametrize("end", ["\r", "\r\n", "\n"], ids=["CR", "CRLF", "LF"])
FIELDS = {"filter": "/", "command line": ":", "id of the form": "n\t", "setting": "C", "help": "?", "log search": "l/"}


def value(app: Any) -> str:
    focused = app.screen.focused
    assert isinstance(focused, Input | TextArea)
    return focused.text if isinstance(focused, TextArea) else focused.value


@BREAKS
@pytest.mark.asyncio
async def test_a_pasted_line_break_is_kept_in_a_command(make_app: Make, end: str):
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await burst(pilot, "n" + pasted(f"cd /tmp{end}{end}make\ttest{end}"))

        assert value(app) == "cd /tmp\n\nmake\ttest\n"


@BREAKS
@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.asyncio
async def test_a_pasted_line_break_is_a_blank_in_a_single_line_field(make_app: Make, end: str, field: str):
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await burst(pilot, FIELDS[field])
        before = value(app)
        await burst(pilot, pasted(f"one{end}two{end}"))

        assert value(app) in {f"{before}one two", "one two"}


@pytest.mark.asyncio
async def test_a_number_can_be_pasted_with_a_trailing_line_break(make_app: Make):
    app = make_app(workers=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await burst(pilot, "S\x15" + pasted("7\r"))

        assert value(app) == "7"


@pytest.mark.asyncio
async def test_other_control_characters_of_a_paste_are_written_out(make_app: Make):
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await burst(pilot, "n" + pasted("a\x07b\rc"))

        assert value(app) == "a\\x07b\nc"


def test_on_a_terminal_a_script_is_pasted_with_its_lines(console: Callable[..., Terminal], queue: Queue):
    terminal = console()
    terminal.press("n" + pasted("printf one\rprintf two"))
    terminal.wait_for("printf two", 120)

    terminal.press("\x13")
    terminal.wait_for("enqueued", 120)

    [job] = json.loads(queue.run("list", "--json").stdout)
    assert job["command"] == "printf one\nprintf two"
