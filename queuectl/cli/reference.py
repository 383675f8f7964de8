"""Generate docs/cli.md from the operations: `python -m queuectl.cli.reference > docs/cli.md`. A test compares both."""

from __future__ import annotations

from queuectl.cli.help import by_heading, example_line
from queuectl.config import SETTINGS, show
from queuectl.domain.spec import MAX_PRIORITY, MAX_RETRIES
from queuectl.operations import WHERE
from queuectl.operations.commandline.grammar import grammar, usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from queuectl.operations.commandline.grammar import Parameter
    from queuectl.operations.operation import Operation

INTRODUCTION = """\
<!-- Made by `python -m queuectl.cli.reference > docs/cli.md`; change the operations and not this page. -->
# The command line

    queuectl [--db PATH] [--json | --json-lines] COMMAND …

`--db`, `--json` and `--json-lines` may stand before or after the command; after `--` no word is an option. `--version`
(or `-V`, or the command `version`) prints the version, whatever else is on the line. `python -m queuectl` is the same
program.

The store is `--db`, else `QUEUECTL_DB`, else `queue.db` in your data directory (`$XDG_DATA_HOME/queuectl`, else
`~/.local/share/queuectl`; on macOS `~/Library/Application Support/queuectl`).

`enqueue`, `worker start`, `config set`, `view save` and the console create the store. Where there is none, all other
commands treat it as empty, print one line about it on stderr, and create nothing. If the directory of `--db` or
`QUEUECTL_DB` does not exist, the exit code is 5: only your data directory is created.

Data goes to stdout, messages to stderr. With `--json` every command prints one JSON document on stdout and nothing
else, with `--json-lines` one object a line, as soon as it is there; [json.md](json.md) describes all of them. The form
for people may change, the JSON form only gets new keys. People get times in the local zone (`TZ`), which is named
beside them. Where you give a duration, a bare number is seconds, and `500ms`, `90s`, `15m`, `3h`, `7d` and `1h30m` work
too.

In the form for people, control characters in ids, commands and output are escaped (`\\x1b`). Colour, glyphs and lines
cut to fit appear on a terminal only; `NO_COLOR` is honoured.

## Errors and exit codes

An error is one line `error: …` on stderr, often followed by a line `hint: …`; with `--json` also
`{"schema": 1, "error": {"code": …, "message": …, "hint": …}}` on stdout. If an array has been begun, the error is its
last element; with `--json-lines` it is the last line.

| code | meaning |
|---|---|
| 0 | done; also when the reader of the output closed it early (`list \\| head -1`) |
| 1 | a job that was waited for did not complete; the doctor found a problem, the self-test a violation |
| 2 | usage or bad input |
| 3 | a named thing does not exist: a job, a pool, a host, a view, an error |
| 4 | refused: wrong state, or already exists |
| 5 | the store cannot be used: locked for too long, full, corrupt, of another owner or program, or made by a newer \
version; or the machine can run no worker |
| 70 | a bug in queuectl; `QUEUECTL_DEBUG=1` prints the traceback |
| 74 | done, but the output could not be written: the device is full, or stdout is closed |
| 124 | the time ran out |
| 130, 143 | interrupted by Ctrl+C, or by SIGTERM; work in several transactions reports how much of it is done |

A name that does not exist is 3, and nothing is done: IDs, `--host`, `--pool`, `--view`, `--error`, `--attempt`, the ID
of `history`. A choice by a property (`--all`, `--state`, `--queue`, `--older-than`, `dlq purge`, `worker stop` without
`--host`) may match nothing: that is 0, with a message.

## Names of jobs

Commands that read (`show`, `logs`, `explain`, `wait`, `history`, `dlq show`) take two names in place of an ID. `@last`
is the newest job that you enqueued, `@failed` the newest of yours that is `failed` or `dead`. Without such a job the
exit code is 3. You are the user that `history` records: on a file the name of the user counts, on a server the host
too. On a terminal, `show`, `logs`, `explain` and `wait` without an ID take `@last`; which job a name stands for is
printed on stderr there. Commands that change jobs refuse the names with 2, and print the ID to type. A job whose own id
is such a name, which older versions allowed, comes first everywhere.

## Jobs

A job to enqueue is a JSON object. An unknown key, a repeated key and a value of the wrong type are errors that name
the key.

| key | meaning |
|---|---|
"""
KEYS = {
    "command": "runs through its shell with `-c`, byte for byte, or under the interpreter that its first line names "
    "after `#!`; required; not blank, no NUL, at most 4 MiB",
    "id": "1 to 200 characters, no control characters, no `@` at its beginning; never used as a path. Default: "
    "the job's number",
    "queue": "its queue. Default: `default`",
    "priority": f"-{MAX_PRIORITY} to {MAX_PRIORITY}: higher runs first, ties go to the job that has been due longer. "
    "Default: 0",
    "max_retries": f"0 to {MAX_RETRIES} retries after the first attempt. Default: the setting `max_retries`",
    "timeout": "seconds or a duration. Default: the setting `job_timeout` at the time of the attempt",
    "run_at": "an RFC 3339 time with an offset, before which it does not run",
    "delay": "seconds or a duration from now, in which it does not run; not together with `run_at`",
    "cwd": "an absolute path. Default: the directory in which it was enqueued",
    "env": "an object of strings: variables for the job; their values are never shown",
    "shell": "what runs the command: a name, which is searched in the job's `PATH`, or an absolute path. Default: the "
    "setting `shell` at the time of the attempt",
    "tags": "an array of words without white space",
    "needs": "an array of labels, or one: only workers that were started with all of them (`--label`) run it",
}
FILES = """
### Files of jobs

`enqueue --file` reads and checks the whole file before the first job is stored. An invalid line, an id that occurs
twice and an id that already exists are errors that name the line, and no job is stored. Blank lines are skipped; a line
may end with a newline or with carriage return and newline; the text is UTF-8. With `--lines` each line is a shell
command, byte for byte without its end. Options set keys that a line leaves out (for a single JSON job, an option for a
key that the job has is an error). Up to 100,000 jobs are one transaction; a longer file is stored in several, and the
ids are printed after each. Ctrl+C and SIGTERM end the command after such a transaction and its ids, with the number of
jobs that were enqueued. Output that cannot be written does not end it.

### Command or JSON

A JOB that begins with `{` is JSON, and so is any other valid JSON but `true` and `false`, which are commands; it must
be an object. A shell command that is also valid JSON is written as `{"command": …}`. A brace with white space behind
it, and then neither `"` nor `}`, begins a group of shell commands: `{ echo a; echo b; }`. A script from standard
input (`enqueue -`) is never JSON; the newlines at its end are left out.

## Environment

| variable | meaning |
|---|---|
| `QUEUECTL_DB` | the store |
| `QUEUECTL_…` | a setting, which overrides that of the store: `QUEUECTL_BUSY_TIMEOUT=5` |
| `QUEUECTL_DEBUG` | print the traceback of a bug in queuectl |
| `NO_COLOR` | no colour |

A job gets `QUEUECTL_JOB_ID` and `QUEUECTL_ATTEMPT` in its environment. [jobs.md](jobs.md) describes the rest of it.

## Settings

| setting | default | meaning |
|---|---|---|
"""


