"""The pipe from a worker to the `run` that follows its job."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import pytest

from queuectl.runtime.job_pipe import BEGUN, ERR, OUT, RECORDED, Frame, JobPipe, JobPipeReader, path_of
from queuectl.runtime.output import HEAD, TAIL, Capture

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[JobPipeReader]:
    made = JobPipeReader(str(tmp_path), 7)
    yield made
    made.close()


def worker_of(reader: JobPipeReader, tmp_path: Path, attempt: int = 1) -> JobPipe:
    assert reader.fd >= 0
    pipe = JobPipe.find(str(tmp_path), 7, attempt)
    assert pipe is not None
    return pipe


def captured(data: bytes) -> Capture:
    capture = Capture()
    source, sink = os.pipe()
    os.set_blocking(source, False)
    for start in range(0, len(data), 65_536):
        os.write(sink, data[start : start + 65_536])
        while capture.read(source) > 0:
            pass
    os.close(source)
    os.close(sink)
    return capture


def frames(reader: JobPipeReader) -> list[Frame]:
    taken = []
    while (frame := reader.next()) is not None:
        taken.append(frame)
        reader.take()
    return taken


def test_a_job_without_a_run_has_no_pipe(tmp_path: Path):
    assert JobPipe.find(str(tmp_path), 7, 1) is None


def test_a_pipe_whose_run_was_killed_is_removed(tmp_path: Path):
    os.mkfifo(path_of(str(tmp_path), 7))

    assert JobPipe.find(str(tmp_path), 7, 1) is None
    assert list(tmp_path.iterdir()) == []


def test_frames_name_the_attempt_the_stream_and_the_place(reader: JobPipeReader, tmp_path: Path):
    for attempt in (1, 2):
        pipe = worker_of(reader, tmp_path, attempt)
        assert pipe.send(captured(b"abc"), captured(b""))
        assert pipe.send(captured(b"abcde"), captured(b"f"))
        pipe.recorded()

    assert [(frame.kind, frame.attempt, frame.first, frame.data) for frame in frames(reader)] == [
        each
        for attempt in (1, 2)
        for each in (
            (BEGUN, attempt, 0, b""),
            (OUT, attempt, 0, b"abc"),
            (OUT, attempt, 3, b"de"),
            (ERR, attempt, 0, b"f"),
            (RECORDED, attempt, 0, b""),
        )
    ]


def test_what_does_not_fit_is_sent_once_there_is_space(reader: JobPipeReader, tmp_path: Path):
    data = os.urandom(HEAD * 5)
    pipe, out, err = worker_of(reader, tmp_path), captured(data), captured(b"err")
    got = {BEGUN: b"", OUT: b"", ERR: b""}
    turns = 0
    while not pipe.send(out, err):
        turns += 1
        for frame in frames(reader):
            assert frame.kind == BEGUN or frame.first == len(got[frame.kind])
            got[frame.kind] += frame.data
    for frame in frames(reader):
        got[frame.kind] += frame.data

    assert (got[OUT], got[ERR]) == (data, b"err")
    assert turns > 0


def test_bytes_that_were_not_kept_leave_a_gap(reader: JobPipeReader, tmp_path: Path):
    pipe, out = worker_of(reader, tmp_path), captured(os.urandom(HEAD + TAIL + 100))
    places = []
    while not pipe.send(out, captured(b"")):
        places += [(frame.first, len(frame.data)) for frame in frames(reader) if frame.kind == OUT]
    places += [(frame.first, len(frame.data)) for frame in frames(reader) if frame.kind == OUT]

    gaps = [
        (first, first + length, after) for (first, length), (after, _) in pairwise(places) if after != first + length
    ]
    assert [(end, after) for _, end, after in gaps] == [(HEAD, HEAD + 100)]


def test_a_reader_that_has_gone_holds_nothing_up(reader: JobPipeReader, tmp_path: Path):
    pipe = worker_of(reader, tmp_path)
    full = captured(os.urandom(HEAD * 4))
    assert not pipe.send(full, captured(b""))
    reader.close()

    assert pipe.send(full, captured(b""))
    pipe.recorded()
    assert list(tmp_path.iterdir()) == []
