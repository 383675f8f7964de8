"""The output of a running job can be followed in bounded files."""

from __future__ import annotations

import os
import random
import stat
import threading

import pytest

from queuectl.domain.attempt import NOTHING, Output
from queuectl.runtime import attempt_runner, live
from queuectl.runtime.output import HEAD, TAIL, Capture
from tests.support.waiting import wait_until


class Stream:
    """A capture that is fed from memory, and its live file."""

    def __init__(self, directory, seq=1):
        self.capture = Capture()
        self.quiet = Capture()
        self.live = live.Live(str(directory), seq, 2)
        self.path = os.path.join(directory, f"{seq}-2.out")
        self.out, self.into = os.pipe()
        os.set_blocking(self.out, False)
        self.written = b""

    def say(self, data):
        self.written += data
        view = memoryview(data)
        while view:
            view = view[os.write(self.into, view[:60_000]) :]
            while self.capture.read(self.out) > 0:
                pass

    def write(self):
        self.live.write(self.capture, self.quiet)

    def close(self):
        self.live.discard()
        os.close(self.out)
        os.close(self.into)


@pytest.fixture
def stream(tmp_path):
    stream = Stream(tmp_path)
    yield stream
    stream.close()


@pytest.fixture
def reader(stream):
    reader = live.LiveReader(stream.path)
    yield reader
    reader.close()


def noise(size):
    return random.Random(size).randbytes(size)


def read_all(reader, offset=0):
    """Read all from `offset` on; return the next offset, the bytes, and how many were missing."""
    got, lost = b"", 0
    while True:
        following, data, skipped = reader.read(offset)
        if following == offset:
            return offset, got, lost
        assert following == offset + skipped + len(data)
        offset, got, lost = following, got + data, lost + skipped


def test_a_missing_file_has_no_output(reader):
    assert reader.read(0) == (0, b"", 0)


def test_no_file_is_made_for_a_quiet_stream(stream):
    stream.write()
    assert not os.path.exists(stream.path)
    stream.say(b"x")
    stream.write()
    assert os.path.exists(stream.path)
    assert not os.path.exists(stream.path.replace(".out", ".err"))


def test_live_files_are_private(stream):
    stream.say(b"x")
    stream.write()
    assert stat.S_IMODE(os.stat(stream.path).st_mode) == 0o600


def test_only_new_bytes_are_read(stream, reader):
    stream.say(b"one\n")
    stream.write()
    assert reader.read(0) == (4, b"one\n", 0)
    assert reader.read(4) == (4, b"", 0)
    stream.say(b"two\n")
    assert reader.read(4) == (4, b"", 0)
    stream.write()
    assert reader.read(4) == (8, b"two\n", 0)


@pytest.mark.parametrize("size", [HEAD - 1, HEAD, HEAD + 1, HEAD + TAIL - 1, HEAD + TAIL])
def test_output_that_fits_can_be_read_complete(stream, reader, size):
    stream.say(noise(size))
    stream.write()
    assert read_all(reader) == (size, stream.written, 0)


def test_the_oldest_of_a_longer_output_is_skipped_and_counted(stream, reader):
    stream.say(noise(HEAD + 2 * TAIL + 77))
    stream.write()
    offset, got, lost = read_all(reader)
    assert (offset, lost) == (len(stream.written), TAIL + 77)
    assert got == stream.written[:HEAD] + stream.written[-TAIL:]


def test_a_reader_that_keeps_up_misses_nothing(stream, reader):
    offset, got = 0, b""
    for size in (1, HEAD - 2, 5, 500_000, 700_000, 1_000_000, 3, 999_999):
        stream.say(noise(size))
        stream.write()
        offset, more, lost = read_all(reader, offset)
        assert lost == 0
        got += more
    assert got == stream.written


def test_the_file_is_bounded(stream):
    for _ in range(5):
        stream.say(noise(TAIL))
        stream.write()
    assert os.stat(stream.path).st_size <= live.HEADER + HEAD + TAIL


