"""The output of one attempt as lines, read in small steps by the reader thread.

While the attempt runs, its live files are read; after it has ended, the stored output is read on from the same offsets.
The last 5,000 lines are held. The caller states which lines it has, so a lost answer does no harm.
"""

from __future__ import annotations

import os
from codecs import getincrementaldecoder
from collections import deque
from itertools import groupby, islice
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len

from queuectl.domain.errors import NotFound, QueuectlError
from queuectl.domain.record import record
from queuectl.domain.terminal import Lines
from queuectl.operations.logs import Log, Logs
from queuectl.runtime.live import STREAMS, read_stored
from queuectl.runtime.remote_output import Follower
from queuectl_tui.widgets.terminal_text import NOT_UTF8, Printed, Terminal

if TYPE_CHECKING:
    from queuectl.domain.attempt import Attempt
    from queuectl.domain.job import Job
    from queuectl.operations.context import Context
    from queuectl_tui.progress import Progress
    from queuectl_tui.widgets.terminal_text import Span

LINES = 5_000
WEIGHT = 4 * 1024 * 1024
"""Maximum number of characters held."""
LONGEST = 4_096
"""Columns after which a line is continued in the next one: a line of 100 MB becomes many."""
STEP = 262_144
"""Maximum number of bytes read in one step, so that the reader thread can serve other requests."""

_PIECE = 2_048
_SPAN_WEIGHT = 24


class LogLine(NamedTuple):
    """A line of output. A tuple, as hundreds are made in a tick: a record takes five times as long."""

    number: int
    """Position in the order of arrival, from 0; -1 while the line has not ended."""
    stream: str
    """`out` or `err`."""
    text: str
    spans: tuple[Span, ...] = ()
    cells: int = 0
    """Width in columns."""
    at: int | None = None
    """Time of arrival, in milliseconds since the epoch; None for lines printed before the log was opened."""
    left_out: int = 0
    """Number of bytes that were not kept; this line is shown in their place."""
    continues: bool = False
    """Whether it continues the previous line."""


@record
class LogUpdate:
    """The result of one step."""

    job: Job | None
    attempt: Attempt | None
    """The attempt whose output this is; None if the job has not run yet."""
    newest: int
    """The number of the job's latest attempt, 0 before the first."""
    first: int
    """The number of the oldest line held."""
    lines: tuple[LogLine, ...] = ()
    """The lines that the caller did not have."""
    open: tuple[LogLine, ...] = ()
    """Lines that have not ended yet, at most one of each stream."""
    total: int = 0
    """Bytes read so far, including those left out."""
    progress: Progress | None = None
    more: bool = False
    """Whether more can be read at once."""
    problem: str | None = None
    """Why nothing could be read."""

    @property
    def running(self) -> bool:
        """Whether more may be printed."""
        return self.attempt is not None and self.attempt.outcome is None


