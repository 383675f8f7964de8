"""Job output appears as on a terminal, without any sequence that a terminal would obey."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from queuectl_tui.progress import Progress
from queuectl_tui.widgets.terminal_text import NOT_UTF8, Terminal, parse

FEARED = {*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), "\u2028", "\u2029"}
FRAGMENTS = st.sampled_from(
    [
        b"\x1b[",
        b"\x1b]",
        b"\x1bP",
        b"\x1b_",
        b"\x1b^",
        b"\x1bX",
        b"\x1b\\",
        b"\x07",
        b"\x1b",
        b"\x9b",
        b"\xc2\x9b",
        b"31m",
        b"\x1b[31m",
        b"\x1b[0m",
        b"\x1b[38;5;200m",
        b"\x1b[38;2;1;2;3m",
        b"\x1b[48:2::1:2:3m",
        b"\x1b[38;5",
        b"\x1b[;;;m",
        b"\x1b[2K",
        b"\x1b[K",
        b"\x1b[1K",
        b"\x1b[9C",
        b"\x1b[999999999C",
        b"\x1b[3D",
        b"\x1b[5G",
        b"\x1b[?1049h",
        b"\x1b[2J",
        b"\x1b]0;owned\x07",
        b"\x1b]52;c;cm0=\x1b\\",
        b"\x1b]8;;http://x\x1b\\",
        b"\x1b]9;4;1;50\x07",
        b"\x1b]9;4;0\x07",
        b"\r",
        b"\b",
        b"\t",
        b"\0",
        b"\x0b",
        b"\x0c",
        b"\x85",
        b"\xe2\x80\xae",
        b"\xe2\x81\xa6",
        b"\xe2\x80\x8f",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xc3",
        b"\xed\xa0\x80",
        "漢字".encode(),
        "e\u0301".encode(),
        "👩\u200d👩".encode(),
        b"abc",
        b" ",
        b"[/bold]",
    ]
)
BYTES = st.one_of(st.binary(max_size=60), st.lists(FRAGMENTS, max_size=14).map(b"".join))


def is_harmless(text: str) -> bool:
    return not any(
        letter in FEARED
        or unicodedata.bidirectional(letter) in {"RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI", "FSI", "PDI"}
        or letter in "\u200e\u200f\u061c\ufeff"
        or "\ud800" <= letter <= "\udfff"
        for letter in text
    )


@given(BYTES)
def test_no_output_contains_terminal_sequences(data: bytes):
    printed = parse(data.replace(b"\n", b""))
    assert is_harmless(printed.text)
    place = 0
    for start, end, style in printed.spans:
        assert place <= start < end <= len(printed.text)
        assert style.link is None
        place = end


@given(st.lists(BYTES, max_size=6))
def test_the_result_does_not_depend_on_where_the_output_is_split(pieces: list[bytes]):
    whole = b"".join(pieces).replace(b"\n", b"").decode("utf-8", NOT_UTF8)
    one, many = Terminal(), Terminal()
    one.write(whole)
    for letter in whole:
        many.write(letter)
        assert is_harmless(many.line().text)
    assert many.end() == one.end()
    assert many.progress == one.progress


@given(BYTES)
def test_the_width_of_a_line_is_known(data: bytes):
    terminal = Terminal()
    terminal.write(data.replace(b"\n", b"").decode("utf-8", NOT_UTF8))
    text = terminal.line().text
    assert "".join(text.split("\u200d")) == "" or terminal.width >= 0
    if text.isascii():
        assert terminal.width == len(text) == cell_len(text)


@pytest.mark.parametrize(
    ("printed", "seen"),
    [
        (b"plain", "plain"),
        (b"10%\r 50%\r100%", "100%"),
        (b"abcdef\rXY", "XYcdef"),
        (b"abcdef\rXY\x1b[K", "XY"),
        (b"loading...\r\x1b[2Kdone", "done"),
        (b"loading...\x1b[2K\x1b[1Gdone", "done"),
        (b"windows\r", "windows"),
        (b"a\tb", "a       b"),
        (b"spin |\b/\b-", "spin -"),
        ("漢字\rab".encode(), "ab字"),
        ("漢字\ra".encode(), "a 字"),
        ("漢字\r\x1b[1Cb".encode(), " b字"),
        (b"\x1b[3Cx", "   x"),
        (b"caf\xc3\xa9 \xff\xfe", "café \\xff\\xfe"),
        (b"nul\0bell\x07.", "nul\\x00bell."),
        (b"\x1b]0;title\x07a\x1b]52;c;aGk=\x1b\\b", "ab"),
        (b"\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        (b"\x1bP1$qm\x1b\\x", "x"),
        (b"\x1b[?25l\x1b[2J\x1b[Hx", "x"),
        (b"never \x1b]ends", "never \\x1b]ends"),
        (b"\xc2\x9b31mred", "\\x9b31mred"),
        ("\u202edrowssap".encode(), "\\u202edrowssap"),
        (b"[/bold] [link=x]", "[/bold] [link=x]"),
        ("e\u0301\u0301".encode(), "e\u0301\u0301"),
    ],
)
def test_a_line_is_the_final_line_of_a_terminal(printed: bytes, seen: str):
    assert parse(printed).text == seen


@pytest.mark.parametrize(
    ("printed", "looks"),
    [
        (b"\x1b[31mred", "red"),
        (b"\x1b[1;4;31mred", "bold underline red"),
        (b"\x1b[1m\x1b[31mred", "bold red"),
        (b"\x1b[91mred", "bright_red"),
        (b"\x1b[38;5;200mpink", "color(200)"),
        (b"\x1b[38;2;1;2;3mx", "#010203"),
        (b"\x1b[38:2::1:2:3mx", "#010203"),
        (b"\x1b[38:2:1:2:3mx", "#010203"),
        (b"\x1b[38:5:9mx", "bright_red"),
        (b"\x1b[7;41mx", "reverse on red"),
        (b"\x1b[1;31m\x1b[22mx", "red"),
    ],
)
def test_colours_are_kept(printed: bytes, looks: str):
    from rich.style import Style

    ((start, end, style),) = parse(printed).spans
    assert (start, end) == (0, len(parse(printed).text))
    wanted = Style.parse(looks)
    assert (style.color and style.color.get_truecolor()) == (wanted.color and wanted.color.get_truecolor())
    assert (style.bgcolor and style.bgcolor.get_truecolor()) == (wanted.bgcolor and wanted.bgcolor.get_truecolor())
    for name in ("bold", "underline", "reverse"):
        assert bool(getattr(style, name)) == bool(getattr(wanted, name))


@pytest.mark.parametrize(
    "printed", [b"\x1b[31m\x1b[0mx", b"\x1b[31m\x1b[mx", b"\x1b[8mhidden", b"\x1b[5mblink", b"\x1b[>4mx"]
)
def test_finished_and_deceptive_styles_are_ignored(printed: bytes):
    assert parse(printed).spans == ()


def test_colours_continue_in_the_next_line():
    terminal = Terminal()
    terminal.write("\x1b[31mone")
    assert len(terminal.end().spans) == 1
    assert len(terminal.whole("two").spans) == 1
    terminal.write("\x1b[0mthree")
    assert terminal.end().spans == ()


@pytest.mark.parametrize(
    ("printed", "progress"),
    [
        (b"\x1b]9;4;1;42\x07", Progress(state="running", percent=42)),
        (b"\x1b]9;4;1;420\x1b\\", Progress(state="running", percent=100)),
        (b"\x1b]9;4;2;80\x07", Progress(state="error", percent=80)),
        (b"\x1b]9;4;3\x07", Progress(state="busy", percent=None)),
        (b"\x1b]9;4;4;7\x07", Progress(state="paused", percent=7)),
        (b"\x1b]9;4;1;42\x07\x1b]9;4;0;0\x07", None),
        (b"\x1b]9;4;x;y\x07", None),
        (b"\x1b]9;hello\x07", None),
    ],
)
def test_progress_is_recognised(printed: bytes, progress: Progress | None):
    terminal = Terminal()
    terminal.write(printed.decode())
    assert terminal.progress == progress
    assert terminal.end().text == ""
