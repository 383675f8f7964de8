"""Enqueue the jobs of a file: all of them are read and checked before the first is stored."""

from __future__ import annotations

import gc
import os
import stat
from array import array

from queuectl.domain.errors import Refused, StoreError, UsageError
from queuectl.domain.job import NewJob
from queuectl.domain.spec import (
    MAX_COMMAND_BYTES,
    check_command,
    new_job,
    no_constant,
    pairs,
    parse_object,
)
from queuectl.domain.text import BYTE_ORDER_MARK
from queuectl.operations.bulk import Bulk
from queuectl.operations.enqueued import Enqueued
from queuectl.operations.here import gone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO, Any

    from queuectl.operations.context import Context

BATCH = 100_000
"""Jobs in one transaction; other processes get the write lock in between."""
_IDS_PER_QUERY = 10_000
_SUSPECT = frozenset("0123456789*@[{")
"""First characters of lines of crontabs and JSON documents, with which hardly any command begins."""
_PROGRESS_LINES = 4096
"""Lines between two updates of the progress."""


def enqueue_file(
    context: Context, file: str, defaults: dict[str, Any], *, lines: bool, snapshot: Callable[[], str | None]
) -> Iterator[Enqueued]:
    """Store the jobs of `file`, or of standard input for `-`, and yield those of each transaction.

    `snapshot` returns the content of their environment snapshot, once the store may be opened.

    An invalid line raises UsageError, and an id that exists already Refused, before any job is stored.
    """
    with Bulk(context, "enqueued") as bulk:
        # Millions of small objects, none of them in a cycle: searching for cycles takes longer than creating them.
        gc.disable()
        try:
            jobs, numbers = _read(context, file, defaults, lines=lines)
            _refuse_taken(context, jobs, numbers)
        finally:
            gc.enable()
        if not jobs:
            # An empty pipe is nearly always a failure of the command before it.
            context.say(f"no jobs in {'standard input' if file == '-' else file}")
        bulk.commits()
        for batch in _store(context, jobs, numbers, snapshot()):
            bulk.count(len(batch.ids))
            # The caller prints the ids of this batch before the next one is stored, or a signal is handled.
            yield batch
            bulk.check()


def _read(context: Context, file: str, defaults: dict[str, Any], *, lines: bool) -> tuple[list[NewJob], array[int]]:
    """Return the jobs and the line number of each.

    Raises:
        UsageError: a line is invalid; the message has its number.
        Refused: an id occurs twice.
    """
    make = _command_maker(defaults, file) if lines else _json_maker(defaults, file)
    jobs: list[NewJob] = []
    numbers = array("q")
    seen: dict[str, int] = {}
    for number, line in _lines(context, file, lines=lines):
        try:
            job = make(line)
            if job is None:
                continue
        except UsageError as error:
            raise UsageError(f"line {number}: {error.message}; nothing was enqueued", hint=error.hint) from None
        if job.id is not None and seen.setdefault(job.id, number) != number:
            raise Refused(
                f"line {number}: job {job.id} is on line {seen[job.id]} already; nothing was enqueued",
                hint="an id can occur only once in a file",
            )
        jobs.append(job)
        numbers.append(number)
    return jobs, numbers


def _lines(context: Context, file: str, *, lines: bool) -> Iterator[tuple[int, str]]:
    """Yield number and text of each line that is not blank. Raises UsageError.

    The text has no line end, of which a carriage return before the newline is a part, and no byte order mark at its
    beginning: after joining files, any line may begin with one.
    """
    read = 0
    try:
        # Standard input stays open: it was not opened here.
        with open(0 if file == "-" else file, "rb", closefd=file != "-") as opened:
            status = os.fstat(opened.fileno())
            size = status.st_size if stat.S_ISREG(status.st_mode) else 0
            for number, data in enumerate(_split(opened, lines=lines), 1):
                try:
                    line = data.decode()
                except UnicodeDecodeError:
                    raise UsageError(f"line {number}: not valid UTF-8; nothing was enqueued") from None
                line = line.removesuffix("\n").removesuffix("\r").lstrip(BYTE_ORDER_MARK)
                if line and not line.isspace():
                    yield number, line
                read += len(data)
                if number % _PROGRESS_LINES == 0 and size:
                    context.progress(read >> 20, size >> 20, "MiB read")
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None


