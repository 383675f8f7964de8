"""Enqueue one job, or a file of jobs."""

from __future__ import annotations

import json
import os

from queuectl.domain.errors import UsageError
from queuectl.domain.record import field, record
from queuectl.domain.spec import PRIORITIES, check, new_job, parse_object, parse_variable
from queuectl.domain.text import shell_quoted, unmarked
from queuectl.operations.enqueued import Enqueued
from queuectl.operations.here import absolute, current_directory, gone, snapshot, variables
from queuectl.operations.operation import Heading, Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, TypeVar

    from queuectl.config import Settings
    from queuectl.domain.job import NewJob
    from queuectl.operations.context import Context

    Params = TypeVar("Params", bound="Enqueue")

_MANY = "for many jobs: … | jq -c '.[]' | queuectl enqueue -f -"
_RESERVED = frozenset(
    (
        "case", "coproc", "do", "done", "elif", "else", "esac", "fi",
        "for", "function", "if", "in", "select", "then", "time", "until", "while",
    )
)  # fmt: skip


@record
class Enqueue:
    """Parameters of `enqueue`. Options set keys that the job itself leaves out."""

    job: str | None = field(
        "a JSON object, a shell command, or - for a script from standard input",
        default=None,
        metavar="JOB",
        positional=True,
    )
    argv: tuple[str, ...] = field(
        "a program and its arguments, passed on unchanged", default=(), metavar="ARGV", rest=True
    )
    file: str | None = field(
        "read jobs from FILE, one JSON object a line; - is standard input",
        default=None,
        short="f",
        metavar="FILE",
        completes="files",
        parse=str,  # a file that is only read may have any name
    )
    lines: bool = field("each line of FILE is a shell command, unless it is blank or begins with #", default=False)
    id: str | None = field("the job's id (default: its number)", default=None, metavar="ID")
    queue: str | None = field(
        "the queue (default: default)", default=None, short="q", metavar="NAME", completes="queues"
    )
    priority: int | None = field(f"{PRIORITIES}, higher runs first (default: 0)", default=None, short="p", metavar="N")
    max_retries: int | None = field(
        "retries after the first attempt (default: max_retries of the configuration)",
        default=None,
        short="r",
        metavar="N",
    )
    timeout: str | None = field(
        "end an attempt after this time: 90, 90s, 15m (default: job_timeout of the configuration)",
        default=None,
        short="t",
        metavar="DURATION",
    )
    delay: str | None = field("do not run it before this time has passed: 90s, 3h", default=None, metavar="DURATION")
    at: str | None = field(
        "do not run it before this local time: 09:00 (the next), 'tomorrow 09:00', 'mon 09:00', '2026-12-01 09:00', "
        "'in 3h'; or RFC 3339 with an offset",
        default=None,
        metavar="TIME",
    )
    cwd: str | None = field(
        "the directory to run in (default: this one)", default=None, short="C", metavar="DIR", completes="directories"
    )
    env: tuple[tuple[str, str | None], ...] = field(
        "set a variable, or hand on the one of this name; may be repeated",
        default=(),
        short="e",
        metavar="NAME[=VALUE]",
        parse=parse_variable,
    )
    env_all: bool = field(
        "keep this whole environment for the job, without what capture_deny names", default=False, short="E"
    )
    no_env: bool = field("keep nothing of this environment for the job", default=False)
    shell: str | None = field(
        "what runs the command, a name or an absolute path, also one that begins with #! (default: the interpreter "
        "after its #!, else shell of the configuration)",
        default=None,
        metavar="SHELL",
    )
    tag: tuple[str, ...] = field("a tag for list --tag; may be repeated", default=(), metavar="WORD", completes="tags")
    needs: tuple[str, ...] = field(
        "run it only on workers that were started with this --label; may be repeated",
        default=(),
        metavar="LABEL",
        completes="labels",
    )


def enqueue(context: Context, params: Enqueue) -> Enqueued | Iterator[Enqueued]:
    """Store the job, or the jobs of the file, and wake the workers."""
    file = params.file
    if file is None:
        params, new = one_job(context, params)
        return store_one(context, params, new)
    params, options = _checked(context, params)
    if params.job is not None or params.argv or params.id is not None:
        raise UsageError(
            "with --file the jobs and their ids come from the file",
            hint="leave out JOB, the words after -- and --id",
        )
    # Loaded here: one job needs none of it.
    from queuectl.operations.enqueue_file import enqueue_file

    _echo(context, params)
    return enqueue_file(
        context,
        file,
        check(_here(options) | options),
        lines=params.lines,
        snapshot=lambda: snapshot_of(context.settings, params),
    )


def one_job(context: Context, params: Params) -> tuple[Params, NewJob]:
    """Return the params, with their due time in RFC 3339, and the one job that they describe."""
    params, options = _checked(context, params)
    if params.lines:
        raise UsageError("--lines needs --file", hint="queuectl enqueue --lines --file FILE")
    new = _one(params, options)
    if context.watched and new.cwd is not None and params.cwd is not None and not os.path.isdir(new.cwd):
        context.say(f"note: the directory {new.cwd} does not exist here")
    return params, new


