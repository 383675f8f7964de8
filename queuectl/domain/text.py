"""Hostile text made harmless, once, for everything that a person reads."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_JOINERS = frozenset("\u200c\u200d")
"""The zero width non-joiner and joiner: Persian words and emoji families are misspelt without them."""
_HARMLESS_UNPRINTABLE = _JOINERS | frozenset("\u00a0\u3000")
"""Not printable by Unicode's book, but nothing to fear: the joiners and two spaces."""
_BIDIRECTIONAL = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They change the order in which letters are shown, so that a name can look like another."""
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-")
"""What a shell takes as it stands."""
_LONGEST_LINE = 2000
"""Letters of a command line that are written down: a command may be megabytes long."""
_WITH_VARIABLES = frozenset({"enqueue", "edit"})
_WITH_ADDRESSES = frozenset({"migrate"})


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


def can_draw(term: str | None) -> bool:
    """Whether a terminal whose TERM is `term` can place its cursor and erase."""
    return term not in {None, "", "dumb", "unknown"}


def has_control(text: str) -> bool:
    """Whether a control character is in it: C0, DEL or C1."""
    return not text.isprintable() and any(letter < " " or "\x7f" <= letter <= "\x9f" for letter in text)


def unwelcome(text: str) -> str | None:
    """What makes `text` unfit for a name that is shown in one line; None for nothing."""
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
    """Columns that `text` takes on a terminal."""
    if text.isascii():
        return len(text)
    # Loaded here: most tables are plain ASCII.
    from unicodedata import category, east_asian_width

    return sum(
        0 if category(letter) in {"Mn", "Me", "Cf"} else 2 if east_asian_width(letter) in {"W", "F"} else 1
        for letter in text
    )


def is_unicode(text: str) -> bool:
    """Whether it holds no lone surrogate, such as Python makes of arguments that are no UTF-8. No store keeps those."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _written_out(letter: str) -> str:
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(letter) or letter.encode("unicode_escape").decode()


def written_line(name: str, words: Iterable[str]) -> str:
    """A command line as the history keeps it: quoted for a shell, cut off where it is long, and without secrets.

    The values of a job's variables are left out, and a JSON object that has any is left out whole; of a URL, which may
    hold a password, nothing but its scheme is kept.
    """
    line, hidden = ["queuectl", name], False
    for word in words:
        shown = word[:_LONGEST_LINE]
        if name in _WITH_VARIABLES:
            if hidden or word.startswith(("--env=", "-e")):
                option = "" if hidden else "--env=" if word.startswith("--env=") else "-e"
                variable, equals, _ = word[len(option) :].partition("=")
                shown = f"{option}{variable[:_LONGEST_LINE]}{equals and '=***'}"
            elif word.lstrip().startswith("{") and '"env"' in word:
                shown = "{…}"
            hidden = word in {"-e", "--env"}
        elif name in _WITH_ADDRESSES and "://" in word:
            shown = word.partition("://")[0][:_LONGEST_LINE] + "://…"
        line.append(shown if shown and _PLAIN.issuperset(shown) else "'" + shown.replace("'", "'\"'\"'") + "'")
    text = " ".join(line).encode(errors="backslashreplace").decode()
    return text if len(text) <= _LONGEST_LINE else text[:_LONGEST_LINE] + "…"
