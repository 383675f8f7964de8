"""Write the output of jobs as it arrives, escaped for people."""

from __future__ import annotations

import os

from queuectl.cli.render import painted
from queuectl.domain.terminal import Lines
from queuectl.domain.text import can_draw, cut, safe, width_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.operations.log_pieces import Piece
    from queuectl.operations.logs_of_several import OfJob

_ERASE = "\r\x1b[K"
_COLOURS = ("36", "33", "32", "35", "34", "31")
"""Of the prefixes of jobs, in turn."""
_LONGEST_PREFIX = 24
"""Columns to which shorter prefixes are filled up."""


class OutputWriter:
    """Writes each line when it has ended, because output to come may overwrite it.

    While output is followed on a terminal, the incomplete current line is shown too, and redrawn as it changes.
    """

    def __init__(self, screen: Screen, *, follow: bool) -> None:
        """Write to `screen`; with `follow`, more output may arrive at any time."""
        self._screen = screen
        self._live = follow and screen.is_terminal and can_draw(os.environ.get("TERM"))
        self._lines: dict[tuple[int, str], Lines] = {}
        self._drawn = False
        self._unended = False
        """Whether the last text that was written has no newline at its end."""

    def write(self, piece: Piece) -> None:
        """Write new output of one stream."""
        key = piece.attempt, piece.stream
        # The stream with the newest output is the last in the dictionary.
        line = self._lines[key] = self._lines.pop(key) if key in self._lines else Lines()
        if piece.left_out:
            self._put(line.finish())
            self.end_line()
            self._put(f"[… {piece.left_out} bytes left out …]\n")
        self._put(line.take(piece.data))
        if self._live and not self._unended:
            # Lines that have ended were written over the current line, which may belong to another stream.
            current = next(filter(None, (each.so_far() for each in reversed(self._lines.values()))), "").expandtabs()
            self._screen.write(_ERASE + cut(current, self._screen.width - 1))
            self._drawn = bool(current)
        self._screen.flush()

    def end_line(self) -> None:
        """End the last line, so that a message on stderr, which may be the same terminal or pipe, begins a new one."""
        if self._unended:
            self._put("\n")
            self._screen.flush()

    def finish(self) -> None:
        """Write the lines that have not ended, because no output follows."""
        for line in self._lines.values():
            rest = line.finish()
            if rest:
                self.end_line()
                self._put(rest)
        self._lines.clear()
        self._screen.flush()

    def _put(self, text: str) -> None:
        if not text:
            return
        self._screen.write(_ERASE + text if self._drawn else text)
        self._drawn = False
        self._unended = not text.endswith("\n")


class PrefixedWriter:
    """Writes the lines of several jobs, each once it has ended, behind the ID of its job."""

    def __init__(self, screen: Screen) -> None:
        """Write to `screen`; on a terminal each job has a colour, and the lines begin at one column."""
        self._screen = screen
        self._jobs: dict[int, _JobLines] = {}
        self._width = 0

    def begins_attempt(self, of: OfJob, attempt: int) -> bool:
        """Return whether its job has written something in an attempt before this one."""
        return of.seq in self._jobs and self._jobs[of.seq].attempt != attempt

    def write(self, of: OfJob, piece: Piece) -> None:
        """Write the lines that new output of a job ends."""
        job = self._jobs.setdefault(of.seq, _JobLines(self._prefix(of), piece.attempt))
        job.attempt = piece.attempt
        line = job.streams.setdefault(piece.stream, Lines())
        if piece.left_out:
            self._put(job, line.finish())
            self._put(job, f"[… {piece.left_out} bytes left out …]")
        self._put(job, line.take(piece.data))
        self._screen.flush()

    def finish(self, seq: int, *, forget: bool) -> None:
        """Write the lines of a job that have not ended; with `forget`, no output of it follows."""
        job = self._jobs.pop(seq, None) if forget else self._jobs.get(seq)
        if job is not None:
            self._finish(job)

    def finish_all(self) -> None:
        """Write all lines that have not ended."""
        for job in self._jobs.values():
            self._finish(job)

    def _finish(self, job: _JobLines) -> None:
        for line in job.streams.values():
            self._put(job, line.finish())
        job.streams.clear()
        self._screen.flush()

    def _prefix(self, of: OfJob) -> str:
        name = safe(of.id)
        if self._screen.is_terminal:
            self._width = max(self._width, min(width_of(name), _LONGEST_PREFIX))
            name += " " * (self._width - width_of(name))
        return painted(f"{name} |", _COLOURS[of.seq % len(_COLOURS)], self._screen) + " "

    def _put(self, job: _JobLines, text: str) -> None:
        """Write whole lines; a line that is too long to be kept until its end is broken."""
        if text:
            self._screen.write("".join(f"{job.prefix}{line}\n" for line in text.removesuffix("\n").split("\n")))


class _JobLines:
    """The lines of one job that have not ended."""

    __slots__ = ("attempt", "prefix", "streams")

    def __init__(self, prefix: str, attempt: int) -> None:
        self.prefix, self.attempt = prefix, attempt
        self.streams: dict[str, Lines] = {}
