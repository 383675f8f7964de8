"""The command line that does the same as an operation: whoever works in the console learns the command line by it."""

from __future__ import annotations

import json
from signal import Signals

from queuectl.domain.errors import UsageError
from queuectl.domain.record import MISSING, as_dict, described
from queuectl.domain.units import format_time
from queuectl.operations.arguments import is_many, option_strings
from queuectl.operations.commandline.quoting import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from queuectl.domain.record import Field
    from queuectl.operations.operation import Operation

_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))


def command_line(operation: Operation, params: Any) -> str:
    """The line `queuectl …` that runs `operation` with `params`, quoted for a shell; defaults are left out."""
    return " ".join(["queuectl", operation.name, *(quoted(word) for word in words(operation, params))])


def words(operation: Operation, params: Any) -> list[str]:
    """The words after the command's name: `queuectl.operations.arguments.params` reads them back."""
    options: list[str] = []
    places: list[str] = []
    rest: list[str] = []
    values = as_dict(params)
    takes_rest = False
    for name, (field, annotation) in described(operation.params).items():
        value = values[name]
        takes_rest = takes_rest or field.rest
        if field.default is not MISSING and value == field.default:
            continue
        written = [_written(field, each) for each in value] if is_many(annotation) else [_written(field, value)]
        if field.rest:
            rest = written
        elif field.positional:
            places += written
        elif annotation == "bool":
            options.append(option_strings(name, field)[-1])
        else:
            for each in written:
                options += _option(option_strings(name, field)[-1], each)
    dashed = any(place.startswith("-") and place != "-" for place in places)
    if not dashed or not takes_rest:
        return [*options, *(["--"] if dashed else []), *places, *(["--", *rest] if rest else [])]
    # What stands after -- is an argv there, so a command that begins with a dash is written as JSON.
    places = [json.dumps({"command": place}, ensure_ascii=False) if place[:1] == "-" else place for place in places]
    return [*options, *places, *(["--", *rest] if rest else [])]


def duration(milliseconds: int) -> str:
    """A duration as a person writes it, exactly: `1h30m`, `90ms`."""
    pieces = []
    left = milliseconds
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        if count:
            pieces.append(f"{count}{unit}")
    return "".join(pieces) or "0s"


def _option(option: str, value: str) -> list[str]:
    return [f"{option}={value}"] if value.startswith("-") else [option, value]


def _written(field: Field, value: Any) -> str:
    """The text that the field's parser takes for this value. The first that it does take is the one."""
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
        yield "=".join(map(str, value))
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
