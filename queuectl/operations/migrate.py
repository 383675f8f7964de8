"""Move the store to a server."""

from __future__ import annotations

import os

from queuectl.domain.errors import NotFound, Refused, UsageError
from queuectl.domain.job import JobState
from queuectl.domain.record import field, record
from queuectl.operations.operation import Operation
from queuectl.store.location import is_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from queuectl.operations.context import Context
    from queuectl.store.move import Contents


@record
class Migrate:
    """Where to."""

    to: str = field("a database on a server, which holds no queue yet: postgresql://USER@HOST/DATABASE", metavar="URL")


@record
class Moved:
    """What has come to the new store."""

    old: str
    new: str
    """Its URL without a password."""
    contents: Contents

    @property
    def jobs(self) -> dict[str, int]:
        """How many there are in each state."""
        found = dict.fromkeys(map(str, JobState), 0)
        for _, state, n in self.contents.jobs:
            found[state] += n
        return found

    def document(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "from": self.old,
            "to": self.new,
            "jobs": self.jobs,
            "rows": self.contents.rows,
            "output_bytes": self.contents.bytes[0],
        }


def migrate(context: Context, params: Migrate) -> Moved:
    """Copy the store into a new one on a server, whole or not at all."""
    if not is_url(params.to):
        # It is not told again: whatever it is, it may hold a password.
        raise UsageError("--to is not the URL of a PostgreSQL database", hint="--to postgresql://USER@HOST/DATABASE")
    if is_url(context.given):
        raise Refused(
            f"the store {context.location} is on a server already", hint="pg_dump and pg_restore move it to another"
        )
    if not os.path.exists(context.given) or context.store.absent:
        # An empty file is no store either.
        raise NotFound(f"there is no store {context.location}", hint="name it with --db or QUEUECTL_DB")
    # Loaded here: it needs the drivers of both stores.
    from queuectl.store.move import move

    new = context.elsewhere(params.to)
    watch = context.open_store(actor=context.actor)
    try:
        contents = move(
            context.store,
            watch,
            lambda: new.store,
            check=lambda: _refuse_living(context),
            progress=context.progress,
        )
    finally:
        new.close()
        watch.close()
    return Moved(old=context.location, new=new.location, contents=contents)


def _refuse_living(context: Context) -> None:
    """Raise Refused while anybody is there to run jobs of the old store."""
    from queuectl.runtime.liveness import living_pools, living_workers

    workers = len(living_workers(context.store, context.run_dir, now=context.now()))
    if workers or living_pools(context.store, context.run_dir):
        told = f"{workers} workers of this store run" if workers > 1 else "a worker of this store runs"
        raise Refused(f"{told}, so it cannot be moved", hint="stop them first: queuectl worker stop")


MIGRATE = Operation(
    name="migrate",
    summary="Move the store from its file to a PostgreSQL server",
    params=Migrate,
    run=migrate,
    description=(
        "All that the store holds is copied: jobs, their attempts and output, settings, statistics, errors, saved "
        "views, the history and what can be undone. It is counted on both sides, and is there whole or not at all; "
        "the old store stays as it was. Stop the workers and whatever enqueues before: if anybody writes to the old "
        "store meanwhile, nothing is moved. Then set QUEUECTL_DB to the new store, start workers there, and put the "
        "old file away, or its jobs may run a second time. Leave a password out of the URL, where others can see it: "
        "~/.pgpass keeps it."
    ),
    examples=("migrate --to postgresql://queue@db.example.org/jobs", "--db old.db migrate --to postgresql:///jobs"),
)
