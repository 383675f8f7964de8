"""Conversion of database rows to records."""

from __future__ import annotations

import json

from queuectl.domain.attempt import NOTHING, Attempt, Outcome, Output
from queuectl.domain.errors import StoreDamaged
from queuectl.domain.job import Job, JobState
from queuectl.domain.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, TypeVar

    Word = TypeVar("Word", JobState, Outcome)

_JOB_COLUMNS = 27


@record
class Listed:
    """A job and its latest attempt; None before the first."""

    job: Job
    latest: Attempt | None


@record
class Claim:
    """What a worker needs to know of a job that it claimed. Its writes name `seq`, `fence` and the worker."""

    seq: int
    id: str
    command: str
    queue: str
    attempts: int
    """Including this one."""
    max_retries: int
    losses: int
    timeout_ms: int | None
    run_at: int
    fence: int
    cwd: str | None
    env: tuple[tuple[str, str], ...]
    environment: int | None = None
    """Number of its environment snapshot."""
    shell: str | None = None
    scheduled_for: int | None = None
    """The planned time of the schedule that enqueued it."""


def listed(row: tuple[Any, ...]) -> Listed:
    """Convert a row of `jobs.*` and the columns of its latest run."""
    job = job_from(row[:_JOB_COLUMNS])
    worker, *rest = row[_JOB_COLUMNS:]
    return Listed(job=job, latest=None if worker is None else attempt_from((job.fence, worker, *rest)))


def job_from(row: tuple[Any, ...]) -> Job:
    """Convert a row of `jobs.*`, in the order of the table."""
    (
        seq, id_, command, queue, state, priority, attempts, max_retries, losses, timeout_ms, run_at, created_at,
        updated_at, finished_at, fence, owner, cancel_requested, cwd, env, tags, signature, needs, environment, shell,
        enqueued_by, schedule, scheduled_for,
    ) = row  # fmt: skip
    return Job(
        seq=seq,
        id=id_,
        command=command,
        queue=queue,
        state=_one_of(JobState, state),
        priority=priority,
        attempts=attempts,
        max_retries=max_retries,
        losses=losses,
        timeout_ms=timeout_ms,
        run_at=run_at,
        created_at=created_at,
        updated_at=updated_at,
        finished_at=finished_at,
        fence=fence,
        owner=owner,
        cancel_requested=cancel_requested,
        cwd=cwd,
        env=env_from(env),
        tags=tuple(tags.split()) if tags else (),
        signature=signature,
        needs=tuple(needs.split(" ")) if needs else (),
        environment=environment,
        shell=shell,
        enqueued_by=enqueued_by,
        schedule=schedule,
        scheduled_for=scheduled_for,
    )


def attempt_from(row: tuple[Any, ...]) -> Attempt:
    """Convert a row of `attempts_of`."""
    fence, worker, started_at, ended_at, duration_ms, outcome, exit_code, signal, error = row
    return Attempt(
        attempt=fence,
        worker=worker,
        started_at=started_at,
        ended_at=ended_at,
        duration_ms=duration_ms,
        outcome=None if outcome is None else _one_of(Outcome, outcome),
        exit_code=exit_code,
        signal=signal,
        error=error,
    )


def claim_from(row: tuple[Any, ...]) -> Claim:
    """Convert a row of `claim_job` or `processing_of`."""
    (
        seq, id_, command, queue, attempts, max_retries, losses, timeout_ms, run_at, fence, cwd, env, environment,
        shell, scheduled_for,
    ) = row  # fmt: skip
    return Claim(
        seq=seq,
        id=id_,
        command=command,
        queue=queue,
        attempts=attempts,
        max_retries=max_retries,
        losses=losses,
        timeout_ms=timeout_ms,
        run_at=run_at,
        fence=fence,
        cwd=cwd,
        env=env_from(env),
        environment=environment,
        shell=shell,
        scheduled_for=scheduled_for,
    )


def outputs_from(rows: Iterable[tuple[Any, ...]]) -> tuple[Output, Output]:
    """Return standard output and standard error, from the rows of `output_of`."""
    outputs = {stream: Output(head=head, tail=tail, total=total) for stream, head, tail, total in rows}
    return outputs.get(1, NOTHING), outputs.get(2, NOTHING)


def env_from(text: str | None) -> tuple[tuple[str, str], ...]:
    """Return the variables in a stored JSON object."""
    if not text:
        return ()
    try:
        variables = json.loads(text)
    except ValueError:
        raise _damaged("an environment that is not JSON") from None
    if not isinstance(variables, dict) or not all(isinstance(value, str) for value in variables.values()):
        raise _damaged("an environment that is not an object of strings")
    return tuple(variables.items())


def _one_of(kind: type[Word], text: str) -> Word:
    try:
        return kind(text)
    except ValueError:
        raise _damaged(f"{text!r} is not a {kind.__name__}") from None


def _damaged(what: str) -> StoreDamaged:
    """Return the error for data that queuectl never writes: other software changed the file or the tables."""
    return StoreDamaged(f"the store is damaged: {what}", hint="restore it from a backup")
