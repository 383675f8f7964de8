"""Checks of the doctor that tests/cli does not provoke through a command: versions, readers, limits, logins."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import pytest

from queuectl.domain.job import NewJob
from queuectl.domain.worker import PoolInfo
from queuectl.operations import find
from queuectl.operations.doctor import Doctor, environment, limits, processes, store_contents
from queuectl.runtime import database_readers, liveness, system
from queuectl.runtime.machine import files_wanted
from queuectl.runtime.systemd_login import Login, kills_at_logout, login_of
from queuectl.store.sqlite.health import has_reset_bug, version
from tests.support.queue import Queue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from queuectl.domain.finding import Finding

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who reads, and the limits of others")

READER = """
import apsw, sys
connection = apsw.Connection(sys.argv[1])
connection.execute("BEGIN; SELECT count(*) FROM jobs").fetchall()
print("reading", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(
    ("library", "has_it"),
    [
        ("3.6.23", False),
        ("3.7.0", True),
        ("3.44.5", True),
        ("3.44.6", False),
        ("3.45.0", True),
        ("3.50.6", True),
        ("3.50.7", False),
        ("3.51.2", True),
        ("3.51.3", False),
        ("3.53.0", False),
        ("4.0.0", False),
    ],
)
def test_sqlite_releases_with_the_wal_reset_bug_are_detected(library: str, has_it: bool):
    number = tuple(map(int, library.split(".")))

    assert has_reset_bug(number) is has_it
    assert (version(library, "1").cure is not None) is has_it
    assert library in version(library, "1").detail


def test_a_withdrawn_sqlite_release_is_reported():
    found = version("3.52.0", "3.52.0.0")

    assert "withdrawn" in found.detail
    assert "pip install" in str(found.cure)


def examined(queue: Queue, name: str, *, fix: bool = False) -> list[Finding]:
    queue.context.store  # noqa: B018 - opens it
    found = find("doctor").run(queue.context, Doctor(fix=fix)).findings
    return [finding for finding in found if finding.name == name]


@pytest.fixture
def reader(queue: Queue) -> Iterator[subprocess.Popen[bytes]]:
    """A process that keeps a read transaction on an old state of the store open."""
    queue.enqueue("true")
    process = subprocess.Popen(
        [sys.executable, "-c", READER, queue.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"reading\n"
    yield process
    process.kill()
    process.communicate()


@pytest.mark.on_sqlite
@linux_only
def test_the_process_that_keeps_the_log_from_being_emptied_is_named(
    queue: Queue, reader: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(store_contents, "LONG_LOG", 1024 * 1024)
    monkeypatch.setattr(store_contents, "_WAIT", 0.1)
    large = [NewJob(command="x" * 20_000) for _ in range(100)]
    queue.context.store.jobs.enqueue(large, max_retries=3, now=queue.context.now())

    for fix in (False, True):
        (found,) = examined(queue, "log", fix=fix)
        assert f"(pid {reader.pid})" in found.detail
        assert "end that process" in str(found.cure)

    reader.communicate()
    (found,) = examined(queue, "log")
    assert "no process is seen to read it" in found.detail
    (found,) = examined(queue, "log", fix=True)
    assert (found.cure, found.fixed) == (None, "emptied it")
    assert os.stat(queue.path + "-wal").st_size == 0
    assert examined(queue, "log", fix=True)[0].fixed is None


@linux_only
def test_a_process_that_only_has_the_store_open_is_no_reader(queue: Queue):
    queue.enqueue("true")
    queue.start(workers=2)

    assert database_readers.long_readers(queue.path) == {}


@pytest.mark.on_sqlite
def test_a_store_on_a_network_file_system_is_reported(queue: Queue, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(environment, "filesystem_of", lambda _: "nfs4")

    assert "local disk" in str(examined(queue, "filesystem")[0].cure)


@linux_only
def test_too_low_limits_of_a_pool_are_reported_with_the_required_ones(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as supervisor:
        resource.prlimit(supervisor.pid, resource.RLIMIT_NPROC, (50, 50))
        resource.prlimit(supervisor.pid, resource.RLIMIT_NOFILE, (150, 150))

        (found,) = limits.allowance([pool(supervisor.pid, size=20)])

        supervisor.communicate()
    assert found.detail == (
        f"pool p may have 150 open files and 50 processes, but 20 workers may need {files_wanted(20)} files and"
        " 82 processes: some workers or jobs may not start"
    )
    assert found.cure == "ulimit -n 1024; ulimit -u 4096, then start the pool again"


@pytest.mark.parametrize(("hard", "cured"), [(4096, False), (60, True)])
def test_without_a_pool_the_hard_limit_of_open_files_is_checked(
    monkeypatch: pytest.MonkeyPatch, hard: int, *, cured: bool
):
    plenty = resource.RLIM_INFINITY, resource.RLIM_INFINITY
    monkeypatch.setattr(resource, "getrlimit", lambda of: (50, hard) if of == resource.RLIMIT_NOFILE else plenty)

    (found,) = limits.allowance([])

    assert found.detail.startswith(f"a pool started here may have {hard} open files and unlimited processes, ")
    assert ("enough for 1 worker" in found.detail) is not cured
    assert (found.cure is not None) is cured


def pool(pid: int, size: int = 1) -> PoolInfo:
    return PoolInfo(id="p", host="here", pid=pid, queues=(), size=size)


def machine(root: Path, group: str, *, lingers: bool = False, systemd: bool = True) -> str:
    """Create the files in which systemd records what belongs to a login. Return their root."""
    for directory in (["run/systemd/system"] if systemd else []) + ["proc/7", "var/lib/systemd/linger"]:
        (root / directory).mkdir(parents=True)
    (root / "proc/7/cgroup").write_text(f"0::{group}\n")
    if lingers:
        (root / "var/lib/systemd/linger/ann").touch()
    return str(root)


SESSION = "/user.slice/user-1000.slice/session-3.scope"
SERVICE = "/user.slice/user-1000.slice/user@1000.service/app.slice/queuectl.service"


@pytest.mark.parametrize(
    ("group", "lingers", "login"),
    [
        (SESSION, False, Login(session=True, lingers=False)),
        (SERVICE, False, Login(session=False, lingers=False)),
        (SERVICE, True, Login(session=False, lingers=True)),
        ("/system.slice/queuectl.service", False, None),
        ("/", False, None),
    ],
)
def test_the_login_of_a_process_is_read_from_its_cgroup(tmp_path: Path, group: str, lingers: bool, login: Login | None):
    assert login_of(7, "ann", machine(tmp_path, group, lingers=lingers)) == login
    assert login_of(8, "ann", str(tmp_path)) is None


def test_without_systemd_nothing_depends_on_a_login(tmp_path: Path):
    assert login_of(7, "ann", machine(tmp_path, SESSION, systemd=False)) is None
    assert [found.cure for found in limits.logins([], "ann")] == [None]


@pytest.mark.parametrize(
    ("group", "lingers", "kills", "cure"),
    [
        (SESSION, True, "yes", "systemd-run --user --scope"),
        (SESSION, False, "", "systemd-run --user --scope"),
        (SESSION, False, "no", None),
        (SERVICE, False, "yes", "loginctl enable-linger"),
        (SERVICE, True, "yes", None),
    ],
)
def test_a_pool_that_ends_at_logout_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: str, lingers: bool, kills: str, cure: str | None
):
    root = machine(tmp_path / "root", group, lingers=lingers)
    loginctl = tmp_path / "loginctl"
    loginctl.write_text(f"#!/bin/sh\necho {kills}\n")
    loginctl.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(limits, "login_of", lambda pid, user: login_of(pid, user, root))

    (found,) = limits.logins([pool(7)], "ann")

    assert kills_at_logout() is {"yes": True, "no": False}.get(kills)
    assert found.cure is None if cure is None else cure in str(found.cure)


def test_a_process_that_ended_during_the_check_is_not_reported(queue: Queue, monkeypatch: pytest.MonkeyPatch):
    """The doctor lists processes before it reads the store, in which the attempt may be over by then."""
    queue.enqueue("true", "--id", "job")
    assert queue.drain().wait() == 0
    (attempt,) = queue.context.store.jobs.attempts(1)
    looks = iter([{2**22 + 1: (1, f"{attempt.worker}-1-{attempt.attempt}")}])
    monkeypatch.setattr(system, "cookies", lambda: next(looks, {}))

    assert [finding.cure for finding in examined(queue, "orphans")] == [None]
    assert next(looks, None) is None, "the check was not repeated"


def test_a_worker_that_stopped_during_the_check_is_not_reported(queue: Queue, monkeypatch: pytest.MonkeyPatch):
    """Its lock is free by then, although it was running when the store was read."""
    queue.start()
    real = liveness.lives
    answers = iter([False])
    monkeypatch.setattr(processes, "lives", lambda *given: next(answers, True) and real(*given))

    assert all(finding.cure is None for finding in examined(queue, "workers"))
    assert next(answers, None) is None


def test_a_file_that_was_removed_during_the_check_is_not_reported(queue: Queue, monkeypatch: pytest.MonkeyPatch):
    answers = iter([["gone"]])
    monkeypatch.setattr(processes, "litter", lambda *_: next(answers, []))

    assert [finding.cure for finding in examined(queue, "leftovers")] == [None]


def test_the_doctor_reports_no_problem_beside_busy_workers(queue: Queue):
    lines = [f'{{"id": "job{each}", "command": "sleep 0.01 & sleep 0.02"}}' for each in range(400)]
    queue.run("enqueue", "-f", "-", given="\n".join(lines))
    queue.start(workers=4)
    for _ in range(8):
        checks = queue.json("doctor", code=None)["checks"]
        alarms = [each for each in checks if not each["ok"]]
        assert not [each for each in alarms if each["name"] in {"workers", "orphans", "leftovers", "log", "clock"}]
