"""The environment, descriptors and directory with which a command starts."""

from __future__ import annotations

import errno
import os
import resource
import signal
import sys

import pytest

from queuectl.domain.attempt import Outcome
from queuectl.runtime import process, system
from queuectl.runtime.attempt_spec import AttemptSpec
from queuectl.runtime.locks import LOCK_FD
from queuectl.runtime.system import posix

pytestmark = pytest.mark.usefixtures("half")


def out(worker):
    result = worker.result()
    assert result.outcome is Outcome.SUCCESS, result
    return result.stdout.head + result.stdout.tail


def variables(worker):
    return dict(entry.split(b"=", 1) for entry in out(worker).split(b"\0") if entry)


def test_the_command_arrives_byte_for_byte(start):
    text = "naïve «π» 🎉 \t two  spaces \\ ' \x01\x7f"
    assert out(start(f"cat <<'END'\n{text}\nEND")) == text.encode() + b"\n"


def test_the_command_may_have_many_lines_and_a_comment_first(start):
    assert out(start("#!/bin/sh\n\nfor i in 1 2\ndo\n  echo $i\ndone")) == b"1\n2\n"


@pytest.mark.parametrize("size", [131_070, 131_071, 131_072, 131_073, 1 << 20])
def test_a_command_of_any_size_runs(start, size):
    command = "printf %s '" + "é" * ((size - 30) // 2) + "'; echo; : "
    command += "x" * (size - len(command.encode()))
    assert len(command.encode()) == size
    result = start(command).result()
    assert result.outcome is Outcome.SUCCESS, result
    assert result.stdout.total == 2 * ((size - 30) // 2) + 1


def test_a_long_command_is_the_same_shell_as_a_short_one(start):
    command = (
        "echo $0 $#; echo $LINENO\nno-such-program\nls /dev/fd >/dev/null; [ ! -e /dev/fd/9 ] && echo closed; exit 9"
    )
    short = start(command).result()
    long = start(command + "\n#" + "x" * 200_000).result()
    assert short.stdout.head == long.stdout.head
    assert b"closed" in long.stdout.head
    assert (short.exit_code, long.exit_code) == (9, 9)
    assert b"no-such-program" in long.stderr.head


def test_stdin_is_at_its_end(start):
    assert out(start("cat; read line || echo end")) == b"end\n"


def test_it_leads_a_session_of_its_own(start):
    pid, group, session = out(start("exec ps -o pid=,pgid=,sid= -p $$")).split()
    assert pid == group == session


@pytest.mark.skipif(sys.platform != "linux", reason="lists open files in /proc")
def test_it_inherits_nothing_but_its_streams_and_its_lock(start):
    inherited_by_the_worker = os.dup(1)
    os.set_inheritable(inherited_by_the_worker, True)
    fds = out(start("exec ls /proc/self/fd")).split()
    os.close(inherited_by_the_worker)
    # One more is the directory that ls reads.
    assert {b"0", b"1", b"2", b"%d" % LOCK_FD} <= set(fds)
    assert len(fds) == 5


@pytest.mark.skipif(sys.platform != "linux", reason="reads the masks in /proc")
def test_no_signal_is_ignored_or_blocked(start):
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        worker = start("exec grep -E 'Sig(Blk|Ign)' /proc/self/status")
    finally:
        signal.signal(signal.SIGHUP, before)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})
    blocked, ignored = (int(line.split()[1], 16) for line in out(worker).splitlines())
    own_of_glibc = 1 << 31 | 1 << 32
    assert (blocked, ignored & ~own_of_glibc) == (0, 0)


def test_a_broken_pipe_inside_the_job_is_quiet_as_in_a_shell(start):
    result = start("yes | head -n 1").result()
    assert (result.outcome, result.stdout.head, result.stderr.head) == (Outcome.SUCCESS, b"y\n", b"")


def test_it_runs_in_its_directory(start, tmp_path):
    (tmp_path / "a b é").mkdir()
    before = os.getcwd()
    assert out(start("pwd; env | grep ^PWD=", cwd=f"{tmp_path}/a b é")) == (
        f"{tmp_path}/a b é\nPWD={tmp_path}/a b é\n".encode()
    )
    assert os.getcwd() == before


def test_a_directory_that_is_missing_is_a_spawn_error(start, tmp_path):
    result = start("true", cwd=f"{tmp_path}/gone").result()
    assert result.outcome is Outcome.SPAWN_ERROR
    assert result.error == f"cannot start in {tmp_path}/gone: No such file or directory"
    assert result.exit_code is None


def test_a_directory_that_is_a_file_is_a_spawn_error(start, tmp_path):
    (tmp_path / "file").touch()
    assert str(start("true", cwd=f"{tmp_path}/file").result().error).endswith("file: Not a directory")


def test_a_worker_without_standard_streams_gives_its_jobs_theirs(start):
    result = start("cat; echo out; echo err >&2", first=lambda: os.closerange(0, 3)).result()
    assert (result.outcome, result.stdout.head, result.stderr.head) == (Outcome.SUCCESS, b"out\n", b"err\n")


def test_the_worker_stays_where_it_was(tmp_path):
    before = os.getcwd()
    for cwd in (str(tmp_path), str(tmp_path / "gone")):
        try:
            pid, *pipes = process.start(AttemptSpec(command="true", environment={}, cwd=cwd), None)
        except process.SpawnError:
            continue
        os.waitpid(pid, 0)
        for pipe in pipes:
            os.close(pipe)
        assert os.getcwd() == before


