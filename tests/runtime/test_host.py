"""Both halves of the system package do the same, each as well as its system allows."""

from __future__ import annotations

import inspect
import os
import select
import shutil
import signal
import subprocess
import sys
import time

import pytest

from queuectl.runtime import system
from queuectl.runtime.system import linux, portable, posix
from tests.support.waiting import PATIENCE, wait_until

half = pytest.mark.usefixtures("half")


@pytest.fixture
def spawn():
    """Start programs that are ended with the test."""
    programs = []

    def spawn(*command, **options):
        programs.append(subprocess.Popen(command, start_new_session=True, **options))
        return programs[-1]

    yield spawn
    for program in programs:
        try:
            os.killpg(program.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        program.wait()
        if program.stdout:
            program.stdout.close()


def test_both_halves_have_the_same_names_and_parameters():
    for name in system.__all__:
        assert inspect.signature(getattr(linux, name)) == inspect.signature(getattr(portable, name)), name


@half
def test_the_exit_of_a_child_can_be_polled_for():
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", "sleep 0.2; exit 9"], {})
    fd = system.exit_fd(pid)
    assert system.reap(pid, fd) is None
    poller = select.poll()
    poller.register(fd, select.POLLIN)
    status = None
    while status is None:
        assert poller.poll(5000)
        status = system.reap(pid, fd)
    os.close(fd)
    assert os.waitstatus_to_exitcode(status) == 9


@half
def test_a_child_that_exited_before_it_was_watched_is_noticed():
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", "exit 9"], {})
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    fd = system.exit_fd(pid)
    assert select.select([fd], [], [], 5)[0]
    assert system.reap(pid, fd) == 9 << 8
    os.close(fd)


def test_a_closed_exit_pipe_is_dropped():
    first = posix.exit_fd(1)
    os.close(first)
    second = posix.exit_fd(1)
    posix._ring()
    assert len(posix._bells) == 1
    os.close(second)
    posix._ring()
    assert not posix._bells
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


@half
def test_the_whole_tree_is_found(spawn):
    program = spawn("sh", "-c", "sh -c 'sleep 1000 & setsid sleep 1000 & wait' & sleep 1000 & wait")
    wait_until(lambda: len(system.descendants(program.pid)) == 4)
    found = system.descendants(program.pid)
    assert program.pid not in found
    assert all(system.is_same(pid, started) for pid, started in found.items())
    assert set(found) <= set(system.descendants(os.getpid()))
    for pid, started in found.items():
        assert system.send(pid, started, signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="simulates a missing file of /proc")
def test_the_tree_is_found_where_the_kernel_lists_no_children(spawn, monkeypatch):
    monkeypatch.setattr(linux, "_children", lambda _: None)
    program = spawn("sh", "-c", "sleep 1000 & sleep 1000 & wait")
    wait_until(lambda: len(linux.descendants(program.pid)) == 2)


@half
def test_processes_are_found_by_their_cookie(spawn):
    def carrier(cookie):
        return spawn("sleep", "1000", env={"A": "b", "QUEUECTL_RUN": cookie, "PATH": os.environ["PATH"]}).pid

    mine, _, other = carrier("t-12-3"), carrier("t-12-34"), carrier("t-1-2")
    wait_until(lambda: set(system.carrying("t-12-3")) == {mine})
    assert system.carrying("t-12-3") == pytest.approx({mine: system.start_time(mine)}, abs=1)
    assert set(system.carrying("t-1-2")) == {other}
    assert system.carrying("t-1") == {}


@half
def test_a_start_time_tells_processes_apart(spawn, tmp_path):
    odd = tmp_path / "a) S 1 (b"
    shutil.copy(shutil.which("sleep") or "", odd)
    program = spawn(str(odd), "1000")
    wait_until(lambda: system.start_time(program.pid))
    started = system.start_time(program.pid)
    assert started is not None
    assert system.is_same(program.pid, started)
    assert not system.is_same(program.pid, started - 5000)
    assert system.start_time(os.getpid()) == pytest.approx(system.start_time(os.getpid()), abs=1)


@half
def test_a_zombie_has_no_start_time(spawn):
    program = spawn("true")
    os.waitid(os.P_PID, program.pid, os.WEXITED | os.WNOWAIT)
    assert system.start_time(program.pid) is None
    assert system.usage(program.pid) in (None, (0.0, 0))
    assert program.pid not in system.processes()


@half
def test_a_missing_process_has_no_start_time():
    assert system.start_time(4_194_305) is None


@half
def test_only_the_process_with_the_right_start_time_is_signalled(spawn):
    program = spawn("sleep", "1000")
    started = wait_until(lambda: system.start_time(program.pid))
    assert not system.send(program.pid, started - 5000, signal.SIGKILL)
    assert not system.send(4_194_305, started, signal.SIGKILL)
    assert system.is_same(program.pid, started)
    assert system.send(program.pid, started, signal.SIGTERM)
    assert program.wait(5) == -signal.SIGTERM


@half
def test_open_files_of_a_process_are_known(spawn, tmp_path):
    with (tmp_path / "open").open("w") as file:
        process = spawn("sh", "-c", f"exec 3>{tmp_path}/other; sleep 1000")
        other = wait_until(lambda: (tmp_path / "other").exists() and os.stat(tmp_path / "other"))
        status = os.fstat(file.fileno())
        assert system.has_open(os.getpid(), (status.st_dev, status.st_ino)) is True
        assert system.has_open(process.pid, (status.st_dev, status.st_ino)) is False
        assert system.has_open(process.pid, (other.st_dev, other.st_ino)) is True


@half
def test_a_missing_process_has_no_open_file():
    assert system.has_open(4_194_305, (1, 1)) is False


@half
def test_the_table_tells_groups_and_parents(spawn):
    program = spawn("sleep", "1000")
    process = wait_until(lambda: system.processes().get(program.pid))
    assert (process.parent, process.group, process.session) == (os.getpid(), program.pid, program.pid)
    family = set(system.family(system.processes(), {os.getpid()}))
    assert program.pid in family
    assert not family & {os.getpid(), os.getppid()}


@half
def test_a_boot_has_one_name():
    assert system.boot_id()
    assert system.boot_id()[:-1] == system.boot_id()[:-1]


@half
def test_usage_is_of_processor_and_memory(spawn):
    def usage():
        seconds, size = system.usage(program.pid) or (0, 0)
        return seconds >= 0.1 and size > 100_000 and (seconds, size)

    program = spawn("sh", "-c", "while :; do :; done")
    assert wait_until(usage)[0] < 30
    assert system.usage(4_194_305) is None


@half
def test_a_script_is_a_file_without_a_name():
    text = b"echo " + b"x" * 300_000
    fd = system.script_fd(text)
    assert os.pread(fd, len(text) + 1, 0) == text
    assert os.lseek(fd, 0, os.SEEK_CUR) == 0
    assert not os.get_inheritable(fd)
    os.close(fd)


def test_the_temporary_file_of_a_script_is_gone_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    fd = posix.script_fd(b"true")
    assert not list(tmp_path.iterdir())
    assert os.fstat(fd).st_mode & 0o077 == 0
    os.close(fd)


@pytest.mark.skipif(sys.platform != "linux", reason="adoption is Linux's")
def test_orphans_are_adopted():
    child = os.fork()
    if not child:
        status = 1
        try:
            linux.adopt_orphans()
            os.waitpid(os.posix_spawn("/bin/sh", ["sh", "-c", "setsid sleep 0.1 &"], os.environ), 0)
            assert not linux.all_gone(0)
            end = time.monotonic() + PATIENCE
            while not linux.all_gone(0):
                assert time.monotonic() < end
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_holders_of_a_file_are_found(spawn, tmp_path):
    path = tmp_path / "lock"
    with open(path, "w") as file:
        program = spawn("sleep", "1000", pass_fds=[file.fileno()])
        fd = file.fileno()
        wait_until(lambda: set(linux.holding(str(path), fd)) == {program.pid, os.getpid()})
    assert set(linux.holding(str(path), fd)) == {program.pid}
    assert linux.holding(str(tmp_path / "other"), fd) == {}


@pytest.mark.skipif(sys.platform != "linux", reason="replaces pidfd")
def test_without_pidfd_the_portable_way_is_taken(spawn, monkeypatch):
    def missing(_):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(os, "pidfd_open", missing)
    program = spawn("sleep", "1000")
    started = wait_until(lambda: linux.start_time(program.pid))
    fd = linux.exit_fd(program.pid)
    assert linux.reap(program.pid, fd) is None
    assert linux.send(program.pid, started, signal.SIGTERM)
    assert wait_until(lambda: linux.reap(program.pid, fd)) == signal.SIGTERM
    os.close(fd)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
