"""Change a job, and run it again if asked to."""

from __future__ import annotations

import json

from queuectl.domain.errors import UsageError
from queuectl.domain.record import field, record
from queuectl.domain.spec import FIELDS, PRIORITIES, check, parse_object, parse_variable
from queuectl.domain.units import format_time
from queuectl.operations.commandline.quoting import quoted
from queuectl.operations.here import absolute, snapshot, variables
from queuectl.operations.job_names import refuse_names
from queuectl.operations.job_record import recorded
from queuectl.operations.operation import Heading, Operation
from queuectl.operations.typed import check_options, echo_due_time, with_due_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from queuectl.domain.job import Job
    from queuectl.operations.context import Context
    from queuectl.operations.job_record import JobRecord

_CLEARED: dict[str, Any] = {"timeout": None, "cwd": None, "env": (), "shell": None, "tags": (), "needs": ()}
"""Keys that may be null, and the value that null stands for."""
_NONE = ("timeout", "shell")
"""Keys whose option takes `none` for null."""


@record
class Edit:
    """Parameters of `edit`."""

    id: str = field("the job", metavar="ID", completes="jobs", positional=True)
    changes: str | None = field(
        "a JSON object with the new values; null removes a timeout, cwd, env, shell, tags or needs",
        default=None,
        metavar="CHANGES",
        positional=True,
    )
    command: str | None = field("the new command", default=None, short="c", metavar="COMMAND")
    queue: str | None = field("the new queue", default=None, short="q", metavar="NAME", completes="queues")
    priority: int | None = field(f"the new priority, {PRIORITIES}", default=None, short="p", metavar="N")
    max_retries: int | None = field("the new number of retries", default=None, metavar="N")
    timeout: str | None = field(
        "the new timeout: 90s, 15m; none for the configured one", default=None, short="t", metavar="DURATION"
    )
    delay: str | None = field("make it due after this time: 90s, 3h", default=None, metavar="DURATION")
    at: str | None = field(
        "make it due at this local time: 09:00 (the next), 'tomorrow 09:00', 'in 3h', or RFC 3339 with an offset",
        default=None,
        metavar="TIME",
    )
    cwd: str | None = field("the new directory", default=None, short="C", metavar="DIR", completes="directories")
    env: tuple[tuple[str, str | None], ...] = field(
        "a variable, or the one of this name here; all that are given replace its variables; may be repeated",
        default=(),
        short="e",
        metavar="NAME[=VALUE]",
        parse=parse_variable,
    )
    env_from_here: bool = field("take the variables that env_capture names from this environment", default=False)
    shell: str | None = field("what runs the command; none for the configured one", default=None, metavar="SHELL")
    tag: tuple[str, ...] = field(
        "a tag; all that are given replace its tags; may be repeated", default=(), metavar="WORD", completes="tags"
    )
    needs: tuple[str, ...] = field(
        "a label that its worker must have; all that are given replace its needs; may be repeated",
        default=(),
        metavar="LABEL",
        completes="labels",
    )
    retry: bool = field(
        "run it again, with a fresh set of retries: at once, or as --delay or --at say", default=False, short="r"
    )


@record
class Edited:
    """The job after the edit."""

    record: JobRecord
    changed: tuple[str, ...]
    """The keys that were changed."""
    undo: int | None
    """Number of the undo that reverts the edit; None when there is none."""
    too_much: bool = False
    """Whether there is no undo because the edit exceeds what an undo may keep."""

    def document(self) -> dict[str, Any]:
        """Return the record of the job with the number of the undo."""
        document = self.record.document() | {"undo": self.undo}
        return document | {"too_many_to_undo": True} if self.too_much else document


def edit(context: Context, params: Edit) -> Edited:
    """Make all of the changes or none; without any, open an editor."""
    refuse_names(context, EDIT.name, (params.id,))
    params = with_due_time(context, params)
    asked = _asked(params)
    if asked or params.retry or params.env_from_here:
        return _apply(context, params, asked)
    return _edit_in_editor(context, params)


def _apply(context: Context, params: Edit, asked: dict[str, Any]) -> Edited:
    now = context.now()
    changes = checked(asked, now=now)
    if params.env_from_here:
        changes["snapshot"] = snapshot(context.settings)
    if not changes and not params.retry:
        context.say("nothing was changed")
        return Edited(record=_now(context, params.id), changed=(), undo=None)
    with context.store.undo.keeping("edit", now=now) as undo_entry:
        before = context.store.edits.edit(
            params.id, changes, requeue=params.retry, now=now, called=_typed_names(params, asked)
        )
    if params.at is not None:
        echo_due_time(context, params.at)
    record_now = _now(context, params.id)
    context.ring_for_jobs([record_now.job])
    names = ["environment" if name == "snapshot" else name for name in changes]
    changed = tuple(
        name.removesuffix("_ms") for name in names if getattr(before, name) != getattr(record_now.job, name)
    )
    return Edited(record=record_now, changed=changed, undo=undo_entry.id, too_much=undo_entry.too_much)