def closed_directory():
    opens = os.open

    def refused(path, *rest, **more):
        if path == ".":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return opens(path, *rest, **more)

    os.open = refused


def test_a_worker_without_access_to_its_directory_runs_jobs_in_theirs(start, tmp_path):
    assert out(start("pwd", first=closed_directory, cwd=str(tmp_path))) == f"{tmp_path}\n".encode()


def test_the_environment_merges_the_workers_the_jobs_and_queuectls_variables(start):
    inherited = {b"PATH": os.environb[b"PATH"], b"ODD": b"\xff\xfe", b"HOME": b"/home"}
    worker = start("exec env -0", inherited=inherited, env=(("HOME", "/elsewhere é"), ("EMPTY", "")))
    of_the_shell = (b"PWD", b"OLDPWD", b"SHLVL", b"_")
    got = variables(worker)
    assert {name: value for name, value in got.items() if name not in of_the_shell} == {
        b"PATH": os.environb[b"PATH"],
        b"ODD": b"\xff\xfe",
        b"HOME": "/elsewhere é".encode(),
        b"EMPTY": b"",
        b"QUEUECTL_JOB_ID": b"job one",
        b"QUEUECTL_ATTEMPT": b"3",
        b"QUEUECTL_RUN": worker.cookie.encode(),
    }


def test_secrets_of_the_store_and_tmout_are_not_inherited(start):
    secrets = (b"PGPASSWORD", b"PGPASSFILE", b"QUEUECTL_DB", b"QUEUECTL_RUN", b"TMOUT")
    inherited = {b"PATH": os.environb[b"PATH"], b"PGHOST": b"db", **dict.fromkeys(secrets, b"secret")}
    got = variables(start("exec env -0", inherited=inherited))
    assert got[b"PGHOST"] == b"db"
    assert b"secret" not in got.values()


def test_a_job_cannot_choose_its_cookie(start):
    worker = start("exec env -0", env=(("QUEUECTL_RUN", "another-1-1"),))
    assert variables(worker)[b"QUEUECTL_RUN"] == worker.cookie.encode()


@pytest.mark.parametrize(
    ("env", "why"),
    [
        ((("BIG", "x" * 200_000),), "cannot start: command and environment are too large"),
        ((("A=B", "x"),), "cannot start: illegal environment variable name"),
        ((("A", "x\0y"),), "cannot start: embedded null byte"),
    ],
)
def test_an_environment_that_cannot_be_is_a_spawn_error(start, env, why):
    if env[0][0] == "BIG" and sys.platform != "linux":
        pytest.skip("only Linux limits single strings")
    result = start("true", env=env).result()
    assert (result.outcome, result.error) == (Outcome.SPAWN_ERROR, why)


def test_no_descriptor_leaks_from_a_start_that_failed(tmp_path):
    before = len(os.listdir("/dev/fd"))
    for command, environment, cwd in [
        ("true", {b"A": b"x" * 200_000}, None),
        ("true", {}, str(tmp_path / "gone")),
        ("x" * 200_000 + "\0", {b"A": b"x\0"}, None),
        ("\ud800", {}, None),
    ]:
        with pytest.raises(process.SpawnError):
            process.start(AttemptSpec(command=command, environment=environment, cwd=cwd), None)
    # /dev/null stays open for the next start.
    assert len(os.listdir("/dev/fd")) <= before + 1


def few_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (LOCK_FD, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


def no_memory_for_a_directory():
    def chdir(_):
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    os.chdir = chdir


def failing_with(number):
    def spawn(*_, **__):
        raise OSError(number, os.strerror(number))

    def fail():
        os.posix_spawn = spawn

    return fail


@pytest.mark.parametrize(
    ("broken", "options", "why"),
    [
        (few_descriptors, {}, "the limit of open files must be above 187"),
        (failing_with(errno.EAGAIN), {}, "no more processes are allowed"),
        (failing_with(errno.ENOMEM), {}, "out of memory"),
        (failing_with(errno.ENOENT), {}, "No such file or directory"),
        (no_memory_for_a_directory, {"cwd": "/"}, "out of memory"),
    ],
)
def test_a_refusal_by_the_machine_is_no_failed_attempt(start, broken, options, why):
    result = start("true", first=broken, **options).result()
    assert (result.outcome, result.refused, result.error) == (Outcome.RELEASED, True, f"not started: {why}")


def test_a_long_command_that_gets_no_file_is_no_fault_of_the_job(start, monkeypatch, tmp_path):
    monkeypatch.setattr(system, "script_fd", posix.script_fd)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "gone"))
    result = start("true #" + "x" * 200_000).result()
    assert (result.outcome, result.refused) == (Outcome.RELEASED, True)


@pytest.mark.parametrize("text", ["", "w-1-2", "w-1-2-", "w-x-2-1f.2e", "w-1--1f.2e", "w-1-" + "9" * 30 + "-1f.2e"])
def test_a_cookie_is_read_as_it_was_made_and_nothing_else_is_one(text: str):
    assert process.read_cookie(process.cookie("w-a", 12, 3, "1f.2e")) == ("w-a", 12, 3, "1f.2e")
    assert process.read_cookie(text) in {None, ("w", 1, 2, "")}
