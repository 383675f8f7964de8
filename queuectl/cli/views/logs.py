"""Output of jobs."""

from __future__ import annotations

from queuectl.cli.output import OutputWriter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.operations.logs import Log, Logs, Piece


def logs(log: Log, params: Logs, screen: Screen) -> None:
    """All of it to stdout; which attempt and stream it comes from is talk, and goes to stderr."""
    writer = _Bytes(screen) if params.raw else OutputWriter(screen, follow=params.follow)
    pieces = log.pieces() if params.follow else list(log.pieces())
    several = isinstance(pieces, list) and len({piece.stream for piece in pieces}) > 1
    section: int | str | None = None
    try:
        for piece in pieces:
            of = piece.attempt if params.follow else piece.stream
            if of != section:
                section = of
                writer.finish()
                writer.end_line()
                if params.follow:
                    screen.say(f"==> attempt {of} <==")
                elif several:
                    screen.say(f"==> std{of} <==")
            writer.write(piece)
    finally:
        # Whatever ends it: what has come of the last line is told.
        writer.finish()


class _Bytes:
    """Writes the bytes as they are."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def write(self, piece: Piece) -> None:
        if piece.left_out:
            self._screen.say(f"{piece.left_out} bytes left out")
        self._screen.write_bytes(piece.data)

    def end_line(self) -> None:
        """Add nothing to them."""

    def finish(self) -> None:
        """Keep nothing back."""


VIEWS = {"logs": logs}