def checked(asked: dict[str, Any], *, now: int) -> dict[str, Any]:
    """Return the fields of a job that the JSON keys `asked` change. Raises UsageError, naming the key."""
    if "id" in asked:
        raise UsageError("the id of a job cannot be changed")
    for key, value in asked.items():
        if value is None and key in FIELDS and key not in _CLEARED:
            raise UsageError(f"{key} cannot be null", hint=f"leave {key} out to keep it as it is")
    changes = check(asked)
    if "delay_ms" in changes:
        changes["run_at"] = now + changes.pop("delay_ms")
    cleared = {FIELDS[key][0]: _CLEARED[key] for key, value in asked.items() if value is None}
    return changes | cleared


def editable(job: Job) -> dict[str, Any]:
    """Return the JSON keys of a job that can be changed, with values as a user writes them."""
    timeout = job.timeout_ms
    return {
        "command": job.command,
        "queue": job.queue,
        "priority": job.priority,
        "max_retries": job.max_retries,
        "timeout": None if timeout is None else timeout / 1000 if timeout % 1000 else timeout // 1000,
        "run_at": format_time(job.run_at),
        "cwd": job.cwd,
        "env": dict(job.env),
        "shell": job.shell,
        "tags": list(job.tags),
        "needs": list(job.needs),
    }


def _asked(params: Edit) -> dict[str, Any]:
    asked = {} if params.changes is None else parse_object(params.changes, instead="or use an option such as --command")
    options = {
        "command": params.command,
        "queue": params.queue,
        "priority": params.priority,
        "max_retries": params.max_retries,
        "timeout": params.timeout,
        "delay": params.delay,
        "run_at": params.at,
        "cwd": None if params.cwd is None else absolute(params.cwd),
        "env": variables(params.env) or None,
        "shell": params.shell,
        "tags": list(params.tag) or None,
        "needs": list(params.needs) or None,
    }
    from_options: dict[str, Any] = {key: value for key, value in options.items() if value is not None}
    for key in from_options:
        if key in asked:
            raise UsageError(f"{key} is given twice: in CHANGES and by an option")
    check_options({key: value for key, value in from_options.items() if key not in _NONE or value != "none"})
    for key in _NONE:
        if from_options.get(key) == "none":
            from_options[key] = None
    return asked | from_options


def _typed_names(params: Edit, asked: dict[str, Any]) -> dict[str, str]:
    """Return the names that the user typed for fields, where they differ from the fields' names."""
    typed = {"run_at": "delay"} if "delay" in asked else {}
    for field_, key in (("delay", "run_at"), ("at", "run_at"), ("max_retries", "max_retries")):
        if getattr(params, field_) is not None:
            typed[key] = "--" + field_.replace("_", "-")
    return typed


def _edit_in_editor(context: Context, params: Edit) -> Edited:
    """Open an editor on the job and apply what was changed there; a removed line changes nothing."""
    if context.edit_text is None:
        raise UsageError(
            "no change is given",
            hint="""give --command or another option, or '{"command": "…"}'; on a terminal, an editor opens""",
        )
    before = editable(context.store.jobs.get(params.id).job)
    text = json.dumps(before, ensure_ascii=False, indent=2) + "\n"
    with context.edit_text(text, lambda path: _again(params.id, path)) as typed:
        after = parse_object(typed)
        changed = {key: value for key, value in after.items() if key not in before or value != before[key]}
        return _apply(context, params, changed)


def _again(id_: str, path: str) -> str:
    return f'your text is kept in {path}; correct it there, then: queuectl edit {quoted(id_)} "$(cat {quoted(path)})"'


def _now(context: Context, id_: str) -> JobRecord:
    return recorded(context.store.jobs.get(id_), context.settings, context.store)


EDIT = Operation(
    name="edit",
    heading=Heading.JOBS,
    see=("show", "priority", "retry"),
    secret_variables=True,
    summary="Change a job that is not running, and run it again if asked to",
    params=Edit,
    run=edit,
    description=(
        "The history of the job is kept; its id cannot be changed. Its environment snapshot stays, unless "
        "--env-from-here takes a new one. Without changes, on a terminal, it opens $VISUAL or "
        "$EDITOR on the job as JSON; if the edit is refused, the text is kept in a file, whose path is printed. With "
        "--retry a dead or finished job runs again with the changes."
    ),
    examples=(
        "edit job1 --command './send.sh --fast' --retry",
        """edit job1 '{"timeout": 90, "tags": null}'""",
        "edit job1",
    ),
)
