"""Generate docs/queuectl.1, the man page, from docs/cli.md: `python -m queuectl.cli.man > docs/queuectl.1`.

A test compares both. The page uses the macros of man(7) alone, and ASCII alone, so that every reader of man pages
shows it.
"""

from __future__ import annotations

import re
import textwrap

from queuectl import __version__
from queuectl.cli.help import START_HERE
from queuectl.cli.reference import reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = f"""\
.\\" Made by `python -m queuectl.cli.man > docs/queuectl.1`; change the operations and not this page.
.TH QUEUECTL 1 "" "queuectl {__version__}" "User Commands"
.nh
.ad l
.SH NAME
queuectl \\- a background job queue for shell commands
.SH SYNOPSIS
"""
_TAIL = """\
.SH SEE ALSO
.BR sh (1),
.BR crontab (5),
.BR at (1)
"""
_ESCAPES = {"\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti", "…": "..."}
"""Letters that troff would take for a command, or show as another letter."""
_COMMANDS = "Commands"
"""The part of the reference whose headings stand one level lower than on the page."""


def page() -> str:
    """Return the whole page."""
    blocks = reference().partition("# The command line\n")[2].strip().split("\n\n")
    return "".join([_HEAD, *_synopsis(blocks[0]), ".SH DESCRIPTION\n", *_start_here(), *_body(blocks[1:]), _TAIL])


def _synopsis(block: str) -> Iterator[str]:
    yield f"{_bold(block.strip())}\n"


def _start_here() -> Iterator[str]:
    yield "To start with:\n"
    for command, about in START_HERE:
        yield f".TP\n{_bold(command)}\n{_escaped(about)}\n"


def _body(blocks: list[str]) -> Iterator[str]:
    """Yield the blocks of Markdown, which blank lines separate: headings, tables, examples and paragraphs."""
    lower = 0
    for block in blocks:
        if block.startswith("#"):
            marks, _, title = block.partition(" ")
            if title == _COMMANDS:
                lower = 1
            elif len(marks) - lower == 2:
                yield f'.SH "{_escaped(f"{_COMMANDS}: {title}" if lower else title).upper()}"\n'
            else:
                yield f'.SS "{_escaped(title)}"\n'
        elif block.startswith("|"):
            yield from _table(block.splitlines())
        elif block.startswith("    "):
            lines = [_line(_escaped(line)) for line in textwrap.dedent(block).splitlines()]
            yield "\n".join([".PP", ".RS 4", ".nf", *lines, ".fi", ".RE", ""])
        else:
            yield ".PP\n" + _filled(block)


def _table(lines: list[str]) -> Iterator[str]:
    """Yield the rows of a table as a list; a cell between the first and the last follows the first in parentheses."""
    header, _, *rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    for tag, *between, text in rows:
        about = [f"{name} {cell}" for name, cell in zip(header[1:], between, strict=False)]
        yield (
            ".TP\n"
            + _text(_cell(tag))
            + _escaped("".join(f" ({each})" for each in about))
            + "\n"
            + _filled(_cell(text))
        )


def _cell(text: str) -> str:
    """Return the text of a cell without the escapes of Markdown."""
    return text.replace("\\|", "|").replace("\\\\", "\\")


def _filled(text: str) -> str:
    lines = textwrap.wrap(_text(text), 100, break_on_hyphens=False, break_long_words=False)
    return "".join(f"{_line(line)}\n" for line in lines)


def _text(text: str) -> str:
    """Return a paragraph for troff: what stands between backquotes in bold."""
    pieces = " ".join(text.split()).split("`")
    return "".join(_bold(piece) if place % 2 else _escaped(piece) for place, piece in enumerate(pieces))


def _bold(text: str) -> str:
    return f"\\fB{_escaped(text)}\\fR"


def _escaped(text: str) -> str:
    return "".join(
        _ESCAPES.get(letter) or (letter if letter.isascii() else f"\\[u{ord(letter):04X}]") for letter in text
    )


def _line(text: str) -> str:
    """Return a line of text that troff does not take for a macro."""
    return f"\\&{text}" if text.startswith(".") else text


if __name__ == "__main__":
    print(page(), end="")
