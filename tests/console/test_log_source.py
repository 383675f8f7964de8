"""The output of an attempt as lines: live, stored, and continued from one to the other without a gap."""

from __future__ import annotations

from pathlib import Path

import pytest

from queuectl import bootstrap
from queuectl.domain.attempt import Outcome
from queuectl.operations.context import Context
from queuectl.runtime.output import HEAD, TAIL
from queuectl_tui.widgets.log_source import LINES, LONGEST, LogLine, LogSource, LogUpdate, save
from tests.support.live_job import LiveJob
from tests.support.seed import NOW


@pytest.fixture
def job(tmp_path: Path) -> LiveJob:
    return LiveJob(tmp_path)


def all_of(source: LogSource, context: Context, have: int = 0) -> LogUpdate:
    """Read until there is no more; return the last answer, with every held line from `have` on."""
    while source.read(context, 0).more:
        pass
    return source.read(context, have)


def texts(update: LogUpdate) -> list[str]:
    return [line.text for line in (*update.lines, *update.open)]


def test_a_job_that_has_not_run_has_no_output(job: LiveJob):
    update = LogSource(job.id).read(job.context, 0)
    assert (update.attempt, update.newest, update.lines, update.running) == (None, 0, (), False)


def test_output_is_followed_while_it_is_printed_and_after_the_end(job: LiveJob):
    source = LogSource(job.id)
    assert texts(source.read(job.context, 0)) == []
    job.begin()
    job.print(b"one\ntw")
    update = source.read(job.context, 0)
    assert (texts(update), update.running) == (["one", "tw"], True)
    job.print(b"o\nthree\n")
    update = source.read(job.context, 1)
    assert texts(update) == ["two", "three"]
    job.print(b"last words")
    job.end()
    update = source.read(job.context, 3)
    assert (texts(update), update.running) == (["last words"], False)
    assert update.open == ()
    assert texts(source.read(job.context, 4)) == []


def test_output_between_the_last_poll_and_the_end_is_not_lost(job: LiveJob):
    job.begin()
    job.print(b"a\n")
    source = LogSource(job.id)
    source.read(job.context, 0)
    job.print(b"b\n" * 50_000)
    job.print(b"err\n", err=True)
    job.end()
    update = all_of(source, job.context)
    assert update.total == 100_006
    assert update.lines[-1].text == "err"
    assert update.lines[-1].stream == "err"


def test_a_job_that_has_ended_is_read_from_the_store(job: LiveJob):
    job.begin()
    job.print(b"\x1b[31mred\x1b[0m\n")
    job.print(b"oops", err=True)
    job.end(Outcome.EXIT)
    update = all_of(LogSource(job.id), job.context)
    assert [(line.stream, line.text, line.at) for line in update.lines] == [("out", "red", None), ("err", "oops", None)]
    assert len(update.lines[0].spans) == 1


def test_lines_that_arrive_while_the_log_is_open_have_a_time(job: LiveJob):
    job.begin()
    job.print(b"before\n")
    source = LogSource(job.id)
    source.read(job.context, 0)
    job.clock.at += 5000
    job.print(b"after\n")
    assert [line.at for line in source.read(job.context, 0).lines] == [None, NOW + 5000]


def test_a_gap_shows_its_size(job: LiveJob):
    job.begin()
    job.print(b"x" * 99 + b"\n" + (b"y" * 99 + b"\n") * 30_000)
    job.end()
    update = all_of(LogSource(job.id), job.context)
    missing = 100 * 30_001 - HEAD - TAIL
    assert update.total == 100 * 30_001
    assert len(update.lines) == LINES
    source = LogSource(job.id)
    found: list[LogLine] = []
    have = 0
    while True:
        step = source.read(job.context, have)
        found += step.lines
        have = source.read(job.context, 0).lines[-1].number + 1
        if not step.more:
            break
    assert [(line.left_out, line.text) for line in found if line.left_out] == [
        (missing, f"[… {missing} bytes left out …]")
    ] or update.first > 0


def test_only_the_last_lines_are_held_and_they_know_their_number(job: LiveJob):
    job.begin()
    job.print(b"".join(b"%d\n" % number for number in range(7000)))
    update = all_of(LogSource(job.id), job.context)
    assert (update.first, len(update.lines)) == (2000, LINES)
    assert all(line.text == str(line.number) for line in update.lines)


