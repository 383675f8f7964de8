"""How the output of attempts is cut into lines for JSON Lines."""

from __future__ import annotations

from queuectl.operations.log_pieces import Piece
from queuectl.operations.output_lines import LONGEST, output_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.operations.output_lines import OutputLine


def piece(data: bytes, *, attempt: int = 1, stream: str = "out", left_out: int = 0) -> Piece:
    return Piece(attempt=attempt, stream=stream, data=data, left_out=left_out)


def cut(*pieces: Piece) -> list[OutputLine]:
    return list(output_lines("a", pieces))


def texts(*pieces: Piece) -> list[str]:
    return [line["text"] for line in cut(*pieces)]


def test_a_line_is_put_together_from_pieces():
    assert texts(piece(b"on"), piece(b"e\ntw"), piece(b"o\n\n")) == ["one\n", "two\n", "\n"]


def test_a_letter_that_two_pieces_share_stays_whole():
    letter = "\u00fc".encode()
    assert texts(piece(letter[:1]), piece(letter[1:] + b"\n")) == ["\u00fc\n"]


def test_bytes_that_are_no_text_are_replaced():
    assert texts(piece(b"\xff\n")) == ["\ufffd\n"]


def test_carriage_returns_do_not_end_a_line():
    assert texts(piece(b"10 %\r20 %\r\n")) == ["10 %\r20 %\r\n"]


def test_streams_do_not_mix():
    lines = cut(piece(b"a"), piece(b"x\n", stream="err"), piece(b"b\n"))
    assert [(line["stream"], line["text"]) for line in lines] == [("stderr", "x\n"), ("stdout", "ab\n")]


def test_a_line_that_has_not_ended_is_printed_before_the_next_attempt():
    lines = cut(piece(b"half"), piece(b"again\n", attempt=2))
    assert [(line["attempt"], line["text"]) for line in lines] == [(1, "half"), (2, "again\n")]


def test_bytes_that_were_left_out_are_counted_on_the_line_after_them():
    lines = cut(piece(b"head"), piece(b"tail\nend\n", left_out=7))
    assert [(line["text"], line["left_out_bytes"]) for line in lines] == [("head", 0), ("tail\n", 7), ("end\n", 0)]


def test_a_line_without_end_is_cut_between_letters():
    text = "x" + "\u00fc" * LONGEST
    lines = texts(piece(text.encode()))
    assert "".join(lines) == text
    assert max(len(line.encode()) for line in lines) <= LONGEST
