"""The detail pane: the selected job, why it does or does not run, and the end of its output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual.content import Content
from textual.widgets import Static

from queuectl.domain.errors import NotFound
from queuectl.domain.record import record
from queuectl.domain.terminal import shown
from queuectl.domain.text import one_line, safe
from queuectl.domain.units import format_age
from queuectl.operations.job_record import describe
from queuectl_tui.console import console_of
from queuectl_tui.job_page import read_job
from queuectl_tui.widgets import job_facts
from queuectl_tui.widgets.duration_bar import bar_of

if TYPE_CHECKING:
    from queuectl.operations.context import Context
    from queuectl_tui.duration_estimates import DurationEstimates, Pace
    from queuectl_tui.job_page import JobPage
    from queuectl_tui.theme import Paint

_LAST = 4000
"""Bytes of output that are read for its last lines."""
_LINES = 40
_SHORT, _LONG = 30, 44
"""Width assumed for a bar: for a short one and for a long one."""


@record
class JobNow:
    """A job, read for the detail pane."""

    page: JobPage
    output: tuple[str, ...]
    """The last lines of output of its last attempt."""
    stream: str
    pace: Pace | None = None
    """The progress of a running job."""


def read_job_now(context: Context, job_id: str, estimates: DurationEstimates) -> JobNow | None:
    """Read a job; None if it has been deleted."""
    try:
        page = read_job(context, job_id)
    except NotFound:
        return None
    stream, output = _output(context, page)
    pace = None
    if page.job.state == "processing":
        pace = estimates.paces(context, context.store.job_pages.these([job_id]).values()).get(job_id)
    return JobNow(page=page, output=output, stream=stream, pace=pace)


def _output(context: Context, page: JobPage) -> tuple[str, tuple[str, ...]]:
    """Return stream name and last lines: standard error of a failed attempt, else standard output."""
    if not page.attempts:
        return "", ()
    last = page.attempts[-1]
    if last.outcome is None:
        from queuectl.runtime.remote_output import printed_so_far

        outputs = list(
            printed_so_far(context.store, context.run_dir, job=page.job.seq, attempt=last.attempt, patient=False)
        )
    else:
        outputs = list(context.store.jobs.output(page.job.seq, last.attempt))
    names = ["stdout", "stderr"]
    order = (1, 0) if last.outcome is not None and last.outcome != "success" else (0, 1)
    for place in order:
        words = (outputs[place].tail or outputs[place].head)[-_LAST:]
        if words.strip():
            lines = shown(words.decode("utf-8", "replace")).rstrip("\n").split("\n")
            return names[place], tuple(lines[-_LINES:])
    return names[order[0]], ()


class Detail(Static):
    """A pane beside the table, or a strip of four lines below it."""

    DEFAULT_CSS = """
    Detail { width: 2fr; height: 1fr; border: round $foreground 25%; padding: 0 1; border-title-color: $text;
        border-title-style: bold; border-subtitle-color: $text-muted; }
    Detail.-strip { width: 1fr; height: 5; border: none; border-top: solid $foreground 25%; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        """Create an empty pane."""
        super().__init__(id=id, markup=False)
        self._now = 0
        self.job: JobNow | None = None

    def show(self, job: JobNow | None, paint: Paint, now: int) -> None:
        """Show a job; None clears the pane."""
        self.job, self._now = job, now
        if job is None:
            self.border_title = None
            self.border_subtitle = None
            self.update(Text(""), layout=False)
            return
        strip = self.has_class("-strip")
        self.border_title = Content(f" {one_line(job.page.job.id, 30)} ")
        self.border_subtitle = None if strip else Content(self._keys())
        width, height = self.content_size.width, self.content_size.height
        text = self._short(job, paint, now, width) if strip else self._long(job, paint, now, width, height)
        text.no_wrap = True
        text.overflow = "ellipsis"
        self.update(text, layout=False)

    def _keys(self) -> str:
        key = console_of(self).shown_key
        return f" {key('list.log')} log  {key('list.open')} open "

    def repaint(self, paint: Paint, now: int) -> None:
        """Repaint for another size or theme, or to update ages."""
        self.show(self.job, paint, now)

    def _long(self, job: JobNow, paint: Paint, now: int, width: int, height: int) -> Text:
        page = job.page
        head = _head(page, paint, now)
        if job.pace is not None:
            head.append_text(_pace(job.pace, paint, now))
        blocks = [head]
        command = Text(safe(page.job.command[:2000], keep="\n").strip("\n"), paint("title"))
        wrapped = command.wrap(_console(), max(width, 10))[:4]
        blocks.append(Text("\n").join(wrapped))
        blocks.append(_facts(page, paint, now))
        blocks.append(_why(page, paint, width))
        attempts = _attempts(page, paint, now)
        if attempts is not None:
            blocks.append(attempts)
        text = Text("\n\n").join(blocks)
        lines_left = height - text.plain.count("\n") - 3
        if job.output and lines_left > 0:
            text.append(f"\n\nOutput of #{page.attempts[-1].attempt}, {job.stream}\n", paint("title"))
            text.append(_last_lines(job.output, min(lines_left, 12)), paint("text"))
        return text

    def _short(self, job: JobNow, paint: Paint, now: int, width: int) -> Text:
        page = job.page
        text = _head(page, paint, now)
        if job.pace is not None:
            text.append(*bar_of(job.pace, now, _SHORT, paint))
        text.append("  ")
        text.append(one_line(page.job.command, max(width - text.cell_len, 10)), paint("title"))
        text.append("\n")
        last = page.attempts[-1] if page.attempts else None
        if last is None:
            text.append(f"queue {safe(page.job.queue)}  priority {page.job.priority}", paint("dim"))
        else:
            text.append_text(_attempt(page, -1, paint, now))
        text.append("\n")
        text.append(one_line(" ".join(safe(each) for each in page.why[:2]), width), paint("text"))
        text.append("\n")
        if job.output:
            words = [line for line in job.output if line.strip()]
            text.append(f"{paint.glyph('│')} ", paint("line"))
            text.append(safe((words or [""])[-1]), paint("dim"))
        return text


def _head(page: JobPage, paint: Paint, now: int) -> Text:
    job = page.job
    glyph, word, style = paint.state(job_facts.state_of(job, now))
    text = Text()
    text.append(f"{glyph} {word}", style)
    if job.attempts:
        text.append(f"  try {job.attempts} of {job.max_retries + 1}", paint("dim"))
    if job.finished_at is None and job.state != "processing" and job.run_at > now:
        text.append(f", next in {format_age(job.run_at - now)}", paint("failed"))
    return text


def _pace(pace: Pace, paint: Paint, now: int) -> Text:
    """Return a line below the head: progress and usual duration."""
    bar, style = bar_of(pace, now, _LONG, paint)
    text = Text()
    if bar:
        text.append(f"\n{bar[1:]}", style)
    if pace.usual_ms is not None:
        text.append("  usually " if bar else "\nusually ", paint("dim"))
        text.append(format_age(pace.usual_ms), paint("text"))
    return text


def _facts(page: JobPage, paint: Paint, now: int) -> Text:
    job = page.job
    pairs = [("queue", one_line(job.queue, 24)), ("priority", str(job.priority))]
    if page.timeout_ms is not None:
        pairs.append(("timeout", format_age(page.timeout_ms)))
    pairs.append(("enqueued", f"{job_facts.clock(job.created_at, now)}"))
    text = Text()
    for place, (name, value) in enumerate(pairs):
        if place:
            text.append("\n" if place == 2 else "   ")
        text.append(f"{name} ", paint("dim"))
        text.append(value, paint("text"))
    if job.cwd:
        text.append("\ncwd ", paint("dim"))
        text.append(one_line(job.cwd, 200), paint("text"))
    if job.tags:
        text.append("\ntags ", paint("dim"))
        text.append(one_line(" ".join(job.tags), 200), paint("text"))
    if job.needs:
        text.append("\nneeds ", paint("dim"))
        text.append(one_line(" ".join(job.needs), 200), paint("text"))
    if job.env:
        text.append("\nenv ", paint("dim"))
        text.append(one_line(" ".join(f"{name}=***" for name, _ in job.env), 200), paint("text"))
    return text


def _why(page: JobPage, paint: Paint, width: int) -> Text:
    text = Text()
    text.append(job_facts.question(page.job), paint("title"))
    for line in page.why:
        for piece in Text(safe(line), paint("text")).wrap(_console(), max(width - 2, 10)):
            text.append("\n")
            text.append_text(piece)
    return text


def _attempts(page: JobPage, paint: Paint, now: int) -> Text | None:
    if not page.attempts:
        return None
    text = Text()
    text.append("Attempts", paint("title"))
    shown = range(max(len(page.attempts) - 4, 0), len(page.attempts))
    if shown.start:
        text.append(f"  and {shown.start} before", paint("dim"))
    for place in shown:
        text.append("\n")
        text.append_text(_attempt(page, place, paint, now))
    return text


def _attempt(page: JobPage, place: int, paint: Paint, now: int) -> Text:
    attempt = page.attempts[place]
    good = attempt.outcome is None or attempt.outcome == "success"
    glyph, _, style = paint.state("processing" if attempt.outcome is None else "completed" if good else "dead")
    took = now - attempt.started_at if attempt.duration_ms is None else attempt.duration_ms
    text = Text()
    text.append(f"#{attempt.attempt} ", paint("text"))
    text.append(f"{job_facts.clock(attempt.started_at, now)} {one_line(attempt.worker, 9)} ", paint("dim"))
    text.append(f"{glyph} {describe(attempt)}", style)
    text.append(f"  {format_age(took) if took >= 1000 else f'{took}ms'}", paint("dim"))
    if attempt.error:
        text.append(f"  {one_line(attempt.error, 80)}", paint("dim"))
    return text


def _last_lines(lines: tuple[str, ...], most: int) -> str:
    last = list(lines)[-most:]
    return "\n".join(safe(line.expandtabs(4)[:400]) for line in last)


def _console() -> Console:
    """Return a Rich console, which is only used to wrap text."""
    global _WRAPPER  # noqa: PLW0603 - made when first needed
    if _WRAPPER is None:
        from rich.console import Console as Made

        _WRAPPER = Made(width=200, force_terminal=False)
    return _WRAPPER


if TYPE_CHECKING:
    from rich.console import Console

_WRAPPER: Console | None = None
