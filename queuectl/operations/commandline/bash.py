"""Completion in bash: which part of a line its line editor replaces, and how the replacement must be quoted.

The line editor replaces the text after the last character that breaks words (`:` and `=` among them), or after a quote
that is still open, and inserts a candidate without quoting it.
"""

from __future__ import annotations

from queuectl.domain.record import record
from queuectl.operations.commandline.quoting import split

_UNQUOTED = frozenset("_@%+=:,./-")
_IN_DOUBLE_QUOTES = frozenset('"\\$`')


@record
class Typed:
    """A line, up to the cursor."""

    words: tuple[str, ...]
    """Its words without their quotes; the last is the one that is being typed, perhaps empty."""
    prefix: str
    """The beginning of the last word, unquoted, which bash does not replace."""
    quote: str
    """The quote that is open, or an empty string."""


def read(line: str, breaks: str) -> Typed | None:
    """Parse a line; `breaks` are the characters that break words. None where only bash can expand the last word."""
    words = split(line)
    if not words or (line[-1:].isspace() and words[-1].closed):
        return Typed(words=(*(word.text for word in words), ""), prefix="", quote="")
    raw = line[words[-1].start :]
    prefix, quote = "", ""
    text: list[str] = []
    place = 0
    while place < len(raw):
        letter = raw[place]
        place += 1
        if letter in {"$", "`"} and quote != "'":
            return None
        if letter == quote:
            return None  # a closed quote within the word: bash would replace the text after it
        if not quote and letter in {"'", '"'}:
            quote, prefix = letter, "".join(text)
        elif letter == "\\" and (not quote or (quote == '"' and raw[place : place + 1] in _IN_DOUBLE_QUOTES)):
            if place == len(raw):
                return None
            text.append(raw[place])
            place += 1
        else:
            text.append(letter)
            if not quote and letter in breaks:
                prefix = "".join(text)
    return Typed(words=tuple(word.text for word in words), prefix=prefix, quote=quote)


def replacement(text: str, typed: Typed) -> str | None:
    """Return what bash must insert so that the last word becomes `text`; None where no quoting can do that."""
    if not text.startswith(typed.prefix):
        return None
    suffix = text[len(typed.prefix) :]
    if typed.quote == "'":
        return None if "'" in suffix else suffix
    if typed.quote:
        # Within double quotes a backslash does not escape `!`.
        return None if "!" in suffix else "".join("\\" + each if each in _IN_DOUBLE_QUOTES else each for each in suffix)
    return "".join(each if each.isalnum() or each in _UNQUOTED else "\\" + each for each in suffix)
