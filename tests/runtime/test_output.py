"""The first 64 KiB and the last 1 MiB of a stream are kept, and every byte is counted."""

from __future__ import annotations

import errno
import os
import random

import pytest

from queuectl.domain.attempt import NOTHING
from queuectl.runtime.output import EMPTY, ENDED, HEAD, TAIL, Capture, position_of


@pytest.fixture
def pipe():
    out, into = os.pipe()
    os.set_blocking(out, False)
    os.set_blocking(into, False)
    yield out, into
    os.close(out)
    os.close(into)


def feed(capture, pipe, data):
    """Write `data` in the pieces that fit, reading what there is in between."""
    view = memoryview(data)
    while view:
        view = view[os.write(pipe[1], view) :]
        while capture.read(pipe[0]) > 0:
            pass


def noise(size):
    return random.Random(size).randbytes(size)


def test_nothing_allocates_nothing(pipe):
    capture = Capture()
    assert capture.read(pipe[0]) == EMPTY
    out, into = os.pipe()
    os.close(into)
    assert capture.read(out) == ENDED
    os.close(out)
    assert capture._head is None
    assert capture._ring is None
    assert capture.take() is NOTHING


def test_a_little_does_not_allocate_the_ring(pipe):
    capture = Capture()
    feed(capture, pipe, b"x" * (HEAD - 1))
    assert capture._ring is None
    output = capture.take()
    assert (output.head, output.tail, output.total) == (b"x" * (HEAD - 1), b"", HEAD - 1)


@pytest.mark.parametrize("size", [1, HEAD - 1, HEAD, HEAD + 1, HEAD + TAIL - 1, HEAD + TAIL])
def test_a_stream_that_fits_is_complete(pipe, size):
    capture = Capture()
    data = noise(size)
    feed(capture, pipe, data)
    output = capture.take()
    assert output.head + output.tail == data
    assert (output.total, output.left_out) == (size, 0)
    assert len(output.head) == min(size, HEAD)


@pytest.mark.parametrize("extra", [1, 2, 65_535, TAIL - 1, TAIL, TAIL + 1, 3 * TAIL + 12_345])
def test_a_longer_stream_loses_its_middle(pipe, extra):
    capture = Capture()
    data = noise(HEAD + TAIL + extra)
    feed(capture, pipe, data)
    output = capture.take()
    assert output.head == data[:HEAD]
    assert output.tail == data[-TAIL:]
    assert (output.total, output.left_out) == (len(data), extra)


@pytest.mark.parametrize("seed", range(5))
def test_pieces_of_any_size_are_put_together(pipe, seed):
    rng = random.Random(seed)
    capture = Capture()
    data = noise(HEAD + 2 * TAIL + rng.randrange(TAIL))
    done = 0
    while done < len(data):
        size = rng.choice([1, 7, 4096, 65_536, rng.randrange(1, 60_000)])
        feed(capture, pipe, data[done : done + size])
        done += size
    assert capture.take().tail == data[-TAIL:]


@pytest.mark.parametrize("since", [0, 10, HEAD - 1, HEAD, HEAD + 5, HEAD + TAIL, HEAD + TAIL + 99, HEAD + TAIL + 100])
def test_new_pieces_come_with_their_places_in_the_stream(pipe, since):
    capture = Capture()
    data = noise(HEAD + TAIL + 100)
    feed(capture, pipe, data)
    layout = bytearray(HEAD + TAIL)
    count = 0
    for first, piece in capture.since(since):
        place = position_of(first)
        layout[place : place + len(piece)] = piece
        count += len(piece)
    kept = [index for index in range(since, len(data)) if index < HEAD or index >= len(data) - TAIL]
    assert count == len(kept)
    assert all(layout[position_of(index)] == data[index] for index in kept)


def test_without_memory_for_the_rest_the_head_is_kept_and_all_is_counted(pipe, monkeypatch):
    def mmap(*_, **__):
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    monkeypatch.setattr("queuectl.runtime.output.mmap.mmap", mmap)
    capture = Capture()
    data = noise(3 * HEAD)
    feed(capture, pipe, data)
    monkeypatch.undo()
    feed(capture, pipe, b"later")
    output = capture.take()
    assert (output.head, output.tail, output.total) == (data[:HEAD], b"", len(data) + 5)
    assert output.left_out == 2 * HEAD + 5
