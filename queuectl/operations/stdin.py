"""A script from standard input, which becomes the command of one job."""

from __future__ import annotations

from queuectl.domain.errors import UsageError
from queuectl.domain.spec import MAX_COMMAND_BYTES


def script() -> str:
    """Return standard input without the newlines at its end, as `$(cat)` would. Raises UsageError."""
    try:
        # It stays open: it was not opened here.
        with open(0, "rb", closefd=False) as opened:
            data = opened.read(MAX_COMMAND_BYTES + 1)
    except OSError as error:
        raise UsageError(f"standard input cannot be read: {error.strerror}") from None
    try:
        text = data.decode().rstrip("\n")
    except UnicodeDecodeError:
        if len(data) <= MAX_COMMAND_BYTES:
            raise UsageError("the script on standard input is not valid UTF-8") from None
        text = data.decode(errors="replace")  # cut in the middle of a character: too long, as the next check finds
    if not text.strip():
        raise UsageError(
            "there is no script on standard input", hint="the program before the pipe has printed nothing; - reads it"
        )
    return text
