"""Ledger outside the store: each run of a job appends its own lines, as evidence that is independent of the store.

A line is `WORD ID ATTEMPT`, appended in one write (O_APPEND), so that the order of the lines is the order of events
and no clock is read. WORD is `start`, `alive` (any number of times) or `end`.
"""

from __future__ import annotations

import shlex

from queuectl.domain.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable

WORDS = frozenset({"start", "alive", "end"})


@record
class Entry:
    """A line of the ledger."""

    word: str
    job: str
    attempt: int
    """The number of the run: the job's QUEUECTL_ATTEMPT."""


SHOWN = 100
"""Most violations that a verdict lists one by one."""


@record
class Violation:
    """A broken promise of the queue that a self-test found."""

    job: str
    sentence: str


def note(path: str, word: str) -> str:
    """Return the shell command with which a job appends one line. Its id must have no space in it."""
    return f'printf "%s %s %s\\n" {word} "$QUEUECTL_JOB_ID" "$QUEUECTL_ATTEMPT" >> {shlex.quote(path)}'


def witnessed(path: str, command: str) -> str:
    """Return the shell command that runs `command` between a `start` and an `end`, and exits with its status."""
    return f"{note(path, 'start')}; {command}; status=$?; {note(path, 'end')}; exit $status"


def read(path: str) -> list[Entry]:
    """Read all lines of the ledger; none if the file is missing."""
    try:
        with open(path, encoding="utf-8", errors="backslashreplace") as file:
            lines = [line.split(" ") for line in file.read().splitlines()]
    except FileNotFoundError:
        return []
    return [_entry(line) for line in lines]


def _entry(fields: list[str]) -> Entry:
    """Parse a line. A malformed one becomes a `torn` entry, which is a violation."""
    if len(fields) == 3 and fields[0] in WORDS and fields[2].isdecimal():
        return Entry(word=fields[0], job=fields[1], attempt=int(fields[2]))
    return Entry(word="torn", job=" ".join(fields), attempt=0)


def crowded(entries: Iterable[Entry], jobs: Container[str], limit: int) -> list[Violation]:
    """Find runs of `jobs` that began while `limit` others of them ran.

    Only runs that have written their end count: of others it is not known how long they lived.
    """
    entries = list(entries)
    whole = {(each.job, each.attempt) for each in entries if each.word == "end" and each.job in jobs}
    running: set[tuple[str, int]] = set()
    found = []
    for entry in entries:
        run = entry.job, entry.attempt
        if run not in whole:
            continue
        if entry.word == "end":
            running.discard(run)
        elif entry.word == "start":
            running.add(run)
            if len(running) > limit:
                others = len(running) - 1
                sentence = f"attempt {entry.attempt} began while {others} jobs of its queue ran, whose limit is {limit}"
                found.append(Violation(job=entry.job, sentence=sentence))
    return found


def judge(entries: Iterable[Entry]) -> list[Violation]:
    """Find violations that need no store: a run that began twice, and two runs of a job at the same time.

    Runs of a job are numbered upwards. A line of a run after the first line of a later one shows that the earlier was
    still alive; a second `start` of the same number, that two workers ran the same attempt. Each is listed once.
    """
    latest: dict[str, int] = {}
    started: set[tuple[str, int]] = set()
    ended: set[tuple[str, int]] = set()
    found = []
    for entry in entries:
        run = entry.job, entry.attempt
        if entry.word not in WORDS:
            found.append(Violation(job=entry.job[:80], sentence="a line of the ledger is incomplete"))
            continue
        if entry.word == "start" and run in started:
            found.append(Violation(job=entry.job, sentence=f"attempt {entry.attempt} began twice"))
        if entry.word == "end" and run in ended:
            found.append(Violation(job=entry.job, sentence=f"attempt {entry.attempt} ended twice"))
        if entry.attempt < latest.get(entry.job, 0):
            found.append(
                Violation(
                    job=entry.job,
                    sentence=f"attempt {entry.attempt} was alive after attempt {latest[entry.job]} had begun",
                )
            )
        if entry.word == "start":
            started.add(run)
        if entry.word == "end":
            ended.add(run)
        latest[entry.job] = max(latest.get(entry.job, 0), entry.attempt)
    return list(dict.fromkeys(found))
