"""The log on the screen: following, scrolling, searching, and its pictures."""

# ruff: noqa: RUF001

from __future__ import annotations

import os
from pathlib import Path

import pytest
from textual.pilot import Pilot

from queuectl.domain.attempt import Outcome
from queuectl_tui.screens.log import LogScreen
from queuectl_tui.widgets.log_pane import LogPane
from queuectl_tui.widgets.log_rows import ERRORS
from queuectl_tui.widgets.log_view import LogView
from tests.support.live_job import LiveJob
from tests.support.screen_harness import Stand

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SIZES = [pytest.param((80, 24), id="80x24"), pytest.param((120, 40), id="120x40")]
HOSTILE = (
    b"\x1b]0;owned\x07title  \x1b]52;c;cm0gLXJmIC8=\x07clipboard  \x1b[2J\x1b[Hcleared\n"
    b"\x1b[?1049halternate \x1bPdcs\x1b\\ \x9b31m C1 \xc2\x9b31m C1 \x07bell\n"
    b"[/bold] [red]markup[/red] [link=file:///etc/passwd]click[/link]\n"
    b"\xe2\x80\xaedrowssap bidi \xe2\x81\xa6isolate\xe2\x81\xa9\n"
    b"nul \0 backspace ab\b\b secret\rover\n"
    b"unterminated \x1b]8;;http://evil\n" + "wide 漢字 👩‍👩‍👧‍👦 e\u0301 ｆｕｌｌ\n".encode()
)


def lines(first: int, last: int) -> bytes:
    return b"".join(
        b"\x1b[90m%02d\x1b[0m \x1b[32mINFO\x1b[0m line %d of many\n" % (n % 60, n) for n in range(first, last)
    )


class Log:
    """A log screen over a running job."""

    def __init__(self, pilot: Pilot[None], job: LiveJob) -> None:
        self.pilot, self.job = pilot, job

    @property
    def pane(self) -> LogPane:
        return self.pilot.app.screen.query_one(LogPane)

    def follows(self) -> bool:
        return self.view.following

    @property
    def view(self) -> LogView:
        return self.pane.view

    @property
    def status(self) -> str:
        return self.pane.status._shown.plain if self.pane.status._shown is not None else ""

    async def print(self, data: bytes, *, err: bool = False) -> None:
        self.job.print(data, err=err)
        await self.read()

    async def read(self) -> None:
        self.pane.read_on()
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    def seen(self) -> list[str]:
        return [self.view.render_line(y).text.rstrip() for y in range(self.view.size.height)]


@pytest.fixture
def job(tmp_path: Path) -> LiveJob:
    made = LiveJob(tmp_path, id="build")
    made.begin()
    return made


def shown(job: LiveJob, **options: Any) -> Stand:
    return Stand(job.path, lambda: LogScreen("build"), clock=job.clock, **options)


@pytest.mark.asyncio
async def test_scrolling_up_stops_following_and_counts_new_lines(job: LiveJob):
    job.print(lines(0, 100))
    async with shown(job).run_test(size=(80, 24)) as pilot:
        log = Log(pilot, job)
        await log.read()
        assert "line 99" in log.seen()[-1]
        await log.print(lines(100, 110))
        assert "line 109" in log.seen()[-1]
        assert "following" in log.status
        await log.press("k")
        assert not log.follows()
        top = log.seen()[0]
        await log.print(lines(110, 147))
        assert log.seen()[0] == top
        assert "37 new lines · end to follow" in log.status
        await log.press("end")
        assert "line 146" in log.seen()[-1]
        assert log.follows()
        assert log.view.unseen == 0


@pytest.mark.asyncio
async def test_scrolling_down_to_the_end_follows_again(job: LiveJob):
    job.print(lines(0, 100))
    async with shown(job).run_test(size=(80, 24)) as pilot:
        log = Log(pilot, job)
        await log.read()
        await log.press("pageup", "pageup")
        assert not log.follows()
        await log.press("pagedown", "pagedown")
        assert log.follows()
        await log.press("g")
        assert "line 0 " in log.seen()[0]
        await log.press("G")
        assert log.follows()


