"""The output of running jobs in bounded files, for `logs -f` and the console.

A file is called `<seq>-<fence>.out` or `.err` and laid out as the memory it comes from:

    0   16 bytes   "queuectl live 1", newline
    16  8 bytes    begun: bytes of the stream up to which the writer may be overwriting the ring
    24  8 bytes    total: bytes of the stream that have been written
    32  64 KiB     the first bytes of the stream
    …   1 MiB      a ring: byte i is at 32 + 64 KiB + (i - 64 KiB) mod 1 MiB

Both numbers are little-endian. The writer raises `begun`, writes the bytes, raises `total`; so bytes up to `total` and
not older than `begun - 1 MiB` are valid, and a reader that reads `begun` again afterwards knows which of its bytes
were. Nothing is synced: the files are worthless after a crash of the machine.
"""

from __future__ import annotations

import os

from queuectl.domain.attempt import NOTHING, Output
from queuectl.runtime.output import HEAD, TAIL, position_of
from queuectl.runtime.run_dir import remove

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.runtime.output import Capture

MAGIC = b"queuectl live 1\n"
HEADER = 32
READ_SIZE = 262_144

FIRST_AFTER = 0.1
"""Seconds that a job runs before its files are made: short jobs cost nothing."""
INTERVAL = 0.2

STREAMS = ("out", "err")


def path_of(directory: str, seq: int, fence: int, stream: str) -> str:
    """Return the path of the live file of one stream, "out" or "err", of one attempt."""
    return os.path.join(directory, f"{seq}-{fence}.{stream}")


def script_of(directory: str, seq: int, fence: int) -> str:
    """Return the path of the file from which an attempt runs, if its command has to be a file."""
    return os.path.join(directory, f"{seq}-{fence}.script")


class Live:
    """The live files of one attempt. A file that cannot be written is abandoned: the job must not be affected."""

    __slots__ = ("_directory", "_fence", "_files", "_seq")

    def __init__(self, directory: str, seq: int, fence: int) -> None:
        """Create no file yet."""
        self._directory = directory
        self._seq = seq
        self._fence = fence
        self._files: dict[str, _LiveFile] = {}

    @property
    def begun(self) -> bool:
        """Whether a file exists that readers can follow."""
        return bool(self._files)

    def write(self, out: Capture, err: Capture) -> None:
        """Write what the streams have captured since the last call."""
        for stream, capture in zip(STREAMS, (out, err), strict=True):
            if capture.total:
                file = self._files.get(stream)
                if file is None:
                    file = self._files[stream] = _LiveFile(path_of(self._directory, self._seq, self._fence, stream))
                file.write(capture)

    def close(self) -> None:
        """Stop writing. The files stay for their readers."""
        for file in self._files.values():
            file.close()

    def discard(self) -> None:
        """Remove the files, once the result is recorded. Costs nothing if there are none."""
        self.close()
        for file in self._files.values():
            remove(file.path)
        self._files.clear()


def discard(directory: str, seq: int, fence: int) -> None:
    """Remove the live files of an attempt whose worker died, and its script."""
    remove(script_of(directory, seq, fence), *(path_of(directory, seq, fence, stream) for stream in STREAMS))


