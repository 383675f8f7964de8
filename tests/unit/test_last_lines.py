"""The last lines of output that was read in pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queuectl.operations.log_pieces import Piece, last_lines


def pieces(*texts: str) -> list[Piece]:
    """Return a piece for each `stream:text`."""
    found = [text.partition(":") for text in texts]
    return [Piece(attempt=1, stream=stream, data=data.encode(), left_out=7) for stream, _, data in found]


def texts(of: list[Piece]) -> list[str]:
    return [f"{piece.stream}:{piece.data.decode()}" for piece in of]


@pytest.mark.parametrize(
    ("count", "kept"),
    [
        (0, []),
        (1, ["err:e2\n", "out:end"]),
        (2, ["out:c\n", "err:e1\n", "err:e2\n", "out:end"]),
        (3, ["out:b", "out:\n", "out:c\n", "err:e1\n", "err:e2\n", "out:end"]),
        (9, ["out:a\nb", "out:\n", "out:c\n", "err:e1\n", "err:e2\n", "out:end"]),
    ],
)
def test_the_last_lines_of_each_stream_are_kept_in_order(count: int, kept: list[str]):
    found = pieces("out:a\nb", "out:\n", "out:c\n", "err:e1\n", "err:e2\n", "out:end")

    assert texts(last_lines(found, count)) == kept


def test_a_piece_that_is_cut_does_not_follow_a_gap():
    (piece,) = last_lines(pieces("out:a\nb\n"), 1)

    assert (piece.data, piece.left_out) == (b"b\n", 0)


@given(st.lists(st.text("a\n", max_size=4), max_size=6), st.integers(0, 5))
def test_the_last_lines_are_those_of_the_whole_text(parts: list[str], count: int):
    whole = "".join(parts)
    kept = last_lines(pieces(*(f"out:{part}" for part in parts)), count)

    lines = whole.splitlines(keepends=True)
    assert "".join(piece.data.decode() for piece in kept) == "".join(lines[-count:] if count else [])
