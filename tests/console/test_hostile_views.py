"""Hostile names of jobs, workers and events: no view fails, and no control sequence is painted."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from textual.pilot import Pilot

from queuectl.domain.errors import QueuectlError
from queuectl.domain.record import replace
from queuectl.runtime import liveness
from queuectl_tui.screens.help import Help
from queuectl_tui.screens.job import JobScreen
from queuectl_tui.screens.log import LogScreen
from tests.support import seed as seeds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl_tui.app import ConsoleApp

    Make = Callable[..., ConsoleApp]

pytestmark = pytest.mark.asyncio

HOSTILE = {
    "esc": "\x1b[2J\x1b[31mred\x1b[0m \x1b7\x1bc \x1bPq#0;2\x1b\\ \x1b_Gf=24;AAAA\x1b\\",
    "osc": "\x1b]0;owned\x07\x1b]52;c;cm0gLXJmIC8=\x1b\\\x1b]8;;file:///etc/passwd\x1b\\click\x1b]8;;\x1b\\",
    "c1": "\x9b31mred \x9d0;owned\x9c \x90q\x85next",
    "c0": "bell\x07 back\x08\x08 tab\t feed\x0c\x0b del\x7f line\nreturn\rover",
    "bidi": "\u202edrlow olleh\u202c \u2066iso\u2069 \u200elr\u200f \u061c \u202a\u202d \u2028line \u2029\ufeff",
    "close": "[/bold]",
    "lone": "[/ [ ] [] [/] \\[ [[ ",
    "markup": "[bold red]x[/] [link=file:///etc/passwd]l[/link] [@click=app.quit]q[/] $foreground {0} %s &amp;&#27;",
    "long": "long-" * 4000,
    "wide": "処理を開始します 👩‍👩‍👧‍👦 🇩🇪 한국어 \U0001f44d\U0001f3fd Z" + "\u0336\u0489" * 60,
}
"""Hostile names, by what is wrong with them."""
BINARY = bytes(range(1, 256)) * 3 + b"\xff\xfe\xed\xa0\x80\xc0\xaf"
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]")
SIZE = (80, 24)
_NAME = 190
"""Maximum length of a name: the store accepts two hundred characters."""


def hostile(of: str) -> Callable[[seeds.Seeder], None]:
    """A store in which everything that has a name has this one."""
    text, name = HOSTILE[of], HOSTILE[of][:_NAME]
    env = {name: text}

    def write(seeder: seeds.Seeder) -> None:
        printed: list[tuple[Any, ...]] = [("exit", 1, 900, BINARY, f"{text}\n{text}", name)]
        for number, state in enumerate(("pending", "held", "cancelled")):
            seeder.job(
                text, state, id=f"{name}{number}", age=9 * seeds.SECOND, queue=name, tags=(name,), cwd=text, env=env
            )
        for number, state in enumerate(("failed", "dead", "dead")):
            seeder.job(
                text, state, id=f"{number}{name}", age=seeds.MINUTE, queue=name, tags=(name, "x"), runs=printed * 3
            )
        seeder.job(
            text, "processing", id=name, age=seeds.MINUTE, queue=name, runs=[(None, None, 500, text, text, name)]
        )
        for measure, took in (("enqueued", 0), ("wait", 300), ("success", 800), ("exit", 900)):
            seeder.stat(1, name, measure, took, 3)
        for number in range(3):
            seeder.event(number * seeds.MINUTE, name, "retry", name, text)
        seeder.event(5 * seeds.MINUTE, text, text, text, text)

    return write


def workers(text: str) -> list[Any]:
    seen, _ = seeds.workers()
    return [replace(each, info=replace(each.info, id=text, pool=text, host=text, job=text)) for each in seen]


def pools(text: str) -> list[Any]:
    _, pools = seeds.workers()
    return [replace(each, id=text, host=text, queues=(text,)) for each in pools]


def check(app: ConsoleApp, where: str, *, picture: bool = False) -> str:
    """Check everything that is painted now, and return its text; `picture`: check the exported picture too."""
    strips = app.screen._compositor.render_strips()
    assert len(strips) == SIZE[1]
    for strip in strips:
        found = CONTROL.search(strip.text)
        assert found is None, f"{where} paints {found[0]!r}: {strip.text!r}"
        for segment in strip:
            assert segment.control is None or not segment.control
            style = segment.style
            assert style is None or style.link is None or "passwd" not in style.link, where
            assert style is None or "quit" not in str(style.meta.get("@click")), where
    if picture:
        found = CONTROL.search(html.unescape(app.export_screenshot()).replace("\n", ""))
        assert found is None, f"the picture of {where} has {found[0]!r}"
    return "\n".join(strip.text for strip in strips)


@pytest.fixture
def open_app(make_app: Make, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ConsoleApp]:
    """Make a console in which everything has a name of `HOSTILE`."""

    def make(of: str, **options: Any) -> ConsoleApp:
        app = make_app(hostile(of), location=f"/srv/{HOSTILE[of]}/queue.db", **options)
        monkeypatch.setattr(liveness, "living_workers", lambda *_, **__: workers(HOSTILE[of]))
        monkeypatch.setattr(liveness, "living_pools", lambda *_, **__: pools(HOSTILE[of]))
        return app

    return make


def top(app: ConsoleApp) -> Any:
    return app.screen


async def settle(pilot: Pilot[Any]) -> None:
    await pilot.pause()
    await pilot.pause()


@pytest.mark.parametrize("of", HOSTILE)
async def test_every_view_paints_hostile_names_without_their_control_sequences(
    of: str, open_app: Callable[..., ConsoleApp]
):
    app = open_app(of)
    async with app.run_test(size=SIZE) as pilot:
        for number in "12345":
            for key in (number, "j", "G"):
                await pilot.press(key)
                await pilot.pause()
                check(app, f"view {number} after {key}", picture=key == number)


@pytest.mark.parametrize("of", HOSTILE)
async def test_dead_letters_expand_groups_and_ask_before_deleting(of: str, open_app: Callable[..., ConsoleApp]):
    app = open_app(of)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("3")
        for key in ("enter", "j", "D", "escape", "b", "r"):
            await pilot.press(key)
            await pilot.pause()
            check(app, f"dead letters after {key}", picture=key == "enter")
        app.echo.failed(app.clock.now(), HOSTILE[of], QueuectlError(HOSTILE[of], hint=HOSTILE[of]), HOSTILE[of])
        app.snapshot = replace(app.snapshot, error=HOSTILE[of])
        app._show()
        await pilot.pause()
        check(app, "a store that cannot be read", picture=True)


@pytest.mark.parametrize("of", HOSTILE)
async def test_the_page_the_log_and_the_help_paint_hostile_names(of: str, open_app: Callable[..., ConsoleApp]):
    app = open_app(of)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        app.pages.job(f"1{HOSTILE[of][:_NAME]}")
        await settle(pilot)
        assert isinstance(top(app), JobScreen)
        check(app, "the page", picture=True)
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(top(app), Help)
        check(app, "the help", picture=True)
        await pilot.press("escape", "l")
        await settle(pilot)
        assert isinstance(top(app), LogScreen)
        check(app, "the log", picture=True)
        for key in ("g", "s", "t", "w"):
            await pilot.press(key)
            await pilot.pause()
            check(app, f"the log after {key}")


@pytest.mark.parametrize("of", ["close", "markup"])
async def test_markup_in_a_command_is_shown_as_it_was_written(of: str, open_app: Callable[..., ConsoleApp]):
    app = open_app(of)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert HOSTILE[of][:7] in check(app, "the jobs")