class LiveReader:
    """A reader of a live file while it is written, or after its removal if it was opened before."""

    def __init__(self, path: str) -> None:
        """Take the path of a file that need not exist yet."""
        self.path = path
        self._fd = -1

    def read(self, offset: int) -> tuple[int, bytes, int]:
        """Read from byte `offset` of the stream; return the next offset, some bytes, and how many were lost before."""
        if not self._open():
            return offset, b"", 0
        while True:
            begun, total = _header(self._fd)
            first = offset if offset < HEAD else max(offset, HEAD, begun - TAIL)
            # The head and the ring are read separately: bytes between them may be missing.
            last = min(total, first + READ_SIZE, HEAD if first < HEAD else total)
            if first >= last:
                return offset, b"", 0
            data = _read(self._fd, first, last)
            if first < HEAD:
                return first + len(data), data, 0
            overwritten = max(0, _header(self._fd)[0] - TAIL - first)
            if overwritten < len(data):
                first += overwritten
                return first + len(data) - overwritten, data[overwritten:], first - offset

    def close(self) -> None:
        """Stop reading."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _open(self) -> bool:
        if self._fd < 0:
            self._fd = _open(self.path)
        return self._fd >= 0


def recover(path: str) -> Output:
    """Return the output that a killed worker left, as far as it was written to the live file."""
    fd = _open(path)
    if fd < 0:
        return NOTHING
    try:
        begun, total = _header(fd)
        return Output(
            head=_read(fd, 0, min(total, HEAD)),
            tail=_read(fd, max(HEAD, begun - TAIL), total),
            total=total,
        )
    except OSError:
        return NOTHING
    finally:
        os.close(fd)


def newest(path: str, most: int, known: int = -1) -> tuple[int, bytes]:
    """Return the total of the stream so far in bytes, and its last bytes, up to `most`; no bytes if it is `known`."""
    fd = _open(path)
    if fd < 0:
        return 0, b""
    try:
        total = _header(fd)[1]
        first = max(total - most, 0)
        if total == known or not total:
            return total, b""
        # The head and the ring are read separately, as `_read` requires.
        data = _read(fd, first, min(total, HEAD)) if first < HEAD else b""
        if total > HEAD:
            data += _read(fd, max(first, HEAD), total)
        overwritten = max(0, _header(fd)[0] - TAIL - first) if first >= HEAD else 0
        return total, data[overwritten:]
    except OSError:
        return 0, b""
    finally:
        os.close(fd)


def read_stored(output: Output, offset: int) -> tuple[int, bytes, int]:
    """Continue in the stored output where a LiveReader stopped: offsets and result are the same."""
    if offset < len(output.head):
        return len(output.head), output.head[offset:], 0
    if offset >= output.total:
        return offset, b"", 0
    tail_from = output.total - len(output.tail)
    first = max(offset, tail_from)
    return output.total, output.tail[first - tail_from :], first - offset


class _LiveFile:
    __slots__ = ("_fd", "_written", "path")

    def __init__(self, path: str) -> None:
        self.path = path
        self._written = 0
        remove(path)  # left from before the store was restored from a backup
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self._fd = os.open(path, flags, 0o600)
        except OSError:
            self._fd = -1
            return
        self._put(MAGIC, 0)

    def write(self, capture: Capture) -> None:
        if self._fd < 0 or capture.total == self._written:
            return
        total = capture.total.to_bytes(8, "little")
        self._put(total, 16)
        for first, piece in capture.since(self._written):
            self._put(piece, HEADER + position_of(first))
        self._put(total, 24)
        self._written = capture.total

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _put(self, data: bytes | memoryview, position: int) -> None:
        if self._fd < 0:
            return
        try:
            complete = os.pwrite(self._fd, data, position) == len(data)
        except OSError:
            complete = False
        if not complete:
            self.close()


def _header(fd: int) -> tuple[int, int]:
    """Return `begun` and `total`, read until two reads agree: one read may see a number half written."""
    header = os.pread(fd, HEADER, 0)
    while header != (again := os.pread(fd, HEADER, 0)):
        header = again
    if len(header) < HEADER or not header.startswith(MAGIC):
        return 0, 0
    return int.from_bytes(header[16:24], "little"), int.from_bytes(header[24:32], "little")


def _read(fd: int, first: int, last: int) -> bytes:
    """Return bytes `first` to `last` of the stream, a range that must not reach from the head into the ring."""
    pieces = []
    while first < last:
        position = position_of(first)
        until_wrap = last - first if first < HEAD else HEAD + TAIL - position
        piece = os.pread(fd, min(last - first, until_wrap), HEADER + position)
        if not piece:
            break
        pieces.append(piece)
        first += len(piece)
    return b"".join(pieces)


def _open(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return -1
