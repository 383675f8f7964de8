"""docs/cli.md, made from the operations: `python -m queuectl.cli.reference > docs/cli.md`. A test keeps it true."""

from __future__ import annotations

from queuectl.cli.help import example_line
from queuectl.config import SETTINGS, show
from queuectl.domain.record import described
from queuectl.operations import ALL
from queuectl.operations.arguments import is_many, option_strings, help_text, usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from queuectl.domain.record import Field
    from queuectl.operations.operation import Operation

INTRODUCTION = """\
<!-- Made by `python -m queuectl.cli.reference > docs/cli.md`; change the operations and not this page. -->
# The command line

    queuectl [--db PATH] [--json] COMMAND …

`--db` and `--json` may stand before or after the command; after `--` everything is a plain word. The store is
`--db`, else `QUEUECTL_DB`, else `queue.db` in your data directory (`$XDG_DATA_HOME/queuectl`, else
`~/.local/share/queuectl`; on macOS `~/Library/Application Support/queuectl`).

`enqueue`, `worker start`, `config set`, `view save` and the console create the store. All other commands find an empty
one where there is none, say so in one line on stderr, and create nothing. A directory of `--db` or `QUEUECTL_DB` that
does not exist is refused with 5: only your data directory is created.

stdout is data, stderr is talk. With `--json` every command prints one JSON document on stdout and nothing else; the
human form may change, the JSON form only grows. Times are RFC 3339 in UTC with milliseconds, durations are seconds.
Where you give a duration, a bare number is seconds, and `500ms`, `90s`, `15m`, `3h`, `7d` and `1h30m` work too.

What people read is made safe: control characters in ids, commands and output are written out (`\\x1b`). Colour,
glyphs and lines cut to fit appear on a terminal only; `NO_COLOR` is honoured.

## Errors and exit codes

An error is one line `error: …` on stderr, with a line `hint: …` where one helps; with `--json` also
`{"error": {"code": …, "message": …, "hint": …}}` on stdout. When an array is under way, the error is its last element.

| code | meaning |
|---|---|
| 0 | done; also when whoever read the output had enough of it (`list \\| head -1`) |
| 1 | a job that was waited for did not complete; the doctor found a problem, the self-test a violation |
| 2 | usage or bad input |
| 3 | what was named does not exist: a job, a pool, a host, a view, an error |
| 4 | refused: wrong state, or already there |
| 5 | the store cannot be used: locked beyond the wait, full, corrupt, not ours, made by a newer version; or the \
machine can run no worker |
| 70 | a mistake of queuectl's; `QUEUECTL_DEBUG=1` shows where |
| 74 | done, but the output could not be written: the device is full, or stdout is closed |
| 124 | the time ran out |
| 130, 143 | interrupted by Ctrl+C, or by SIGTERM; work in several transactions says how much of it is done |

What you name must exist, and one name that does not is 3 before anything is done: IDs, `--host`, `--pool`, `--view`,
`--error`, `--attempt`, the ID of `history`. What you choose by a property (`--all`, `--state`, `--queue`,
`--older-than`, `dlq purge`, `worker stop` without `--host`) may match nothing: that is 0, and is said.

## Jobs

A job to enqueue is a JSON object. An unknown key, a repeated key and a value of the wrong type are refused by
name.

| key | meaning |
|---|---|
"""
KEYS = {
    "command": "runs through `/bin/sh -c`, byte for byte; needed; not blank, no NUL, at most 4 MiB",
    "id": "1 to 200 characters, no control characters; it never becomes a path. The job's number if it does not say",
    "queue": "its queue, `default` if it does not say",
    "priority": "-1000 to 1000, 0 if it does not say: higher runs first, ties go to the one that has been due longer",
    "max_retries": "0 to 1000 retries after the first attempt; the configured `max_retries` if it does not say",
    "timeout": "seconds or a duration; the configured `job_timeout`, at the time of the attempt, if it does not say",
    "run_at": "an RFC 3339 time with an offset: not before this",
    "delay": "seconds or a duration from now: not before this; not together with `run_at`",
    "cwd": "an absolute path; the directory of the enqueue if it does not say",
    "env": "an object of strings: variables for the job, hidden wherever it is shown",
    "tags": "an array of words without white space",
    "needs": "an array of labels, or one: only workers that were started with all of them (`--label`) run it",
}
BETWEEN = """
The record of a job is what `enqueue`, `show` and `wait` print with `--json`; `list`, `cancel` and `retry` leave
out the output, and `show` adds `history`, an array of attempts.

| field | meaning |
|---|---|
"""
RECORD = {
    "id": "its id",
    "command": "its command",
    "state": (
        "`pending`, `processing`, `completed`, `failed` (its retry is due at `run_at`), `dead`, `cancelled` or `held`"
    ),
    "attempts": "attempts that count against its retries; 0 again after a retry by hand",
    "max_retries": "retries after the first attempt",
    "stdout, stderr": "output of its latest attempt, while it runs so far; a line says where the middle was left out",
    "duration": "seconds that its latest attempt took; null before its end",
    "timed_out": "whether its latest attempt ran out of time",
    "timeout": "seconds an attempt may take: its own, else the configured one, else null",
    "created_at, updated_at": "when it was enqueued; when it last changed",
    "seq": "its number in the store",
    "queue, priority, cwd, tags": "as it was enqueued",
    "needs": "labels that its worker must have, sorted",
    "env": "its variables, with `***` for the values",
    "run_at": "when it is due",
    "started_at": "when its latest attempt began; null before the first",
    "finished_at": "when it became final; null before",
    "exit_code, signal, outcome, error, worker": (
        "of its latest attempt. The outcome is `success`, `exit`, `signal`, `timeout`, `spawn_error`, `lost` (its "
        "worker died), `released` (its worker was told to stop now, or could start no process) or `cancelled`"
    ),
    "cancel_requested": "whether somebody asked for its end",
    "losses": "workers in a row that died while they ran it; three make it dead",
    "signature": "the error that its last failed attempt ended with, as `dlq list --by-error` has it; null before",
    "stdout_bytes, stderr_bytes": "bytes that were written",
    "stdout_truncated, stderr_truncated": "whether some of them were left out",
}
FILES = """
### Files of jobs

`enqueue --file` reads everything and checks everything before the first job is stored. A bad line, an id that is
there twice and an id that is taken refuse the whole file and name the line. Blank lines are skipped; a line may end
with a newline or with carriage return and newline; the text is UTF-8. With `--lines` each line is a shell command,
byte for byte without its end. Options fill in what a line leaves open (for a single JSON job, an option that says
what the job says already is refused). Up to 100,000 jobs are one transaction; a longer file is stored in as many as
it takes, and the ids are printed as each is done. Ctrl+C or SIGTERM end it after such a transaction and its ids, and
it says how many jobs were enqueued. Output that cannot be written does not end it.

### One word or JSON

What begins with `{` is JSON, and so is what else is valid JSON other than `true` and `false`, which are commands;
it is refused unless it is an object. A shell command that would be taken for JSON goes into `{"command": …}`.

## Environment

| variable | meaning |
|---|---|
| `QUEUECTL_DB` | the store |
| `QUEUECTL_…` | a setting, before what the store says: `QUEUECTL_BUSY_TIMEOUT=5` |
| `QUEUECTL_DEBUG` | show the traceback of a mistake of queuectl's |
| `NO_COLOR` | no colour |

A job finds `QUEUECTL_JOB_ID` and `QUEUECTL_ATTEMPT` in its environment.

## Settings

| setting | default | meaning |
|---|---|---|
"""


