"""Hostile text made harmless, once, for everything that a person reads."""

from __future__ import annotations

_HARMLESS_UNPRINTABLE = frozenset("\u00a0\u200d\u3000")
"""Not printable by Unicode's book, but nothing to fear: two spaces, and the joiner inside emoji families."""


def safe(text: str, *, keep: str = "") -> str:
    r"""`text` with every control character written out: ESC as `\x1b`, a right-to-left override as `\u202e`.

    Covers C0, DEL, C1 (a terminal may take `\x9b` for ESC [), bidirectional and other format controls, and lone
    surrogates. `keep` names the ones to let through: newline and tab, for a block of output.
    """
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() or letter in keep or letter in _HARMLESS_UNPRINTABLE else _written_out(letter)
        for letter in text
    )


def safe_block(text: str) -> str:
    """`safe` for several lines: newlines and tabs stay, a carriage return before a newline goes."""
    return safe(text.replace("\r\n", "\n"), keep="\n\t")


def one_line(text: str, width: int) -> str:
    """`text` in one safe line of at most `width` characters, its end cut off with an ellipsis."""
    line = safe(" ".join(text[: width * 4 + 80].split("\n")))
    return line if len(line) <= width else line[: max(width - 1, 0)] + "…"


def _written_out(letter: str) -> str:
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(letter) or letter.encode("unicode_escape").decode()
