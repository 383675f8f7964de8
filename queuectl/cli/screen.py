"""The streams of a command: data to stdout, messages to stderr."""

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
        """Write data to `out` and messages to `err`."""
        self._out = out
        self._err = err
        self._bar: Bar | None = None
        self.failed = False
        """Whether stdout could not be written."""
        self.error_written = False
        """Whether the JSON document on stdout has an error already."""
        self.is_json = False
        """Whether stdout is for one JSON document."""
        self.absence: str | None = None
        """The line that the store does not exist yet, if it does not."""
        for stream in (out, err):
            # Characters that the locale cannot encode are escaped, and never an error.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")

    def write(self, text: str) -> None:
        """Write data unchanged. Raises OSError."""
        self.end_progress()
        try:
            self._out.write(text)
        except OSError:
            self.failed = True
            raise

    def write_bytes(self, data: bytes) -> None:
        """Write raw bytes as data. Raises OSError."""
        try:
            self._out.flush()
            self._out.buffer.write(data)
            self._out.buffer.flush()
        except OSError:
            self.failed = True
            raise

    @property
    def descriptors(self) -> tuple[int, int]:
        """The descriptors of stdout and stderr, which hold back nothing that was written before."""
        self.flush()
        return self._out.fileno(), self._err.fileno()

    def flush(self) -> None:
        """Flush stdout. Raises OSError."""
        try:
            self._out.flush()
        except OSError:
            self.failed = True
            raise

    def utf8(self) -> None:
        """Write UTF-8 from here on, whatever the locale: JSON has no other encoding, but escapes for surrogates."""
        if hasattr(self._out, "reconfigure"):
            self._out.reconfigure(encoding="utf-8", errors="backslashreplace")

    def abandon(self) -> None:
        """Redirect stdout to /dev/null, because its reader has gone or it cannot be written."""
        try:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._out.fileno())
            os.close(null)
        except (OSError, ValueError):
            pass  # not a real stream

    def say(self, line: str) -> None:
        """Write one line of message to stderr."""
        self.end_progress()
        try:
            self._err.write(safe(line) + "\n")
            self._err.flush()
        except OSError:
            pass  # stderr is closed

    def say_empty(self, line: str) -> None:
        """Write the line that a list is empty, unless `absence` will give the reason."""
        if self.absence is None:
            self.say(line)

    def note_absence(self, line: str) -> None:
        """Keep the line that there is no store, for the end of the command."""
        self.absence = line

    def fail(self, error: QueuectlError) -> int:
        """Write an error and its hint to stderr, and return its exit code."""
        self.end_progress()
        self.say(f"error: {error.message}")
        if error.hint:
            self.say(f"hint: {error.hint}")
        return error.exit_code

    def progress(self, done: int, total: int, what: str) -> None:
        """Draw the progress of long work, if stderr is a terminal."""
        if self.can_redraw:
            self._bar = self._bar or self._new_bar()
            self._bar.show(done, total, what)

    def note(self, line: str) -> None:
        """Show one line in place of the one before, until other output. stderr must be able to redraw."""
        self._bar = self._bar or self._new_bar()
        self._bar.show_line(line)

    def _new_bar(self) -> Bar:
        # Loaded here: most commands end before a bar could be drawn.
        from queuectl.cli.progress import Bar

        return Bar(self._err, self.width)

    def end_progress(self) -> None:
        """Erase the progress bar."""
        if self._bar is not None:
            self._bar.clear()
            self._bar = None

    def ask(self, question: str) -> str:
        """Print a question and return the answer from stdin."""
        self.prompt(safe(question))
        return input()

    def prompt(self, text: str) -> None:
        """Write text without a newline to stderr, a terminal."""
        try:
            self._err.write(text)
            self._err.flush()
        except OSError:
            pass  # the terminal is gone

    @property
    def is_terminal(self) -> bool:
        """Whether stdout is a terminal."""
        return self._out.isatty()

    @property
    def watched(self) -> bool:
        """Whether stderr is a terminal."""
        return self._err.isatty()

    @property
    def can_redraw(self) -> bool:
        """Whether a line of stderr can be erased and drawn again."""
        return self._err.isatty() and can_draw(os.environ.get("TERM"))

    @property
    def has_person(self) -> bool:
        """Whether a person can be asked: stdin and stderr are terminals."""
        return os.isatty(0) and self._err.isatty()

    @property
    def colour(self) -> bool:
        """Whether to use colour: on a terminal that can draw it, unless NO_COLOR is set."""
        return self.is_terminal and not os.environ.get("NO_COLOR") and can_draw(os.environ.get("TERM"))

    @property
    def width(self) -> int:
        """Columns of the terminal."""
        from shutil import get_terminal_size

        return get_terminal_size().columns