def reference() -> str:
    """Return the whole page."""
    pieces = [INTRODUCTION]
    pieces += [f"| `{key}` | {meaning} |\n" for key, meaning in KEYS.items()]
    pieces.append(FILES)
    pieces += [
        f"| `{each.key}` | {show(each.default)} | {each.help}; {each.describe()} |\n" for each in SETTINGS.values()
    ]
    pieces.append("\n## Commands\n")
    for heading, operations in by_heading(WHERE):
        pieces.append(f"\n### {heading.capitalize()}\n")
        for each in operations:
            pieces += _command(each)
    return "".join(pieces)


def _command(of: Operation) -> Iterator[str]:
    yield f"\n#### {of.name}\n\n{of.summary}.\n\n    {usage(of)}\n\n"
    if of.description:
        yield of.description + "\n\n"
    rows = [_row(each) for each in grammar(of.params).parameters]
    if rows:
        yield "| | |\n|---|---|\n" + "".join(rows) + "\n"
    yield "\n".join(f"    {example_line(each)}" for each in of.examples) + "\n"
    if of.see:
        yield f"\nSee also {', '.join(f'`{each}`' for each in of.see)}.\n"


def _row(of: Parameter) -> str:
    value = f" {of.word}" if of.takes_value else ""
    dashes = "-- " if of.field.rest else ""
    word = ", ".join(f"`{string}{value}`" for string in of.strings) or f"`{dashes}{of.word}`"
    several = "; several may follow" if of.many and of.field.positional and "repeated" not in of.field.help else ""
    return f"| {word} | {of.help}{several} |\n".replace("\\", "\\\\")


if __name__ == "__main__":
    print(reference(), end="")
