"""Target of an action on dead letters: one job, marked jobs, groups or all jobs, with its description."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuectl.domain.phrases import plural
from queuectl.domain.record import record
from queuectl.domain.text import one_line

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from typing import Any

    from queuectl_tui.dead_letters import DeadGroup, DeadJob, DeadPicture

_NAMED = 5
_ERROR = 68


@record
class DeadTarget:
    """The jobs that an action applies to."""

    n: int
    ids: tuple[str, ...] | None
    """None: groups, or all jobs."""
    signatures: tuple[str, ...]
    """The errors of the groups; empty where jobs are named or all are targeted."""
    label: str
    names: tuple[str, ...]
    errors: tuple[str, ...] = ()
    """The error texts of the groups."""

    @property
    def wider(self) -> dict[str, Any]:
        """The params for groups or for all jobs."""
        return {"error": self.signatures} if self.signatures else {"all": True}


def aim(picture: DeadPicture, marks: Collection[str], cursor: str | None) -> DeadTarget | None:
    """Return the marked rows, else the one under the cursor; keys are `e:` and a signature, or `j:` and a job id."""
    if marks:
        return _marked(picture, marks)
    group = next((each for each in picture.groups if f"e:{each.signature}" == cursor), None)
    if group is not None:
        return _groups((group,))
    job = jobs_of(picture).get(cursor or "")
    return None if job is None else _named((job,))


def jobs_of(picture: DeadPicture) -> dict[str, DeadJob]:
    """Return the jobs shown, by the keys of their rows."""
    jobs = list(picture.jobs or ())
    for group in picture.groups:
        jobs += group.jobs or ()
    return {f"j:{job.id}": job for job in jobs}


def _marked(picture: DeadPicture, marks: Collection[str]) -> DeadTarget | None:
    groups = tuple(group for group in picture.groups if f"e:{group.signature}" in marks)
    taken = {f"j:{job.id}" for group in groups for job in group.jobs or ()}
    jobs = tuple(job for key, job in jobs_of(picture).items() if key in marks and key not in taken)
    if picture.jobs is not None and len(jobs) == len(picture.jobs) > 1:
        # All rows of the flat list are marked: target all dead jobs.
        return _all(picture, names=jobs)
    if groups and sum(group.n for group in groups) == picture.total and picture.total > 1:
        return _all(picture, groups=groups)
    if jobs and groups:
        # An operation takes ids or errors: with a marked job of another group, no single operation fits.
        return None
    return _groups(groups) if groups else _named(jobs) if jobs else None


def _all(picture: DeadPicture, *, names: tuple[DeadJob, ...] = (), groups: tuple[DeadGroup, ...] = ()) -> DeadTarget:
    return DeadTarget(
        n=picture.total, ids=None, signatures=(), label=f"all {dead_jobs(picture.total)}", names=_names(names),
        errors=_errors(groups),
    )  # fmt: skip


def _groups(groups: tuple[DeadGroup, ...]) -> DeadTarget:
    n = sum(group.n for group in groups)
    what = groups[0].signature if len(groups) == 1 else f"{len(groups)} errors"
    return DeadTarget(
        n=n, ids=None, signatures=tuple(group.signature for group in groups), label=f"{dead_jobs(n)} of {what}",
        names=_names(groups[0].jobs or ()) if len(groups) == 1 else (), errors=_errors(groups),
    )  # fmt: skip


def _named(jobs: tuple[DeadJob, ...]) -> DeadTarget:
    label = (
        dead_jobs(len(jobs))
        if len(jobs) > _NAMED
        else f"{plural(len(jobs), 'job')} {', '.join(one_line(job.id, 20) for job in jobs)}"
    )
    return DeadTarget(n=len(jobs), ids=tuple(job.id for job in jobs), signatures=(), label=label, names=_names(jobs))


def dead_jobs(n: int) -> str:
    """Return `1 dead job`, `1,204 dead jobs`."""
    return f"{n:,} dead {plural(n, 'job')}"


def _names(jobs: Sequence[DeadJob]) -> tuple[str, ...]:
    return tuple(f"{one_line(job.id, 20)}  {one_line(job.command, 40)}" for job in jobs[:_NAMED])


def _errors(groups: Sequence[DeadGroup]) -> tuple[str, ...]:
    shown = tuple(
        one_line(f"{group.n:,} × {group.text}" if len(groups) > 1 else group.text, _ERROR) for group in groups[:_NAMED]
    )
    left = len(groups) - len(shown)
    return (*shown, f"and {left} more errors") if left else shown
