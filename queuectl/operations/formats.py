"""Recognise files of other formats by one of their lines, and name the command that converts them."""

from __future__ import annotations

import json
import re

from queuectl.domain.errors import UsageError
from queuectl.operations.commandline.quoting import quoted

_TIMES = r"(?:[\d*][\d*/,-]*\s+){3}(?:[\d*A-Za-z][\w*/,-]*\s+){2}(?=\S)"
_NICKNAME = r"@(?:reboot|yearly|annually|monthly|weekly|daily|midnight|hourly)\s+(?=\S)"


def refuse_crontab(line: str) -> None:
    """Raise UsageError for a line of a crontab: its five time fields are no command."""
    times = re.match(rf"\s*({_TIMES}|{_NICKNAME})", line, re.ASCII)
    if times:
        raise UsageError(
            f"{times[1].strip()!r} is a crontab schedule, but a job runs once",
            hint="remove the schedule, or let cron run queuectl enqueue",
        )


def refuse_json(line: str, file: str) -> None:
    """Raise UsageError for a JSON object of several lines, and for a JSON array."""
    text = line.strip()
    if text == "{" or (text.startswith("{") and _is_incomplete(text)):
        raise UsageError("the job is not valid JSON: the object does not end on this line", hint=_jq(".", file))
    if text.startswith("[") and (_is_incomplete(text) or _is_array(text)):
        raise UsageError("this is a JSON array, not one JSON object a line", hint=_jq(".[]", file))


def refuse_comment(line: str) -> None:
    """Raise UsageError for a comment where jobs are JSON."""
    if line.lstrip().startswith("#"):
        raise UsageError(
            "JSON has no comments", hint="remove the line, or add --lines, which reads each line as a shell command"
        )


def refuse_json_among_commands(line: str, file: str) -> None:
    """Raise UsageError for a line that begins a JSON document, where lines are shell commands."""
    text = line.strip()
    if text == "{" or (text.startswith("[") and (text == "[" or _is_array(text))):
        command = _jq("." if text == "{" else ".[]", file)
        raise UsageError("this looks like JSON, but --lines reads shell commands", hint=command)


def _is_incomplete(text: str) -> bool:
    """Return whether `text` is the valid beginning of a JSON value."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.pos >= len(text)
    except RecursionError:
        pass
    return False


def _is_array(text: str) -> bool:
    try:
        return isinstance(json.loads(text), list)
    except (ValueError, RecursionError):
        return False


def _jq(expression: str, file: str) -> str:
    """Return a command line that converts the file to one object a line and enqueues it."""
    where = "" if file == "-" else f" {quoted(file)}"
    return f"{'… | ' if file == '-' else ''}jq -c '{expression}'{where} | queuectl enqueue -f -"
