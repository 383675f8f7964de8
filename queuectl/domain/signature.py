"""Error signatures: errors without their varying parts, so that a thousand dead jobs group into a few problems."""

from __future__ import annotations

import re
from binascii import crc32

from queuectl.domain.attempt import FAILURES, Outcome
from queuectl.domain.record import record
from queuectl.domain.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.domain.attempt import Output, Result

BLANK = "…"
LONGEST = 160
"""Characters of a signature's text. Two errors rarely differ only further on."""
_TAIL_BYTES = 2000
"""Bytes at the end of the output that are searched for the last line."""
_ESCAPES = r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"
_VARYING = (
    r"'[^']*'|\"[^\"]*\"|`[^`]*`"
    r"|\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"
    r"|(?:[\w.~+@-]*/)+[\w.~+@%-]*"
    r"|\b0[xX][0-9a-fA-F]+"
    r"|\b(?=[a-fA-F]*[0-9])[0-9a-fA-F]{6,}\b"
    r"|[+-]?\d+(?:[.,:]\d+)*"
)
"""Quoted strings, UUIDs, paths and URLs, hexadecimal numbers, numbers; the first alternative that matches wins."""


@record
class Signature:
    """An error, identified by its form."""

    id: str
    """CRC-32 of the text, in eight hexadecimal digits."""
    text: str
    """How the attempt ended, and the last line that it wrote, with varying parts blanked."""


def signature(result: Result) -> Signature | None:
    """Return the signature of an attempt that failed; None for any other."""
    if result.outcome not in FAILURES:
        return None
    message = result.error or last_line(result.stderr) or last_line(result.stdout)
    return signed(reason(result), message)


def signed(how: str, message: str) -> Signature:
    """Return the signature of an attempt that ended as `how`, with `message` as its last line."""
    line = blanked(message)
    text = f"{how} · {line}" if line else how
    # A cryptographic hash would load megabytes into every worker, and there is no attacker to guard against.
    return Signature(id=f"{crc32(text.encode()):08x}", text=text)


def reason(result: Result) -> str:
    """Return how an attempt ended: the part of its signature that does not come from the command's output."""
    if result.outcome is Outcome.EXIT:
        return f"exit {result.exit_code}"
    if result.outcome is Outcome.SIGNAL:
        return f"signal {result.signal}"
    return result.outcome.replace("_", " ")


def blanked(line: str) -> str:
    """Return `line` as one safe, short line, its varying parts replaced by an ellipsis."""
    plain = re.sub(_ESCAPES, "", line[:_TAIL_BYTES])
    short = " ".join(re.sub(_VARYING, BLANK, plain).split())
    # Adjacent blanks are merged: the number of parts of a number or a path varies, too.
    short = re.sub(rf"{BLANK}(?:{BLANK}|[-+.,:/]+{BLANK})+", BLANK, short)
    short = safe(short)
    return short if len(short) <= LONGEST else short[: LONGEST - 1].rstrip() + BLANK


def last_line(output: Output) -> str:
    """Return the last line that is not blank; empty when there is none."""
    words = (output.tail or output.head)[-_TAIL_BYTES:]
    for line in reversed(words.decode("utf-8", "replace").splitlines()):
        if line.strip():
            return line.strip()
    return ""
