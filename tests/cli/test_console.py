"""The command line and the console: how it is opened, and that nothing else pays for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.command import environment, run
from tests.support.terminal import on_a_terminal
from tests.support.waiting import PATIENCE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

HEAVY = ("textual", "rich", "queuectl_tui", "asyncio", "typing", "pathlib")


def test_an_enqueue_loads_no_user_interface(tmp_path: Path) -> None:
    program = (
        "import sys; from queuectl.cli.main import main; code = main(['enqueue', 'true']);"
        f"print(code, [name for name in {HEAVY!r} if name in sys.modules])"
    )
    # Without site: an editable install may load typing by itself.
    path = [each for each in sys.path if each]
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {path!r}; {program}"],
        env=environment(tmp_path / "queue.db"), capture_output=True, text=True, check=True, timeout=PATIENCE,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "0 []"


def test_without_a_terminal_a_bare_call_prints_the_usage(tmp_path: Path) -> None:
    done = run(env=environment(tmp_path / "queue.db"))
    assert done.code == 2
    assert done.err.startswith("usage: queuectl")
    assert not (tmp_path / "queue.db").exists()


@pytest.mark.parametrize("term", ["dumb", "unknown", "", None])
def test_a_terminal_that_cannot_place_its_cursor_gets_no_console(tmp_path: Path, term: str | None) -> None:
    env = environment(tmp_path / "queue.db", TERM=term)
    screen, code = on_a_terminal("tui", env=env)
    assert code == 2
    assert screen.startswith("error: the console needs a terminal that can place its cursor")
    assert "\x1b" not in screen
    screen, code = on_a_terminal(env=env)
    assert code == 2
    assert screen.startswith("usage: queuectl")
    assert not (tmp_path / "queue.db").exists()


def test_a_read_only_console_creates_no_store(tmp_path: Path) -> None:
    screen, code = on_a_terminal("tui", "--read-only", env=environment(tmp_path / "queue.db", TERM="xterm"))
    assert (code, screen) == (0, f"there is no store at {tmp_path}/queue.db yet: queuectl enqueue creates it\n")
    assert not any(tmp_path.iterdir())


def test_the_console_without_a_terminal_is_an_error(tmp_path: Path) -> None:
    run("tui", env=environment(tmp_path / "queue.db")).refused(2, "needs a terminal")
