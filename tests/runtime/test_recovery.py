"""After a worker was killed, no process of its job may live when the job runs again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from queuectl.runtime import locks, system, tree
from queuectl.runtime.system import linux
from tests.runtime.conftest import use_half
from tests.support.attempts import carriers, lives
from tests.support.waiting import PATIENCE, wait_until

half = pytest.mark.usefixtures("half")


@pytest.fixture
def on_linux(monkeypatch):
    use_half("linux", monkeypatch)


@pytest.fixture
def bystander():
    """A process of the worker's own session that has nothing to do with the job."""
    process = subprocess.Popen(["sleep", "1000"])
    yield process
    process.kill()
    process.wait()


def recover(worker, **options):
    note = locks.read_note(worker.lock_path)
    return tree.end_tree(worker.cookie, [worker.lock_path], None if note is None else note.pid, **options)


def kill_when_ready(worker):
    worker.wait_for(b"ready")
    worker.kill()


def pid_in(file):
    return int(wait_until(lambda: file.exists() and file.read_text().strip()))


@half
def test_the_tree_of_a_killed_worker_is_ended(start, bystander):
    worker = start("sleep 1000 & setsid sleep 1000 & (setsid sleep 1000 &); echo ready; sleep 1000")
    kill_when_ready(worker)
    assert len(carriers(worker)) >= 4
    assert not locks.is_free(worker.lock_path)
    assert recover(worker) == []
    assert not carriers(worker)
    assert locks.is_free(worker.lock_path)
    assert lives(bystander.pid)


@half
def test_a_tree_that_ignores_term_is_killed_after_a_short_grace(start):
    worker = start("trap '' TERM; echo ready; while :; do sleep 0.05; done")
    kill_when_ready(worker)
    begin = time.monotonic()
    assert recover(worker) == []
    assert time.monotonic() - begin >= 0.5
    assert not carriers(worker)


@half
def test_a_tree_that_obeys_term_writes_its_last_output(start, tmp_path):
    worker = start(f"trap 'echo bye >{tmp_path}/word; exit' TERM; echo ready; sleep 1000 & wait")
    kill_when_ready(worker)
    assert recover(worker) == []
    assert (tmp_path / "word").read_text() == "bye\n"


@half
def test_a_stopped_tree_is_ended(start):
    worker = start("echo ready; sh -c 'kill -STOP $$' & kill -STOP $$")
    kill_when_ready(worker)
    assert recover(worker) == []
    assert not carriers(worker)


