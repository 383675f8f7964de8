"""The spans in which the machine was starved are measured."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from queuectl.selftest import pace
from queuectl.selftest.pace import Pace, overlap, shifted
from tests.support.waiting import wait_until


def measured(directory: Path, monkeypatch: pytest.MonkeyPatch, *, probe: float, late: float) -> Pace:
    monkeypatch.setattr(pace, "_PROBE_EVERY", 0.0)
    monkeypatch.setattr(pace, "_PROBE", probe)
    monkeypatch.setattr(pace, "_LATE", late)
    made = Pace(str(directory))
    made.start()
    return made


@pytest.mark.parametrize(("probe", "late"), [(-1.0, 600.0), (600.0, -1.0)])
def test_a_slow_process_start_and_a_late_wake_up_are_starvation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, probe: float, late: float
):
    began = time.time_ns() // 1_000_000
    made = measured(tmp_path, monkeypatch, probe=probe, late=late)
    wait_until(lambda: made.starved, 60)

    ((start, end),) = made.finish()

    assert began <= start < end <= time.time_ns() // 1_000_000, "one after the other is one time"


def test_a_machine_that_refuses_processes_is_starved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made = measured(tmp_path / "missing", monkeypatch, probe=600.0, late=600.0)

    wait_until(lambda: made.starved, 60)

    assert made.finish()


def test_a_machine_that_has_time_is_not_starved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made = measured(tmp_path, monkeypatch, probe=600.0, late=600.0)

    wait_until((tmp_path / "pace").exists, 60)

    assert made.finish() == ()


def test_the_overlap_of_two_spans():
    spans = [(0, 10), (20, 30)]

    assert overlap(5, 25, spans) == 10
    assert overlap(10, 20, spans) == 0
    assert overlap(-5, 50, spans) == 20
    assert overlap(0, 10, shifted(spans, 5)) == 5
