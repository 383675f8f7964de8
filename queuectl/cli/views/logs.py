"""The output of a job."""

from __future__ import annotations

from queuectl.cli.output import OutputWriter, PrefixedWriter
from queuectl.domain.attempt import Outcome
from queuectl.domain.job import JobState
from queuectl.domain.phrases import plural
from queuectl.domain.units import format_duration
from queuectl.operations.job_record import describe
from queuectl.operations.logs import Log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import Counter

    from queuectl.cli.screen import Screen
    from queuectl.operations.job_record import JobRecord
    from queuectl.operations.log_pieces import Piece
    from queuectl.operations.logs import Logs
    from queuectl.operations.logs_of_several import LogOfSeveral


def logs(log: Log | LogOfSeveral, params: Logs, screen: Screen) -> None:
    """Print the output to stdout, and headings and ends to stderr."""
    if isinstance(log, Log):
        _of_one(log, params, screen)
    else:
        _of_several(log, screen)


def _of_one(log: Log, params: Logs, screen: Screen) -> None:
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
        screen.say(ending(log.ended.record))
    elif log.attempt is not None and log.attempt.error is not None:
        screen.say(f"{log.id}: {describe(log.attempt)}: {log.attempt.error}")


def _of_several(log: LogOfSeveral, screen: Screen) -> None:
    writer = PrefixedWriter(screen)
    try:
        for each in log.pieces():
            if each.piece is not None:
                if writer.begins_attempt(each, each.piece.attempt):
                    screen.say(f"==> {each.id}: attempt {each.piece.attempt} <==")
                writer.write(each, each.piece)
                continue
            writer.finish(each.seq, forget=each.final)
            if each.ended is not None:
                screen.say(ending(each.ended))
            elif each.error is not None:
                screen.say(f"{each.id}: {each.error}")
    finally:
        # Also after an error or Ctrl+C: the incomplete last lines are printed.
        writer.finish_all()
    if not log.matched:
        screen.say_empty("no jobs match")
    elif log.follows:
        screen.say(counted(log.states))


def counted(states: Counter[JobState]) -> str:
    """Return the number of jobs by state: `3 jobs: 2 completed, 1 dead`."""
    total = sum(states.values())
    counts = ", ".join(f"{states[state]:,} {state}" for state in JobState if states[state])
    return f"{total:,} {plural(total, 'job')}{': ' if counts else ''}{counts}"


def ending(of: JobRecord) -> str:
    """Return how a job ended: `build: completed in 3.2s`, `build: dead (exit 1)`."""
    job, latest = of.job, of.latest
    if job.state is JobState.COMPLETED and latest is not None and latest.duration_ms is not None:
        return f"{job.id}: {job.state} in {format_duration(latest.duration_ms)}"
    error = "" if latest is None or latest.error is None else f": {latest.error}"
    return f"{job.id}: {job.state}{how_it_ended(of)}{error}"


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
