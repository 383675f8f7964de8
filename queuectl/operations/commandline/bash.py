"""How bash completes the word before its cursor: what it takes for the word, and how it wants it written.

Its line editor replaces what comes after the last of the characters that break words (`:` and `=` among them), or
after a quote that is still open, and it takes what it is given as it is.
"""

from __future__ import annotations

from queuectl.domain.record import record
from queuectl.operations.commandline.quoting import split

_AS_IT_IS = frozenset("_@%+=:,./-")
_IN_DOUBLE_QUOTES = frozenset('"\\$`')


@record
class Typed:
    """A line, up to the cursor."""

    words: tuple[str, ...]
    """What its words mean, without their quotes; the last is the one that is being typed, perhaps empty."""
    kept: str
    """The beginning of the last word's meaning, which bash leaves where it is."""
    quote: str
    """The quote that is open, if one is."""


def read(line: str, breaks: str) -> Typed | None:
    """Take a line apart; None where the last word holds what only bash can tell the meaning of."""
    found = split(line)
    if not found or (line[-1:].isspace() and found[-1].closed):
        return Typed(words=(*(word.text for word in found), ""), kept="", quote="")
    raw = line[found[-1].start :]
    kept, quote = "", ""
    begun: list[str] = []
    place = 0
    while place < len(raw):
        letter = raw[place]
        place += 1
        if letter in {"$", "`"} and quote != "'":
            return None
        if letter == quote:
            return None  # a closed quote within the word: bash would replace what is after it
        if not quote and letter in {"'", '"'}:
            quote, kept = letter, "".join(begun)
        elif letter == "\\" and (not quote or (quote == '"' and raw[place : place + 1] in _IN_DOUBLE_QUOTES)):
            if place == len(raw):
                return None
            begun.append(raw[place])
            place += 1
        else:
            begun.append(letter)
            if not quote and letter in breaks:
                kept = "".join(begun)
    return Typed(words=tuple(word.text for word in found), kept=kept, quote=quote)


def written(text: str, typed: Typed) -> str | None:
    """What bash is to put in place of what it replaces, so that the word means `text`; None where that cannot be."""
    if not text.startswith(typed.kept):
        return None
    left = text[len(typed.kept) :]
    if typed.quote == "'":
        return None if "'" in left else left
    if typed.quote:
        # Not even a backslash takes its meaning from `!` there.
        return None if "!" in left else "".join("\\" + each if each in _IN_DOUBLE_QUOTES else each for each in left)
    return "".join(each if each.isalnum() or each in _AS_IT_IS else "\\" + each for each in left)
