"""Violations that a ledger of runs reveals."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from queuectl.selftest.ledger import Entry, judge, note, read, witnessed


def entries(*lines: str) -> list[Entry]:
    return [Entry(word=word, job=job, attempt=int(attempt)) for word, job, attempt in map(str.split, lines)]


def test_consecutive_runs_violate_nothing():
    assert judge(entries("start a 1", "alive a 1", "start b 1", "end b 1", "start a 2", "end a 2")) == []


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (("start a 1", "start a 2", "alive a 1"), "attempt 1 was alive after attempt 2 had begun"),
        (("start a 1", "start a 2", "end a 1"), "attempt 1 was alive after attempt 2 had begun"),
        (("start a 2", "start a 1"), "attempt 1 was alive after attempt 2 had begun"),
        (("start a 1", "start a 1"), "attempt 1 began twice"),
        (("start a 1", "end a 1", "end a 1"), "attempt 1 ended twice"),
    ],
)
def test_violations_are_named(lines: tuple[str, ...], sentence: str):
    assert [(each.job, each.sentence) for each in judge(entries(*lines))] == [("a", sentence)]


@pytest.mark.parametrize("status", [0, 7])
def test_a_job_writes_its_own_lines_and_keeps_its_status(tmp_path: Path, status: int):
    ledger = str(tmp_path / "it's a ledger")
    command = witnessed(ledger, f"{note(ledger, 'alive')}; (exit {status})")

    done = subprocess.run(command, shell=True, env=os.environ | {"QUEUECTL_JOB_ID": "job", "QUEUECTL_ATTEMPT": "3"})

    assert done.returncode == status
    assert read(ledger) == entries("start job 3", "alive job 3", "end job 3")


def test_a_ledger_that_is_not_there_is_empty(tmp_path: Path):
    assert read(str(tmp_path / "none")) == []