@pytest.mark.asyncio
async def test_f_follows_and_stops_following(job: LiveJob):
    job.print(lines(0, 100))
    async with shown(job).run_test(size=(80, 24)) as pilot:
        log = Log(pilot, job)
        await log.press("f")
        await log.print(lines(100, 120))
        assert "line 99" in log.seen()[-1]
        await log.press("f")
        assert "line 119" in log.seen()[-1]


@pytest.mark.asyncio
async def test_the_visible_lines_stay_while_old_ones_are_dropped(job: LiveJob):
    job.print(lines(0, 5000))
    async with shown(job).run_test(size=(80, 24)) as pilot:
        log = Log(pilot, job)
        while log.view.rows.next < 5000:
            await log.read()
        await log.press("pageup")
        top = log.seen()[0]
        await log.print(lines(5000, 6000))
        while log.view.rows.next < 6000:
            await log.read()
        assert log.seen()[0] == top
        assert len(log.view.rows.lines) == 5000
        assert len(log.view.rows.rows) == 5000


@pytest.mark.asyncio
async def test_the_end_of_the_attempt_is_shown_with_its_last_output(job: LiveJob):
    job.print(b"one\n")
    async with shown(job).run_test(size=(80, 24)) as pilot:
        log = Log(pilot, job)
        job.print(b"two\nthree")
        job.end(Outcome.EXIT)
        await log.read()
        assert log.seen()[:3] == ["  one", "  two", "  three"]
        assert "exit 1 1.5s" in log.status


@pytest.mark.asyncio
async def test_searching_marks_counts_and_wraps_around(job: LiveJob):
    job.print(lines(0, 100))
    async with shown(job).run_test(size=(80, 24)) as pilot:
        log = Log(pilot, job)
        await log.press("slash", *"LINE 7", "backspace", "backspace", "backspace")
        assert log.view.rows.hits == []
        await log.press(*["backspace"] * 8, *"line 7", "enter")
        assert len(log.view.rows.hits) == 11
        found: list[int | None] = []
        for _ in range(12):
            await log.press("n")
            found.append(log.view.here)
        assert {*found[:11]} == {7, *range(70, 80)}
        assert found[11] == found[0]
        await log.press("N")
        assert log.view.here == found[10]
        assert "/11 lines" in log.status
        await log.press("escape")
        assert log.view.rows.hits == []
        assert isinstance(pilot.app.screen, LogScreen)
        await log.press("escape")
        assert not isinstance(pilot.app.screen, LogScreen)


@pytest.mark.asyncio
async def test_new_lines_are_searched_too(job: LiveJob):
    job.print(b"a needle\n")
    async with shown(job).run_test(size=(80, 24)) as pilot:
        log = Log(pilot, job)
        await log.press("slash", *"needle", "enter")
        await log.print(b"hay\nanother needle\n")
        assert log.view.rows.hits == [0, 2]


@pytest.mark.asyncio
async def test_keys_move_between_errors(job: LiveJob):
    job.print(
        lines(0, 30) + b"Traceback (most recent call last):\n" + lines(31, 60) + b"KeyError: 'id'\n" + lines(61, 90)
    )
    async with shown(job).run_test(size=(80, 24)) as pilot:
        log = Log(pilot, job)
        await log.press("g", "e")
        assert log.view.here == 30
        await log.press("e")
        assert log.view.here == 60
        await log.press("e")
        assert "no later line looks like an error" in log.status
        await log.press("E")
        assert log.view.here == 30


@pytest.mark.parametrize(
    "line",
    [
        "ERROR: x",
        "make: *** [all] Error 2",
        "curl: (28) Operation timed out",
        "java.lang.NullPointerException",
        "FATAL",
        "Traceback (most recent call last):",
        "1 test failed",
        "thread main panicked at",
        "Segmentation fault",
        "KeyError: 'id'",
    ],
)
def test_this_looks_like_an_error(line: str):
    assert ERRORS.search(line)


