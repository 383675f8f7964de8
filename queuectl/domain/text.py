"""Text that is shown to people or given to a shell: control characters are escaped, words quoted, lines cut."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

BYTE_ORDER_MARK = "\ufeff"
"""Starts files of some editors; cat and copying carry it to the start of any line. Never part of a job."""
_JOINERS = frozenset("\u200c\u200d")
"""The zero width non-joiner and joiner: without them Persian words and emoji families are misspelt."""
_HARMLESS_UNPRINTABLE = _JOINERS | frozenset("\u00a0\u3000")
"""Not printable according to Unicode, but harmless: the joiners and two spaces."""
_BIDIRECTIONAL = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Controls that change the display order of letters, so that one name can imitate another."""
_LITERAL = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-")
"""Characters that a shell takes literally."""
_SHORT = 5
"""Letters up to which a word with two slips is taken for another word."""
_LONGEST_TYPED = 80


def safe(text: str, *, keep: str = "") -> str:
    r"""Return `text` with control characters escaped: ESC as `\x1b`, a right-to-left override as `\u202e`.

    Covers C0, DEL, C1 (a terminal may read `\x9b` as ESC [), bidirectional and other format controls, and lone
    surrogates. `keep` lists the characters to leave alone: newline and tab, for a block of output.
    """
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() or letter in keep or letter in _HARMLESS_UNPRINTABLE else _escaped(letter)
        for letter in text
    )


def safe_block(text: str) -> str:
    """Return several lines escaped by `safe`: newlines and tabs stay, a carriage return before a newline is dropped."""
    return safe(text.replace("\r\n", "\n"), keep="\n\t")


def one_line(text: str, width: int) -> str:
    """Return `text` as one safe line of at most `width` characters, cut off with an ellipsis."""
    line = safe(" ".join(text[: width * 4 + 80].split("\n")))
    return line if len(line) <= width else line[: max(width - 1, 0)] + "…"


def can_draw(term: str | None) -> bool:
    """Return whether a terminal whose TERM is `term` can place its cursor and erase."""
    return term not in {None, "", "dumb", "unknown"}


def has_control(text: str) -> bool:
    """Return whether `text` contains a control character: C0, DEL or C1."""
    return not text.isprintable() and any(letter < " " or "\x7f" <= letter <= "\x9f" for letter in text)


def unwelcome(text: str) -> str | None:
    """Return what makes `text` unfit as a name that is shown in one line; None when it is fit."""
    if text.isprintable():
        return None
    letter = next((letter for letter in text if not letter.isprintable() and letter not in _JOINERS), None)
    if letter is None:
        return None if text.strip("".join(_JOINERS) + " ") else "only invisible characters"
    if has_control(text):
        return "control characters"
    if not is_unicode(text):
        return "lone surrogates"
    if letter in _BIDIRECTIONAL:
        return f"bidirectional controls (U+{ord(letter):04X})"
    return f"U+{ord(letter):04X}, which cannot be shown"


def width_of(text: str) -> int:
    """Return the number of terminal columns of `text`, which must be safe."""
    if text.isascii():
        return len(text)
    # Imported here, as below: it loads for several milliseconds, and most tables are plain ASCII.
    from wcwidth import width

    return width(text)


def cut(text: str, width: int) -> str:
    """Return safe `text`, cut off with an ellipsis to at most `width` columns; no letter is cut from its accents."""
    if width_of(text) <= width:
        return text
    if text.isascii():
        return text[: max(width - 1, 0)] + "…"
    from wcwidth import clip

    return clip(text, 0, max(width - 1, 0)) + "…"


def is_unicode(text: str) -> bool:
    """Return whether `text` has no lone surrogates, as in arguments that are not UTF-8; no store can keep those."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def unmarked(text: str) -> str:
    """Return `text` without a byte order mark and blank space at its beginning."""
    return text.lstrip(BYTE_ORDER_MARK).lstrip()


def shell_quoted(word: str) -> str:
    """Return `word` in single quotes for a POSIX shell, or unchanged if the shell takes it literally."""
    # Not shlex.quote: every enqueue quotes its command line, and the import of shlex costs it a millisecond.
    return word if word and _LITERAL.issuperset(word) else "'" + word.replace("'", "'\"'\"'") + "'"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the hint `did you mean …?` for a mistyped word; None when no known word is close."""
    meant = closest(word, known)
    return None if meant is None else f"did you mean {meant}?"


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that differs from `word` by one slip of a finger, or by two if both are long, else None.

    A guess that is farther off misleads more often than it helps.
    """
    plain = {each.lstrip("-").lower(): each for each in known}
    typed = word.lstrip("-").lower()[:_LONGEST_TYPED]
    slips = {each: _slips(typed, each) for each in plain if each}
    best = min(slips, key=slips.__getitem__, default=None)
    if best is None or slips[best] > (1 if min(len(typed), len(best)) <= _SHORT else 2):
        return None
    return plain[best]


def _slips(typed: str, meant: str) -> int:
    """Return the number of letters added, left out, replaced, or swapped with the next, from `meant` to `typed`."""
    before: list[int] = []
    row = list(range(len(meant) + 1))
    for i, letter in enumerate(typed, 1):
        before, last, row = row, before, [i]
        for j, other in enumerate(meant, 1):
            row.append(min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other)))
            if i > 1 and j > 1 and letter == meant[j - 2] and typed[i - 2] == other:
                row[j] = min(row[j], last[j - 2] + 1)
    return row[-1]


def _escaped(letter: str) -> str:
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(letter) or letter.encode("unicode_escape").decode()
