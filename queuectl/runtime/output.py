"""Captured output of one stream of a running job: the first 64 KiB and the last 1 MiB, in bounded memory."""

from __future__ import annotations

import mmap
import os

from queuectl.domain.attempt import NOTHING, Output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = 65_536
TAIL = 1_048_576

ENDED = 0
EMPTY = -1


def position_of(index: int) -> int:
    """Return where byte `index` of a stream is kept, in memory and in live files: in the head, then in a ring."""
    return index if index < HEAD else HEAD + (index - HEAD) % TAIL


class Capture:
    """The captured output of one stream. Memory is allocated as the job prints."""

    __slots__ = ("_forgets", "_head", "_ring", "_view", "total")

    def __init__(self) -> None:
        self.total = 0
        self._head: bytearray | None = None
        self._ring: mmap.mmap | None = None
        self._view: memoryview | None = None
        self._forgets = False
        """Whether there was no memory for the ring: what follows the head is counted and not kept."""

    def read(self, pipe: int) -> int:
        """Read once from `pipe`; return the number of bytes, ENDED, or EMPTY if there is no data now."""
        try:
            if self.total < HEAD:
                data = os.read(pipe, HEAD - self.total)
                read = len(data)
                if read:
                    if self._head is None:
                        self._head = bytearray()
                    self._head += data
            elif self._forgets:
                read = len(os.read(pipe, HEAD))
            else:
                # Directly into the ring: a copy would halve the rate.
                view = self._view or self._open_ring()
                if view is None:
                    return self.read(pipe)
                position = (self.total - HEAD) % TAIL
                read = os.readv(pipe, (view[position:], view[:position]))
        except BlockingIOError:
            return EMPTY
        self.total += read
        return read

    def take(self) -> Output:
        """Return all that was kept, and free its memory."""
        if self._head is None:
            return NOTHING
        kept = Output(head=bytes(self._head), tail=b"".join(self._pieces(HEAD)), total=self.total)
        self._head = None
        if self._view is not None and self._ring is not None:
            self._view.release()
            self._ring.close()
            self._view = self._ring = None
        return kept

    def since(self, index: int) -> Iterator[tuple[int, bytes | memoryview]]:
        """Yield what is still kept of the bytes from `index` on: the index of each piece, and the piece."""
        if self._head is not None and index < len(self._head):
            yield index, bytes(self._head[index:])
        first = max(index, HEAD, self.total - TAIL)
        for piece in self._pieces(first):
            yield first, piece
            first += len(piece)

    def _pieces(self, first: int) -> Iterator[memoryview]:
        first = max(first, self.total - TAIL)
        length = self.total - first
        if self._view is None or length <= 0:
            return
        position = (first - HEAD) % TAIL
        before_wrap = min(length, TAIL - position)
        yield self._view[position : position + before_wrap]
        if before_wrap < length:
            yield self._view[: length - before_wrap]

    def _open_ring(self) -> memoryview | None:
        # Not a bytearray: pages that were never written cost nothing, and the others are unmapped at the end.
        try:
            self._ring = mmap.mmap(-1, TAIL, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        except OSError:
            # Losing the end of the output is better than losing the job. For the rest of the attempt, since bytes that
            # are kept later would be at the wrong position.
            self._forgets = True
            return None
        self._view = memoryview(self._ring)
        return self._view
