"""Dead letters for their view: read in the reader's thread, in a bounded number of rows."""

from __future__ import annotations

import json
import os
from itertools import islice
from typing import TYPE_CHECKING

from queuectl.domain.job import JobState
from queuectl.domain.record import record
from queuectl.domain.terminal import shown
from queuectl.operations.job_record import describe, text_of
from queuectl.store.dlq import UNKNOWN, UNKNOWN_TEXT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from queuectl.operations.context import Context
    from queuectl.operations.job_record import JobWithHistory
    from queuectl.store.rows import Listed

MOST = 500
"""Maximum number of jobs shown for one group, and in the flat list; the newest."""
MOST_GROUPS = 300
SLOTS, SLOT_MS = 12, 300_000
"""One hour in slots of five minutes."""


@record
class DeadJob:
    """A dead job, shown in one line."""

    id: str
    seq: int
    command: str
    queue: str
    attempts: int
    allowed: int
    died_at: int
    worker: str
    how: str


@record
class DeadGroup:
    """Dead jobs with the same error."""

    signature: str
    text: str
    n: int
    queues: tuple[str, ...]
    first_at: int
    last_at: int
    recent: tuple[int, ...]
    """Deaths in each slot of the last hour."""
    jobs: tuple[DeadJob, ...] | None
    """The newest first; None while the group is closed."""


@record
class DeadPicture:
    """The content of the Dead letters view."""

    total: int
    groups: tuple[DeadGroup, ...]
    """The most frequent first."""
    jobs: tuple[DeadJob, ...] | None
    """All dead jobs, the newest first; None while they are grouped."""


@record
class LastOutput:
    """The end of a job's standard error, or else of its standard output."""

    job: str
    how: str
    text: str


def load(context: Context, opened: frozenset[str], *, flat: bool) -> DeadPicture:
    """Read the groups, with the jobs of the expanded ones, or all jobs (`flat`)."""
    store = context.store
    total = sum(n for _, state, n in store.counts() if state == JobState.DEAD)
    if flat:
        listing = list(store.jobs.listing(limit=MOST, states=[JobState.DEAD]))
        return DeadPicture(total=total, groups=(), jobs=tuple(_job(each) for each in reversed(listing)))
    first = context.now() // SLOT_MS * SLOT_MS - (SLOTS - 1) * SLOT_MS
    deaths = store.stats.deaths(first=first, step=SLOT_MS, slots=SLOTS)
    groups = []
    for error in islice(reversed(store.dlq.errors()), MOST_GROUPS):
        signature = None if error.signature == UNKNOWN else error.signature
        jobs = None
        if error.signature in opened:
            jobs = tuple(_job(each) for each in reversed(list(store.dlq.listing(signature, limit=MOST))))
        groups.append(
            DeadGroup(
                signature=error.signature,
                text=error.text or UNKNOWN_TEXT,
                n=error.n,
                queues=error.queues,
                first_at=error.first_at,
                last_at=error.last_at,
                recent=deaths.get(signature, (0,) * SLOTS),
                jobs=jobs,
            )
        )
    return DeadPicture(total=total, groups=tuple(groups), jobs=None)


def last_output(context: Context, id_: str | None, signature: str | None) -> LastOutput | None:
    """Return the last output of a job, or of the newest job of a group; None if the job has been deleted."""
    from queuectl.domain.errors import NotFound

    try:
        if id_ is not None:
            listed = context.store.jobs.get(id_)
        else:
            of = None if signature == UNKNOWN else signature
            (listed,) = context.store.dlq.listing(of, limit=1)
    except (NotFound, ValueError):
        return None
    if listed.latest is None:
        return None
    out, err = context.store.jobs.output(listed.job.seq, listed.latest.attempt)
    output = shown(text_of(err)).strip() or shown(text_of(out)).strip()
    if listed.latest.error:
        output = f"{output}\n{listed.latest.error}" if output else listed.latest.error
    return LastOutput(job=listed.job.id, how=describe(listed.latest), text=output)


def export(context: Context, path: str, ids: Iterable[str] | None, signatures: Sequence[str]) -> int:
    """Write dead jobs to a new JSON Lines file that only its owner can read, and return how many.

    `ids` are the jobs to write; None: those of the groups `signatures`, or all. Raises OSError.
    """
    count = 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        for document in _documents(context, ids, signatures):
            file.write(json.dumps(document, ensure_ascii=False) + "\n")
            count += 1
    return count


def _documents(context: Context, ids: Iterable[str] | None, signatures: Sequence[str]) -> Iterator[JobWithHistory]:
    from queuectl.domain.errors import NotFound
    from queuectl.operations.job_record import detail

    if ids is None and signatures:
        wanted = [None if each == UNKNOWN else each for each in signatures]
        ids = (listed.job.id for each in wanted for listed in context.store.dlq.listing(each, limit=0))
    elif ids is None:
        ids = (listed.job.id for listed in context.store.jobs.listing(limit=0, states=[JobState.DEAD]))
    for id_ in ids:
        try:
            yield detail(context, id_, history=True).document()
        except NotFound:
            continue  # deleted since


def _job(listed: Listed) -> DeadJob:
    job, latest = listed.job, listed.latest
    return DeadJob(
        id=job.id,
        seq=job.seq,
        command=job.command,
        queue=job.queue,
        attempts=job.attempts,
        allowed=job.max_retries + 1,
        died_at=job.finished_at or job.updated_at,
        worker="" if latest is None else latest.worker,
        how="?" if latest is None else describe(latest),
    )
