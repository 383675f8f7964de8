"""A store with some hours of history, identical each time: for pictures of the console."""

from __future__ import annotations

import json
import math
import random

import apsw

from queuectl import bootstrap
from queuectl.domain import signature
from queuectl.domain.clock import Clock
from queuectl.domain.worker import PoolInfo, WorkerInfo
from queuectl.runtime.liveness import LiveWorker, WorkerState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from typing import Any

NOW = 1_784_037_807_000
"""2026-07-14T14:03:27Z: the time of every picture."""
SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000
HOSTILE = (
    "printf '\x1b]0;owned\x07' [/ [bold red]x[/] [link=file:///etc/passwd]",
    "echo \u202edlrow olleh\u202c \x9b31mred \x1b]52;c;cm0gLXJmIC8=\x07",
    "cat <<END\nfirst\tline\nsecond\rEND\x00",
    "echo 処理を開始します 👩‍👩‍👧‍👦 🇩🇪 e\u0301cole 한국어 ｆｕｌｌ",  # noqa: RUF001 - wide letters
)
SYNC_ERROR = (
    "Traceback (most recent call last):\n"
    '  File "/srv/app/sync.py", line {line}, in main\n'
    "    row = items[r['id']]\n"
    "KeyError: 'id'\n"
)
CURL_ERROR = "curl: (28) Operation timed out after {ms} milliseconds with 0 bytes received\n"


class StoppedClock(Clock):
    """A clock that stands still until a test moves it."""

    def __init__(self, now: int = NOW) -> None:
        self.at = now

    def now(self) -> int:
        return self.at

    def monotonic(self) -> float:
        return self.at / 1000