def store_one(context: Context, params: Enqueue, new: NewJob) -> Enqueued:
    """Store the one job that `params` describe, and wake the workers."""
    settings = context.settings
    ids = context.store.jobs.enqueue(
        [new], max_retries=settings.max_retries, now=context.now(), snapshot=snapshot_of(settings, params)
    )
    context.ring_for_jobs([new])
    _echo(context, params)
    return Enqueued(ids, context)


def _checked(context: Context, params: Params) -> tuple[Params, dict[str, Any]]:
    """Return the params, with their due time in RFC 3339, and the keys of a job that they set. Raises UsageError."""
    if params.at is not None:
        from queuectl.operations.typed import with_due_time

        params = with_due_time(context, params)
    options = options_of(params)
    if params.env_all and params.no_env:
        raise UsageError("give --env-all or --no-env, not both")
    if options:
        # Loaded here: a job alone has no options.
        from queuectl.operations.typed import check_options

        check_options(options)
    return params, options


def snapshot_of(settings: Settings, params: Enqueue) -> str | None:
    """Return the content of the environment snapshot that the params ask for; None for none."""
    return None if params.no_env else snapshot(settings, everything=params.env_all)


def _one(params: Enqueue, options: dict[str, Any]) -> NewJob:
    if params.argv:
        if params.job is not None:
            raise UsageError("give JOB or words after --, not both", hint="quote a shell command as one word")
        spec = {"command": in_shell(params.argv)}
    elif params.job is None:
        raise UsageError("JOB is missing", hint="queuectl enqueue 'echo hello', or queuectl enqueue --help")
    elif params.job == "-":
        # Loaded here: most commands are given as words.
        from queuectl.operations.stdin import script

        spec = {"command": script()}
    elif _is_json(params.job):
        if unmarked(params.job).startswith("["):
            raise UsageError("the job must be a JSON object, not an array", hint=_MANY)
        spec = parse_object(params.job)
        for key in options:
            if spec.get(key) is not None:
                raise UsageError(f"{key} is given twice: in the job and by an option")
    else:
        spec = {"command": params.job}
    job = new_job(spec | options, check(_here(spec | options)))
    if job.cwd is None:
        raise gone()
    return job


def in_shell(argv: Sequence[str]) -> str:
    """Return a shell command that runs a program with exactly these arguments."""
    first = f"'{argv[0]}'" if argv[0] in _RESERVED else _quoted(argv[0])
    return " ".join([first, *map(_quoted, argv[1:])])


def _quoted(word: str) -> str:
    # Unquoted, NAME=VALUE at the beginning would be an assignment.
    quoted = shell_quoted(word)
    return f"'{word}'" if quoted == word and "=" in word else quoted


def _is_json(text: str) -> bool:
    """Return whether `text` is JSON: an object, valid or not, or another value; but true and false are commands.

    A brace with a blank behind it, and then neither a quote nor a brace, begins a group of shell commands.
    """
    text = unmarked(text)
    start = text[:1]
    if start == "{":
        inner = text[1:]
        return not inner[:1].isspace() or inner.lstrip()[:1] in {'"', "}", ""}
    if not start or start not in '["-0123456789n':
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _echo(context: Context, params: Enqueue) -> None:
    if params.at is not None:
        from queuectl.operations.typed import echo_due_time

        echo_due_time(context, params.at)


def options_of(params: Enqueue) -> dict[str, Any]:
    """Return the keys of a job that options set."""
    options = {
        "id": params.id,
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
    return {key: value for key, value in options.items() if value is not None}


def _here(spec: dict[str, Any]) -> dict[str, str]:
    """Return the current directory as `cwd` for a job that names none; an empty dict where that directory is gone."""
    here = None if spec.get("cwd") is not None else current_directory()
    return {} if here is None else {"cwd": here}


ENQUEUE = Operation(
    name="enqueue",
    heading=Heading.JOBS,
    one_of=("job", "argv", "file"),
    see=("worker start", "wait", "logs"),
    secret_variables=True,
    summary="Add a job, or a file of jobs",
    params=Enqueue,
    run=enqueue,
    makes_store=True,
    description=(
        "JOB is a JSON object when it begins with {: its keys are command (required), id, queue, priority, "
        "max_retries, timeout, run_at or delay, cwd, env, shell, tags and needs. Anything else is a shell command, "
        "also a group such as { echo a; echo b; } with a blank behind its brace. One that begins with #! runs under "
        "the interpreter that it names there, as a script file would; --shell (or the key shell) comes before that. "
        "Words after -- are a program and its arguments, which no shell changes.\n\n"
        "The id of the new job is printed, alone on its line. With --file, options set keys that a line of FILE "
        "leaves out; if one line is invalid, no job is enqueued. A job runs in the directory that it was enqueued in, "
        "unless it names another, and with the variables of this environment that the setting env_capture names. Its "
        "other variables are those of its worker; --env comes before both."
    ),
    examples=(
        "enqueue 'echo hello'",
        """enqueue '{"id": "job1", "command": "echo hello", "max_retries": 2}'""",
        "enqueue --queue mail --delay 90s --timeout 15m -- ./send.sh 'a b'",
        "enqueue --needs gpu ./train.sh",
        "enqueue --env-all --shell bash 'source ./setup.sh && make test'",
        "enqueue - < ./nightly.py",
        "enqueue --file jobs.jsonl",
        "ls *.mov | sed 's/.*/convert &/' | queuectl enqueue --lines --file -",
    ),
)
