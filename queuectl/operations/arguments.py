"""Parse the words of a command line into the params of an operation, with an argparse parser made from their fields.

Positional words are assigned here and not by argparse, which loses them when options stand in between; and a command
line without options does not load argparse at all, which costs two milliseconds. Both front ends parse command lines
with this module.
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
    """Return the params that `words` stand for. Raises UsageError."""
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
            raise UsageError("there is no word after --", hint=usage(operation))
        values[rest] = after
    _positionals(operation, before, values)
    for name, (field, _) in fields.items():
        if name not in values and field.default is MISSING:
            label = field.metavar or name
            if not field.positional:
                label = f"{option_strings(name, field)[-1]} {label}"
            raise UsageError(f"{label} is missing", hint=usage(operation))
    return operation.params(**values)


def usage(operation: Operation) -> str:
    """Return the usage line: `queuectl show ID`."""
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
    """Return the strings of an option, the long one last: `-q`, `--queue`."""
    long = "--" + (field.flag or name).replace("_", "-")
    return [f"-{field.short}", long] if field.short else [long]


def help_text(field: Field) -> str:
    """Return the help of a field, with its choices and whether it is required."""
    choices = f": {', '.join(field.choices)}" if field.choices else ""
    required = " (required)" if field.default is MISSING and not field.positional else ""
    return field.help + choices + required


def is_many(annotation: str) -> bool:
    """Return whether a field of this annotation may be given several times."""
    return annotation.startswith("tuple[")


def add_options(parser: ArgumentParser, operation: Operation) -> None:
    """Add the options of an operation to `parser`; options that are not given leave no attribute in the namespace."""
    from argparse import SUPPRESS

    for name, (field, annotation) in described(operation.params).items():
        if field.positional or field.rest:
            continue
        strings = option_strings(name, field)
        words = help_text(field).replace("%", "%%")
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
    """Store the options of `words` in `values` and return the other words."""
    from queuectl.operations.parser import Parser

    parser = Parser(prog=f"queuectl {operation.name}", add_help=False, allow_abbrev=False)
    add_options(parser, operation)
    options, others = parser.parse_known_args(list(words))
    fields = described(operation.params)
    for name, value in vars(options).items():
        field, annotation = fields[name]
        # In some versions of Python argparse parses the value in `--option=--` as an empty list.
        convert = _converter(option_strings(name, field)[-1], field, annotation)
        if is_many(annotation):
            values[name] = tuple(convert("--") if each == [] else each for each in value)
        else:
            values[name] = convert("--") if value == [] else value
    for word in others:
        if word.startswith("-") and word != "-" and " " not in word and not _is_number(word):
            _refuse_option(word.partition("=")[0], operation)
    return tuple(others)


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
    remaining = list(words)
    positionals = [
        (name, *described_) for name, described_ in described(operation.params).items() if described_[0].positional
    ]
    for number, (name, field, annotation) in enumerate(positionals, 1):
        if not remaining:
            continue
        convert = _converter(field.metavar or name, field, annotation)
        if is_many(annotation):
            # Required arguments after this one get the last words: `priority ID… N`.
            end = len(remaining) - sum(later.default is MISSING for _, later, _ in positionals[number:])
            if end > 0:
                values[name] = tuple(convert(word) for word in remaining[:end])
            remaining = remaining[max(end, 0) :]
        else:
            values[name] = convert(remaining.pop(0))
    if remaining:
        rest = any(field.rest for field, _ in described(operation.params).values())
        hint = f"quote a command as one word, or write -- before it: queuectl {operation.name} -- echo hello"
        # A URL may hold a password.
        scheme, separator, _ = remaining[0].partition("://")
        word = f"{scheme}://…" if separator else remaining[0]
        raise UsageError(f"unexpected argument {word[:60]!r}", hint=hint if rest else usage(operation))


def _converter(label: str, field: Field, annotation: str) -> Callable[[str], Any]:
    """Return the function that parses a word for a field, which errors name `label`."""
    if field.parse is not None:
        return field.parse
    if annotation.startswith("int"):
        return lambda text: _whole(label, text)
    if field.choices is not None:
        return lambda text: _choice(label, text, field.choices or ())
    return lambda text: _unicode(label, text)


def _unicode(label: str, text: str) -> str:
    if not is_unicode(text):
        raise UsageError(f"{label} is not valid Unicode text: {safe(text[:40])}")
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
        raise UsageError(f"{label} cannot be {text[:40]!r}", hint=f"one of {', '.join(choices)}")
    return text


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the hint `did you mean …?` for a mistyped word; None when no known word is similar."""
    # Loaded here: only an error needs it.
    from difflib import get_close_matches

    plain = {each.lstrip("-"): each for each in known}
    matches = get_close_matches(word.lstrip("-"), plain, n=1, cutoff=0.5)
    return f"did you mean {plain[matches[0]]}?" if matches else None
