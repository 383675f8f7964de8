"""Copy the store from its file to a PostgreSQL server."""

from __future__ import annotations

import os

from queuectl.domain.errors import NotFound, Refused, UsageError
from queuectl.domain.job import JobState
from queuectl.domain.record import field, record
from queuectl.operations.operation import Heading, Operation
from queuectl.store.location import is_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypedDict

    from queuectl.domain.json_types import Bytes
    from queuectl.operations.context import Context
    from queuectl.store.move import Contents

    class MovedDocument(TypedDict):
        """A store that was copied to a server.

        See `Moved`.
        """

        old: str
        new: str
        jobs: dict[str, int]
        """Number of jobs by state; every state is present."""
        rows: dict[str, int]
        output_bytes: Bytes
        """Output of jobs that was copied."""


@record
class Migrate:
    """Parameters of `migrate`."""

    to: str = field(
        "the database on the server, which must not hold a queue yet: postgresql://USER@HOST/DATABASE", metavar="URL"
    )


@record
class Moved:
    """The locations of both stores, and the counted contents of the new one."""

    old: str
    """The old store, a file."""
    new: str
    """The URL of the new store, without a password."""
    contents: Contents

    @property
    def jobs(self) -> dict[str, int]:
        """Number of jobs in each state."""
        counts = dict.fromkeys(map(str, JobState), 0)
        for _, state, n in self.contents.jobs:
            counts[state] += n
        return counts

    def document(self) -> MovedDocument:
        """Return the JSON form."""
        return {
            "old": self.old,
            "new": self.new,
            "jobs": self.jobs,
            "rows": self.contents.rows,
            "output_bytes": self.contents.bytes[0],
        }


def migrate(context: Context, params: Migrate) -> Moved:
    """Copy the whole store to a server, or nothing.

    Raises:
        UsageError: the target is no URL of a database.
        Refused: the store is on a server already, or its workers run.
        NotFound: there is no store to copy.
    """
    if not is_url(params.to):
        # The message does not repeat it: it may hold a password.
        raise UsageError("--to is not the URL of a PostgreSQL database", hint="--to postgresql://USER@HOST/DATABASE")
    if is_url(context.given):
        raise Refused(
            f"the store {context.location} is on a server already",
            hint="pg_dump and pg_restore move it to another server",
        )
    if not os.path.exists(context.given) or context.store.absent:
        # An empty file is no store either.
        raise NotFound(f"there is no store {context.location}", hint="name the store with --db or QUEUECTL_DB")
    # Loaded here: it needs the drivers of both stores.
    from queuectl.store.move import move

    new = context.elsewhere(params.to)
    watch = context.open_store(actor=context.actor)
    try:
        contents = move(
            context.store,
            watch,
            lambda: new.store,
            check=lambda: _refuse_running_workers(context),
            progress=context.progress,
        )
    finally:
        new.close()
        watch.close()
    return Moved(old=context.location, new=new.location, contents=contents)


def _refuse_running_workers(context: Context) -> None:
    """Raise Refused while a worker or a pool of the old store runs."""
    from queuectl.runtime.liveness import living_pools, living_workers

    workers = len(living_workers(context.store, context.run_dir, now=context.now()))
    if workers or living_pools(context.store, context.run_dir):
        running = f"{workers} workers of this store are" if workers > 1 else "a worker of this store is"
        raise Refused(f"{running} running, so it cannot be moved", hint="stop the workers first: queuectl worker stop")


MIGRATE = Operation(
    name="migrate",
    heading=Heading.CARE,
    see=("backup", "doctor"),
    blocking=True,
    secret_urls=True,
    summary="Move the store from its file to a PostgreSQL server",
    params=Migrate,
    run=migrate,
    description=(
        "Everything is copied: jobs, their attempts and output, settings, statistics, errors, saved views, the history "
        "and the undos. The rows are counted on both sides; either all of them are copied or none, and the old store "
        "is not changed. First stop the workers and every program that enqueues: if the old store is written to "
        "meanwhile, nothing is copied. Then set QUEUECTL_DB to the new store, start workers there, and move the old "
        "file away, or its jobs may run a second time. Put the password into ~/.pgpass, not into the URL, where other "
        "users can see it."
    ),
    examples=("migrate --to postgresql://queue@db.example.org/jobs", "--db old.db migrate --to postgresql:///jobs"),
)
