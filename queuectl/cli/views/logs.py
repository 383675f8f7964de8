"""Output of jobs."""

from __future__ import annotations

from codecs import getincrementaldecoder

from queuectl.domain.text import safe_block

TYPE_CHECKING = False
if TYPE_CHECKING:
    from codecs import IncrementalDecoder
    from collections.abc import Iterator

    from queuectl.cli.screen import Screen
    from queuectl.operations.logs import Log, Logs, Piece


def logs(log: Log, params: Logs, screen: Screen) -> None:
    """All of it to stdout; which attempt and stream it comes from is talk, and goes to stderr."""
    write = _raw if params.raw else _readable
    if params.follow:
        attempt = None
        for piece in write(log.pieces(), screen):
            if piece.attempt != attempt:
                attempt = piece.attempt
                screen.say(f"==> attempt {attempt} <==")
        return
    pieces = list(log.pieces())
    both = len({piece.stream for piece in pieces}) > 1
    stream = None
    for piece in write(iter(pieces), screen):
        if both and piece.stream != stream:
            stream = piece.stream
            screen.say(f"==> std{stream} <==")


def _raw(pieces: Iterator[Piece], screen: Screen) -> Iterator[Piece]:
    """Write each piece as it is, after it has been announced."""
    for piece in pieces:
        yield piece
        if piece.left_out:
            screen.say(f"{piece.left_out} bytes left out")
        screen.write_bytes(piece.data)


def _readable(pieces: Iterator[Piece], screen: Screen) -> Iterator[Piece]:
    """Write each piece made safe, after it has been announced."""
    decoders: dict[tuple[int, str], IncrementalDecoder] = {}
    last = "\n"
    for piece in pieces:
        yield piece
        source = (piece.attempt, piece.stream)
        if source not in decoders:
            # A letter may be cut in two between pieces.
            decoders[source] = getincrementaldecoder("utf-8")("replace")
        text = safe_block(decoders[source].decode(piece.data))
        if piece.left_out:
            newline = "" if last == "\n" else "\n"
            text = f"{newline}[… {piece.left_out} bytes left out …]\n{text}"
        screen.write(text)
        screen.flush()
        last = text[-1:] or last


VIEWS = {"logs": logs}