def test_a_line_without_end_is_cut_and_bounded(job: LiveJob):
    job.begin()
    source = LogSource(job.id)
    for _ in range(40):
        job.print(b"a" * 500_000)
        while source.read(job.context, 0).more:
            pass
    update = source.read(job.context, 0)
    # At most one piece more than fits may be there.
    assert all(len(line.text) <= LONGEST * 2 for line in update.lines)
    assert update.lines[-1].continues
    assert sum(len(line.text) for line in update.lines) <= 4 * 1024 * 1024
    assert update.total == 20_000_000


def test_a_line_that_is_cut_exactly_at_its_end_is_one_line(job: LiveJob):
    job.begin()
    job.print(b"a" * (LONGEST + 2048) + b"\nb\n")
    lines = all_of(LogSource(job.id), job.context).lines
    assert lines[-1].text == "b"
    assert "".join(line.text for line in lines[:-1]) == "a" * (LONGEST + 2048)
    assert all(line.text for line in lines)


def test_a_progress_bar_of_megabytes_is_one_line(job: LiveJob):
    job.begin()
    source = LogSource(job.id)
    for number in range(20):
        job.print(b"\x1b]9;4;1;%d\x07" % number + b"\rworking | \b/" * 10_000)
        while (update := source.read(job.context, 0)).more:
            pass
    assert texts(update) == ["working |/"]
    assert update.progress is not None
    assert update.progress.percent == 19


def test_letters_and_sequences_split_over_reads_are_joined(job: LiveJob):
    job.begin()
    source = LogSource(job.id)
    for byte in "\x1b[32mgrün 漢\x1b[0m\n".encode():
        job.print(bytes([byte]))
        source.read(job.context, 0)
    (line,) = source.read(job.context, 0).lines
    assert (line.text, line.cells, len(line.spans)) == ("grün 漢", 7, 1)


def test_an_earlier_attempt_can_be_read(job: LiveJob):
    job.begin()
    job.print(b"first\n")
    job.end(Outcome.EXIT)
    job.clock.at += 10_000
    job.begin()
    job.print(b"second\n")
    update = LogSource(job.id, 1).read(job.context, 0)
    assert (texts(update), update.newest, update.running) == (["first"], 2, False)
    assert texts(LogSource(job.id).read(job.context, 0)) == ["second"]


def test_a_deleted_job_is_reported_and_its_lines_are_kept(job: LiveJob):
    job.begin()
    job.print(b"kept\n")
    source = LogSource(job.id)
    source.read(job.context, 0)
    other = bootstrap.context(job.path)
    job.end()
    other.store.jobs.delete([job.id], now=NOW)
    update = source.read(job.context, 0)
    assert (update.problem, texts(update)) == ("the job has been deleted", ["kept"])


def test_saving_writes_a_private_file_and_never_over_another(job: LiveJob, tmp_path: Path):
    job.begin()
    job.print(b"\x1b]0;x\x07out\n")
    job.print(b"err\n", err=True)
    job.end()
    path = tmp_path / "saved.log"
    written = save(job.context, job.id, 1, ("out", "err"), str(path))
    assert path.read_text() == "\\x1b]0;x\\x07out\nerr\n"
    assert written == path.stat().st_size
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        save(job.context, job.id, 1, ("out", "err"), str(path))
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        save(job.context, job.id, 1, ("out", "err"), str(tmp_path / "link"))
    save(job.context, job.id, 1, ("err",), str(tmp_path / "err.log"))
    assert (tmp_path / "err.log").read_text() == "err\n"


def test_a_kept_output_is_read_in_steps(job: LiveJob):
    job.begin()
    job.print(b"z" * 79 + b"\n" + b"\0" * 900_000)
    job.end()
    source = LogSource(job.id)
    steps = 1
    while source.read(job.context, 0).more:
        steps += 1
    assert steps >= 4


def test_the_line_numbers_of_a_flood_are_right(job: LiveJob):
    job.begin()
    job.print(b"first\n" + b"y\n" * 400_000 + b"last\n")
    job.end()
    source = LogSource(job.id)
    update = all_of(source, job.context)
    assert update.lines[-1].text == "last"
    assert len(update.lines) == LINES
    # All of it was stored: 64 KiB and one MiB hold it.
    assert update.lines[-1].number == 400_001
