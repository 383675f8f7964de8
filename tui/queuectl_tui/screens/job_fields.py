"""Conversion between a job and the text in the fields of a form, with the rules of the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from queuectl.domain.errors import UsageError
from queuectl.domain.local_time import parse_due_time
from queuectl.domain.spec import FIELDS
from queuectl.domain.units import format_time, parse_duration, parse_time
from queuectl.operations.commandline.quoting import quoted, split
from queuectl.operations.commandline.render import duration
from queuectl.operations.edit import Edit
from queuectl.operations.enqueue import Enqueue

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from queuectl.domain.errors import QueuectlError
    from queuectl.domain.job import Job

NAMES = ("command", "id", "queue", "priority", "max_retries", "timeout", "when", "cwd", "tags", "needs", "env")
"""The fields of the form. `when` is a delay or a time."""


def fields_of(job: Job) -> dict[str, Any]:
    """Return a stored job in the format of `domain.spec`, without its due time: it is put back to run at once."""
    fields: dict[str, Any] = {
        "command": job.command,
        "id": job.id,
        "queue": job.queue,
        "priority": job.priority,
        "max_retries": job.max_retries,
        "timeout": None if job.timeout_ms is None else job.timeout_ms / 1000,
        "cwd": job.cwd,
        "env": dict(job.env),
        "tags": list(job.tags),
        "needs": list(job.needs),
    }
    return {key: value for key, value in fields.items() if value is not None and value not in ({}, [])}


def kept(job: Job, captured: Sequence[str]) -> str:
    """Return a line about what of a job the form cannot change; empty where there is nothing."""
    pairs = [f"shell {job.shell}"] if job.shell is not None else []
    pairs += [f"captured {' '.join(f'{name}=***' for name in captured)}"] if captured else []
    return ", ".join(pairs)


def texts_of(fields: dict[str, Any]) -> dict[str, str]:
    """Return the text of each field for a job in the format of `domain.spec`."""
    texts = dict.fromkeys(NAMES, "")
    for key, value in fields.items():
        if value is None:
            continue
        if key in {"timeout", "delay"}:
            text = value if isinstance(value, str) else duration(round(value * 1000))
        elif key == "run_at":
            text = value if isinstance(value, str) else format_time(value)
        elif key == "env":
            text = " ".join(quoted(f"{name}={content}") for name, content in value.items())
        elif key in {"tags", "needs"}:
            text = value if isinstance(value, str) else " ".join(value)
        else:
            text = str(value)
        texts["when" if key in {"delay", "run_at"} else key] = text
    return texts


def read(texts: dict[str, str], *, now: int) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the job that the texts describe, in the format of `domain.spec`, and error messages by field.

    Empty fields are left out. A due time is written as on the command line, and becomes RFC 3339.
    """
    fields: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name in NAMES:
        text = texts.get(name, "")
        if not text.strip():
            if name == "command":
                problems[name] = "a job needs a command"
            continue
        try:
            key, value = _value(name, text, now)
            FIELDS[key][1](value)
        except UsageError as error:
            problems[name] = error.message.removeprefix("run_at: ")
        else:
            fields[key] = value
    return fields, problems


def enqueue_params(fields: dict[str, Any]) -> Enqueue:
    """Return the operation's params for a new job.

    A command that would be taken for JSON or an option is passed as JSON.
    """
    command = fields["command"]
    plain = {key: fields[key] for key in ("id", "queue", "priority", "max_retries", "cwd") if key in fields}
    return Enqueue(
        job=json.dumps({"command": command}, ensure_ascii=False) if _looks_special(command) else command,
        timeout=fields.get("timeout"),
        delay=fields.get("delay"),
        at=fields.get("run_at"),
        env=tuple(fields.get("env", {}).items()),
        tag=tuple(fields.get("tags", ())),
        needs=tuple(fields.get("needs", ())),
        **plain,
    )


def edit_params(id_: str, before: dict[str, Any], after: dict[str, Any]) -> Edit:
    """Return the operation's params for an edited job, which is retried: only the differences are named."""
    changed = {name for name, _, _ in changes(before, after)}
    # An emptied field is reset to its default; for some keys only JSON can express that.
    emptied = {key: None for key in ("timeout", "cwd", "env", "tags", "needs") if key in changed and key not in after}
    return Edit(
        ids=(id_,),
        changes=json.dumps(emptied) if emptied else None,
        command=after["command"] if "command" in changed else None,
        queue=after.get("queue", "default") if "queue" in changed else None,
        priority=after.get("priority", 0) if "priority" in changed else None,
        max_retries=after.get("max_retries") if "max_retries" in changed else None,
        timeout=after.get("timeout") if "timeout" in changed else None,
        delay=after.get("delay"),
        at=after.get("run_at"),
        cwd=after.get("cwd") if "cwd" in changed else None,
        env=tuple(after.get("env", {}).items()) if "env" in changed else (),
        tag=tuple(after.get("tags", ())) if "tags" in changed else (),
        needs=tuple(after.get("needs", ())) if "needs" in changed else (),
        retry=True,
    )


def field_of(error: QueuectlError, fields: dict[str, Any]) -> str:
    """Return the form field that an error of the store is about."""
    first = error.message.partition(" ")[0].rstrip(":")
    if first in NAMES:
        return first
    return "id" if "id" in fields and fields["id"] in error.message else "command"


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return the differences between two jobs: field, text before, text after."""
    old, new = texts_of(before), texts_of(after)
    return [(name, old[name], new[name]) for name in NAMES if old[name] != new[name]]


def _value(name: str, text: str, now: int) -> tuple[str, Any]:
    """Return the key of `domain.spec` and the value for a field's text. Raises UsageError."""
    if name == "command":
        return name, text
    text = text.strip()
    if name in {"priority", "max_retries"}:
        try:
            return name, int(text)
        except ValueError:
            raise UsageError(f"{name} must be a whole number") from None
    if name == "when":
        return _when(text, now)
    if name in {"tags", "needs"}:
        return name, text.split()
    if name == "env":
        return name, _variables(text)
    return name, text


def _when(text: str, now: int) -> tuple[str, str]:
    """Return a delay, or else a due time in RFC 3339. Raises UsageError for neither."""
    for key, parse in (("delay", parse_duration), ("run_at", parse_time)):
        try:
            parse(text)
        except UsageError:
            continue
        return key, text
    return "run_at", format_time(parse_due_time(text, now=now))


def _variables(text: str) -> dict[str, str]:
    variables: dict[str, str] = {}
    for word in split(text):
        name, equals, value = word.text.partition("=")
        if not equals:
            raise UsageError(f"{word.text[:40]!r} is not NAME=VALUE")
        if not word.closed:
            raise UsageError("a quote is not closed")
        variables[name] = value
    return variables


def _looks_special(command: str) -> bool:
    if command.lstrip()[:1] in {"{", "-"}:
        return True
    try:
        json.loads(command)
    except (ValueError, RecursionError):
        return False
    return True
