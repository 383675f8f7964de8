"""From words to the params of an operation, by an argparse parser made from their fields.

Positional words are put in their places here and not by argparse, which loses them when options stand in between; and
a command line without options does not load argparse at all, which costs two milliseconds. Both front ends read command
lines with it.
"""

from __future__ import annotations

from queuectl.domain.errors import UsageError
from queuectl.domain.record import MISSING, described
from queuectl.domain.text import is_unicode, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from queuectl.domain.record import Field
    from queuectl.operations.operation import Operation

_LONGEST_NUMBER = 20


def params(operation: Operation, words: Sequence[str]) -> Any:
    """The params that `words` stand for. Raises UsageError."""
    fields = described(operation.params)
    end = words.index("--") if "--" in words else len(words)
    before, after = words[:end], tuple(words[end + 1 :])
    values: dict[str, Any] = {}
    if any(word.startswith("-") and word != "-" for word in before):
        before = _options(operation, before, values)
    rest = next((name for name, (field, _) in fields.items() if field.rest), None)
    if rest is None:
        before = (*before, *after)
    elif end < len(words):
        if not after:
            raise UsageError("nothing stands after --", hint=usage(operation))
        values[rest] = after
    _positionals(operation, before, values)
    for name, (field, _) in fields.items():
        if name not in values and field.default is MISSING:
            called = field.metavar or name
            if not field.positional:
                called = f"{option_strings(name, field)[-1]} {called}"
            raise UsageError(f"{called} is missing", hint=usage(operation))
    return operation.params(**values)


def usage(operation: Operation) -> str:
    """The usage line: `queuectl show ID`."""
    pieces = [f"queuectl {operation.name}"]
    fields = described(operation.params)
    if any(not field.positional and not field.rest for field, _ in fields.values()):
        pieces.append("[options]")
    for name, (field, annotation) in fields.items():
        word = field.metavar or name.upper()
        if field.positional:
            word += "…" if is_many(annotation) else ""
            pieces.append(word if field.default is MISSING else f"[{word}]")
        elif field.rest:
            pieces.append(f"[-- {word}…]")
    return " ".join(pieces)


def option_strings(name: str, field: Field) -> list[str]:
    """`-q`, `--queue`."""
    long = "--" + (field.flag or name).replace("_", "-")
    return [f"-{field.short}", long] if field.short else [long]


def told(field: Field) -> str:
    """What help says of it."""
    choices = f": {', '.join(field.choices)}" if field.choices else ""
    needed = " (needed)" if field.default is MISSING and not field.positional else ""
    return field.help + choices + needed


def is_many(annotation: str) -> bool:
    """Whether a field of this annotation may be given several times."""
    return annotation.startswith("tuple[")


def add_options(parser: ArgumentParser, operation: Operation) -> None:
    """Give `parser` the options of an operation; what is not given stays away from the namespace."""
    from argparse import SUPPRESS

    for name, (field, annotation) in described(operation.params).items():
        if field.positional or field.rest:
            continue
        strings = option_strings(name, field)
        words = told(field).replace("%", "%%")
        if annotation == "bool":
            parser.add_argument(*strings, dest=name, action="store_true", default=SUPPRESS, help=words)
        else:
            parser.add_argument(
                *strings,
                dest=name,
                action="append" if is_many(annotation) else "store",
                default=SUPPRESS,
                help=words,
                metavar=field.metavar,
                type=_converter(strings[-1], field, annotation),
            )


def _options(operation: Operation, words: Sequence[str], values: dict[str, Any]) -> tuple[str, ...]:
    """Take the options out of `words` into `values`; what is left."""
    from queuectl.operations.parser import Parser

    parser = Parser(prog=f"queuectl {operation.name}", add_help=False, allow_abbrev=False)
    add_options(parser, operation)
    found, left = parser.parse_known_args(list(words))
    fields = described(operation.params)
    for name, value in vars(found).items():
        field, annotation = fields[name]
        # What argparse makes of the value in `--option=--`, in some versions of Python, is an empty list.
        convert = _converter(option_strings(name, field)[-1], field, annotation)
        if is_many(annotation):
            values[name] = tuple(convert("--") if each == [] else each for each in value)
        else:
            values[name] = convert("--") if value == [] else value
    for word in left:
        if word.startswith("-") and word != "-" and " " not in word and not _is_number(word):
            _refuse_option(word.partition("=")[0], operation)
    return tuple(left)


def _refuse_option(word: str, operation: Operation) -> None:
    known = [
        string
        for name, (field, _) in described(operation.params).items()
        if not field.positional and not field.rest
        for string in option_strings(name, field)
    ]
    raise UsageError(
        f"unknown option {word[:60]!r}", hint=nearest(word, known) or f"queuectl {operation.name} --help lists them"
    )


def _positionals(operation: Operation, words: Sequence[str], values: dict[str, Any]) -> None:
    left = list(words)
    places = [
        (name, *described_) for name, described_ in described(operation.params).items() if described_[0].positional
    ]
    for place, (name, field, annotation) in enumerate(places, 1):
        if not left:
            continue
        convert = _converter(field.metavar or name, field, annotation)
        if is_many(annotation):
            # What must be given after them is not one of them: `priority ID… N`.
            last = len(left) - sum(later.default is MISSING for _, later, _ in places[place:])
            if last > 0:
                values[name] = tuple(convert(word) for word in left[:last])
            left = left[max(last, 0) :]
        else:
            values[name] = convert(left.pop(0))
    if left:
        rest = any(field.rest for field, _ in described(operation.params).values())
        hint = f"quote a command as one word, or write -- before it: queuectl {operation.name} -- echo hello"
        # What looks like a URL may hold a password.
        scheme, found, _ = left[0].partition("://")
        word = f"{scheme}://…" if found else left[0]
        raise UsageError(f"{word[:60]!r} is one word too many", hint=hint if rest else usage(operation))


def _converter(called: str, field: Field, annotation: str) -> Callable[[str], Any]:
    if field.parse is not None:
        return field.parse
    if annotation.startswith("int"):
        return lambda text: _whole(called, text)
    if field.choices is not None:
        return lambda text: _choice(called, text, field.choices or ())
    return lambda text: _unicode(called, text)


def _unicode(called: str, text: str) -> str:
    if not is_unicode(text):
        raise UsageError(f"{called} is not valid Unicode text: {safe(text[:40])}")
    return text


def _whole(called: str, text: str) -> int:
    if not _is_number(text):
        raise UsageError(f"{called} must be a whole number, not {text[:40]!r}")
    if len(text) > _LONGEST_NUMBER or not -(2**63) <= int(text) < 2**63:
        raise UsageError(f"{called} is too large a number")
    return int(text)


def _is_number(text: str) -> bool:
    digits = text[1:] if text[:1] in {"-", "+"} else text
    return digits.isascii() and digits.isdigit()


def _choice(called: str, text: str, choices: tuple[str, ...]) -> str:
    if text not in choices:
        raise UsageError(f"{called} cannot be {text[:40]!r}", hint=f"one of {', '.join(choices)}")
    return text


def nearest(word: str, known: Iterable[str]) -> str | None:
    """A question for somebody who mistyped a word."""
    # Loaded here: only a mistake pays for it.
    from difflib import get_close_matches

    plain = {each.lstrip("-"): each for each in known}
    near = get_close_matches(word.lstrip("-"), plain, n=1, cutoff=0.5)
    return f"did you mean {plain[near[0]]}?" if near else None
