"""The command line of an operation as the event log records it: quoted, shortened, without secrets."""

from __future__ import annotations

from queuectl.domain.text import shell_quoted, unmarked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from queuectl.operations.operation import Operation

_SWITCHES = "Ery"
"""Short options without a value that commands with variables have: others may follow them in the same word."""
LONGEST = 2000
"""Characters of a command line that are recorded: a command may be megabytes long."""


def recorded_line(operation: Operation, words: Iterable[str]) -> str:
    """Return the command line of `operation` with its `words`, of at most `LONGEST` characters and an ellipsis.

    The values of a job's environment variables are replaced, as is a whole JSON object that has any. Of a URL, which
    may contain a password, only the scheme is kept.
    """
    line, hidden = ["queuectl", operation.name], False
    for word in words:
        shown = word[:LONGEST]
        if operation.secret_variables:
            shown = _without_variable(word, hidden=hidden)
            hidden = bool(word) and word in {"--env", _option_in(word)}
        elif operation.secret_urls and "://" in word:
            shown = word.partition("://")[0][:LONGEST] + "://…"
        line.append(shell_quoted(shown))
    text = " ".join(line).encode(errors="backslashreplace").decode()
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def _without_variable(word: str, *, hidden: bool) -> str:
    """Return `word` without the value of a variable; `hidden`: the word before it was the option."""
    option = "" if hidden else _option_in(word)
    if hidden or option:
        variable, equals, _ = word[len(option) :].partition("=")
        return f"{option}{variable[:LONGEST]}{equals and '=***'}"
    # A letter of the key may be written as an escape.
    if unmarked(word).startswith("{") and ('"env"' in word or "\\u" in word):
        return "{…}"
    return word[:LONGEST]


def _option_in(word: str) -> str:
    """Return the option at the beginning of `word` whose value is a variable: `-e`, after switches `-Ee`, `--env=`."""
    if word.startswith("--env="):
        return "--env="
    if word.startswith("-") and not word.startswith("--"):
        end = len(word) - len(word[1:].lstrip(_SWITCHES))
        if word[end : end + 1] == "e":
            return word[: end + 1]
    return ""
