"""A failure report to paste into a ticket: command, outcome and last output of a job, without secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuectl import __version__
from queuectl.domain.terminal import shown
from queuectl.domain.text import safe
from queuectl.domain.units import format_duration, format_time
from queuectl.operations.job_record import describe, detail, text_of

if TYPE_CHECKING:
    from queuectl.operations.context import Context

_LINES = 50
_ATTEMPTS = 10


def report(context: Context, job_id: str) -> str:
    """Return the report in Markdown. Raises NotFound."""
    details = detail(context, job_id, history=True)
    job = details.record.job
    lines = [
        f"## queuectl job {safe(job.id)}: {job.state}",
        "",
        f"- command: `{safe(job.command[:2000])}`",
        f"- queue {safe(job.queue)}, priority {job.priority}, try {job.attempts} of {job.max_retries + 1}",
        f"- directory: {safe(job.cwd or '-')}",
        f"- variables: {safe(' '.join(f'{name}=***' for name, _ in job.env)) or '-'}",
        f"- enqueued {format_time(job.created_at)}",
        f"- queuectl {__version__}",
        "",
        "| attempt | started | worker | ended | took |",
        "|---|---|---|---|---|",
    ]
    for attempt in (details.history or ())[-_ATTEMPTS:]:
        took = "" if attempt.duration_ms is None else format_duration(attempt.duration_ms)
        lines.append(
            f"| {attempt.attempt} | {format_time(attempt.started_at)} | {safe(attempt.worker)} "
            f"| {describe(attempt)}{': ' + safe(attempt.error) if attempt.error else ''} | {took} |"
        )
    for name, output in (("stderr", details.stderr), ("stdout", details.stdout)):
        text = shown(text_of(output)).rstrip()
        if text:
            lines += ["", f"Last lines of {name}:", "", *(f"    {line}" for line in text.split("\n")[-_LINES:])]
    return "\n".join(lines) + "\n"
