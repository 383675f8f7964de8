"""Many jobs from a file: all of them are read and checked before the first is stored."""

from __future__ import annotations

import gc
import os
import stat
from array import array

from queuectl.domain.errors import Refused, StoreError, UsageError
from queuectl.domain.job import NewJob
from queuectl.domain.spec import (
    BYTE_ORDER_MARK,
    MAX_COMMAND_BYTES,
    check_command,
    new_job,
    no_constant,
    pairs,
    parse_object,
)
from queuectl.operations.bulk import Bulk
from queuectl.operations.enqueued import Enqueued
from queuectl.operations.here import gone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO, Any

    from queuectl.operations.context import Context

BATCH = 100_000
"""Jobs in one transaction: others get the write lock in between."""
_LOOKED_UP = 10_000
_SUSPECT = frozenset("0123456789*@[{")
"""What the lines of crontabs and of JSON documents begin with, and hardly any command."""
_PROGRESS = 4096


def enqueue_file(context: Context, file: str, defaults: dict[str, Any], *, lines: bool) -> Iterator[Enqueued]:
    """Store the jobs of `file`, of which `-` is standard input. Raises before anything is stored if a line is wrong."""
    with Bulk(context, "enqueued") as bulk:
        # Millions of small objects, none of them in a cycle: looking for cycles takes longer than making them.
        gc.disable()
        try:
            jobs, numbers = _read(context, file, defaults, lines=lines)
            _refuse_taken(context, jobs, numbers)
        finally:
            gc.enable()
        if not jobs:
            # An empty pipe is nearly always a mistake of the command before it.
            context.say(f"no jobs in {'standard input' if file == '-' else file}")
        bulk.commits()
        for some in _store(context, jobs, numbers):
            bulk.count(len(some.ids))
            # The caller prints the ids of this batch before the next one is stored, or a signal obeyed.
            yield some
            bulk.check()


def _read(context: Context, file: str, defaults: dict[str, Any], *, lines: bool) -> tuple[list[NewJob], array[int]]:
    """The jobs, and the number of the line that each stands on. Raises UsageError and Refused, naming a line."""
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
                hint="each id can be there once",
            )
        jobs.append(job)
        numbers.append(number)
    return jobs, numbers


def _lines(context: Context, file: str, *, lines: bool) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, without their ends, and their numbers. Raises UsageError.

    A carriage return before a newline is half of a line's end, and no part of a command; nor is a byte order mark at
    the beginning of any line, where joining files leaves them.
    """
    read = 0
    try:
        # Standard input stays open: it is not ours.
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
                if number % _PROGRESS == 0 and size:
                    context.progress(read >> 20, size >> 20, "MiB read")
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None


def _split(opened: IO[bytes], *, lines: bool) -> Iterator[bytes]:
    """The lines with their ends. In a file without any newline carriage returns end them.

    A single one in the middle of shell commands ends none: it is more likely a part of one command, while JSON cannot
    hold one.
    """
    first = opened.readline()
    ends = first.count(b"\r") if not first.endswith(b"\n") else 0
    if ends > 1 or (ends and (first.endswith(b"\r") or not lines)):
        yield from first.splitlines(keepends=True)
    else:
        yield first
        yield from opened


def _json_maker(defaults: dict[str, Any], file: str) -> Callable[[str], NewJob]:
    """From a line of JSON to a job: the decoder's innermost part, which is what a line costs."""
    from json import JSONDecoder

    decoder: Any = JSONDecoder(object_pairs_hook=pairs, parse_constant=no_constant)
    scan = decoder.scan_once

    def make(line: str) -> NewJob:
        try:
            given, end = scan(line, 0)
        except (StopIteration, ValueError, RecursionError):
            given, end = None, 0
        if type(given) is not dict or end != len(line):
            # White space around it, or something wrong with it: told in full by the slow way.
            given = _slowly(line, file)
        job = new_job(given, defaults)
        if job.cwd is None:
            raise gone()
        return job

    return make


def _slowly(line: str, file: str) -> dict[str, Any]:
    """The keys of the job on this line. Raises UsageError, which knows other formats by their lines."""
    try:
        return parse_object(line, instead="or add --lines, which takes each line as a shell command")
    except UsageError:
        # Loaded here: only a mistake pays for it.
        from queuectl.operations import formats

        formats.refuse_json(line, file)
        formats.refuse_crontab(line)
        formats.refuse_comment(line)
        raise


def _command_maker(defaults: dict[str, Any], file: str) -> Callable[[str], NewJob | None]:
    """From a line of shell to a job; None for a comment."""
    longest = MAX_COMMAND_BYTES // 4
    if "cwd" not in defaults:
        raise gone()

    def make(line: str) -> NewJob | None:
        first = line[0] if line[0] not in " \t" else line.lstrip()[:1]
        if first == "#":
            return None
        if first in _SUSPECT:
            # Loaded here: few commands begin like this.
            from queuectl.operations import formats

            formats.refuse_crontab(line)
            formats.refuse_json_among_commands(line, file)
        # The text is valid Unicode and the line not blank; what is left to check is rare.
        if "\0" in line or len(line) > longest:
            check_command(line)
        return NewJob(command=line, **defaults)

    return make


def _store(context: Context, jobs: list[NewJob], numbers: array[int]) -> Iterator[Enqueued]:
    """Store them, a batch at a time."""
    from queuectl.store.jobs import AlreadyThere

    max_retries = context.settings.max_retries
    for start in range(0, len(jobs), BATCH):
        some = jobs[start : start + BATCH]
        context.progress(start, len(jobs), "jobs")
        try:
            ids = context.store.jobs.enqueue(some, max_retries=max_retries, now=context.now())
        except AlreadyThere as error:
            line = numbers[start + error.position]
            raise Refused(f"line {line}: {error.message}; {_stored(start)}", hint=error.hint) from None
        except StoreError as error:
            if start:
                error.message += f"; {_stored(start)}"
            raise
        context.ring_for_jobs(some)
        context.progress(start + len(some), len(jobs), "jobs")
        yield Enqueued(ids, context)


def _refuse_taken(context: Context, jobs: list[NewJob], numbers: array[int]) -> None:
    """Refuse ids that are there already. The first batch finds out by itself, before anything is stored."""
    named = [(job.id, place) for place, job in enumerate(jobs[BATCH:], BATCH) if job.id is not None]
    for start in range(0, len(named), _LOOKED_UP):
        some = dict(named[start : start + _LOOKED_UP])
        taken = context.store.jobs.taken(list(some))
        if taken:
            place = min(some[id_] for id_ in taken)
            raise Refused(
                f"line {numbers[place]}: job {jobs[place].id} is there already; nothing was enqueued",
                hint="choose another id, or leave it out",
            )


def _stored(count: int) -> str:
    return f"the {count:,} jobs before were enqueued" if count else "nothing was enqueued"
