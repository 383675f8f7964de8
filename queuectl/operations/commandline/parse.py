"""Parse the words of a command into the params of its operation.

Positional words are assigned here and not by argparse, which loses them when options stand in between; and a command
line without options does not load argparse at all, which costs two milliseconds. Both front ends parse command lines
with this module.
"""

from __future__ import annotations

from queuectl.domain.errors import UsageError
from queuectl.domain.text import is_unicode, nearest, safe, unmarked
from queuectl.operations.commandline.grammar import ANYWHERE, grammar, usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from queuectl.operations.commandline.grammar import Grammar, Parameter
    from queuectl.operations.operation import Operation

_LONGEST_NUMBER = 20


def params(operation: Operation, words: Sequence[str]) -> Any:
    """Return the params that `words` stand for. Raises UsageError."""
    known = grammar(operation.params)
    end = words.index("--") if "--" in words else len(words)
    before, after = words[:end], tuple(words[end + 1 :])
    values: dict[str, Any] = {}
    if any(word.startswith("-") and word != "-" for word in before):
        before = _options(operation, known, before, values)
    if known.rest is None:
        before = (*before, *after)
    elif end < len(words):
        if not after:
            raise UsageError("there is no word after --", hint=usage(operation))
        values[known.rest.name] = after
    _positionals(operation, known, before, values)
    for each in known.parameters:
        if each.required and each.name not in values:
            label = f"{each.label} {each.word}" if each.strings else each.label
            raise UsageError(f"{label} is missing", hint=_apart(operation, each, before) or usage(operation))
    return operation.params(**values)


def _apart(operation: Operation, missing: Parameter, words: Sequence[str]) -> str | None:
    """Return the line to type where a key and the value that is missing were written as one word: `lease=20`."""
    key, equals, value = words[0].partition("=") if len(words) == 1 else ("", "", "")
    if not (missing.field.positional and key and equals and value):
        return None
    # Loaded here: only an error needs it.
    from queuectl.operations.commandline.quoting import quoted

    return f"queuectl {operation.name} {quoted(key)} {quoted(value)}"


def _options(operation: Operation, known: Grammar, words: Sequence[str], values: dict[str, Any]) -> tuple[str, ...]:
    """Store the options of `words` in `values` and return the other words."""
    from queuectl.operations.commandline.option_parser import parse_options

    found, others = parse_options(f"queuectl {operation.name}", known, words)
    by_name = {each.name: each for each in known.parameters}
    for name, texts in found.items():
        values[name] = _value(by_name[name], texts) if by_name[name].takes_value else True
    for place, word in enumerate(others):
        if word.startswith("-") and word != "-" and " " not in word and not _is_number(word):
            raise _unknown_option(operation, known, word.partition("=")[0], follows_words=place > 0)
    return tuple(others)


def _unknown_option(operation: Operation, known: Grammar, option: str, *, follows_words: bool) -> UsageError:
    """Return the error for an option that the command does not have; it may belong to a command that is not quoted."""
    if option in ANYWHERE.options:
        return UsageError(f"{option} takes no value", hint=usage(operation))
    hint = f"queuectl {operation.name} --help lists them"
    if known.rest and follows_words:
        hint = _quote(operation)
    if option.startswith("--"):
        # A letter is no hint: letters are few, and each stands for another option in another command.
        hint = (
            nearest(option, [each.label for each in (*known.parameters, *ANYWHERE.parameters) if each.strings]) or hint
        )
    return UsageError(f"unknown option {option[:60]!r}", hint=hint)


def _quote(operation: Operation) -> str:
    return f"quote a command as one word, or write -- before it: queuectl {operation.name} -- echo hello"


def _positionals(operation: Operation, known: Grammar, words: Sequence[str], values: dict[str, Any]) -> None:
    remaining = list(words)
    for number, each in enumerate(known.positionals, 1):
        if not remaining:
            break
        # Required arguments after one that takes several words get the last words: `priority ID… N`.
        later = sum(_takes(other, remaining[-1]) for other in known.positionals[number:])
        end = max(len(remaining) - later, 0) if each.many else 1
        if end:
            values[each.name] = _value(each, remaining[:end])
        remaining = remaining[end:]
    if remaining:
        # A URL may hold a password.
        scheme, separator, _ = remaining[0].partition("://")
        word = f"{scheme}://…" if separator else remaining[0]
        raise UsageError(
            f"unexpected argument {word[:60]!r}", hint=_quote(operation) if known.rest else usage(operation)
        )


def _takes(of: Parameter, last: str) -> bool:
    """Return whether an argument takes the last word: it is required, or the word begins as its values do."""
    return of.required or bool(of.field.begins and unmarked(last).startswith(of.field.begins))


def _value(of: Parameter, texts: Sequence[str]) -> Any:
    """Return the value of a parameter: of all texts if it may be given several times, else of the last."""
    if of.field.commas:
        # A doubled comma is one within a name.
        texts = [each.replace("\0", ",") for text in texts for each in text.replace(",,", "\0").split(",")]
    values = tuple(_parsed(of, text) for text in texts)
    return values if of.many else values[-1]


def _parsed(of: Parameter, text: str) -> Any:
    if of.field.parse is not None:
        return of.field.parse(text)
    if of.annotation.startswith("int"):
        return _whole(of.label, text)
    if of.field.choices is not None:
        return _choice(of.label, text, of.field.choices)
    if not is_unicode(text):
        raise UsageError(f"{of.label} is not valid Unicode text: {safe(text[:40])}")
    return text


def _whole(label: str, text: str) -> int:
    if not _is_number(text):
        raise UsageError(f"{label} must be a whole number, not {text[:40]!r}")
    if len(text) > _LONGEST_NUMBER or not -(2**63) <= int(text) < 2**63:
        raise UsageError(f"{label} is too large a number")
    return int(text)


def _is_number(text: str) -> bool:
    digits = text[1:] if text[:1] in {"-", "+"} else text
    return digits.isascii() and digits.isdigit()


def _choice(label: str, text: str, choices: tuple[str, ...]) -> str:
    if text not in choices:
        near = nearest(text, choices)
        known = f"one of {', '.join(choices)}"
        raise UsageError(f"{label} cannot be {text[:40]!r}", hint=f"{near} {known}" if near else known)
    return text
