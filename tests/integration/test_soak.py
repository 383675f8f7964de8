"""`queuectl selftest --soak`: an ordinary workload on either store, and the verdict can be negative."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import psycopg
import pytest

from queuectl.operations.soak import soak
from queuectl.runtime.process import cookie
from queuectl.selftest.soak import Phase, Plan
from queuectl.store.location import is_url
from tests.support import command
from tests.support.command import finished
from tests.support.queue import Queue
from tests.support.schemas import problems
from tests.support.waiting import PATIENCE, wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MINUTES = 60
PASSWORD = "no-word-for-others"


def home(queue: Queue) -> Path:
    """Return the directory in which a soak creates its own."""
    return Path(queue.environment["XDG_DATA_HOME"]) / "queuectl" if is_url(queue.path) else queue.directory


def grounds(queue: Queue) -> list[Path]:
    return list(home(queue).glob("selftest-*"))


def databases(queue: Queue) -> list[str]:
    """Return the databases of soaks on the server; none where there is no server."""
    if not is_url(queue.path):
        return []
    with psycopg.connect(queue.path) as connection:
        rows = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'queuectl_soak%'").fetchall()
    return [name for (name,) in rows]


def run(queue: Queue, *words: str) -> tuple[int, Any]:
    """Run a soak; return its exit code and document."""
    done = subprocess.run(
        [*command.MODULE, "selftest", "--soak", *words, "--json"],
        env=queue.environment,
        capture_output=True,
        timeout=10 * MINUTES,
    )
    assert done.stdout, done.stderr
    document = json.loads(done.stdout)
    assert problems("selftest", document) == []
    return done.returncode, document


def processes_with(word: str, part: str) -> list[str]:
    """Return the processes whose `part` (cmdline, environ) contains a word."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            try:
                text = (process / part).read_bytes()
            except OSError:
                continue
            if word.encode() in text:
                found.append(process.name)
    return found


def test_ordinary_days_with_a_short_lease_kill_no_worker_and_lose_no_job(queue: Queue):
    code, verdict = run(queue, "--minutes", "0.1", "--workers", "3", "--seed", "1")

    assert verdict["violations"] == []
    assert (code, verdict["ok"], verdict["kept"]) == (0, True, None)
    assert verdict["phases"].keys() == set(Phase), "each kind of phase took place"
    assert verdict["jobs"] == verdict["acknowledged"] > 100
    assert verdict["not_measured"] == []
    assert (verdict["connections_grown"] is None) == (not is_url(queue.path))
    assert (grounds(queue), databases(queue)) == ([], [])
    assert is_url(queue.path) or not os.path.exists(queue.path), "the store itself is not touched"


@pytest.mark.on_sqlite
def test_a_worker_that_is_killed_from_outside_turns_it_red(queue: Queue, monkeypatch: pytest.MonkeyPatch):
    # However slow this machine is, that excuses nothing here.
    monkeypatch.setattr("queuectl.selftest.pace._LATE", float("inf"))
    monkeypatch.setattr("queuectl.selftest.pace._PROBE", float("inf"))
    killed: list[int] = []

    def kill_a_busy_worker() -> None:
        wait_until(lambda: any((each / "ledger").exists() for each in grounds(queue)), 2 * MINUTES)
        soaked = Queue(grounds(queue)[0])
        wait_until(lambda: any(each.info.job for each in soaked.workers()), 2 * MINUTES)
        killed.append(soaked.busy_worker())
        os.kill(killed[0], signal.SIGKILL)
        soaked.context.close()

    killer = threading.Thread(target=kill_a_busy_worker, daemon=True)
    killer.start()
    verdict = soak(queue.context, Plan(workers=2, seconds=0, seed=1, day=(Phase.MIDDLE,), restart_every=0)).document()
    killer.join(MINUTES)

    assert not verdict["ok"]
    sentences = [each["sentence"] for each in verdict["violations"]]
    assert any("was lost: worker w" in each for each in sentences), sentences
    assert any(each.endswith("died or was written off") for each in sentences), sentences
    assert any(f"(pid {killed[0]}) died: signal 9" in each for each in sentences), sentences
    assert any(each.endswith("has started 3 workers, and was ordered to start 2") for each in sentences), sentences
    assert verdict["excused_workers"] == 0
    assert verdict["kept"] is not None
    assert (Path(verdict["kept"]) / "queue.db").exists(), "what is wrong can be looked into"


@pytest.mark.on_sqlite
def test_a_process_that_outlives_its_attempt_turns_it_red(queue: Queue):
    planted: list[subprocess.Popen[bytes]] = []

    def plant() -> None:
        wait_until(lambda: any((each / "ledger").exists() for each in grounds(queue)))
        soaked = Queue(grounds(queue)[0])
        store = soaked.context.store
        wait_until(lambda: any(each.ended_at for each in store.jobs.attempts(1)))
        mark = cookie(store.jobs.attempts(1)[0].worker, 1, 1, store.database.identity)
        environment = os.environ | {"QUEUECTL_DB": soaked.path, "QUEUECTL_RUN": mark}
        planted.append(subprocess.Popen(["sleep", "1000"], env=environment))
        soaked.context.close()

    planter = threading.Thread(target=plant, daemon=True)
    planter.start()
    result = soak(queue.context, Plan(workers=1, seconds=0, seed=1, day=(Phase.MIDDLE,), restart_every=0))
    planter.join(PATIENCE)

    (process,) = planted
    process.wait(PATIENCE)  # it is ended with the soak
    sentences = [each.sentence for each in result.violations]
    assert any(each.startswith(f"process {process.pid} outlived its attempt") for each in sentences), sentences


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_it_leaves_nothing_behind(queue: Queue, number: signal.Signals):
    if is_url(queue.path):
        queue.environment["QUEUECTL_DB"] = queue.path.replace("postgres@", f"postgres:{PASSWORD}@")
    process = command.start(
        "selftest", "--soak", "--minutes", "5", "--workers", "2", env=queue.environment, start_new_session=True
    )
    wait_until(lambda: any((each / "ledger").exists() for each in grounds(queue)), 2 * MINUTES)
    (ground,) = grounds(queue)
    made = databases(queue)
    assert len(made) == is_url(queue.path)
    assert processes_with(PASSWORD, "cmdline") == [], "others can read arguments"

    process.send_signal(number)

    assert finished(process).code == (130 if number == signal.SIGINT else -number)
    if number == signal.SIGINT:
        assert (grounds(queue), databases(queue)) == ([], []), "it has cleaned up before it ended"
    wait_until(lambda: (grounds(queue), databases(queue)) == ([], []), 2 * MINUTES)
    wait_until(lambda: not processes_with(str(ground), "environ"), 2 * MINUTES)
    if is_url(queue.path):
        assert list(home(queue).iterdir()) == [], "nor is the run directory there"


def test_a_soak_with_violations_keeps_its_directory(queue: Queue, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("queuectl.selftest.steadiness.LONGEST_SILENCE_MS", -1)
    # The soak runs in this process: its pools are to use the same data directory.
    monkeypatch.setenv("XDG_DATA_HOME", queue.environment["XDG_DATA_HOME"])

    result = soak(queue.context, Plan(workers=1, seconds=0, seed=1, day=(), restart_every=0))

    assert result.exit_code == 1
    assert result.kept == str(grounds(queue)[0])
    assert [name in result.store for name in databases(queue)] == [True] * is_url(queue.path)
    if is_url(queue.path):
        with psycopg.connect(queue.path, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {databases(queue)[0]}".encode())
    shutil.rmtree(result.kept)
