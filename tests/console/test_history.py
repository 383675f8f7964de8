"""The history of the command line: kept for its owner alone, without values of variables and passwords."""

from __future__ import annotations

import os
import stat
from typing import Any

import pytest

from queuectl.operations import find
from queuectl_tui.history import MAX_LINES, History, location
from queuectl_tui.screens.command_line import CommandLine
from queuectl_tui.writer import ActionDone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from queuectl_tui.app import ConsoleApp


@pytest.fixture
def kept(tmp_path: Path) -> History:
    return History(str(tmp_path / "state" / "queuectl" / "history"))


def test_the_file_is_in_the_state_directory():
    assert location({"XDG_STATE_HOME": "/state"}, "linux") == "/state/queuectl/history"
    assert location({}, "linux").endswith("/.local/state/queuectl/history")
    assert location({}, "darwin").endswith("/Library/Application Support/queuectl/history")


def test_lines_come_back_in_order_and_only_their_owner_can_read_them(tmp_path: Path, kept: History):
    kept.add("list")
    kept.add("retry job1")
    file = tmp_path / "state" / "queuectl" / "history"
    assert History(str(file)).read() == ["list", "retry job1"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_file_readable_by_others_is_made_private(tmp_path: Path):
    file = tmp_path / "history"
    file.write_text("list\n")
    file.chmod(0o644)
    History(str(file)).add("status")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_its_size_is_bounded(tmp_path: Path):
    file = tmp_path / "history"
    file.write_text("".join(f"show job{number}\n" for number in range(2 * MAX_LINES)))
    kept = History(str(file))
    kept.add("list")
    lines = file.read_text().splitlines()
    assert len(lines) == MAX_LINES
    assert lines[-1] == "list"
    assert os.listdir(tmp_path) == ["history"]


def test_invalid_lines_are_left_out(tmp_path: Path, kept: History):
    kept.add("list \x1b[2J")
    kept.add("x" * 5000)
    assert kept.read() == []
    file = tmp_path / "history"
    file.write_bytes(b"list\nshow \x1b[31mred\n\nstatus\n")
    assert History(str(file)).read() == ["list", "status"]
    file.write_bytes(b"\xff\xfe\n")
    assert History(str(file)).read() == []


@pytest.mark.parametrize("made", ["nothing", "directory", "link", "pipe"])
def test_an_unusable_file_is_ignored(tmp_path: Path, made: str):
    path, other = tmp_path / "history", tmp_path / "other"
    other.write_text("secret\n")
    if made == "nothing":
        path = other / "history"
    elif made == "directory":
        path.mkdir()
    elif made == "link":
        path.symlink_to(other)
    else:
        os.mkfifo(path)
    kept = History(str(path))
    kept.add("list")
    assert kept.read() == []
    assert other.read_text() == "secret\n"


async def typed(app: Any, pilot: Any, line: str) -> None:
    app.pages.command_line(line)
    await pilot.pause()
    assert isinstance(app.screen, CommandLine)
    await pilot.press("enter")
    await pilot.pause()


@pytest.mark.asyncio
async def test_a_new_console_has_the_lines_of_the_last_one(make_app: Callable[..., ConsoleApp], kept: History):
    kept.add("jobs state:dead")
    app = make_app(history=kept)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await typed(app, pilot, "workers")
        app.pages.command_line()
        await pilot.pause()
        await pilot.press("up", "up")
        assert app.screen.query_one("Input").value == "jobs state:dead"  # type: ignore[attr-defined]  # an Input has one
    assert kept.read() == ["jobs state:dead", "workers"]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "line",
    [
        "enqueue ./pay.sh --env KEY=hunter2",
        "enqueue ./pay.sh -e KEY=hunter2",
        """enqueue '{"command": "./pay.sh", "env": {"KEY": "hunter2"}}'""",
        "edit 42 --env KEY=hunter2",
        "migrate --to postgresql://ann:hunter2@localhost:1/jobs",
    ],
)
async def test_variables_and_passwords_are_not_kept(make_app: Callable[..., ConsoleApp], kept: History, line: str):
    app = make_app(history=kept)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await typed(app, pilot, line)
        await typed(app, pilot, "jobs")
    assert kept.read() == ["jobs"]


def test_a_password_is_not_shown_in_the_echo():
    migrate = find("migrate")

    done = ActionDone(migrate, migrate.params(to="postgresql://ann:hunter2@host/jobs"), "moved")

    assert done.echo == "queuectl migrate --to postgresql://ann@host/jobs"
