"""Change jobs, and run them again if asked to."""

from __future__ import annotations

import json

from queuectl.domain.errors import UsageError
from queuectl.domain.record import field, record
from queuectl.domain.spec import FIELDS, PRIORITIES, check, parse_object, parse_variable
from queuectl.domain.units import format_time
from queuectl.operations.acting import Named, VerbParams, act, ask_before, needs_yes
from queuectl.operations.commandline.quoting import quoted
from queuectl.operations.here import absolute, snapshot, variables
from queuectl.operations.job_names import refuse_names
from queuectl.operations.job_record import recorded
from queuectl.operations.operation import Heading, Operation
from queuectl.operations.selector import check_selector, narrowed
from queuectl.operations.typed import check_options, echo_due_time, with_due_time
from queuectl.runtime.doorbell import bells_of_jobs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, NotRequired

    from queuectl.domain.job import Job
    from queuectl.operations.changed import Changed
    from queuectl.operations.context import Context
    from queuectl.operations.job_record import JobDocument, JobRecord
    from queuectl.store.selection import Verb

    class EditedDocument(JobDocument):
        """A job after an edit."""

        undo: int | None
        """The number for `queuectl undo`; null where nothing was changed, or it cannot be undone."""
        too_many_to_undo: NotRequired[Literal[True]]
        """Present where there is no undo because the edit exceeds what an undo may keep."""


_CLEARED: dict[str, Any] = {"timeout": None, "cwd": None, "env": (), "shell": None, "tags": (), "needs": ()}
"""Keys that may be null, and the value that null stands for."""
_NONE = ("timeout", "shell")
"""Keys whose option takes `none` for null."""


