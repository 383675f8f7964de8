"""Quote words for a shell, and split a quoted line: a line copied from the console must mean the same in a shell."""

from __future__ import annotations

from queuectl.domain.record import record
from queuectl.domain.text import safe, shell_quoted

_UNESCAPED = {"n": b"\n", "t": b"\t", "r": b"\r", "a": b"\a", "b": b"\b", "e": b"\x1b", "f": b"\f", "v": b"\v"}
_ESCAPED = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "'": "\\'", "\\": "\\\\"}


@record
class Word:
    """One word of a line."""

    start: int
    """Index of its first character in the line, its quote included."""
    text: str
    """The word without its quotes."""
    closed: bool = True
    """Whether its last quote is closed."""


def quoted(word: str) -> str:
    r"""Return `word` quoted for a shell, in one printable line: `$'a\nb'` where a character cannot be printed.

    That form is POSIX since 2024; bash, zsh and ksh have had it long before.
    """
    if safe(word) == word:
        return shell_quoted(word)
    return "$'" + "".join(map(_escaped, word)) + "'"


def split(line: str) -> list[Word]:
    """Return the words of a line. Never fails: an open quote extends to its end, and its word is not `closed`."""
    words: list[Word] = []
    place, end = 0, len(line)
    while place < end:
        if line[place].isspace():
            place += 1
            continue
        start, pieces, closed = place, list[str](), True
        while place < end and not line[place].isspace() and closed:
            piece, place, closed = _piece(line, place)
            pieces.append(piece)
        words.append(Word(start=start, text="".join(pieces), closed=closed))
    return words


def _escaped(letter: str) -> str:
    if letter in _ESCAPED:
        return _ESCAPED[letter]
    if safe(letter) == letter:
        return letter
    # As bytes, so that it means the same in every locale.
    return "".join(f"\\x{byte:02x}" for byte in letter.encode("utf-8", _errors(letter)))


def _errors(letter: str) -> str:
    return "surrogateescape" if "\udc80" <= letter <= "\udcff" else "surrogatepass"


def _piece(line: str, place: int) -> tuple[str, int, bool]:
    """Return the piece that begins at `place`: its text without quotes, its end, and whether it was closed."""
    if line.startswith("$'", place):
        return _dollar(line, place + 2)
    mark = line[place]
    if mark == "'":
        end = line.find("'", place + 1)
        return (line[place + 1 :], len(line), False) if end < 0 else (line[place + 1 : end], end + 1, True)
    if mark == '"':
        return _double(line, place + 1)
    if mark == "\\":
        return line[place + 1 : place + 2], min(place + 2, len(line)), place + 1 < len(line)
    return mark, place + 1, True


def _double(line: str, place: int) -> tuple[str, int, bool]:
    text: list[str] = []
    while place < len(line):
        letter = line[place]
        if letter == '"':
            return "".join(text), place + 1, True
        if letter == "\\" and line[place + 1 : place + 2] in {'"', "\\", "$", "`"}:
            place += 1
            letter = line[place]
        text.append(letter)
        place += 1
    return "".join(text), place, False


def _dollar(line: str, place: int) -> tuple[str, int, bool]:
    data = bytearray()
    closed = False
    while place < len(line) and not closed:
        letter = line[place]
        place += 1
        if letter == "'":
            closed = True
        elif letter != "\\":
            data += letter.encode("utf-8", _errors(letter))
        elif line[place : place + 1] == "x" and _is_hex(line[place + 1 : place + 3]):
            data.append(int(line[place + 1 : place + 3], 16))
            place += 3
        else:
            escaped = line[place : place + 1]
            data += _UNESCAPED.get(escaped) or escaped.encode("utf-8", "surrogatepass")
            place += 1
    return data.decode("utf-8", "surrogateescape"), min(place, len(line)), closed


def _is_hex(digits: str) -> bool:
    return len(digits) == 2 and all(digit in "0123456789abcdefABCDEF" for digit in digits)