class LogSource:
    """Reads the output of an attempt. It belongs to the reader thread."""

    def __init__(self, job_id: str, attempt: int | None = None) -> None:
        """Create a source; without an `attempt` it is the latest at the first read."""
        self.job_id = job_id
        self._number = attempt
        self._seen: int | None = None
        self._job: Job | None = None
        self._attempt: Attempt | None = None
        self._streams: dict[str, _Stream] = {}
        self._stored: deque[tuple[_Stream, bytes, int]] | None = None
        self._caught_up = False
        self._lines: deque[LogLine] = deque()
        self._next = 0
        self._weight = 0
        self._problem: str | None = None

    def read(self, context: Context, have: int) -> LogUpdate:
        """Read one step, and return the lines from number `have` on."""
        more = False
        try:
            self._refresh_attempt(context)
            if self._attempt is not None:
                more = self._read_on(context)
            else:
                self._caught_up = True  # all of its output will be printed while the log is open
            self._problem = None
        except NotFound:
            self._problem = "the job has been deleted"
        except (QueuectlError, OSError) as error:
            self._problem = error.message if isinstance(error, QueuectlError) else str(error.strerror)
            self._seen = None
        return self._update(have, more=more)

    def close(self) -> None:
        """Close the live files."""
        for stream in self._streams.values():
            stream.live.close()

    def take(
        self, stream: str, printed: Printed, *, at: int | None, continues: bool = False, left_out: int = 0
    ) -> None:
        """Add a line; drop the oldest where the limits are exceeded."""
        line = _line(self._next, stream, printed, at, continues=continues, left_out=left_out)
        self._lines.append(line)
        self._next += 1
        self._weight += _weight(line)
        while len(self._lines) > LINES or self._weight > WEIGHT:
            self._weight -= _weight(self._lines.popleft())

    def skip(self, lines: int) -> None:
        """Count lines that are dropped unread, because more than can be held came after them."""
        self._lines.clear()
        self._weight = 0
        self._next += lines

    def _refresh_attempt(self, context: Context) -> None:
        """Read whether the attempt has begun or ended. Must run before the live files are read."""
        seen = context.store.changed()
        if seen == self._seen:
            return
        jobs = context.store.jobs
        listed = jobs.get(self.job_id)
        self._job = listed.job
        if self._number is None and listed.latest is not None:
            self._number = listed.latest.attempt
        if self._number is not None and (self._attempt is None or self._attempt.outcome is None):
            self._attempt = (
                listed.latest
                if listed.latest is not None and listed.latest.attempt == self._number
                else next((each for each in jobs.attempts(listed.job.seq) if each.attempt == self._number), None)
            )
            if self._attempt is not None and not self._streams:
                seq, number = listed.job.seq, self._number
                self._streams = {
                    name: _Stream(name, Follower(context.store, context.run_dir, job=seq, attempt=number, stream=name))
                    for name in STREAMS
                }
        self._seen = seen

    def _read_on(self, context: Context) -> bool:
        at = context.now() if self._caught_up else None
        if self._attempt is not None and self._attempt.outcome is None:
            more = False
            for stream in self._streams.values():
                more |= self._read_live(stream, at)
        else:
            more = self._read_stored(context, at)
        self._caught_up |= not more
        return more

    def _read_live(self, stream: _Stream, at: int | None) -> bool:
        pending = STEP
        while pending > 0:
            stream.offset, data, left_out = stream.live.read(stream.offset)
            if not data:
                return False
            stream.take(self, data, left_out, at)
            pending -= len(data)
        return True

    def _read_stored(self, context: Context, at: int | None) -> bool:
        if self._stored is None:
            self._stored = self._unread_stored(context)
        pending = STEP
        while pending > 0 and self._stored:
            stream, data, left_out = self._stored.popleft()
            if len(data) > pending:
                self._stored.appendleft((stream, data[pending:], 0))
                data = data[:pending]
            stream.take(self, data, left_out, at)
            pending -= len(data)
            if not any(each is stream for each, _, _ in self._stored):
                stream.finish(self, at)
        if not self._stored:
            for stream in self._streams.values():
                stream.finish(self, at)
                stream.live.close()
        return bool(self._stored)

    def _unread_stored(self, context: Context) -> deque[tuple[_Stream, bytes, int]]:
        """Return the stored output beyond what was read live."""
        pending: deque[tuple[_Stream, bytes, int]] = deque()
        if self._job is None or self._attempt is None:
            return pending
        outputs = context.store.jobs.output(self._job.seq, self._attempt.attempt)
        for stream, output in zip(self._streams.values(), outputs, strict=True):
            while True:
                stream.offset, data, left_out = read_stored(output, stream.offset)
                if not data:
                    break
                pending.append((stream, data, left_out))
        return pending

    def _update(self, have: int, *, more: bool) -> LogUpdate:
        first = self._lines[0].number if self._lines else self._next
        unseen = self._next - max(have, first)
        lines = tuple(islice(self._lines, len(self._lines) - unseen, None)) if unseen > 0 else ()
        running = [stream for stream in self._streams.values() if not stream.terminal.is_empty]
        return LogUpdate(
            job=self._job,
            attempt=self._attempt,
            newest=0 if self._job is None else self._job.fence,
            first=first,
            lines=lines,
            open=tuple(stream.open() for stream in running),
            total=sum(stream.total for stream in self._streams.values()),
            progress=next((each.terminal.progress for each in self._streams.values() if each.terminal.progress), None),
            more=more,
            problem=self._problem,
        )


