"""Jobs as users write them, checked field by field before anything is stored."""

from __future__ import annotations

import json
import os.path

from queuectl.domain.errors import UsageError
from queuectl.domain.job import NewJob
from queuectl.domain.text import BYTE_ORDER_MARK, unwelcome
from queuectl.domain.units import MAX_DURATION_MS, parse_duration, parse_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, NoReturn

MAX_COMMAND_BYTES = 4 * 1024 * 1024
MAX_NAME = 200
MAX_RETRIES = 1000
MAX_NEEDS = 400
"""Characters of all labels that a job needs: they are part of an index key, whose size PostgreSQL limits."""
MAX_PRIORITY = 1000
"""A limit, because a claim queries each priority in use once."""
PRIORITIES = f"-{MAX_PRIORITY} to {MAX_PRIORITY}"
"""The priorities that a job may have, for people."""


def parse_variable(text: str) -> tuple[str, str | None]:
    """Return name and value of `NAME=VALUE`; of `NAME`, whose value is that of this environment, the name and None."""
    name, equals, value = text.partition("=")
    return name, value if equals else None


def check_command(value: object) -> str:
    """Return a shell command without a byte order mark: not blank, no NUL, valid Unicode, at most 4 MiB."""
    if not isinstance(value, str):
        raise UsageError(f"command must be a string, not {_kind(value)}")
    value = value.lstrip(BYTE_ORDER_MARK)
    if not value.strip():
        raise UsageError("command must not be empty")
    if "\0" in value:
        raise UsageError("command must not contain a NUL character")
    if len(value) * 4 > MAX_COMMAND_BYTES and len(_utf8("command", value)) > MAX_COMMAND_BYTES:
        raise UsageError("command is longer than 4 MiB", hint="put it into a script file and run that")
    if not value.isascii():
        _utf8("command", value)
    return value


def check_id(value: object) -> str:
    """Return an id: 1 to 200 characters, no control characters, no @ at its beginning. It never becomes a path."""
    id_ = _name("id", value)
    if id_.startswith("@"):
        raise UsageError("id must not begin with @", hint="names such as @last stand for a job; choose another id")
    return id_


def check_queue(value: object) -> str:
    """Return a queue name; the rules of an id apply."""
    return _name("queue", value)


def check_priority(value: object) -> int:
    """Return a whole number from -MAX_PRIORITY to MAX_PRIORITY."""
    return _whole("priority", value, -MAX_PRIORITY, MAX_PRIORITY)


def check_max_retries(value: object) -> int:
    """Return a whole number from 0 to MAX_RETRIES."""
    return _whole("max_retries", value, 0, MAX_RETRIES)


def check_timeout(value: object) -> int:
    """Return milliseconds, at least 1, of a number of seconds or a duration."""
    milliseconds = _duration("timeout", value, least="a millisecond")
    if milliseconds < 1:
        raise UsageError("timeout must be at least a millisecond")
    return milliseconds


def check_delay(value: object) -> int:
    """Return milliseconds of a number of seconds or a duration."""
    return _duration("delay", value)


def check_run_at(value: object) -> int:
    """Return milliseconds since the epoch of an RFC 3339 time."""
    if not isinstance(value, str):
        raise UsageError(f"run_at must be an RFC 3339 time, not {_kind(value)}")
    try:
        return parse_time(value)
    except UsageError as error:
        raise UsageError(f"run_at: {error.message}", hint=error.hint) from None


def check_cwd(value: object) -> str:
    """Return an absolute path."""
    if not isinstance(value, str) or "\0" in value:
        raise UsageError("cwd must be a path")
    _utf8("cwd", value)
    if not os.path.isabs(value):
        raise UsageError(f"cwd must be an absolute path, not {value[:80]!r}")
    return value


def check_shell(value: object) -> str:
    """Return a program that runs a command with -c: a name, which is searched in PATH, or an absolute path."""
    if not isinstance(value, str):
        raise UsageError(f"shell must be a string, not {_kind(value)}")
    if not value or "\0" in value or any(letter.isspace() for letter in value):
        raise UsageError(f"shell must be one word, not {value[:40]!r}", hint="a name such as bash, or an absolute path")
    if "/" in value and not os.path.isabs(value):
        raise UsageError(f"shell must be a name or an absolute path, not {value[:80]!r}")
    _utf8("shell", value)
    return value


def check_env(value: object) -> tuple[tuple[str, str], ...]:
    """Return pairs of name and value. Names that start with QUEUECTL_ are reserved."""
    if not isinstance(value, dict):
        raise UsageError(f"env must be an object of strings, not {_kind(value)}")
    for name, content in value.items():
        if not isinstance(content, str):
            raise UsageError(f"env {name!r} must be a string, not {_kind(content)}")
        if not name or "=" in name or "\0" in name:
            raise UsageError(f"env {name[:40]!r} is not a valid name of a variable")
        if "\0" in content:
            raise UsageError(f"the value of env {name[:40]!r} has a NUL in it, which no variable can hold")
        if name.startswith("QUEUECTL_"):
            raise UsageError(f"env {name[:40]!r} is set by queuectl itself")
        _utf8("env", name + content)
    return tuple(value.items())


def check_tags(value: object) -> tuple[str, ...]:
    """Return tags, without repetitions: words without white space."""
    if not isinstance(value, list):
        raise UsageError(f"tags must be an array of strings, not {_kind(value)}")
    for tag in value:
        _word("tag", tag)
    return tuple(dict.fromkeys(value))


def check_label(value: object) -> str:
    """Return a label, which a worker has and a job may need; the rules of a tag apply."""
    return _word("label", value)