def reference() -> str:
    """The whole page."""
    pieces = [INTRODUCTION]
    pieces += [f"| `{key}` | {meaning} |\n" for key, meaning in KEYS.items()]
    pieces.append(BETWEEN)
    pieces += [
        f"| {', '.join(f'`{name}`' for name in names.split(', '))} | {meaning} |\n" for names, meaning in RECORD.items()
    ]
    pieces.append(FILES)
    pieces += [
        f"| `{each.key}` | {show(each.default)} | {each.help}; {each.describe()} |\n" for each in SETTINGS.values()
    ]
    pieces.append("\n## Commands\n")
    for each in ALL:
        pieces += _command(each)
    return "".join(pieces)


def _command(of: Operation) -> Iterator[str]:
    yield f"\n### {of.name}\n\n{of.summary}.\n\n    {usage(of)}\n\n"
    if of.description:
        yield of.description + "\n\n"
    rows = [_row(name, field, annotation) for name, (field, annotation) in described(of.params).items()]
    if rows:
        yield "| | |\n|---|---|\n" + "".join(rows) + "\n"
    yield "\n".join(f"    {example_line(each)}" for each in of.examples) + "\n"


def _row(name: str, field: Field, annotation: str) -> str:
    if field.positional or field.rest:
        word = f"`{'-- ' if field.rest else ''}{field.metavar or name.upper()}`"
    else:
        value = "" if annotation == "bool" else f" {field.metavar or name.upper()}"
        word = ", ".join(f"`{string}{value}`" for string in option_strings(name, field))
    several = (
        "" if not is_many(annotation) or "repeated" in field.help or not field.positional else "; several may follow"
    )
    return f"| {word} | {help_text(field)}{several} |\n".replace("\\", "\\\\")


if __name__ == "__main__":
    print(reference(), end="")
