"""The pipe through which a worker passes the output of a job to the `queuectl run` that follows it, on one host.

The named pipe `live/<seq>.run` exists before any worker can claim the job (`Jobs.announce`), for all of its attempts.
The worker reads the job's output only as fast as the pipe takes it, as if the job wrote to it: nothing is lost, and
the job is slowed down. It never waits for the pipe in any other way. A reader that has died is a broken pipe, and the
job goes on at full speed; what the pipe does not take before the end of the attempt is in the stored output, because
less than its last MiB is unsent then.

A frame is written at once or not at all, so that a worker which is killed leaves no part of one:

    1   kind: output of `o` stdout or `e` stderr, `b` the attempt begins, `r` its result is recorded
    7   the attempt
    8   index of the first byte in the stream: a gap means that bytes were not kept
    …   the bytes, as many as follow in the frame's length
"""

from __future__ import annotations

import errno
import os
from select import PIPE_BUF

from queuectl.runtime.run_dir import remove

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from queuectl.runtime.output import Capture

OUT, ERR, BEGUN, RECORDED = b"o", b"e", b"b", b"r"
_HEADER = 18
_MOST = PIPE_BUF - _HEADER
_READ = 262_144


def path_of(directory: str, seq: int) -> str:
    """Return the path of the pipe of one job."""
    return os.path.join(directory, f"{seq}.run")


class JobPipe:
    """The worker's end, during one attempt."""

    __slots__ = ("_attempt", "_is_open", "_path", "_sent", "fd")

    def __init__(self, path: str, fd: int, attempt: int) -> None:
        """Write frames of `attempt` to `fd`, which is open on `path`."""
        self._path = path
        self.fd = fd
        """The number of its descriptor, also after that was closed."""
        self._attempt = attempt.to_bytes(7, "big")
        self._sent = {OUT: 0, ERR: 0}
        """How much of each stream was sent."""
        self._is_open = True
        self._put(BEGUN, 0, b"")

    @classmethod
    def find(cls, directory: str, seq: int, attempt: int) -> JobPipe | None:
        """Return the pipe to the reader of a job, or None for a job without one: most have none."""
        path = path_of(directory, seq)
        try:
            fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno == errno.ENXIO:  # its reader was killed
                remove(path)
            return None
        return cls(path, fd, attempt)

    def send(self, out: Capture, err: Capture) -> bool:
        """Send what the streams have captured since the last call; False where the pipe is full before that."""
        return self._send(OUT, out) and self._send(ERR, err)

    def recorded(self) -> None:
        """Report that the result of the attempt is in the store, and close this end."""
        self._put(RECORDED, 0, b"")
        self._close()

    def _send(self, kind: bytes, capture: Capture) -> bool:
        if not self._is_open or self._sent[kind] == capture.total:
            return True
        for first, piece in capture.since(self._sent[kind]):
            for start in range(0, len(piece), _MOST):
                part = piece[start : start + _MOST]
                if not self._put(kind, first + start, part):
                    return False
                self._sent[kind] = first + start + len(part)
        return True

    def _put(self, kind: bytes, first: int, data: bytes | memoryview) -> bool:
        """Write a frame; False where the pipe is full."""
        if not self._is_open:
            return True
        header = b"".join((kind, self._attempt, first.to_bytes(8, "big"), len(data).to_bytes(2, "big")))
        try:
            os.writev(self.fd, (header, data))
        except BlockingIOError:
            return False
        except OSError:  # its reader has gone, perhaps by kill -9
            remove(self._path)
            self._close()
        return True

    def _close(self) -> None:
        if self._is_open:
            self._is_open = False
            os.close(self.fd)


class Frame:
    """What one write of the worker holds."""

    __slots__ = ("attempt", "data", "first", "kind")

    def __init__(self, kind: bytes, attempt: int, first: int, data: bytes) -> None:
        """Hold `data`, whose first byte has the index `first` in its stream."""
        self.kind = kind
        self.attempt = attempt
        self.first = first
        self.data = data


class JobPipeReader:
    """The reader's end, of `queuectl run`: the only one for its job."""

    def __init__(self, directory: str, seq: int) -> None:
        """Make the pipe and open it. Raises OSError."""
        self._path = path_of(directory, seq)
        remove(self._path)  # left by a reader that was killed, before the store was restored from a backup
        os.mkfifo(self._path, 0o600)
        # For writing too, so that it does not reach end of file between two attempts.
        self.fd = os.open(self._path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        self._frames: Iterator[Frame] = iter(())
        self._rest = b""
        self._next: Frame | None = None

    def next(self) -> Frame | None:
        """Return the next frame, without taking it; None where the pipe is empty."""
        while self._next is None:
            self._next = next(self._frames, None)
            if self._next is None:
                try:
                    data = os.read(self.fd, _READ)
                except BlockingIOError:
                    return None
                self._frames = self._split(self._rest + data)
        return self._next

    def take(self) -> None:
        """Take the next frame."""
        self._next = None

    def close(self) -> None:
        """Stop reading: the worker finds the pipe broken, and the job goes on without a reader."""
        if self.fd >= 0:
            remove(self._path)
            os.close(self.fd)
            self.fd = -1

    def _split(self, data: bytes) -> Iterator[Frame]:
        """Yield the whole frames of `data`, and keep the rest."""
        start = 0
        while start + _HEADER <= len(data):
            length = int.from_bytes(data[start + 16 : start + 18], "big")
            end = start + _HEADER + length
            if end > len(data):
                break
            yield Frame(
                data[start : start + 1],
                int.from_bytes(data[start + 1 : start + 8], "big"),
                int.from_bytes(data[start + 8 : start + 16], "big"),
                data[start + _HEADER : end],
            )
            start = end
        self._rest = data[start:]
