"""Render an operation and its params as a command line; the console shows it, so that its users learn the commands."""

from __future__ import annotations

import json
from signal import Signals

from queuectl.domain.errors import UsageError
from queuectl.domain.record import as_dict
from queuectl.domain.text import unmarked
from queuectl.domain.units import format_time
from queuectl.operations.commandline.grammar import grammar
from queuectl.operations.commandline.quoting import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from queuectl.domain.record import Field
    from queuectl.operations.operation import Operation

_NO_CHANGES = "{}"
_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))


def command_line(operation: Operation, params: Any) -> str:
    """Return the line `queuectl …` that runs `operation` with `params`, quoted for a shell, without defaults."""
    return " ".join(["queuectl", operation.name, *(quoted(word) for word in words(operation, params))])


def words(operation: Operation, params: Any) -> list[str]:
    """Return the words after the command's name: `parse.params` parses them back."""
    options: list[str] = []
    positionals: list[str] = []
    rest: list[str] = []
    values = as_dict(params)
    known = grammar(operation.params)
    for each in known.parameters:
        value = values[each.name]
        if not each.required and value == each.field.default:
            if each.field.begins and positionals and unmarked(positionals[-1]).startswith(each.field.begins):
                # Otherwise the last word of the argument before would be taken for this one.
                positionals.append(_NO_CHANGES)
            continue
        texts = [_text_of(each.field, one) for one in (value if each.many else [value])]
        if each.field.commas:
            texts = [text.replace(",", ",,") for text in texts]
        if each.field.rest:
            rest = texts
        elif each.field.positional:
            positionals += texts
        elif not each.takes_value:
            options.append(each.label)
        else:
            for text in texts:
                options += _option(each.label, text)
    dashed = any(word.startswith("-") and word != "-" for word in positionals)
    if not dashed or known.rest is None:
        return [*options, *(["--"] if dashed else []), *positionals, *(["--", *rest] if rest else [])]
    # The words after -- are an argv there, so a command that begins with a dash is written as JSON.
    positionals = [
        json.dumps({"command": word}, ensure_ascii=False) if word[:1] == "-" else word for word in positionals
    ]
    return [*options, *positionals, *(["--", *rest] if rest else [])]


def duration(milliseconds: int) -> str:
    """Return a duration as a person writes it, exact to the millisecond: `1h30m`, `90ms`."""
    pieces = []
    rest = milliseconds
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            pieces.append(f"{count}{unit}")
    return "".join(pieces) or "0s"


def _option(option: str, value: str) -> list[str]:
    return [f"{option}={value}"] if value.startswith("-") else [option, value]


def _text_of(field: Field, value: Any) -> str:
    """Return the first spelling of `value` that the field's parser parses back to it."""
    if field.parse is None:
        return str(value)
    for text in _spellings(value):
        try:
            if field.parse(text) == value:
                return text
        except UsageError:
            continue
    return str(value)


def _spellings(value: Any) -> Iterator[str]:
    if isinstance(value, tuple):
        yield "=".join(str(part) for part in value if part is not None)
        return
    if isinstance(value, int):
        try:
            yield Signals(value).name.removeprefix("SIG")
        except ValueError:
            pass
        yield duration(value)
        if 0 <= value < 253_402_300_800_000:
            yield format_time(value)
    yield str(value)
