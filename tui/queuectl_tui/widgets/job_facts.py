"""Facts about one job as text: title, settings, why it runs or does not, and the outcome of each attempt."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.text import Text

from queuectl.domain.attempt import MAX_LOSSES, Outcome
from queuectl.domain.job import JobState
from queuectl.domain.text import one_line, safe, safe_block
from queuectl.domain.units import format_age, format_duration
from queuectl.operations.job_record import describe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from queuectl.domain.attempt import Attempt
    from queuectl.domain.job import Job
    from queuectl_tui.job_page import JobPage
    from queuectl_tui.theme import Paint

LONGEST = 4_000
"""Maximum number of characters of a command that are shown: the store accepts megabytes."""
ATTEMPTS = 100
_BAR = 12
_LABEL = 9
_MASK = "***"
_OUTCOMES = {
    Outcome.SUCCESS: "completed",
    Outcome.CANCELLED: "cancelled",
    Outcome.RELEASED: "cancelled",
    Outcome.LOST: "failed",
}


def state_of(job: Job, now: int) -> str:
    """Return the state as shown: a pending job that is not due yet is scheduled."""
    return "scheduled" if job.state is JobState.PENDING and job.run_at > now else job.state.value


def title(page: JobPage, paint: Paint, now: int, width: int) -> Text:
    """Return one line: id, state, progress."""
    job = page.job
    glyph, word, style = paint.state(state_of(job, now))
    text = Text(" ")
    text.append(one_line(job.id, max(width // 3, 12)), paint("title"))
    text.append("  ")
    text.append(f"{glyph} {word}", style)
    tries = f"try {job.attempts} of {job.max_retries + 1}" if job.attempts else "not tried yet"
    text.append(f"  {tries}", paint("text"))
    tail = _when(page, now)
    if tail:
        text.append(f"  {tail}", paint("dim"))
    text.truncate(width, overflow="ellipsis", pad=True)
    return text


def command(page: JobPage, paint: Paint) -> Text:
    """Return the command, cut after `LONGEST` characters."""
    text = Text()
    shown = safe_block(page.job.command[:LONGEST]).expandtabs(4)
    text.append(shown, paint("title"))
    if len(page.job.command) > LONGEST:
        text.append(f" … {len(page.job.command) - LONGEST:,} more characters", paint("dim"))
    return text


def settings(page: JobPage, paint: Paint, now: int, width: int) -> Text:
    """Return the job's settings."""
    job = page.job
    text = Text()
    pairs = [
        ("queue", safe(job.queue)),
        ("priority", str(job.priority)),
        ("retries", str(job.max_retries)),
        ("timeout", "none" if page.timeout_ms is None else format_duration(page.timeout_ms)),
        ("enqueued", f"{clock(job.created_at, now)}, {format_age(now - job.created_at)} ago"),
    ]
    if job.finished_at is not None:
        pairs.append(("finished", f"{clock(job.finished_at, now)}, {format_age(now - job.finished_at)} ago"))
    elif job.state is JobState.PROCESSING and page.attempts:
        pairs.append(("started", clock(page.attempts[-1].started_at, now)))
    else:
        pairs.append(("due", clock(job.run_at, now)))
    if job.losses:
        pairs.append(("lost", f"{job.losses} of {MAX_LOSSES} workers"))
    column = max((width + 1) // 2, 20)
    if width >= 2 * (_LABEL + 14):
        for left, right in zip(pairs[::2], [*pairs[1::2], ("", "")], strict=False):
            line = Text.assemble((left[0].ljust(_LABEL), paint("dim")), one_line(left[1], column - _LABEL - 2))
            line.pad_right(max(column - line.cell_len, 0))
            line.append(right[0].ljust(_LABEL), paint("dim"))
            line.append(one_line(right[1], max(width - column - _LABEL, 8)))
            text.append_text(line)
            text.append("\n")
    else:
        for name, value in pairs:
            text.append(name.ljust(_LABEL), paint("dim"))
            text.append(f"{one_line(value, max(width - _LABEL, 8))}\n")
    for name, shown in _wide(page, paint):
        text.append(name.ljust(_LABEL), paint("dim"))
        text.append_text(shown)
        text.append("\n")
    text.rstrip()
    return text


def _wide(page: JobPage, paint: Paint) -> Iterator[tuple[str, Text]]:
    """Yield the settings that take a line each, where the job has them."""
    job = page.job
    if job.cwd is not None:
        yield "cwd", Text(safe(job.cwd))
    if job.shell is not None:
        yield "shell", Text(safe(job.shell))
    if job.tags:
        yield "tags", Text(safe(" ".join(job.tags)))
    if job.needs:
        yield "needs", Text(safe(" ".join(job.needs)))
    if job.env:
        yield "env", _environment([f"+{name}" for name, _ in job.env], paint)
    if page.captured:
        yield "captured", _environment(page.captured, paint)


def story(page: JobPage, paint: Paint, now: int, width: int, selected: int | None) -> Text:
    """Return why the job is or is not running, and its attempts, the oldest first."""
    text = Text()
    text.append(question(page.job), paint("title"))
    text.append("\n")
    for line in (*page.why, *_more(page, now)):
        text.append(f"{safe(line)}\n", paint("text"))
    attempts = page.attempts
    if not attempts:
        text.rstrip()
        return text
    text.append(f"\n{_heading(width)}\n", paint("dim"))
    if len(attempts) > ATTEMPTS:
        text.append(f"  … {len(attempts) - ATTEMPTS} earlier ones\n", paint("dim"))
        attempts = attempts[-ATTEMPTS:]
    longest = max(max((_took(each, now) for each in attempts), default=1), 1)
    for attempt in attempts:
        text.append_text(_attempt(attempt, paint, now, width, longest=longest, selected=attempt.attempt == selected))
        text.append("\n")
    if page.job.state is JobState.FAILED:
        due = page.job.run_at - now
        what = f"due in {format_age(due)}" if due > 0 else "due now"
        text.append(f"  #{page.job.fence + 1:<3} {clock(page.job.run_at, now)} {what}\n", paint("dim"))
    text.rstrip()
    return text


def question(job: Job) -> str:
    """Return the heading of `story`."""
    if job.state is JobState.PROCESSING:
        return "It is running"
    return "Why is it not running?" if job.finished_at is None else "What became of it"


def _more(page: JobPage, now: int) -> tuple[str, ...]:
    """Return facts from the job's record that complete the explanation."""
    job = page.job
    last = page.attempts[-1] if page.attempts else None
    facts = []
    if last is not None and last.outcome is None and page.timeout_ms is not None:
        facts.append(f"Its time runs out in {format_age(max(page.timeout_ms - (now - last.started_at), 0))}")
    if last is not None and last.error is not None and job.state is not JobState.COMPLETED:
        facts.append(last.error)
    return tuple(facts)


def clock(at: int, now: int) -> str:
    """Format a local time of day; with the date if it is not today."""
    moment, today = time.localtime(at / 1000), time.localtime(now / 1000)
    same = moment[:3] == today[:3]
    return time.strftime("%H:%M:%S" if same else "%Y-%m-%d %H:%M", moment)


def _when(page: JobPage, now: int) -> str:
    job = page.job
    last = page.attempts[-1] if page.attempts else None
    if job.finished_at is not None:
        return f"{format_age(now - job.finished_at)} ago"
    if job.state is JobState.PROCESSING:
        return "" if last is None else f"for {format_age(now - last.started_at)} on {one_line(last.worker, 20)}"
    if job.run_at > now:
        return f"next in {format_age(job.run_at - now)}" if job.attempts else f"in {format_age(job.run_at - now)}"
    return f"due for {format_age(now - job.run_at)}"


def _environment(names: Sequence[str], paint: Paint) -> Text:
    """Return environment variables without values, which may be secrets."""
    text = Text()
    for name in names:
        if text:
            text.append("  ")
        text.append(one_line(name, 60), paint("text"))
        text.append(f"={_MASK}", paint("dim"))
    return text


def _heading(width: int) -> str:
    head = f"  {'#':4} {'STARTED':8} {'WORKER':8} {'OUTCOME':12} {'TOOK':>7}"
    return head[:width]


def _attempt(attempt: Attempt, paint: Paint, now: int, width: int, *, longest: int, selected: bool) -> Text:
    outcome = attempt.outcome
    glyph, _, style = paint.state("processing" if outcome is None else _OUTCOMES.get(outcome, "dead"))
    took = _took(attempt, now)
    text = Text()
    text.append(">" if selected else " ", paint("marked"))
    text.append(f" #{attempt.attempt:<3} ", paint("title" if selected else "text"))
    text.append(time.strftime("%H:%M:%S ", time.localtime(attempt.started_at / 1000)), paint("dim"))
    text.append(f"{one_line(attempt.worker, 8):8} ", paint("text"))
    text.append(f"{glyph} {one_line(describe(attempt), 10):10} ", style)
    text.append(f"{format_duration(took):>7}", paint("text"))
    bar_width = min(width - text.cell_len - 1, _BAR)
    if bar_width > 3:
        block = "=" if paint.ascii_only else "█"
        text.append(" " + block * max(round(took / longest * bar_width), 1), paint("bar"))
    return text


def _took(attempt: Attempt, now: int) -> int:
    return max(now - attempt.started_at, 0) if attempt.duration_ms is None else attempt.duration_ms
