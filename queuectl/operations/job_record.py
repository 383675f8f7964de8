"""The record of a job: its one JSON form, for the command line and the console."""

from __future__ import annotations

from queuectl.domain.attempt import NOTHING, Outcome
from queuectl.domain.record import record
from queuectl.domain.units import format_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Literal, TypedDict, overload

    from queuectl.config import Settings
    from queuectl.domain.attempt import Attempt, Output
    from queuectl.domain.job import Job, JobState
    from queuectl.domain.json_types import Bytes, Seconds, Timestamp
    from queuectl.operations.context import Context
    from queuectl.store.rows import Listed
    from queuectl.store.store import Store

    class JobDocument(TypedDict):
        """A job and its latest attempt.

        See `Job`.
        """

        id: str
        command: str
        state: JobState
        attempts: int
        max_retries: int
        duration: Seconds | None
        """How long its latest attempt took; null before its end."""
        timed_out: bool
        """Whether its latest attempt ran out of time."""
        timeout: Seconds | None
        """How long an attempt may take: its own, else that of its queue, else the setting; null: for ever."""
        created_at: Timestamp
        updated_at: Timestamp
        seq: int
        enqueued_by: str | None
        schedule: str | None
        scheduled_for: Timestamp | None
        queue: str
        priority: int
        run_at: Timestamp
        started_at: Timestamp | None
        """When its latest attempt began; null before the first."""
        finished_at: Timestamp | None
        exit_code: int | None
        """The exit code of its latest attempt; null before its end, and where it did not exit by itself."""
        signal: int | None
        """The number of the signal that ended its latest attempt; null if none did."""
        outcome: Outcome | None
        """How its latest attempt ended; null before its end."""
        error: str | None
        """Why its latest attempt could not be started; null where it could."""
        worker: str | None
        """The worker of its latest attempt; null before the first."""
        cancel_requested: bool
        """Whether a cancel of it, while it runs, was requested."""
        losses: int
        signature: str | None
        cwd: str | None
        env: dict[str, str]
        """Its variables, with `***` for the values."""
        captured_env: dict[str, str]
        """The variables of its environment snapshot, with `***` for the values."""
        shell: str | None
        tags: list[str]
        needs: list[str]

    class JobWithOutput(JobDocument):
        """A job with the output of its latest attempt; of a running one, what it has printed so far."""

        stdout: str
        """Standard output; a line marks bytes in the middle that were left out."""
        stderr: str
        """Standard error, likewise."""
        stdout_bytes: Bytes
        """Bytes that were written to standard output."""
        stderr_bytes: Bytes
        """Bytes that were written to standard error."""
        stdout_truncated: bool
        """Whether bytes of standard output were left out."""
        stderr_truncated: bool
        """Whether bytes of standard error were left out."""

    class JobWithHistory(JobWithOutput):
        """A job with its output and every attempt."""

        history: list[AttemptDocument]
        """Its attempts, the first one first."""

    class AttemptDocument(TypedDict):
        """An attempt of a job.

        See `Attempt`.
        """

        attempt: int
        outcome: Outcome | None
        exit_code: int | None
        signal: int | None
        worker: str
        started_at: Timestamp
        ended_at: Timestamp | None
        duration: Seconds | None
        """How long it took; null while it runs."""
        error: str | None
        timed_out: bool
        """Whether it ran out of time."""

else:

    def overload(function: Any) -> Any:
        """Stand in for `typing.overload` at run time, where it does nothing."""
        return function


@record
class JobRecord:
    """A job, its latest attempt (None before the first), and the timeout of an attempt: its own, else the setting."""

    job: Job
    latest: Attempt | None
    timeout_ms: int | None
    captured: tuple[str, ...] = ()
    """Names of the variables in the job's environment snapshot."""

    def document(self) -> JobDocument:
        """Return the JSON form, without output."""
        return _document(self)


@record
class JobDetail:
    """A job with the output of its latest attempt."""

    record: JobRecord
    stdout: Output
    stderr: Output

    def document(self) -> JobWithOutput:
        """Return the JSON form."""
        return {
            **_document(self.record),
            "stdout": text_of(self.stdout),
            "stderr": text_of(self.stderr),
            "stdout_bytes": self.stdout.total,
            "stderr_bytes": self.stderr.total,
            "stdout_truncated": self.stdout.left_out > 0,
            "stderr_truncated": self.stderr.left_out > 0,
        }


@record
class WholeJob(JobDetail):
    """A job with the output of its latest attempt and every attempt."""

    history: tuple[Attempt, ...]

    def document(self) -> JobWithHistory:
        """Return the JSON form."""
        return {**JobDetail.document(self), "history": [attempt_document(attempt) for attempt in self.history]}


def recorded(
    listed: Listed, settings: Settings, store: Store, *, timeouts: Mapping[str, int] | None = None
) -> JobRecord:
    """Return the record of a row of `store`.

    `timeouts` are the time limits of queues (`Queues.timeouts`), for a caller that makes many records.
    """
    own = listed.job.timeout_ms
    if own is None:
        own = (store.queues.timeouts() if timeouts is None else timeouts).get(listed.job.queue)
    return JobRecord(
        job=listed.job,
        latest=listed.latest,
        timeout_ms=settings.timeout_ms(own),
        captured=() if listed.job.environment is None else store.environments.names(listed.job.environment),
    )