@pytest.mark.parametrize("line", ["terror", "all fine", "mirrored", "failsafe on", "fatality"])
def test_this_does_not_look_like_an_error(line: str):
    assert not ERRORS.search(line)


@pytest.mark.asyncio
async def test_streams_are_distinguished_and_can_be_chosen(job: LiveJob):
    job.print(b"out 1\n")
    job.print(b"err 1\n", err=True)
    async with shown(job).run_test(size=(80, 24)) as pilot:
        log = Log(pilot, job)
        await log.read()
        assert log.seen()[:2] == ["  out 1", "▌ err 1"]
        await log.press("s")
        assert log.seen()[:2] == ["  out 1", ""]
        await log.press("s")
        await log.print(b"out 2\n")
        await log.print(b"err 2\n", err=True)
        assert log.seen()[:3] == ["▌ err 1", "▌ err 2", ""]
        assert "stderr only" in log.status
        await log.press("s")
        assert log.seen()[:4] == ["  out 1", "▌ err 1", "  out 2", "▌ err 2"]


@pytest.mark.asyncio
async def test_long_lines_wrap_or_scroll_sideways(job: LiveJob):
    job.print(b"0123456789" * 20 + b"\n" + "漢".encode() * 60 + b"\nshort\n")
    async with shown(job).run_test(size=(80, 24)) as pilot:
        log = Log(pilot, job)
        await log.read()
        assert log.seen()[2] == "  short"
        await log.press("right")
        assert log.seen()[0].startswith("  89012")
        await log.press("w")
        seen = log.seen()
        assert "".join(line.strip() for line in seen[:3]) == "0123456789" * 20
        assert "".join(line.strip() for line in seen[3:5]) == "漢" * 60
        assert seen[5] == "  short"
        await pilot.resize_terminal(60, 24)
        await pilot.pause()
        assert "".join(line.strip() for line in log.seen()[:4]) == "0123456789" * 20


@pytest.mark.asyncio
async def test_times_are_shown_for_lines_that_arrived_while_open(job: LiveJob):
    job.print(b"before\n")
    async with shown(job).run_test(size=(80, 24)) as pilot:
        log = Log(pilot, job)
        await log.press("t")
        assert "only lines that arrived" in log.status
        job.clock.at += 5000
        await log.print(b"after\n")
        await log.press("t")
        assert log.seen()[:2] == ["           before", "14:03:32   after"]


@pytest.mark.asyncio
async def test_keys_move_between_attempts(job: LiveJob):
    job.print(b"first\n")
    job.end(Outcome.EXIT)
    job.clock.at += 10_000
    job.begin()
    job.print(b"second\n")
    async with shown(job).run_test(size=(80, 24)) as pilot:
        log = Log(pilot, job)
        await log.read()
        assert log.seen()[0] == "  second"
        await log.press("left_square_bracket")
        assert log.seen()[0] == "  first"
        assert "attempt 1 of 2" in log.status
        await log.press("left_square_bracket")
        assert "this is the first attempt" in log.status
        await log.press("right_square_bracket")
        await log.print(b"more\n")
        assert log.seen()[:2] == ["  second", "  more"]


@pytest.mark.asyncio
async def test_a_followed_log_switches_to_the_next_attempt(job: LiveJob):
    job.print(b"first\n")
    async with shown(job).run_test(size=(80, 24)) as pilot:
        log = Log(pilot, job)
        await log.read()
        for number in (2, 3):
            job.end(Outcome.EXIT)
            await log.read()
            job.clock.at += 10_000
            job.begin()
            job.print(f"attempt {number}\n".encode())
            await log.read()
            await log.read()
            assert f"attempt {number} of {number}" in log.status
            assert log.seen()[0] == f"  attempt {number}"
            assert log.follows()