@half
def test_a_job_that_kills_its_worker_is_ended_by_the_next(start):
    worker = start("kill -9 $PPID; sleep 1000")
    _, status = os.waitpid(worker.pid, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert not locks.is_free(worker.lock_path)
    assert recover(worker) == []
    assert locks.is_free(worker.lock_path)
    assert not carriers(worker)


def test_a_daemon_without_its_environment_is_found_by_the_lock(start, on_linux):
    # The worker is stopped, or it would end the sleep as a leftover of the shell.
    worker = start("kill -STOP $PPID; exec env -i setsid sh -c 'sleep 1000 & exit'")
    os.waitpid(worker.pid, os.WUNTRACED)
    wait_until(lambda: not carriers(worker) and not locks.is_free(worker.lock_path))
    worker.kill()
    assert recover(worker) == []
    assert locks.is_free(worker.lock_path)


def test_a_process_without_environment_and_lock_is_found_by_its_session(start, on_linux, tmp_path):
    script = "import os, signal; os.closerange(3, 999); signal.pause()"
    worker = start(f"env -i {sys.executable} -c '{script}' & echo $! >{tmp_path}/pid; echo ready; sleep 1000")
    kill_when_ready(worker)
    pid = int((tmp_path / "pid").read_text())
    wait_until(lambda: pid not in linux.holding(worker.lock_path, locks.LOCK_FD))
    assert recover(worker) == []
    assert not lives(pid)


def test_a_process_without_any_mark_is_found_below_a_carrier(start, on_linux, tmp_path):
    script = (
        "import os, signal, sys; os.setsid(); os.closerange(3, 999); print(os.getpid(), flush=True); signal.pause()"
    )
    worker = start(f"(env -i {sys.executable} -c '{script}' >{tmp_path}/pid; :) & echo ready; sleep 1000")
    kill_when_ready(worker)
    pid = pid_in(tmp_path / "pid")
    assert recover(worker) == []
    assert not lives(pid)


@half
def test_a_stale_hint_signals_no_other_process(start, bystander):
    worker = start("echo ready; sleep 1000")
    kill_when_ready(worker)
    assert tree.end_tree(worker.cookie, [worker.lock_path], bystander.pid) == []
    assert lives(bystander.pid)


@half
def test_an_empty_tree_is_not_waited_for(tmp_path):
    assert tree.end_tree("t-nothing-1-1", [str(tmp_path / "never")], 4_194_305, grace=1000, limit=1000) == []


def test_recovery_from_inside_the_tree_spares_itself_and_its_ancestors(on_linux):
    code = "from queuectl.runtime.tree import end_tree; print(end_tree('t-inside-1-1', [], None, 0.1, 1))"
    environment = os.environ | {"QUEUECTL_RUN": "t-inside-1-1"}
    # The shell is an ancestor that carries the cookie too; the sleep is not.
    command = f'sleep 1000 & "{sys.executable}" -c "{code}"; echo shell'
    done = subprocess.run(
        ["sh", "-c", command], env=environment, stdout=subprocess.PIPE, text=True, check=True, timeout=PATIENCE
    )
    assert done.stdout == "[]\nshell\n"
    assert not linux.carrying("t-inside-1-1")


@half
def test_what_cannot_be_ended_is_named(start, monkeypatch):
    worker = start("echo ready; exec sleep 1000")
    kill_when_ready(worker)
    pids = carriers(worker)
    monkeypatch.setattr(system, "send", lambda *_: True)
    assert recover(worker, grace=0.1, limit=0.3) == sorted(pids)
    monkeypatch.undo()
    assert recover(worker) == []


def test_a_lock_whose_holder_cannot_be_found_is_not_called_free(tmp_path, on_linux):
    path = str(tmp_path / "lock")
    fd = locks.hold(path)
    assert tree.end_tree("t-unknown-1-1", [path], grace=0.1, limit=0.2) == [tree.UNKNOWN]
    os.close(fd)
    assert tree.end_tree("t-unknown-1-1", [path], grace=0.1, limit=0.2) == []


@pytest.mark.parametrize("delay", [n / 4000 for n in range(40)])
def test_a_worker_killed_at_any_moment_of_a_start_leaves_nothing(start, on_linux, delay):
    worker = start("setsid sleep 1000 & sleep 1000")
    moment = time.monotonic() + delay
    wait_until(lambda: time.monotonic() >= moment)
    worker.kill()
    assert recover(worker) == []
    assert not carriers(worker)
    assert locks.is_free(worker.lock_path)


def test_a_supervisor_that_adopts_orphans_ends_even_those_that_hide(tmp_path, on_linux):
    """The supervisor adopts the orphans of a killed worker, also those without the cookie."""
    child = os.fork()
    if not child:
        status = 1
        try:
            status = supervise_two_workers(tmp_path)
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


def test_where_orphans_are_not_adopted_there_are_no_strays(bystander, monkeypatch):
    use_half("portable", monkeypatch)
    assert tree.end_strays([]) == []
    assert lives(bystander.pid)


def supervise_two_workers(tmp_path):
    system.adopt_orphans()
    killed, kept = (worker_with_a_daemon(tmp_path / name) for name in ("killed", "kept"))
    hidden, other = (pid_in(tmp_path / name) for name in ("killed", "kept"))
    assert tree.end_strays([killed, kept]) == []
    os.kill(killed, signal.SIGKILL)
    os.waitpid(killed, 0)
    assert tree.end_strays([kept]) == []
    assert not lives(hidden)
    assert lives(other)
    os.kill(kept, signal.SIGKILL)
    os.waitpid(kept, 0)
    assert tree.end_strays([]) == []
    assert not lives(other)
    assert system.all_gone(0)
    return 0


def worker_with_a_daemon(file):
    pid = os.fork()
    if not pid:
        system.adopt_orphans()
        os.posix_spawn("/bin/sh", ["sh", "-c", f"setsid sh -c 'echo $$ >{file}; exec sleep 1000' &"], os.environ)
        signal.pause()
    return pid
