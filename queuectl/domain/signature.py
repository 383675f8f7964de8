"""What an error looks like without what differs each time, so that a thousand dead jobs are a handful of problems."""

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
"""Letters of a signature's text. What differs between two errors is seldom further on."""
_LAST_WORDS = 2000
"""Bytes of output in which the last line is looked for."""
_ESCAPES = r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"
_VARYING = (
    r"'[^']*'|\"[^\"]*\"|`[^`]*`"
    r"|\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"
    r"|(?:[\w.~+@-]*/)+[\w.~+@%-]*"
    r"|\b0[xX][0-9a-fA-F]+"
    r"|\b(?=[a-fA-F]*[0-9])[0-9a-fA-F]{6,}\b"
    r"|[+-]?\d+(?:[.,:]\d+)*"
)
"""Strings in quotes, UUIDs, paths and URLs, hexadecimal numbers, numbers; the first that fits is taken."""


@record
class Signature:
    """An error by its form."""

    id: str
    """Eight hexadecimal digits, made from the text."""
    text: str
    """How the attempt ended, and the last line that it wrote, blanked."""


def signature(result: Result) -> Signature | None:
    """The signature of an attempt that failed; None for any other."""
    if result.outcome not in FAILURES:
        return None
    said = result.error or last_line(result.stderr) or last_line(result.stdout)
    return signed(reason(result), said)


def signed(how: str, said: str) -> Signature:
    """The signature of an attempt that ended like `how` and had `said` something at last."""
    line = blanked(said)
    text = f"{how} · {line}" if line else how
    # No cryptographic hash: those load megabytes into every worker, to guard against nobody.
    return Signature(id=f"{crc32(text.encode()):08x}", text=text)


def reason(result: Result) -> str:
    """How an attempt ended: the part of its signature that is no text of the command's."""
    if result.outcome is Outcome.EXIT:
        return f"exit {result.exit_code}"
    if result.outcome is Outcome.SIGNAL:
        return f"signal {result.signal}"
    return result.outcome.replace("_", " ")


def blanked(line: str) -> str:
    """`line` in one safe, short line, with what differs from time to time replaced by an ellipsis."""
    plain = re.sub(_ESCAPES, "", line[:_LAST_WORDS])
    short = " ".join(re.sub(_VARYING, BLANK, plain).split())
    # Two blanks side by side are one: how many parts a number or a path has is part of what differs.
    short = re.sub(rf"{BLANK}(?:{BLANK}|[-+.,:/]+{BLANK})+", BLANK, short)
    short = safe(short)
    return short if len(short) <= LONGEST else short[: LONGEST - 1].rstrip() + BLANK


def last_line(output: Output) -> str:
    """The last line that is not blank."""
    words = (output.tail or output.head)[-_LAST_WORDS:]
    for line in reversed(words.decode("utf-8", "replace").splitlines()):
        if line.strip():
            return line.strip()
    return ""