class _Stream:
    """Read position and current line of one stream."""

    def __init__(self, name: str, live: Follower) -> None:
        self.name = name
        self.live = live
        self.offset = 0
        self.total = 0
        self.terminal = Terminal()
        self._decoder = getincrementaldecoder("utf-8")(NOT_UTF8)
        self._continues = False
        self._opened: int | None = None

    def take(self, source: LogSource, data: bytes, left_out: int, at: int | None) -> None:
        """Split data into lines."""
        if left_out:
            self.finish(source, at)
            source.take(self.name, Printed(f"[… {left_out} bytes left out …]"), at=at, left_out=left_out)
        self.total += len(data) + left_out
        *whole, rest = self._decoder.decode(data).split("\n")
        if len(whole) > LINES:
            # More lines than can be held: the first would be dropped before they are shown.
            source.skip(len(whole) - LINES)
            del whole[:-LINES]
            self.terminal = Terminal(self.terminal.progress)
            self._continues = False
        for text in whole:
            if len(text) > _PIECE:
                self._pieces(source, text, at)
                if self._continues and self.terminal.is_empty:
                    self._continues = False  # it was cut exactly at its end
                    continue
                text = ""  # noqa: PLW2901 - only its end remains
            line = self.terminal.whole(text.removesuffix("\r"))
            source.take(self.name, line, at=at, continues=self._continues)
            self._continues = False
        if rest:
            self._opened = at if self.terminal.is_empty else self._opened
            self._pieces(source, rest, at)

    def finish(self, source: LogSource, at: int | None) -> None:
        """End the current line: no more output follows."""
        rest = self._decoder.decode(b"", final=True)
        self._decoder.reset()
        if rest:
            self.terminal.write(rest)
        if not self.terminal.is_empty:
            source.take(self.name, self.terminal.end(), at=at, continues=self._continues)
        self._continues = False

    def open(self) -> LogLine:
        """Return the line that has not ended."""
        return _line(-1, self.name, self.terminal.line(), self._opened, continues=self._continues, left_out=0)

    def _pieces(self, source: LogSource, text: str, at: int | None) -> None:
        """Write text that may be far too long for a line."""
        for place in range(0, len(text), _PIECE):
            self.terminal.write(text[place : place + _PIECE])
            if self.terminal.width > LONGEST:
                source.take(self.name, self.terminal.end(), at=at, continues=self._continues)
                self._continues = True


def save(context: Context, job_id: str, attempt: int | None, streams: tuple[str, ...], path: str) -> int:
    """Write all stored output of an attempt to a new file, sanitised; return the number of characters written.

    Raises:
        QueuectlError: the output cannot be read.
        OSError: the file exists already or cannot be written.
    """
    both = len(streams) != 1
    params = Logs(
        ids=(job_id,), attempt=attempt, stdout=not both and streams[0] == "out", stderr=not both and streams[0] == "err"
    )
    log = Log(context, params)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
        written = 0
        for _, pieces in groupby(log.pieces(), lambda piece: piece.stream):
            lines = Lines("backslashreplace")
            for piece in pieces:
                if piece.left_out:
                    written += file.write(f"{lines.finish()}\n[… {piece.left_out} bytes left out …]\n")
                written += file.write(lines.take(piece.data))
            written += file.write(lines.finish())
    return written


def _line(number: int, stream: str, printed: Printed, at: int | None, *, continues: bool, left_out: int) -> LogLine:
    text, spans = printed
    cells = len(text) if text.isascii() else cell_len(text)
    return LogLine(number, stream, text, spans, cells, at, left_out, continues)


def _weight(line: LogLine) -> int:
    return len(line.text) + len(line.spans) * _SPAN_WEIGHT + _SPAN_WEIGHT
