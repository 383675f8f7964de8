"""One job with its attempts and the reasons why it does or does not run, read at one moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuectl.domain.errors import NotFound, QueuectlError
from queuectl.domain.record import record
from queuectl.operations.explain import Explain, explain

if TYPE_CHECKING:
    from queuectl.domain.attempt import Attempt
    from queuectl.domain.job import Job
    from queuectl.operations.context import Context


@record
class JobPage:
    """One job, read at one moment."""

    job: Job
    attempts: tuple[Attempt, ...]
    timeout_ms: int | None
    """The job's timeout in milliseconds, else the configured one; None for no limit."""
    captured: tuple[str, ...] = ()
    """Names of the variables in the job's environment snapshot."""
    why: tuple[str, ...] = ()
    """Why it is or is not running, the most important reason first."""
    changed: int = 0
    """The store's change counter before it was read."""


def read_job(context: Context, job_id: str, *, changed: int = 0) -> JobPage:
    """Read a job; `changed` is the store's change counter before that. Raises NotFound."""
    job = context.store.jobs.get(job_id).job
    reasons = explain(context, Explain(id=job_id)).reasons
    return JobPage(
        job=job,
        attempts=tuple(context.store.jobs.attempts(job.seq)),
        timeout_ms=context.settings.timeout_ms(job.timeout_ms),
        captured=context.store.environments.names(job.environment),
        why=tuple(each.text[:1].upper() + each.text[1:] for each in reasons),
        changed=changed,
    )


def read_page(context: Context, job_id: str, seen: int | None) -> JobPage | str | None:
    """Read a job; None if nothing has changed since `seen`, and an error message if it cannot be read."""
    try:
        changed = context.store.changed()
        return None if changed == seen else read_job(context, job_id, changed=changed)
    except NotFound:
        return "this job has been deleted"
    except QueuectlError as error:
        return error.message