@record
class Edit:
    """Parameters of `edit`."""

    ids: tuple[str, ...] = field("the jobs", default=(), metavar="ID", completes="jobs", positional=True)
    changes: str | None = field(
        "a JSON object with the new values; null removes a timeout, cwd, env, shell, tags or needs",
        default=None,
        metavar="CHANGES",
        positional=True,
        begins="{",
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
    # Of the options that select jobs only these: --queue, --tag and others are changes here.
    filter: str | None = field(
        "edit the jobs that match a filter as the console has it", default=None, metavar="EXPR", completes="filters"
    )
    view: str | None = field("edit the jobs of this saved view", default=None, metavar="NAME", completes="views")
    all: bool = field("edit every job", default=False)
    yes: bool = field("do not ask", default=False, short="y")
    dry_run: bool = field("only print what would be changed", default=False)
    print_ids: bool = field("print the IDs of the jobs, one a line, and nothing else", default=False)

    @property
    def jobs(self) -> VerbParams:
        """The jobs, as other verbs select them."""
        return VerbParams(
            ids=self.ids,
            filter=self.filter,
            view=self.view,
            all=self.all,
            yes=self.yes,
            dry_run=self.dry_run,
            print_ids=self.print_ids,
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

    def document(self) -> EditedDocument:
        """Return the record of the job with the number of the undo."""
        document: EditedDocument = {**self.record.document(), "undo": self.undo}  # type: ignore[typeddict-item]  # mypy fears further keys in a job
        if self.too_much:
            document["too_many_to_undo"] = True
        return document


def edit(context: Context, params: Edit) -> Edited | Changed:
    """Make all of the changes or none; of one job, without any, open an editor."""
    jobs = params.jobs
    _check_selected(jobs)
    refuse_names(context, EDIT.name, params.ids)
    params = with_due_time(context, params)
    asked = _asked(params)
    given = bool(asked) or params.retry or params.env_from_here
    if len(jobs.unique) == 1 and not (params.dry_run or params.print_ids):
        return _apply(context, params, asked) if given else _edit_in_editor(context, params)
    if not given:
        raise _no_change("several jobs cannot be opened in an editor" if not params.dry_run else "no change is given")
    return _edit_several(context, params, jobs, asked)


def _check_selected(jobs: VerbParams) -> None:
    if not (jobs.ids or jobs.all or narrowed(jobs)):
        raise UsageError("no job is named", hint="give IDs, or select jobs by --filter, --view or --all")
    check_selector(jobs)


def _no_change(message: str) -> UsageError:
    return UsageError(message, hint="""give --command or another option, or '{"command": "…"}'""")


def _apply(context: Context, params: Edit, asked: dict[str, Any]) -> Edited:
    now, (id_, *_) = context.now(), params.ids
    changes = _changes(context, params, asked, now)
    if not changes and not params.retry:
        context.say("nothing was changed")
        return Edited(record=_now(context, id_), changed=(), undo=None)
    with context.store.undo.keeping("edit", now=now) as undo_entry:
        before = context.store.edits.edit(
            id_, changes, requeue=params.retry, now=now, called=_typed_names(params, asked)
        )
    if params.at is not None:
        echo_due_time(context, params.at)
    record_now = _now(context, id_)
    context.ring_for_jobs([record_now.job])
    names = ["environment" if name == "snapshot" else name for name in changes]
    changed = tuple(
        name.removesuffix("_ms") for name in names if getattr(before, name) != getattr(record_now.job, name)
    )
    return Edited(record=record_now, changed=changed, undo=undo_entry.id, too_much=undo_entry.too_much)


def _edit_several(context: Context, params: Edit, jobs: VerbParams, asked: dict[str, Any]) -> Changed:
    now, requeue = context.now(), params.retry
    changes = _changes(context, params, asked, now)
    # Loaded here: mostly one job is edited.
    from queuectl.store.selected_edits import edit_verb, words_of

    def by_ids(ids: list[str], now: int) -> Named:
        edits = context.store.edits
        before = edits.edit_all(ids, changes, requeue=requeue, now=now, called=_typed_names(params, asked))
        after = context.store.jobs.these([job.id for job, edited in before if edited]).values()
        return Named(changed=len(after), bells=tuple(bells_of_jobs([each.job for each in after])))

    words: dict[str, Any] = {}
    if not jobs.ids:
        words = words_of(_interned(context, changes, now, rehearse=params.dry_run), requeue=requeue, now=now)
    verb = edit_verb(changes, requeue=requeue)
    done = act(context, jobs, verb, by_ids, select=context.store.select_to_edit, **words)
    if params.at is not None and not params.dry_run:
        echo_due_time(context, params.at)
    return done


def _changes(context: Context, params: Edit, asked: dict[str, Any], now: int) -> dict[str, Any]:
    changes = checked(asked, now=now)
    if params.env_from_here:
        changes["snapshot"] = snapshot(context.settings)
    return changes


def _interned(context: Context, changes: dict[str, Any], now: int, *, rehearse: bool) -> dict[str, Any]:
    """Return `changes` with the number of the snapshot, for all steps of an edit of a selection."""
    if "snapshot" not in changes:
        return changes
    context.store.database.rehearsing = rehearse
    try:
        return context.store.edits.intern(changes, now=now)
    finally:
        context.store.database.rehearsing = False


def ask_to_edit(context: Context, params: Edit) -> str | None:
    """Return the question to confirm an edit of a selection; None for few jobs."""
    _check_selected(params.jobs)
    return ask_before(_verb(context, params), "Edit")(context, params.jobs)


def must_say_yes(context: Context, params: Edit) -> None:
    """Raise UsageError where a script must give --yes first."""
    _check_selected(params.jobs)
    needs_yes(_verb(context, params))(context, params.jobs)


def _verb(context: Context, params: Edit) -> Verb:
    from queuectl.store.selected_edits import edit_verb

    if params.ids:
        return edit_verb({}, requeue=params.retry)
    asked = _asked(with_due_time(context, params))
    return edit_verb(checked(asked, now=context.now()), requeue=params.retry)


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
    id_ = params.ids[0]
    before = editable(context.store.jobs.get(id_).job)
    text = json.dumps(before, ensure_ascii=False, indent=2) + "\n"
    with context.edit_text(text, lambda path: _again(id_, path)) as typed:
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
    summary="Change jobs that do not run, and run them again if asked to",
    params=Edit,
    run=edit,
    question=ask_to_edit,
    needs_yes=must_say_yes,
    description=(
        "The history of the job is kept; its id cannot be changed. Its environment snapshot stays, unless "
        "--env-from-here takes a new one. Without changes, on a terminal, it opens $VISUAL or "
        "$EDITOR on the job as JSON; if the edit is refused, the text is kept in a file, whose path is printed. With "
        "--retry a dead or finished job runs again with the changes.\n\n"
        "Several jobs are edited by their IDs, all or none, or by --filter, --view or --all: --queue, --tag and the "
        "other options that select jobs for other commands are changes here. Of a selection, jobs that run are "
        "skipped; so are those that have ended where the edit changes retries or the due time, unless --retry runs "
        "them again."
    ),
    examples=(
        "edit job1 --command './send.sh --fast' --retry",
        """edit job1 '{"timeout": 90, "tags": null}'""",
        "edit job1",
        "edit job1 job2 --timeout 15m",
        "edit --filter 'state:dead queue:mail' --max-retries 5 --retry",
        "edit --view nightly --queue slow --dry-run",
    ),
)