def test_a_reader_is_safe_from_a_writer_that_laps_it(stream, reader):
    """Every byte encodes its own index, so that a torn read is noticed."""
    period = 251 * 256
    pattern = bytes((index % 251) ^ (index // 251) for index in range(period)) * 2
    stop = threading.Event()

    def write():
        position = 0
        while not stop.is_set():
            for _ in range(4):
                stream.say(pattern[position % period : position % period + 50_000])
                stream.written = b""
                position += 50_000
            stream.write()

    writer = threading.Thread(target=write)
    writer.start()
    offset = seen = 0
    try:
        while seen < 50_000_000:
            following, data, skipped = reader.read(offset)
            begin = offset + skipped
            for at in range(0, len(data), period):
                piece = data[at : at + period]
                phase = (begin + at) % period
                assert piece == (pattern[phase:] + pattern[:phase])[: len(piece)], f"torn at {begin + at}"
            offset, seen = following, seen + len(data)
    finally:
        stop.set()
        writer.join()


def test_bytes_that_are_being_overwritten_are_discarded(stream, reader, monkeypatch):
    stream.say(noise(HEAD + TAIL))
    stream.write()
    read = live._read

    def lapped_by_1000(fd, first, last):
        data = read(fd, first, last)
        if first >= HEAD and len(stream.written) == HEAD + TAIL:
            stream.say(noise(1000))
            stream.write()
        return data

    monkeypatch.setattr(live, "_read", lapped_by_1000)
    written = stream.written
    following, data, skipped = reader.read(HEAD)
    assert skipped == 1000
    assert data == written[HEAD + 1000 : following]


def test_a_reader_keeps_what_it_opened_when_the_job_is_over(stream, reader):
    stream.say(b"the end")
    stream.write()
    assert reader.read(0)[1] == b"the end"
    stream.live.discard()
    assert not os.path.exists(stream.path)
    assert reader.read(4) == (7, b"end", 0)


def test_discard_is_free_when_there_is_nothing(stream, monkeypatch):
    monkeypatch.setattr(os, "unlink", lambda _: pytest.fail("a system call"))
    stream.live.discard()


@pytest.mark.parametrize("size", [0, 1, HEAD, HEAD + 1, HEAD + TAIL, HEAD + TAIL + 1000])
def test_output_is_recovered_as_it_would_have_been_stored(stream, size):
    if size:
        stream.say(noise(size))
        stream.write()
    assert live.recover(stream.path) == stream.capture.take()


def test_a_writer_killed_halfway_leaves_the_valid_bytes(stream):
    stream.say(noise(HEAD + TAIL))
    stream.write()
    with open(stream.path, "r+b") as file:
        file.seek(16)
        file.write((HEAD + TAIL + 1000).to_bytes(8, "little"))
        file.seek(live.HEADER + HEAD)
        file.write(b"!" * 600)
    output = live.recover(stream.path)
    assert output.total == HEAD + TAIL
    assert output.head == stream.written[:HEAD]
    assert output.tail == stream.written[HEAD + 1000 :]
    assert output.left_out == 1000


@pytest.mark.parametrize("content", [b"", b"queuectl", b"something else altogether, long enough for a header"])
def test_a_foreign_file_recovers_no_output(tmp_path, content):
    (tmp_path / "1-2.out").write_bytes(content)
    assert live.recover(str(tmp_path / "1-2.out")) == NOTHING
    assert live.LiveReader(str(tmp_path / "1-2.out")).read(0) == (0, b"", 0)


def test_stored_output_continues_where_the_file_ended():
    output = Output(head=b"abc", tail=b"xyz", total=10)
    assert live.read_stored(output, 0) == (3, b"abc", 0)
    assert live.read_stored(output, 2) == (3, b"c", 0)
    assert live.read_stored(output, 3) == (10, b"xyz", 4)
    assert live.read_stored(output, 8) == (10, b"yz", 0)
    assert live.read_stored(output, 10) == (10, b"", 0)
    assert live.read_stored(NOTHING, 0) == (0, b"", 0)


def test_a_stale_file_of_the_same_name_is_replaced(stream, reader):
    with open(stream.path, "w") as file:
        file.write("from before the restore")
    stream.say(b"new")
    stream.write()
    assert reader.read(0) == (3, b"new", 0)


def test_a_missing_directory_is_ignored(tmp_path):
    stream = Stream(tmp_path / "gone")
    stream.say(b"x")
    stream.write()
    stream.say(b"y")
    stream.write()
    stream.close()


def test_a_full_disk_only_abandons_the_live_file(stream, reader, monkeypatch):
    stream.say(b"before ")
    stream.write()
    pwrite = os.pwrite

    def full(fd, data, position):
        if position >= live.HEADER:
            raise OSError(28, "No space left on device")
        return pwrite(fd, data, position)

    monkeypatch.setattr(os, "pwrite", full)
    stream.say(b"during ")
    stream.write()
    monkeypatch.undo()
    stream.say(b"after")
    stream.write()
    assert read_all(reader) == (7, b"before ", 0)


@pytest.mark.usefixtures("half")
def test_a_running_job_can_be_followed(start):
    worker = start("echo one; echo two >&2; sleep 1000")
    worker.wait_for(b"one\n")
    wait_until(lambda: worker.printed("err") == b"two\n")
    worker.say("cancel 9")
    result = worker.result()
    assert (result.stdout.head, result.stderr.head) == (b"one\n", b"two\n")
    # The files stay until the result is recorded; then the worker discards them.
    assert worker.printed() == b"one\n"


def test_the_last_output_is_in_the_file_too(start):
    worker = start("echo one; sleep 0.15; echo two")
    worker.result()
    assert worker.printed() == b"one\ntwo\n"


def test_a_short_job_leaves_no_file(start, tmp_path, monkeypatch):
    monkeypatch.setattr(attempt_runner, "FIRST_AFTER", 60)
    start("echo hello").result()
    assert [name for name in os.listdir(tmp_path) if name.endswith((".out", ".err"))] == []


def test_a_killed_worker_leaves_the_output_of_its_job(start):
    worker = start("echo so far; sleep 1000")
    worker.wait_for(b"so far\n")
    worker.kill()
    assert worker.printed() == b"so far\n"