@overload
def detail(context: Context, id_: str, *, history: Literal[True]) -> WholeJob: ...


@overload
def detail(context: Context, id_: str, *, history: Literal[False]) -> JobDetail: ...  # noqa: F811 - an overload


def detail(context: Context, id_: str, *, history: bool) -> JobDetail:  # noqa: F811 - what the overloads describe
    """Return a job with the output of its latest attempt; with `history`, with every attempt. Raises NotFound."""
    listed = context.store.jobs.get(id_)
    stdout, stderr = (NOTHING, NOTHING) if listed.latest is None else output_of(context, listed.job, listed.latest)
    record_ = recorded(listed, context.settings, context.store)
    if not history:
        return JobDetail(record=record_, stdout=stdout, stderr=stderr)
    attempts = tuple(context.store.jobs.attempts(listed.job.seq))
    return WholeJob(record=record_, stdout=stdout, stderr=stderr, history=attempts)


def output_of(context: Context, job: Job, attempt: Attempt) -> tuple[Output, Output]:
    """Return standard output and standard error of an attempt; of a running one, what it has printed so far."""
    if attempt.outcome is None:
        # Loaded here: only running jobs have live output.
        from queuectl.runtime.remote_output import printed_so_far

        out, err = printed_so_far(context.store, context.run_dir, job=job.seq, attempt=attempt.attempt)
        if out.total or err.total:
            return out, err
        # It has printed nothing yet, or has ended since, and its output is in the store.
    return context.store.jobs.output(job.seq, attempt.attempt)


def text_of(output: Output) -> str:
    """Return output as text; where the middle was left out, a line gives the number of bytes."""
    head = output.head.decode("utf-8", "replace")
    if not output.left_out:
        return head if not output.tail else (output.head + output.tail).decode("utf-8", "replace")
    gap = f"[… {output.left_out} bytes left out …]\n"
    return f"{head}{'' if head.endswith(chr(10)) or not head else chr(10)}{gap}{output.tail.decode('utf-8', 'replace')}"


def describe(attempt: Attempt) -> str:
    """Return the outcome of an attempt in a word or two: `ok`, `exit 1`, `timeout`."""
    if attempt.outcome is None:
        return "running"
    if attempt.outcome is Outcome.SUCCESS:
        return "ok"
    if attempt.outcome is Outcome.EXIT:
        return f"exit {attempt.exit_code}"
    if attempt.outcome is Outcome.SIGNAL and attempt.signal is not None:
        return _signal(attempt.signal)
    return attempt.outcome.replace("_", " ")


def attempt_document(attempt: Attempt) -> AttemptDocument:
    """Return the JSON form of one attempt."""
    return {
        "attempt": attempt.attempt,
        "outcome": attempt.outcome,
        "exit_code": attempt.exit_code,
        "signal": attempt.signal,
        "worker": attempt.worker,
        "started_at": format_time(attempt.started_at),
        "ended_at": _time(attempt.ended_at),
        "duration": _seconds(attempt.duration_ms),
        "error": attempt.error,
        "timed_out": attempt.outcome is Outcome.TIMEOUT,
    }


def _document(of: JobRecord) -> JobDocument:
    job, latest = of.job, of.latest
    return {
        "id": job.id,
        "command": job.command,
        "state": job.state,
        "attempts": job.attempts,
        "max_retries": job.max_retries,
        "duration": None if latest is None else _seconds(latest.duration_ms),
        "timed_out": latest is not None and latest.outcome is Outcome.TIMEOUT,
        "timeout": _seconds(of.timeout_ms),
        "created_at": format_time(job.created_at),
        "updated_at": format_time(job.updated_at),
        "seq": job.seq,
        "enqueued_by": job.enqueued_by,
        "schedule": job.schedule,
        "scheduled_for": _time(job.scheduled_for),
        "queue": job.queue,
        "priority": job.priority,
        "run_at": format_time(job.run_at),
        "started_at": None if latest is None else format_time(latest.started_at),
        "finished_at": _time(job.finished_at),
        "exit_code": None if latest is None else latest.exit_code,
        "signal": None if latest is None else latest.signal,
        "outcome": None if latest is None else latest.outcome,
        "error": None if latest is None else latest.error,
        "worker": None if latest is None else latest.worker,
        "cancel_requested": job.cancel_requested != 0,
        "losses": job.losses,
        "signature": job.signature,
        "cwd": job.cwd,
        # Their values may be secrets.
        "env": {name: "***" for name, _ in job.env},
        "captured_env": dict.fromkeys(of.captured, "***"),
        "shell": job.shell,
        "tags": list(job.tags),
        "needs": list(job.needs),
    }


def _signal(number: int) -> str:
    # Loaded here: few jobs end like this.
    from signal import Signals

    try:
        return Signals(number).name
    except ValueError:
        return f"signal {number}"


def _time(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else format_time(milliseconds)


def _seconds(milliseconds: int | None) -> float | None:
    """Return seconds, as an int where they are whole."""
    if milliseconds is None:
        return None
    whole, rest = divmod(milliseconds, 1000)
    return milliseconds / 1000 if rest else whole