def _split(opened: IO[bytes], *, lines: bool) -> Iterator[bytes]:
    """Yield the lines with their ends. In a file without any newline, carriage returns end the lines.

    But a single carriage return in the middle of shell commands ends no line: it is more likely part of one command.
    JSON cannot contain one.
    """
    first = opened.readline()
    ends = first.count(b"\r") if not first.endswith(b"\n") else 0
    if ends > 1 or (ends and (first.endswith(b"\r") or not lines)):
        yield from first.splitlines(keepends=True)
    else:
        yield first
        yield from opened


def _json_maker(defaults: dict[str, Any], file: str) -> Callable[[str], NewJob]:
    """Return a function that makes a job of a line of JSON.

    It calls the innermost part of the decoder, which takes most of the time of a line.
    """
    from json import JSONDecoder

    decoder: Any = JSONDecoder(object_pairs_hook=pairs, parse_constant=no_constant)
    scan = decoder.scan_once

    def make(line: str) -> NewJob:
        try:
            spec, end = scan(line, 0)
        except (StopIteration, ValueError, RecursionError):
            spec, end = None, 0
        if type(spec) is not dict or end != len(line):
            # White space around the object, or an error, which the full parser describes.
            spec = _parse_fully(line, file)
        job = new_job(spec, defaults)
        if job.cwd is None:
            raise gone()
        return job

    return make


def _parse_fully(line: str, file: str) -> dict[str, Any]:
    """Return the keys of the job on this line. Raises UsageError, with a hint for files of other formats."""
    try:
        return parse_object(line, instead="or add --lines, which reads each line as a shell command")
    except UsageError:
        # Loaded here: only an error needs it.
        from queuectl.operations import formats

        formats.refuse_json(line, file)
        formats.refuse_crontab(line)
        formats.refuse_comment(line)
        raise


def _command_maker(defaults: dict[str, Any], file: str) -> Callable[[str], NewJob | None]:
    """Return a function that makes a job of a shell command, and None of a comment."""
    longest = MAX_COMMAND_BYTES // 4
    if "cwd" not in defaults:
        raise gone()

    def make(line: str) -> NewJob | None:
        first = line[0] if line[0] not in " \t" else line.lstrip()[:1]
        if first == "#":
            return None
        if first in _SUSPECT:
            # Loaded here: few commands begin with these characters.
            from queuectl.operations import formats

            formats.refuse_crontab(line)
            formats.refuse_json_among_commands(line, file)
        # The text is valid Unicode and the line is not blank; other errors are rare.
        if "\0" in line or len(line) > longest:
            check_command(line)
        return NewJob(command=line, **defaults)

    return make


def _store(context: Context, jobs: list[NewJob], numbers: array[int], snapshot: str | None) -> Iterator[Enqueued]:
    """Store the jobs, a batch in each transaction."""
    from queuectl.store.jobs import AlreadyThere

    max_retries = context.settings.max_retries
    for start in range(0, len(jobs), BATCH):
        batch = jobs[start : start + BATCH]
        context.progress(start, len(jobs), "jobs")
        try:
            ids = context.store.jobs.enqueue(batch, max_retries=max_retries, now=context.now(), snapshot=snapshot)
        except AlreadyThere as error:
            line = numbers[start + error.position]
            raise Refused(f"line {line}: {error.message}; {_stored(start)}", hint=error.hint) from None
        except StoreError as error:
            if start:
                error.message += f"; {_stored(start)}"
            raise
        context.ring_for_jobs(batch)
        context.progress(start + len(batch), len(jobs), "jobs")
        yield Enqueued(ids, context)


def _refuse_taken(context: Context, jobs: list[NewJob], numbers: array[int]) -> None:
    """Raise Refused if an id exists already, except in the first batch, whose transaction checks that itself."""
    named = [(job.id, index) for index, job in enumerate(jobs[BATCH:], BATCH) if job.id is not None]
    for start in range(0, len(named), _IDS_PER_QUERY):
        indexes = dict(named[start : start + _IDS_PER_QUERY])
        taken = context.store.jobs.taken(list(indexes))
        if taken:
            index = min(indexes[id_] for id_ in taken)
            raise Refused(
                f"line {numbers[index]}: job {jobs[index].id} already exists; nothing was enqueued",
                hint="choose another id, or leave it out",
            )


def _stored(count: int) -> str:
    return f"the {count:,} jobs before it were enqueued" if count else "nothing was enqueued"
