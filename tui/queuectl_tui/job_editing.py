"""The forms of the console that make a new job and change an old one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from queuectl.domain.errors import NotFound
from queuectl.domain.text import one_line
from queuectl.operations import find

if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl.domain.job import Job
    from queuectl.operations.context import Context
    from queuectl_tui.console import Console
    from queuectl_tui.writer import ActionDone


async def new_job(console: Console, initial: dict[str, Any], problems: dict[str, str]) -> None:
    """Ask for a job and enqueue it; a refused one returns to the form, with the reason."""
    from queuectl_tui.screens.form import JobForm
    from queuectl_tui.screens.job_fields import enqueue_params, field_of

    job = await console.push_screen_wait(JobForm(initial, problems))
    if job is None:
        return

    def then(done: ActionDone) -> None:
        if done.error is not None:
            console.pages.new_job(job, {field_of(done.error, job): done.error.message})

    console.act(find("enqueue"), enqueue_params(job), about=f"enqueued {one_line(job['command'], 40)}", then=then)


async def edit_job(console: Console, job_id: str, then: Callable[[ActionDone], None] | None) -> None:
    """Edit a job and put it back in the queue; `then` receives the result."""
    if not console.may_write():
        return
    from queuectl_tui.screens.form import JobForm
    from queuectl_tui.screens.job_fields import edit_params, fields_of, kept

    def read(context: Context) -> tuple[Job, tuple[str, ...]] | NotFound:
        try:
            job = context.store.jobs.get(job_id).job
            return job, context.store.environments.names(job.environment)
        except NotFound as gone:
            return gone

    found = await console.fetch(read, "edit")
    if isinstance(found, NotFound):
        console.refuse(found.message)
        return
    job, captured = found
    before = fields_of(job)
    after = await console.push_screen_wait(JobForm(before, editing=job_id, kept=kept(job, captured)))
    if after is not None:
        about = f"changed {one_line(job_id, 40)}"
        console.act(find("edit"), edit_params(job_id, before, after), about=about, then=then)
