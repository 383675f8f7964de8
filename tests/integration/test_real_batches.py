"""Realistic batches of jobs."""

from __future__ import annotations

import gzip
import hashlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
from functools import partial
from pathlib import Path

import pytest

from tests.support.queue import ROOT, Queue
from tests.support.waiting import wait_until

FILES = 1000


@pytest.mark.skipif(not (shutil.which("gzip") and shutil.which("sha256sum")), reason="gzip or sha256sum is missing")
def test_a_thousand_files_are_compressed_and_hashed_although_two_workers_are_killed(queue: Queue):
    # With installed files: some systems keep half of the standard library elsewhere.
    roots = [Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib")]
    library = sorted({file for root in roots for file in root.rglob("*.py")})[:FILES]
    assert len(library) == FILES
    commands = [f"gzip -9 -c {shlex.quote(str(file))} | sha256sum" for file in library]
    ids = queue.run("enqueue", "--lines", "-f", "-", given="\n".join(commands) + "\n").stdout.split()
    assert len(ids) == FILES

    pool = queue.drain(workers=4)
    for _ in range(2):
        victim = queue.busy_worker()
        os.kill(victim, signal.SIGKILL)
        wait_until(partial(gone, queue, victim))

    assert pool.wait() == 0
    stored = {}
    for id_ in ids:
        listed = queue.context.store.jobs.get(id_)
        assert listed.latest is not None
        output, _ = queue.context.store.jobs.output(listed.job.seq, listed.latest.attempt)
        stored[id_] = output.head.split()[0].decode()
    assert {id_: digest(file) for id_, file in zip(ids, library, strict=True)} == stored
    assert queue.json("status")["jobs"]["completed"] == FILES
    assert pool.log.count("put back") >= 1


def gone(queue: Queue, pid: int) -> bool:
    return pid not in {seen.info.pid for seen in queue.workers()}


def digest(file: Path) -> str:
    """Return the expected output of the job, computed by another program than the job's."""
    packed = subprocess.run(["gzip", "-9", "-c", str(file)], capture_output=True, check=True).stdout
    assert gzip.decompress(packed) == file.read_bytes()
    return hashlib.sha256(packed).hexdigest()


def test_the_projects_own_tests_run_as_jobs(queue: Queue):
    files = sorted((ROOT / "tests" / "unit").glob("test_*.py"))
    assert files
    for file in files:
        queue.run(
            "enqueue", "--id", file.stem, "--max-retries", "0", "--timeout", "5m", "--cwd", str(ROOT), "--",
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file.relative_to(ROOT)),
        )  # fmt: skip

    assert queue.drain(workers=2).wait() == 0

    for file in files:
        record = queue.json("show", file.stem)
        assert record["state"] == "completed", record["stdout"]
        assert " passed" in record["stdout"]