class Seeder:
    """Writes jobs into a store as they would be after some hours of work."""

    def __init__(self, path: str, *, now: int = NOW) -> None:
        store = bootstrap.open_store(path, actor="alice@ops")
        store.close()
        self.now = now
        self._connection = apsw.Connection(path)
        self._connection.execute("PRAGMA foreign_keys = ON; PRAGMA synchronous = OFF; BEGIN").fetchall()
        ((last,),) = self._connection.execute("SELECT COALESCE(max(seq), 0) FROM jobs").fetchall()
        self._seq = int(str(last))

    def job(
        self,
        command: str,
        state: str,
        *,
        age: int,
        id: str | None = None,  # noqa: A002 - the job's own word
        queue: str = "mail",
        retries: int = 3,
        priority: int = 0,
        runs: Iterable[tuple[Any, ...]] = (),
        due: int = 0,
        tags: tuple[str, ...] = (),
        timeout: int | None = None,
        cwd: str | None = "/srv/app",
        env: dict[str, str] | None = None,
    ) -> int:
        """Add a job made `age` ms ago; return its seq.

        `runs`: (outcome, exit code or signal, duration, stdout, stderr, worker), in order; the one with outcome None is
        running. `due`: milliseconds from now, for a waiting job.
        """
        self._seq += 1
        seq, created = self._seq, self.now - age
        attempts = [tuple(run) + (None,) * (6 - len(tuple(run))) for run in runs]
        at = created + 400
        rows: list[tuple[Any, ...]] = []
        outputs: list[tuple[Any, ...]] = []
        owner = None
        for fence, (outcome, code, duration, out, err, worker) in enumerate(attempts, 1):
            name = worker or f"w{fence % 4 + 1}"
            started = self.now - duration if outcome is None else at
            ended = None if outcome is None else at + duration
            if outcome is None:
                owner = name
            rows.append(
                (seq, fence, name, started, ended, None if outcome is None else duration, outcome,
                 code if outcome == "exit" else 0 if outcome == "success" else None,
                 code if outcome == "signal" else None, None)
            )  # fmt: skip
            for stream, text in ((1, out), (2, err)):
                if text:
                    data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
                    outputs.append((seq, fence, stream, data, b"", len(data)))
            at = (ended or at) + 2 * SECOND * 2**fence
        last = rows[-1][4] if rows else None
        running = state == "processing"
        final = state in {"completed", "dead", "cancelled"}
        finished = (last or created + SECOND) if final else None
        self._connection.execute(
            "INSERT INTO jobs (seq, id, command, queue, state, priority, attempts, max_retries, timeout_ms, run_at,"
            " created_at, updated_at, finished_at, fence, owner, cwd, env, tags)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                seq, id or str(seq), command, queue, "pending" if running else state, priority, len(rows), retries,
                timeout, self.now + due if state in {"pending", "failed", "held"} else created, created,
                last or created, finished, len(rows) - running, None, cwd, json.dumps(env) if env else None,
                f" {' '.join(tags)} " if tags else None,
            ),
        ).fetchall()  # fmt: skip
        if running:
            # As in a claim: the counters do not count running jobs.
            self._connection.execute(
                "UPDATE jobs SET state = 'processing', fence = fence + 1, owner = ? WHERE seq = ?", (owner, seq)
            ).fetchall()
        self._connection.executemany(
            "INSERT INTO runs (job, fence, worker, started_at, ended_at, duration_ms, outcome, exit_code, signal,"
            " error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        ).fetchall()
        self._connection.executemany(
            "INSERT INTO outputs (job, fence, stream, head, tail, total) VALUES (?, ?, ?, ?, ?, ?)", outputs
        ).fetchall()
        if state in {"dead", "failed"} and attempts:
            self._sign(seq, attempts[-1], last or created)
        return seq

    def _sign(self, seq: int, run: tuple[Any, ...], at: int) -> None:
        outcome, code, _, out, err, _ = run
        how = f"{outcome} {code}" if outcome in {"exit", "signal"} else str(outcome)
        lines = (err or out or "").strip().splitlines()
        signed = signature.signed(how, lines[-1] if lines else "")
        self._connection.execute("UPDATE jobs SET signature = ? WHERE seq = ?", (signed.id, seq)).fetchall()
        self._connection.execute(
            "INSERT INTO signatures (id, text, first_at, last_at, n) VALUES (?, ?, ?, ?, 1)"
            " ON CONFLICT (id) DO UPDATE SET last_at = excluded.last_at, n = n + 1",
            (signed.id, signed.text, at, at),
        ).fetchall()

    def many(self, count: int, *, state: str = "completed", queue: str = "report") -> None:
        """Add many plain jobs at once; triggers update the counters."""
        first = self._seq + 1
        self._seq += count
        final = state in {"completed", "dead", "cancelled"}
        start = self.now - 24 * HOUR
        step = max(24 * HOUR // max(count, 1), 1)
        self._connection.executemany(
            "INSERT INTO jobs (seq, id, command, queue, state, attempts, max_retries, run_at, created_at, updated_at,"
            " finished_at, fence) VALUES (?, ?, ?, ?, ?, ?, 3, ?, ?, ?, ?, ?)",
            (
                (
                    seq, str(seq), f"./report.sh --number {seq}", queue, state, int(final), at, at, at,
                    at + 1500 if final else None, int(final),
                )
                for seq in range(first, first + count)
                for at in ((start + (seq - first) * step) if final else self.now - SECOND,)
            ),
        ).fetchall()  # fmt: skip
        if final:
            self._connection.executemany(
                "INSERT INTO runs (job, fence, worker, started_at, ended_at, duration_ms, outcome, exit_code)"
                " VALUES (?, 1, 'w1', ?, ?, ?, 'success', 0)",
                (
                    (seq, at, at + 1500, 1500)
                    for seq in range(first, first + count)
                    for at in (start + (seq - first) * step,)
                ),
            ).fetchall()

    def stat(self, minutes_ago: int, queue: str, measure: str, duration: int, n: int) -> None:
        bucket = 0 if measure == "enqueued" else int(4 * math.log2(duration + 1))
        self._connection.execute(
            "INSERT INTO stats (minute, queue, measure, bucket, n) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET n = n + excluded.n",
            (self.now // MINUTE - minutes_ago, queue, measure, bucket, n),
        ).fetchall()

    def event(self, ago: int, actor: str, verb: str, subject: str | None = None, detail: str | None = None) -> None:
        self._connection.execute(
            "INSERT INTO events (at, actor, verb, subject, detail) VALUES (?, ?, ?, ?, ?)",
            (self.now - ago, actor, verb, subject, detail),
        ).fetchall()

    def queue(
        self,
        name: str,
        *,
        limit: int | None = None,
        weight: int = 1,
        paused: int | None = None,
        reason: str | None = None,
    ) -> None:
        """Give a queue settings; `paused`: how many milliseconds ago bob paused it, and "" names all queues."""
        at, by = (None, None) if paused is None else (self.now - paused, "bob@ops")
        self._connection.execute(
            "INSERT INTO queues (name, max_running, weight, paused_at, paused_by, pause_reason)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (name, limit, weight, at, by, reason),
        ).fetchall()

    def done(self) -> None:
        """Commit."""
        self._connection.execute("COMMIT").fetchall()
        self._connection.close()


def lively(seeder: Seeder) -> None:
    """Add jobs in every state, dead letters that share errors, running jobs, and an hour of figures."""
    _past(seeder)
    _dead(seeder)
    _present(seeder)
    _figures(seeder)


def _past(seeder: Seeder) -> None:
    for number in range(40):
        age = 3 * HOUR - number * 4 * MINUTE
        command = ("send --to list-{}", "./report.sh hourly --day {}", "ffmpeg -i in{}.mov out.mp4")[number % 3]
        queue = ("mail", "report", "video")[number % 3]
        took = (1200, 19_500, 142_000)[number % 3] + number * 37
        seeder.job(
            command.format(number), "completed", age=age, queue=queue,
            runs=[("success", 0, took, f"done {number}\n", None, f"w{number % 4 + 1}")],
        )  # fmt: skip
    seeder.job("make world", "cancelled", age=25 * MINUTE, queue="video", id="build-1", priority=5)


def _dead(seeder: Seeder) -> None:
    for number in range(7):
        error = SYNC_ERROR.format(line=88 + number % 2)
        runs: list[tuple[Any, ...]] = [
            ("exit", 1, 900 + number, "syncing\n", error, f"w{(number + fence) % 4 + 1}") for fence in range(4)
        ]
        seeder.job("python sync.py --all", "dead", age=55 * MINUTE - number * 4 * MINUTE, runs=runs)
    for number in range(4):
        error = CURL_ERROR.format(ms=30_000 + number)
        runs = [("exit", 28, 30_000, None, error, f"w{fence + 1}") for fence in range(2)]
        seeder.job(
            "curl -fsS https://api.example/hook -d @p.json", "dead", age=40 * MINUTE - number * 5 * MINUTE,
            retries=1, runs=runs, timeout=60_000,
        )  # fmt: skip
    seeder.job(
        "./crunch --huge", "dead", age=31 * MINUTE, queue="video", retries=0,
        runs=[("signal", 9, 71_000, None, "Killed\n", "w2")],
    )  # fmt: skip
    seeder.job(
        "sleep 1000", "dead", age=30 * MINUTE, queue="report", retries=0, timeout=5000,
        runs=[("timeout", None, 5000, None, None, "w1")],
    )  # fmt: skip


def _present(seeder: Seeder) -> None:
    for number, command in enumerate(HOSTILE):
        seeder.job(
            command, "completed", age=12 * MINUTE - number * MINUTE, queue="default", tags=("hostile",),
            runs=[("success", 0, 800, "\x1b[31mred\x1b[0m \x1b]0;owned\x07plain\n[/bold]\n", None, "w3")],
        )  # fmt: skip
    for number in range(3):
        seeder.job(
            "curl -fsS https://api.example/hook -d @p.json", "failed", age=(3 + number) * MINUTE, due=(18 + number)
            * SECOND, priority=5, tags=("hook",), timeout=60_000,
            runs=[("exit", 28, 30_000, None, CURL_ERROR.format(ms=30_001), f"w{number + 1}")],
        )  # fmt: skip
    seeder.job("./report.sh yearly", "held", age=9 * MINUTE, queue="report", due=-5 * MINUTE, id="yearly")
    seeder.job("./report.sh weekly", "pending", age=8 * MINUTE, queue="report", due=2 * HOUR, id="weekly")
    seeder.job(
        "ffmpeg -i a.mov b.mp4", "processing", age=3 * MINUTE, queue="video", retries=5,
        runs=[(None, None, 39_000, None, None, "w2")],
    )  # fmt: skip
    seeder.job(
        "python crunch.py --deep", "processing", age=6 * MINUTE, queue="report",
        runs=[(None, None, 250_000, None, None, "w4")],
    )  # fmt: skip
    seeder.job("send --to list-b", "processing", age=44 * SECOND, runs=[(None, None, 2100, None, None, "w1")])
    seeder.job("send --to list-c", "pending", age=9 * SECOND, priority=10, tags=("vip", "eu"))
    seeder.job("send --to list-a", "pending", age=3 * SECOND, env={"LANG": "C", "TOKEN": "secret"})


def _figures(seeder: Seeder) -> None:
    rng = random.Random(7)
    for ago in range(90):
        for queue, took in (("mail", 1200), ("report", 19_000), ("video", 140_000)):
            n = 4 + int(6 * (1 + math.sin(ago / 9))) + rng.randrange(4)
            seeder.stat(ago, queue, "enqueued", 0, n)
            seeder.stat(ago, queue, "wait", 300 + rng.randrange(4000), n)
            seeder.stat(ago, queue, "success", took + rng.randrange(took), n - n // 8)
            if n // 8:
                seeder.stat(ago, queue, "exit", took, n // 8)
    seeder.event(50 * MINUTE, "alice@ops", "enqueue", None, "40 jobs")
    seeder.event(31 * MINUTE, "alice@ops", "start_pool", "pool-1", "4 workers")
    seeder.event(24 * MINUTE, "bob@ops", "cancel", "build-1")
    seeder.event(9 * MINUTE, "pool-1", "worker_died", "w3", "12401")
    seeder.event(5 * MINUTE, "bob@ops", "set_config", "backoff_base", "4")
    seeder.event(2 * MINUTE, "alice@ops", "retry", "12")


def workers(now: int = NOW) -> tuple[tuple[LiveWorker, ...], tuple[PoolInfo, ...]]:
    """Return four workers of one pool that match `lively`: two busy, one idle, one stale."""
    pool = PoolInfo(id="pool-1", host="ops", pid=48_210, queues=(), size=4, started_at=now - 31 * MINUTE)
    of: tuple[tuple[str, WorkerState, str | None, int, int, int, int, int], ...] = (
        ("w1", WorkerState.BUSY, "66", 3, 9, 400, 812, 3),
        ("w2", WorkerState.BUSY, "64", 61, 11, 200, 77, 0),
        ("w3", WorkerState.IDLE, None, 1, 11, 300, 640, 9),
        ("w4", WorkerState.STALE, "65", 12, 10, 38_000, 12, 4),
    )
    seen = tuple(
        LiveWorker(
            info=WorkerInfo(
                id=id_, pool="pool-1", host="ops", boot_id="boot", pid=48_211 + number, pid_start=1,
                started_at=now - 31 * MINUTE, completed=completed, failed=failed, job=job,
            ),
            state=state,
            cpu_seconds=float(cpu),
            memory_bytes=mib * 1024 * 1024,
            last_beat_at=now - beat,
        )
        for number, (id_, state, job, cpu, mib, beat, completed, failed) in enumerate(of)
    )  # fmt: skip
    return seen, (pool,)


def seeded(directory: Path, seed: Callable[[Seeder], None] | None = lively) -> str:
    """Create and seed a store in `directory`; return its path."""
    path = str(directory / "queue.db")
    seeder = Seeder(path)
    if seed is not None:
        seed(seeder)
    seeder.done()
    return path
