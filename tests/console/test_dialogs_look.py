"""Pictures of the dialogs at 80x24 and 120x40. A changed picture is to be reviewed."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input

from queuectl.domain.errors import Refused
from queuectl.operations.operation import Danger
from queuectl_tui.screens.command_line import CommandLine
from queuectl_tui.screens.config_editor import ConfigEditor
from queuectl_tui.screens.confirm import Confirm
from queuectl_tui.screens.form import JobForm
from queuectl_tui.screens.help import Help
from queuectl_tui.screens.number import NumberPrompt
from queuectl_tui.screens.result import ResultPanel
from queuectl_tui.screens.signals import SignalPicker
from queuectl_tui.widgets.echo_line import EchoLine, toast
from tests.support.dialogs import Stage, delete_many, read_names, settings_now

JOB = {
    "command": "curl -fsS https://api/hook -d @p.json\n# [b]not bold[/b] \x1b[31m",
    "id": "12477",
    "queue": "mail",
    "priority": 5,
    "timeout": 30,
    "env": {"REGION": "eu west"},
    "tags": ["nightly", "[/"],
    "cwd": "/srv/mail",
}
DEAD = [
    {
        "id": str(id_),
        "state": "dead",
        "queue": "mail",
        "attempts": 4,
        "exit_code": 28,
        "command": "send --to list-[b]a[/b]",
    }
    for id_ in range(12440, 12481)
]
KEYS: dict[str, tuple[str, ...]] = {
    "confirm_typed": ("4", "6", "enter"),
    "signals": ("down",),
    "form_edit": ("x", "tab", "tab", "2", "tab", "1"),
    "help_search": tuple("error"),
    "command_tab": ("tab", "tab"),
    "command_error": ("enter",),
    "settings_wrong": ("down", "x"),
    "settings_new": ("down", "backspace", "backspace", "backspace", "2"),
}


def dialog(name: str) -> Screen[Any]:
    match name:
        case "confirm_many":
            return delete_many()
        case "confirm_typed" | "confirm_untyped":
            return delete_many(typed=46)
        case "confirm_one":
            lines = ["It runs since 41 s: TERM now, KILL after 5 s.", "What it has done so far stays done."]
            names = ["12480  ffmpeg -i a.mov b.mp4"]
            return Confirm(
                "Cancel 12480", lines, "queuectl cancel 12480", Danger.STOPS, do="Cancel the job", names=names
            )
        case "confirm_purge":
            lines = ["37 dead jobs go away with their history.", "This cannot be undone."]
            return Confirm("Purge", lines, "queuectl dlq purge --yes", Danger.DESTROYS, 37, do="Purge", total=37)
        case "signals":
            return SignalPicker("12480  ffmpeg -i a.mov b.mp4")
        case "form_new":
            return JobForm({"command": "./report.sh daily"})
        case "form_wrong":
            wrong = {
                "command": "./report.sh",
                "priority": "x",
                "timeout": "soon",
                "cwd": "rel",
                "env": {"QUEUECTL_A": "1"},
            }
            return JobForm(wrong, {"id": "job daily already exists"})
        case "form_edit":
            return JobForm(JOB, editing="12477")
        case "form_all_wrong":
            wrong = {
                "command": "a",
                "queue": "q" * 201,
                "priority": "x",
                "max_retries": "x",
                "timeout": "soon",
                "delay": "x",
            }
            return JobForm(wrong | {"cwd": "rel", "tags": ["x" * 201], "env": {"": "1"}}, editing="12477")
        case "help" | "help_search":
            return Help("list")
        case "command":
            return CommandLine(read_names=read_names)
        case "command_tab":
            return CommandLine("dlq ", read_names=read_names)
        case "command_ids":
            return CommandLine("cancel ", read_names=read_names)
        case "command_error":
            return CommandLine("retyr 12481", read_names=read_names)
        case "result_table":
            return ResultPanel("queuectl dlq list", DEAD)
        case "result_one":
            one = DEAD[0] | {"stderr": "[/b]\ncurl: (28) timed out\n", "history": [{"attempt": 1, "outcome": "exit"}]}
            return ResultPanel("queuectl show 12440", one)
        case "number":
            asked = "-1000 to 1000; higher runs first"
            return NumberPrompt(
                "Priority of 12477", asked, value=5, low=-9, high=9, line=lambda n: f"queuectl priority 12477 {n}"
            )
        case _:
            return ConfigEditor(settings_now(lease=60, job_timeout=900), lambda *_: None)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
@pytest.mark.parametrize(
    "name",
    [
        "confirm_many", "confirm_typed", "confirm_untyped", "confirm_one", "confirm_purge", "signals", "form_new",
        "form_wrong", "form_all_wrong", "form_edit", "help", "help_search", "command", "command_tab", "command_ids",
        "command_error", "result_table", "result_one", "number", "settings", "settings_wrong", "settings_new",
    ],
)  # fmt: skip
def test_a_dialog(name: str, size: tuple[int, int], snap_compare: Any):
    assert snap_compare(Stage(dialog(name)), terminal_size=size, press=KEYS.get(name, ()))


def test_the_palette(snap_compare: Any):
    async def find(pilot: Pilot[None]) -> None:
        pilot.app.action_command_palette()
        await pilot.pause()
        pilot.app.screen.query_one(Input).cursor_blink = False
        await pilot.press(*"retry")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause(0.3)

    assert snap_compare(Stage(), terminal_size=(80, 24), run_before=find)


@pytest.mark.parametrize("width", [80, 120])
def test_the_last_action_and_notices(width: int, snap_compare: Any):
    async def act(pilot: Pilot[None]) -> None:
        line = pilot.app.query_one(EchoLine)
        line.done(51_805_000, "retried 46 jobs", "queuectl retry " + "12476 " * 46, undo=True)
        toast(pilot.app, "48 failures in 2 min, the same error: [/b]", title="mail [b]")
        toast(pilot.app, "job 12480 has ended: exit 1 \x1b[31m", wrong=True)

    assert snap_compare(Stage(), terminal_size=(width, 24), run_before=act)


def test_a_failed_action(snap_compare: Any):
    async def act(pilot: Pilot[None]) -> None:
        error = Refused("job 12476 is dead [/]", hint="queuectl dlq retry 12476")
        pilot.app.query_one(EchoLine).failed(51_805_000, "cancel 12476", error, "queuectl cancel 12476")

    assert snap_compare(Stage(), terminal_size=(80, 24), run_before=act)
