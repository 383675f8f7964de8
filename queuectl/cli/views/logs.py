"""The output of a job."""

from __future__ import annotations

from queuectl.cli.output import OutputWriter
from queuectl.domain.attempt import Outcome
from queuectl.domain.job import JobState
from queuectl.domain.units import format_duration
from queuectl.operations.job_record import describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.operations.job_record import JobDetail, JobRecord
    from queuectl.operations.logs import Log, Logs, Piece


def logs(log: Log, params: Logs, screen: Screen) -> None:
    """Print the output to stdout, and the headings with attempt or stream to stderr."""
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
        # Also after an error or Ctrl+C: the incomplete last line is printed.
        writer.finish()
    if params.follow:
        if screen.is_terminal:
            writer.end_line()
        screen.say(ending(log.ended))


def ending(of: JobDetail) -> str:
    """Return how a job ended: `build: completed in 3.2s`, `build: dead (exit 1)`."""
    job, latest = of.record.job, of.record.latest
    if job.state is JobState.COMPLETED and latest is not None and latest.duration_ms is not None:
        return f"{job.id}: {job.state} in {format_duration(latest.duration_ms)}"
    return f"{job.id}: {job.state}{how_it_ended(of.record)}"


def how_it_ended(of: JobRecord) -> str:
    """Return the end of the latest attempt in brackets, where the state of the job does not say it."""
    latest = of.latest
    return "" if latest is None or latest.outcome is Outcome.CANCELLED else f" ({describe(latest)})"


class _Bytes:
    """Writer of the bytes as they are, for `--raw`; it has the methods of `OutputWriter`."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def write(self, piece: Piece) -> None:
        if piece.left_out:
            self._screen.say(f"{piece.left_out} bytes left out")
        self._screen.write_bytes(piece.data)

    def end_line(self) -> None:
        """Do nothing: no newline is added."""

    def finish(self) -> None:
        """Do nothing: no bytes are buffered."""


VIEWS = {"logs": logs}
