"""Files that hold no job a line, recognised by what stands in the line that gave them away, and how to convert them."""

from __future__ import annotations

import json
import re

from queuectl.domain.errors import UsageError
from queuectl.operations.commandline.quoting import quoted

_TIMES = r"(?:[\d*][\d*/,-]*\s+){3}(?:[\d*A-Za-z][\w*/,-]*\s+){2}(?=\S)"
_NICKNAME = r"@(?:reboot|yearly|annually|monthly|weekly|daily|midnight|hourly)\s+(?=\S)"


def refuse_crontab(line: str) -> None:
    """Raise UsageError for a line of a crontab: its five times are no command."""
    times = re.match(rf"\s*({_TIMES}|{_NICKNAME})", line, re.ASCII)
    if times:
        raise UsageError(
            f"{times[1].strip()!r} is the time of a crontab, and a job runs once",
            hint="remove the times, or let cron run queuectl enqueue",
        )


def refuse_json(line: str, file: str) -> None:
    """Raise UsageError for JSON that is more, or less, than one object on this line."""
    text = line.strip()
    if text == "{" or (text.startswith("{") and _goes_on(text)):
        raise UsageError("the job is not valid JSON: the object does not end on this line", hint=_jq(".", file))
    if text.startswith("[") and (_goes_on(text) or _is_array(text)):
        raise UsageError("a JSON array, and not one JSON object a line", hint=_jq(".[]", file))


def refuse_comment(line: str) -> None:
    """Raise UsageError for a comment where jobs are JSON."""
    if line.lstrip().startswith("#"):
        raise UsageError(
            "JSON has no comments", hint="remove it, or add --lines, which takes each line as a shell command"
        )


def refuse_json_among_commands(line: str, file: str) -> None:
    """Raise UsageError for a line that begins a JSON document: none of these is a shell command."""
    text = line.strip()
    if text == "{" or (text.startswith("[") and (text == "[" or _is_array(text))):
        command = _jq("." if text == "{" else ".[]", file)
        raise UsageError("this looks like JSON, and --lines takes shell commands", hint=command)


def _goes_on(text: str) -> bool:
    """Whether `text` is the beginning of a JSON value that nothing is wrong with but its end."""
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
    """A command line that makes one object a line of it."""
    where = "" if file == "-" else f" {quoted(file)}"
    return f"{'… | ' if file == '-' else ''}jq -c '{expression}'{where} | queuectl enqueue -f -"