@pytest.mark.asyncio
async def test_an_older_attempt_stays_shown(job: LiveJob):
    job.end(Outcome.EXIT)
    job.clock.at += 10_000
    job.begin()
    async with shown(job).run_test(size=(80, 24)) as pilot:
        log = Log(pilot, job)
        await log.press("left_square_bracket")
        await log.read()
        assert "attempt 1 of 2" in log.status
        job.end(Outcome.EXIT)
        job.clock.at += 10_000
        job.begin()
        await log.read()
        await log.read()
        assert log.pane.attempt == 1


@pytest.mark.asyncio
async def test_a_requested_attempt_stays_shown(job: LiveJob):
    job.end(Outcome.EXIT)
    job.clock.at += 10_000
    job.begin()
    stand = Stand(job.path, lambda: LogScreen("build", attempt=1), clock=job.clock)
    async with stand.run_test(size=(80, 24)) as pilot:
        log = Log(pilot, job)
        await log.read()
        await log.read()
        assert log.pane.attempt == 1


@pytest.mark.asyncio
async def test_a_click_on_the_count_of_new_lines_follows(job: LiveJob):
    job.print(lines(0, 100))
    async with shown(job).run_test(size=(80, 24)) as pilot:
        log = Log(pilot, job)
        await log.read()
        await log.press("k")
        await log.print(lines(100, 137))
        assert "37 new lines" in log.status
        await pilot.click("#log-status", offset=(4, 0))
        assert not log.follows()
        await pilot.click("#log-status", offset=(70, 0))
        await pilot.pause()
        assert log.follows()
        assert "line 136" in log.seen()[-1]
        assert "following" in log.status


@pytest.mark.asyncio
async def test_a_new_attempt_is_announced(job: LiveJob):
    job.print(lines(0, 100))
    async with shown(job).run_test(size=(80, 24)) as pilot:
        log = Log(pilot, job)
        await log.read()
        await log.press("k")
        job.end(Outcome.EXIT)
        await log.read()
        job.clock.at += 10_000
        job.begin()
        await log.read()
        await log.read()
        assert "attempt 1 of 2" in log.status
        assert "] newer" in log.status


