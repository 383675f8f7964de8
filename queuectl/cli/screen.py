"""Where a command writes: data to stdout, talk to stderr."""

from __future__ import annotations

import os

from queuectl.domain.text import can_draw, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

    from queuectl.cli.progress import Bar
    from queuectl.domain.errors import QueuectlError


class Screen:
    """The two streams of a process."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        """Write data to `out` and talk to `err`."""
        self._out = out
        self._err = err
        self._bar: Bar | None = None
        self.failed = False
        """Whether stdout could not be written."""
        self.told = False
        """Whether stdout has been told of an error already."""
        self.absence: str | None = None
        """Why there is nothing to show: the store does not exist yet."""
        for stream in (out, err):
            # What the locale cannot write is written out, and never an error.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")

    def write(self, text: str) -> None:
        """Data, as it is. Raises OSError."""
        self.end_progress()
        try:
            self._out.write(text)
        except OSError:
            self.failed = True
            raise

    def write_bytes(self, data: bytes) -> None:
        """Data that is not text. Raises OSError."""
        try:
            self._out.flush()
            self._out.buffer.write(data)
            self._out.buffer.flush()
        except OSError:
            self.failed = True
            raise

    def flush(self) -> None:
        """See to it that all data has been written. Raises OSError."""
        try:
            self._out.flush()
        except OSError:
            self.failed = True
            raise

    def utf8(self) -> None:
        """Write UTF-8 from here on, whatever the locale: JSON knows nothing else, and has an escape for the rest."""
        if hasattr(self._out, "reconfigure"):
            self._out.reconfigure(encoding="utf-8", errors="backslashreplace")

    def abandon(self) -> None:
        """Give up on stdout: nobody reads it, or it cannot be written."""
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._out.fileno())
            os.close(nowhere)
        except (OSError, ValueError):
            pass  # not a real stream

    def say(self, line: str) -> None:
        """One line for whoever watches."""
        self.end_progress()
        try:
            self._err.write(safe(line) + "\n")
            self._err.flush()
        except OSError:
            pass  # nobody watches

    def say_empty(self, line: str) -> None:
        """Say that there is nothing to show, unless `absence` says why."""
        if self.absence is None:
            self.say(line)

    def note_absence(self, line: str) -> None:
        """Keep the line that says that there is no store, for the end of the command."""
        self.absence = line

    def fail(self, error: QueuectlError) -> int:
        """Print an error and its hint to stderr, and return its exit code."""
        self.end_progress()
        self.say(f"error: {error.message}")
        if error.hint:
            self.say(f"hint: {error.hint}")
        return error.exit_code

    def progress(self, done: int, total: int, what: str) -> None:
        """Show how far long work has come, if somebody watches."""
        if self._bar is None:
            if not self._err.isatty() or not can_draw(os.environ.get("TERM")):
                return
            # Loaded here: most commands are done before a bar could be drawn.
            from queuectl.cli.progress import Bar

            self._bar = Bar(self._err, self.width)
        self._bar.show(done, total, what)

    def end_progress(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.clear()
            self._bar = None

    def ask(self, question: str) -> str:
        """What the person answers."""
        self._err.write(safe(question))
        self._err.flush()
        return input()

    @property
    def is_terminal(self) -> bool:
        """Whether people read stdout."""
        return self._out.isatty()

    @property
    def watched(self) -> bool:
        """Whether somebody sees the talk."""
        return self._err.isatty()

    @property
    def has_person(self) -> bool:
        """Whether somebody is there to be asked."""
        return os.isatty(0) and self._err.isatty()

    @property
    def colour(self) -> bool:
        """Whether to use colour: on a terminal that can, for a person who wants it."""
        return self.is_terminal and not os.environ.get("NO_COLOR") and can_draw(os.environ.get("TERM"))

    @property
    def width(self) -> int:
        """Columns of the terminal."""
        from shutil import get_terminal_size

        return get_terminal_size().columns
