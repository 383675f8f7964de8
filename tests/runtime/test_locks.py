"""Locks show which processes live; heartbeats show which ones make progress."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import stat

import pytest

from queuectl.domain.attempt import Outcome
from queuectl.runtime import locks
from tests.support.waiting import wait_until


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "w1")


def test_a_held_lock_cannot_be_taken(path):
    fd = locks.hold(path)
    assert locks.try_lock(path) is None
    assert not locks.is_free(path)
    with pytest.raises(BlockingIOError):
        locks.hold(path)
    os.close(fd)
    taken = locks.try_lock(path)
    assert taken is not None
    os.close(taken)


def test_the_lock_file_is_private_and_not_inherited(path):
    fd = locks.hold(path)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert not os.get_inheritable(fd)
    os.close(fd)


def test_a_symlink_is_refused(path, tmp_path):
    (tmp_path / "target").touch()
    os.symlink(tmp_path / "target", path)
    for attempt in (locks.hold, locks.try_lock, locks.AttemptLock):
        with pytest.raises(OSError, match="symbolic links"):
            attempt(path)
    assert locks.read_beat(path) is None


def test_a_missing_worker_is_neither_dead_nor_alive(path):
    with pytest.raises(FileNotFoundError):
        locks.try_lock(path)
    assert locks.is_free(path)
    assert not os.path.exists(path)


def test_a_file_removed_before_its_lock_is_replaced_by_a_new_one(path, monkeypatch):
    flock = fcntl.flock
    removals = [path]

    def remove_then_lock(fd, how):
        if removals:
            os.unlink(removals.pop())
        flock(fd, how)

    monkeypatch.setattr(fcntl, "flock", remove_then_lock)
    fd = locks.hold(path)
    assert os.fstat(fd).st_ino == os.stat(path).st_ino
    os.close(fd)


def test_a_lock_dies_with_its_holder(path):
    ready, publish_output = os.pipe()
    child = os.fork()
    if not child:
        locks.hold(path)
        os.write(publish_output, b"!")
        signal.pause()
    os.read(ready, 1)
    assert locks.try_lock(path) is None
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    fd = locks.try_lock(path)
    assert fd is not None
    for each in (fd, ready, publish_output):
        os.close(each)


def test_beats_count(path):
    fd = locks.hold(path)
    assert locks.read_beat(path) is None
    heart = locks.Heartbeat(fd)
    for beat in (1, 2, 3):
        assert heart.beat()
        assert locks.read_beat(path) == beat
    assert os.stat(path).st_size == 21
    os.close(fd)
    assert not heart.beat()
    assert locks.read_beat(path + "x") is None


def test_garbage_is_no_beat(path):
    with open(path, "w") as file:
        file.write("not a number at all, whatever\n")
    assert locks.read_beat(path) is None
    assert locks.read_note(path) is None


def test_attempts_follow_each_other_in_one_file(path):
    lock = locks.AttemptLock(path)
    for seq in (1, 2):
        fd = lock.take()
        lock.note(fd, seq, 7)
        lock.note_pid(fd, 4000 + seq)
        assert not locks.is_free(path)
        os.close(fd)
        assert locks.read_note(path) == note(seq, pid=4000 + seq)
    assert locks.attempt_locks(path) == [path]


def test_a_note_names_the_claims_that_are_not_started(path):
    lock = locks.AttemptLock(path)
    fd = lock.take()
    for ahead in ([(2**62, 2**30)] * 8, [(2, 7), (3, 1)], []):
        lock.ahead = ahead
        lock.note(fd, 1, 7)
        assert locks.read_note(path) == note(1, *ahead, pid=0)
    os.close(fd)


def test_claims_are_unstarted_only_where_a_note_shows_it():
    a, b, c = (1, 7), (2, 7), (3, 7)
    assert locks.unstarted([note(1, b, c)], [a, b, c]) == {b, c}
    assert locks.unstarted([note(2, c)], [a, b, c]) == {c}, "a has ended"
    assert locks.unstarted([note(3)], [a, b, c]) == set()
    assert locks.unstarted([note(1, b, c)], [b, c]) == {b, c}, "the result of a is recorded"
    assert locks.unstarted([note(1, b, c), note(2, c)], [a, b, c]) == {c}, "a process of a holds the first file"
    assert locks.unstarted([note(9)], [a, b, c]) == {a, b, c}, "the note of a is written before its start"
    assert locks.unstarted([], [a, b]) == set()


def test_an_attempt_without_a_note_does_not_start(path, monkeypatch):
    lock = locks.AttemptLock(path)
    fd = lock.take()
    lock.note(fd, 1, 7)
    monkeypatch.setattr(os, "pwrite", lambda *_: 10)
    with pytest.raises(OSError, match="No space left"):
        lock.note(fd, 2, 7)
    os.close(fd)


def note(seq: int, *ahead: tuple[int, int], pid: int = 1) -> locks.Note:
    return locks.Note(pid=pid, seq=seq, fence=7, ahead=frozenset(ahead))


def test_an_attempt_that_is_still_held_keeps_its_file(path, tmp_path):
    (tmp_path / "w10").touch()
    (tmp_path / "w1.old").touch()
    lock = locks.AttemptLock(path)
    first, second, third = (lock.take() for _ in range(3))
    assert locks.attempt_locks(path) == [path, path + ".1", path + ".2"]
    assert not any(locks.is_free(each) for each in locks.attempt_locks(path))
    os.close(second)
    assert locks.is_free(path + ".1")
    for fd in (first, third):
        os.close(fd)


@pytest.mark.usefixtures("half")
def test_a_jobs_tree_holds_its_attempt_and_the_worker_does_not(start):
    worker = start("echo ready; sleep 1000")
    worker.wait_for(b"ready")
    assert not locks.is_free(worker.lock_path)
    note = locks.read_note(worker.lock_path)
    assert note is not None
    assert (note.seq, note.fence) == (worker.seq, 1)
    worker.kill()
    assert not locks.is_free(worker.lock_path)
    os.killpg(note.pid, signal.SIGKILL)
    wait_until(lambda: locks.is_free(worker.lock_path))


def test_attempts_go_on_where_their_directory_was_removed(tmp_path):
    (tmp_path / "attempts").mkdir()
    lock = locks.AttemptLock(str(tmp_path / "attempts" / "w1"))
    shutil.rmtree(tmp_path / "attempts")

    fd = lock.take()

    assert not locks.is_free(str(tmp_path / "attempts" / "w1"))
    assert stat.S_IMODE(os.stat(tmp_path / "attempts").st_mode) == 0o700
    os.close(fd)


def test_a_lock_that_cannot_be_made_is_no_fault_of_the_job(start, monkeypatch):
    def full():
        def take(_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(locks.AttemptLock, "take", take)

    monkeypatch.setattr(locks.AttemptLock, "__init__", lambda *_: None)
    result = start("true", first=full).result()
    assert (result.outcome, result.refused) == (Outcome.RELEASED, True)
    assert result.error == "not started: the lock of the attempt cannot be created: No space left on device"
