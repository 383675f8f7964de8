"""Dead letters as their view shows them: read in the reader's thread, in a bounded number of rows."""

from __future__ import annotations

import json
import os
from itertools import islice

from queuectl.domain.job import JobState
from queuectl.domain.record import record
from queuectl.domain.terminal import shown
from queuectl.operations.job_record import describe, text_of
from queuectl.store.dlq import UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from queuectl.operations.context import Context
    from queuectl.store.rows import Listed

MOST = 500
"""Jobs of one group, and of the flat list, that are shown; the newest."""
MOST_GROUPS = 300
SLOTS, SLOT_MS = 12, 300_000
"""An hour by five minutes."""
_UNKNOWN_TEXT = "died before error signatures were recorded"


@record
class DeadJob:
    """A dead job in one line."""

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
    """What there is to see."""

    total: int
    groups: tuple[DeadGroup, ...]
    """The commonest first."""
    jobs: tuple[DeadJob, ...] | None
    """All of them, the newest first; None while they are shown by group."""


@record
class LastWords:
    """The end of what a job wrote to standard error, or else to standard output."""

    job: str
    how: str
    text: str


def load(context: Context, opened: frozenset[str], *, flat: bool) -> DeadPicture:
    """Read what is shown: the groups with the jobs of those that are open, or all jobs."""
    store = context.store
    total = sum(n for _, state, n in store.counts() if state == JobState.DEAD)
    if flat:
        found = list(store.jobs.listing(limit=MOST, states=[JobState.DEAD]))
        return DeadPicture(total=total, groups=(), jobs=tuple(_job(each) for each in reversed(found)))
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
                text=error.text or _UNKNOWN_TEXT,
                n=error.n,
                queues=error.queues,
                first_at=error.first_at,
                last_at=error.last_at,
                recent=deaths.get(signature, (0,) * SLOTS),
                jobs=jobs,
            )
        )
    return DeadPicture(total=total, groups=tuple(groups), jobs=None)


def last_words(context: Context, id_: str | None, signature: str | None) -> LastWords | None:
    """What a job, or the newest of a group, said at last. None when it is gone."""
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
    said = shown(text_of(err)).strip() or shown(text_of(out)).strip()
    if listed.latest.error:
        said = f"{said}\n{listed.latest.error}" if said else listed.latest.error
    return LastWords(job=listed.job.id, how=describe(listed.latest), text=said)


def export(context: Context, path: str, ids: Iterable[str] | None, signatures: Sequence[str]) -> int:
    """Write dead jobs to a new file of JSON Lines that only its owner can read; how many. Raises OSError.

    `ids` are those meant; None: those of some groups, or all.
    """
    count = 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        for document in _documents(context, ids, signatures):
            file.write(json.dumps(document, ensure_ascii=False) + "\n")
            count += 1
    return count


def _documents(context: Context, ids: Iterable[str] | None, signatures: Sequence[str]) -> Iterator[dict[str, object]]:
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
