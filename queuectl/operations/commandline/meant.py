"""The command that an unknown word probably means: by a table of synonyms, else by its letters.

Apart from `grammar.py`, because only an error needs it.
"""

from __future__ import annotations

from queuectl.domain.text import closest
from queuectl.operations import GROUPS, WHERE, find
from queuectl.operations.operation import Danger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

SYNONYMS = {
    "enqueue": "add create new push put submit",
    "enqueue --at": "at",
    "list": "jobs ls ps",
    "show": "describe details info inspect",
    "logs": "cat log output print stderr stdout",
    "logs --follow": "attach follow tail",
    "cancel": "abort kill terminate",
    "retry": "redo replay requeue rerun restart",
    "delete": "del erase remove rm",
    "prune": "clean cleanup clear gc",
    "hold": "suspend",
    "release": "continue unhold unpause",
    "priority": "move nice renice reprioritize swap",
    "edit": "change modify update",
    "undo": "restore revert rollback",
    "explain": "reason why",
    "history": "audit events",
    "worker start": "daemon serve work",
    "worker start --drain": "drain",
    "worker stop": "halt quit shutdown",
    "worker list": "pools workers",
    "worker scale": "resize",
    "queue list": "queues",
    "schedule add": "cron crontab every repeat timer",
    "schedule list": "schedules",
    "status": "count counts metrics stat stats summary",
    "dlq list": "dead errors failed failures",
    "dlq retry": "revive",
    "view list": "views",
    "config list": "env options settings",
    "config set": "set",
    "config unset": "reset",
    "doctor": "check diagnose health verify",
    "doctor --fix": "fix repair",
    "backup": "copy dump export snapshot",
    "selftest": "test",
    "demo": "example sample try",
    "tui": "console dashboard gui htop top ui watch",
    "help": "commands man usage",
}
"""By what the words mean: a command, perhaps with an option of it."""
IN_GROUPS = {
    "worker add": "worker scale",
    "worker kill": "worker stop --now",
    "worker show": "worker list",
    "worker status": "worker list",
    "dlq clean": "dlq purge",
    "dlq clear": "dlq purge",
    "dlq delete": "delete",
    "dlq remove": "delete",
    "dlq rm": "delete",
    "view add": "view save",
    "view create": "view save",
    "view edit": "view save",
    "view new": "view save",
    "view set": "view save",
    "view show": "view list",
    "config delete": "config unset",
    "config edit": "config set",
    "config remove": "config unset",
    "config reset": "config unset",
    "config rm": "config unset",
    "config show": "config list",
}
"""Synonyms within a group that differ from those of the second word alone."""
SENTENCES = {
    "pause": "queuectl queue pause NAME pauses a queue; queuectl hold ID holds a job",
    "resume": "queuectl queue resume NAME resumes a queue; queuectl release ID releases a held job",
    "worker restart": "queuectl worker stop, then queuectl worker start",
}
"""Hints for words of which no command does exactly what they say."""


def hint(name: str, others: Iterable[str] = ()) -> str | None:
    """Return the hint for an unknown command, of one word or two; `others` are names that could be meant as well.

    A guess by letters never names a command that deletes, because the hint might be followed without reading it.
    """
    if name in SENTENCES:
        return SENTENCES[name]
    meant = _synonym(name)
    if meant is not None:
        return f"did you mean {meant}?"
    group = name.partition(" ")[0]
    harmless = [each for each in WHERE if find(each).danger is not Danger.DESTROYS]
    if group in GROUPS:
        within = {each.removeprefix(f"{group} "): each for each in harmless if each.startswith(f"{group} ")}
        meant = within.get(closest(name.removeprefix(f"{group} "), within) or "")
    else:
        meant = closest(name, [*harmless, *GROUPS, *others])
    return f"did you mean {meant}?" if meant else None


def _synonym(name: str) -> str | None:
    if name in IN_GROUPS:
        return IN_GROUPS[name]
    group, _, second = name.partition(" ")
    meant = next((each for each, words in SYNONYMS.items() if (second or group).lower() in words.split()), None)
    if second:
        meant = f"{group} {meant}"
        return meant if meant in WHERE else None
    only = [each for each in WHERE if each.endswith(f" {name}")]
    return meant or (only[0] if len(only) == 1 else None)
