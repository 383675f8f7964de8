"""A job as text in the fields of a form, and back: what is typed is judged by the same rules as on the command line."""

from __future__ import annotations

import json

from queuectl.domain.errors import UsageError
from queuectl.domain.spec import FIELDS
from queuectl.domain.units import format_time
from queuectl.operations.commandline.quoting import quoted, split
from queuectl.operations.commandline.render import duration
from queuectl.operations.edit import Edit
from queuectl.operations.enqueue import Enqueue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from queuectl.domain.errors import QueuectlError
    from queuectl.domain.job import Job

NAMES = ("command", "id", "queue", "priority", "max_retries", "timeout", "when", "cwd", "tags", "needs", "env")
"""The fields of the form. `when` is a delay or a time."""


def given_of(job: Job) -> dict[str, Any]:
    """A stored job as `spec` takes one, without the time it is due: it is put back to run at once."""
    given: dict[str, Any] = {
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
    return {key: value for key, value in given.items() if value is not None and value not in ({}, [])}


def texts_of(given: dict[str, Any]) -> dict[str, str]:
    """The text of each field for a job as `spec` takes one."""
    texts = dict.fromkeys(NAMES, "")
    for key, value in given.items():
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


def read(texts: dict[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The job that the texts describe, as `spec` takes it, and what is wrong, by field. Empty fields are left out."""
    given: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name in NAMES:
        text = texts.get(name, "")
        if not text.strip():
            if name == "command":
                problems[name] = "a job needs a command"
            continue
        try:
            key, value = _value(name, text)
            FIELDS[key][1](value)
        except UsageError as error:
            problems[name] = error.message.removeprefix("run_at: ")
        else:
            given[key] = value
    return given, problems


def enqueue_params(given: dict[str, Any]) -> Enqueue:
    """What to run for a new job. A command that would be taken for JSON or an option is told as JSON itself."""
    command = given["command"]
    plain = {key: given[key] for key in ("id", "queue", "priority", "max_retries", "cwd") if key in given}
    return Enqueue(
        job=json.dumps({"command": command}, ensure_ascii=False) if _looks_special(command) else command,
        timeout=given.get("timeout"),
        delay=given.get("delay"),
        at=given.get("run_at"),
        env=tuple(given.get("env", {}).items()),
        tag=tuple(given.get("tags", ())),
        needs=tuple(given.get("needs", ())),
        **plain,
    )


def edit_params(id_: str, before: dict[str, Any], after: dict[str, Any]) -> Edit:
    """What to run for a job that is changed and put back in the queue: only what differs is named."""
    changed = {name for name, _, _ in changes(before, after)}
    # An emptied field is its default; for some keys that can only be said in JSON.
    emptied = {key: None for key in ("timeout", "cwd", "env", "tags", "needs") if key in changed and key not in after}
    return Edit(
        id=id_,
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


def field_of(error: QueuectlError, given: dict[str, Any]) -> str:
    """The field of the form that an error of the store is about."""
    first = error.message.partition(" ")[0].rstrip(":")
    if first in NAMES:
        return first
    return "id" if "id" in given and given["id"] in error.message else "command"


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What differs between two jobs: field, text before, text after."""
    old, new = texts_of(before), texts_of(after)
    return [(name, old[name], new[name]) for name in NAMES if old[name] != new[name]]


def _value(name: str, text: str) -> tuple[str, Any]:
    """The key of `spec` and the value that a field's text stands for. Raises UsageError."""
    if name == "command":
        return name, text
    text = text.strip()
    if name in {"priority", "max_retries"}:
        try:
            return name, int(text)
        except ValueError:
            raise UsageError(f"{name} must be a whole number") from None
    if name == "when":
        return ("run_at" if "-" in text or ":" in text else "delay"), text
    if name in {"tags", "needs"}:
        return name, text.split()
    if name == "env":
        return name, _variables(text)
    return name, text


def _variables(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in split(text):
        name, equals, value = word.text.partition("=")
        if not equals:
            raise UsageError(f"{word.text[:40]!r} is not NAME=VALUE")
        if not word.closed:
            raise UsageError("a quote is not closed")
        found[name] = value
    return found


def _looks_special(command: str) -> bool:
    if command.lstrip()[:1] in {"{", "-"}:
        return True
    try:
        json.loads(command)
    except (ValueError, RecursionError):
        return False
    return True
