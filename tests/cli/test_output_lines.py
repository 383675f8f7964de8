"""Output of jobs on the screen: the last state of each line, and on a terminal also the current line."""

from __future__ import annotations

import io
import os
import subprocess

import pytest

from queuectl.cli.output import OutputWriter
from queuectl.cli.screen import Screen
from queuectl.operations.log_pieces import Piece
from tests.support import command
from tests.support.command import finished
from tests.support.queue import Queue


def test_an_overwritten_line_is_printed_in_its_last_state(queue: Queue):
    bar = "\\r10%%\\r100%%\\n"
    queue.enqueue(f"printf '{bar}'; printf '{bar}' >&2; printf 'no end\\r'", "--id", "a")
    queue.drain().wait()

    assert queue.run("logs", "a").stdout == "100%\nno end\n100%\n"
    assert queue.run("logs", "a", "--stdout").stdout == "100%\nno end"
    assert queue.run("logs", "a", "--follow", "--stdout").stdout == "100%\nno end"
    shown = queue.run("show", "a").stdout
    assert "stdout\n100%\nno end\n" in shown
    assert "stderr\n100%\n" in shown
    raw = command.start("logs", "a", "--stdout", "--raw", env=queue.environment)
    assert raw.communicate()[0] == b"\r10%\r100%\nno end\r"
    assert queue.json("logs", "a")["stdout"] == "\r10%\r100%\nno end\r"


def test_headings_separate_the_streams_in_one_pipe(queue: Queue):
    queue.enqueue("printf one; printf two >&2", "--id", "a")
    queue.drain().wait()

    both = command.start("logs", "a", env=queue.environment, stderr=subprocess.STDOUT)

    assert both.communicate()[0] == b"==> stdout <==\none\n==> stderr <==\ntwo"


def test_following_prints_whole_lines_when_they_have_ended(queue: Queue):
    go = queue.directory / "go"
    wait = f"until [ -e {go} ]; do sleep 0.02; done"
    queue.enqueue(f"echo begin; printf '\\r10%%'; printf 'other\\n' >&2; {wait}; printf '\\r100%%\\nend'", "--id", "a")
    following = command.start("logs", "a", "-f", env=queue.environment)
    queue.start()

    assert following.stdout
    seen = b""
    while seen.count(b"\n") < 2:
        seen += os.read(following.stdout.fileno(), 100)
    go.touch()

    done = finished(following)
    assert sorted(seen.decode().splitlines()) == ["begin", "other"]
    assert (done.code, done.out) == (0, "100%\nend")


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("term", "drawn"), [("xterm", True), ("dumb", False)])
def test_following_on_a_terminal_redraws_the_current_line(monkeypatch: pytest.MonkeyPatch, term: str, drawn: bool):
    monkeypatch.setenv("TERM", term)
    out = Tty()
    writer = OutputWriter(Screen(out, io.StringIO()), follow=True)
    for data in (b"\r10%", b"\r100%", b"\r\n", b"en"):
        writer.write(Piece(attempt=1, stream="out", data=data, left_out=0))
    writer.finish()

    erase = "\r\x1b[K"
    assert [part for part in out.getvalue().split(erase)[1:] if part] == (
        ["10%", "100%", "100%\n", "en", "en"] if drawn else []
    )
    assert out.getvalue().replace(erase, "").endswith("100%\nenen" if drawn else "100%\nen")


def test_following_on_a_terminal_redraws_the_current_line_after_lines_of_the_other_stream(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("TERM", "xterm")
    out = Tty()
    writer = OutputWriter(Screen(out, io.StringIO()), follow=True)

    def write(stream: str, data: bytes) -> str:
        before = len(out.getvalue())
        writer.write(Piece(attempt=1, stream=stream, data=data, left_out=0))
        return out.getvalue()[before:].rpartition("\r\x1b[K")[2]

    assert write("err", b"\r10%") == "10%"
    assert write("out", b"a line\n") == "10%"
    assert write("out", b"half") == "half"
    assert write("err", b"\r20%") == "20%"
    assert write("err", b"\r\n") == "half"
    assert write("out", b" a line\n") == ""