def check_needs(value: object) -> tuple[str, ...]:
    """Return labels (from an array, or one), sorted and without repetitions."""
    if not isinstance(value, list | str):
        raise UsageError(f"needs must be an array of labels or one label, not {_kind(value)}")
    needs = tuple(sorted({check_label(label) for label in ([value] if isinstance(value, str) else value)}))
    if len(" ".join(needs)) > MAX_NEEDS:
        raise UsageError(f"needs are longer than {MAX_NEEDS} characters in all")
    return needs


FIELDS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "command": ("command", check_command),
    "id": ("id", check_id),
    "queue": ("queue", check_queue),
    "priority": ("priority", check_priority),
    "max_retries": ("max_retries", check_max_retries),
    "timeout": ("timeout_ms", check_timeout),
    "run_at": ("run_at", check_run_at),
    "delay": ("delay_ms", check_delay),
    "cwd": ("cwd", check_cwd),
    "env": ("env", check_env),
    "shell": ("shell", check_shell),
    "tags": ("tags", check_tags),
    "needs": ("needs", check_needs),
}
"""The keys of a job: for each, the field of NewJob that it fills, and its check."""


def parse_object(text: str, *, instead: str = "or give the shell command itself") -> dict[str, Any]:
    """Return the unchecked keys of one JSON object. Raises UsageError, whose hint offers `instead`."""
    try:
        # Of a key given twice, only the last value would be kept.
        keys = json.loads(text.lstrip(BYTE_ORDER_MARK), object_pairs_hook=pairs, parse_constant=no_constant)
    except RecursionError:
        raise UsageError("the job is nested too deeply to be parsed") from None
    except ValueError as error:
        raise UsageError(
            f"the job is not valid JSON: {error}"[:200],
            hint=f'write {{"command": "…"}}, {instead}',
        ) from None
    if not isinstance(keys, dict):
        raise UsageError(f"the job must be a JSON object, not {_kind(keys)}", hint='write {"command": "…"}')
    return keys


def check(keys: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of NewJob that `keys` fill; a null counts as absent. Raises UsageError, naming the key."""
    values: dict[str, Any] = {}
    for key, value in keys.items():
        try:
            field, checked = FIELDS[key]
        except KeyError:
            _unknown_key(key)
        if value is not None:
            values[field] = checked(value)
        elif key == "command":
            raise UsageError("command must be a string, not null")
    if "run_at" in values and "delay_ms" in values:
        raise UsageError("give a due time or a delay, not both")
    return values


def new_job(keys: dict[str, Any], defaults: Mapping[str, Any] | None = None) -> NewJob:
    """Return the job of these keys; `defaults` are fields, as from `check`, for absent keys. Raises UsageError."""
    values = check(keys)
    if "command" not in values:
        raise UsageError("the job has no command", hint='"command" is the only required key')
    if defaults:
        if "run_at" in values or "delay_ms" in values:
            defaults = {field: value for field, value in defaults.items() if field not in {"run_at", "delay_ms"}}
        values = {**defaults, **values}
    return NewJob(**values)


def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of these pairs, for a JSON decoder. Raises UsageError for a repeated key."""
    values = dict(items)
    if len(values) < len(items):
        keys = [key for key, _ in items]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise UsageError(f"the key {repeated[:40]!r} is given twice")
    return values


def no_constant(word: str) -> NoReturn:
    """Refuse NaN and infinities, for a JSON decoder."""
    raise UsageError(f"{word} is not a number that a job can have")


def _unknown_key(key: str) -> NoReturn:
    # Imported here: only an error needs it.
    from difflib import get_close_matches

    near = get_close_matches(key, FIELDS, n=1)
    known = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(FIELDS)}"
    raise UsageError(f"unknown key {key[:80]!r}", hint=known)


def _name(what: str, value: object) -> str:
    if not isinstance(value, str):
        raise UsageError(f"{what} must be a string, not {_kind(value)}")
    if not value.strip():
        raise UsageError(f"{what} must not be empty")
    if len(value) > MAX_NAME:
        raise UsageError(f"{what} is longer than {MAX_NAME} characters ({len(value)})")
    wrong = unwelcome(value)
    if wrong is not None:
        raise UsageError(f"{what} must not contain {wrong}")
    return value


def _word(what: str, value: object) -> str:
    word = _name(what, value)
    if any(letter.isspace() for letter in word):
        raise UsageError(f"{what} {word!r} must not contain white space")
    return word


def _whole(what: str, value: object, low: int, high: int) -> int:
    if isinstance(value, float):
        # 3.0 is whole, but whole numbers are written without a point; 1e99 would print a hundred digits.
        shown = f"{value:.1f}" if value.is_integer() and abs(value) < 1e9 else "a fraction"
        raise UsageError(
            f"{what} must be a whole number, not {shown}", hint="write it without a decimal point or an exponent"
        )
    if isinstance(value, bool) or not isinstance(value, int):
        raise UsageError(f"{what} must be a whole number, not {_kind(value)}")
    if not low <= value <= high:
        raise UsageError(f"{what} must be from {low} to {high}")
    return value


def _duration(what: str, value: object, *, least: str = "0 seconds") -> int:
    if isinstance(value, str):
        try:
            return parse_duration(value)
        except UsageError as error:
            raise UsageError(f"{what}: {error.message}", hint=error.hint) from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"{what} must be a number of seconds, not {_kind(value)}")
    # The comparison excludes NaN as well. math.isfinite cannot convert an integer of four hundred digits.
    if not 0 <= value * 1000 <= MAX_DURATION_MS:
        raise UsageError(f"{what} must be from {least} to ten years")
    return round(value * 1000)


def _utf8(what: str, value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{what} is not valid Unicode text") from None


def _kind(value: object) -> str:
    return {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "an array"}.get(
        type(value), "null" if value is None else "an object"
    )