@pytest.mark.asyncio
async def test_saving_asks_for_a_name_and_never_overwrites(
    job: LiveJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    job.print(b"\x1b[31mred\x1b[0m\n")
    async with shown(job).run_test(size=(120, 24)) as pilot:
        log = Log(pilot, job)
        await log.press("ctrl+s", "enter")
        file = tmp_path / "job-1-attempt-1.log"
        assert "saved" in log.status
        assert os.stat(file).st_mode & 0o777 == 0o600
        assert "\x1b" not in file.read_text()
        await log.press("ctrl+s", "enter")
        assert "already exists" in log.status


@pytest.mark.asyncio
async def test_hostile_output_is_sanitised(job: LiveJob):
    async with shown(job).run_test(size=(120, 40)) as pilot:
        log = Log(pilot, job)
        await log.print(HOSTILE * 3)
        for y in range(log.view.size.height):
            for segment in log.view.render_line(y):
                assert segment.text.isprintable() or "\u200d" in segment.text
                assert segment.control is None
                assert segment.style is None or segment.style.link is None


def pictured(
    job: LiveJob, snap_compare: Any, *, size: tuple[int, int], press: tuple[str, ...] = (), then: bytes = b""
) -> bool:
    async def before(pilot: Pilot[None]) -> None:
        log = Log(pilot, job)
        await log.read()
        if press:
            await log.press(*press)
        if then:
            await log.print(then)

    return bool(snap_compare(shown(job), terminal_size=size, run_before=before))


@pytest.mark.parametrize("size", SIZES)
def test_picture_following(job: LiveJob, snap_compare: Any, size: tuple[int, int]):
    job.print(lines(0, 100))
    job.print(b"warning: slow disk\n", err=True)
    job.print(b"\x1b]9;4;1;42\x07working on it")
    assert pictured(job, snap_compare, size=size)


@pytest.mark.parametrize("size", SIZES)
def test_picture_paused_with_new_lines(job: LiveJob, snap_compare: Any, size: tuple[int, int]):
    job.print(lines(0, 100))
    assert pictured(job, snap_compare, size=size, press=("pageup",), then=lines(100, 137))


@pytest.mark.parametrize("size", SIZES)
def test_picture_search_hits(job: LiveJob, snap_compare: Any, size: tuple[int, int]):
    job.print(lines(0, 100))
    assert pictured(job, snap_compare, size=size, press=("slash", *"line 9", "enter", "n"))


def test_picture_typing_a_search(job: LiveJob, snap_compare: Any):
    job.print(lines(0, 100))
    assert pictured(job, snap_compare, size=(80, 24), press=("slash", *"line 9"))


def test_picture_binary(job: LiveJob, snap_compare: Any):
    job.print(bytes(range(256)) * 3 + b"\nELF\x7f" + bytes(range(128, 256)) * 4)
    assert pictured(job, snap_compare, size=(80, 24), press=("w",))


@pytest.mark.parametrize("size", SIZES)
def test_picture_hostile(job: LiveJob, snap_compare: Any, size: tuple[int, int]):
    job.print(HOSTILE)
    assert pictured(job, snap_compare, size=size)


def test_picture_colours(job: LiveJob, snap_compare: Any):
    for code in (*range(30, 38), *range(90, 98)):
        job.print(
            b"\x1b[%dm colour %d \x1b[7m reverse \x1b[0m \x1b[1;%dmbold\x1b[0m \x1b[3;4;%dmslanted, underlined\x1b[0m\n"
            % (code, code, code, code)
        )
    job.print(b"".join(b"\x1b[48;5;%dm  " % code for code in range(16, 52)) + b"\x1b[0m\n")
    job.print(b"".join(b"\x1b[38;2;%d;%d;200m*" % (n * 7, 255 - n * 7) for n in range(36)) + b"\x1b[0m\n")
    assert pictured(job, snap_compare, size=(80, 24))


def test_picture_wrapped(job: LiveJob, snap_compare: Any):
    job.print(lines(0, 3) + b"a long line " * 30 + b"\n" + "漢字".encode() * 60 + b"\n" + lines(3, 6))
    assert pictured(job, snap_compare, size=(80, 24), press=("w",))


def test_picture_stderr_only(job: LiveJob, snap_compare: Any):
    job.print(lines(0, 30))
    job.print(b"warning: one\nwarning: two\n\x1b[31mfatal: three\x1b[0m\n", err=True)
    assert pictured(job, snap_compare, size=(80, 24), press=("s", "s"))


def test_picture_next_error(job: LiveJob, snap_compare: Any):
    job.print(
        lines(0, 50) + b"Traceback (most recent call last):\n  File \"x\", line 1\nKeyError: 'id'\n" + lines(50, 80)
    )
    assert pictured(job, snap_compare, size=(80, 24), press=("g", "e"))


def test_picture_a_gap(job: LiveJob, snap_compare: Any):
    job.print((b"y" * 400 + b"\n") * 10_000)
    job.end()

    async def before(pilot: Pilot[None]) -> None:
        log = Log(pilot, job)
        while log.view.rows.next < 1000 or (log.pane.update_seen is not None and log.pane.update_seen.more):
            await log.read()
        await log.press("g", "slash", *"left out", "enter")

    assert snap_compare(shown(job), terminal_size=(80, 24), run_before=before)


def test_picture_no_attempt(tmp_path: Path, snap_compare: Any):
    job = LiveJob(tmp_path, id="build")
    assert snap_compare(shown(job), terminal_size=(80, 24))


def test_picture_light(job: LiveJob, snap_compare: Any):
    job.print(lines(0, 30))
    job.print(b"warning: one\n", err=True)
    assert snap_compare(shown(job, theme="queuectl-light"), terminal_size=(120, 40))
