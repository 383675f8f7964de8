"""The output of attempts, cut into lines for JSON Lines."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Literal, Protocol, TypedDict

    from queuectl.domain.json_types import Bytes

    class Piece(Protocol):
        """Bytes of one stream of one attempt, as `logs` yields them."""

        @property
        def attempt(self) -> int: ...
        @property
        def stream(self) -> str: ...
        @property
        def data(self) -> bytes: ...
        @property
        def left_out(self) -> int: ...

    class OutputLine(TypedDict):
        """A line of the output of a job."""

        id: str
        """The job."""
        attempt: int
        """The number of the attempt that printed it."""
        stream: Literal["stdout", "stderr"]
        """The stream that it was printed to."""
        text: str
        """The line with its newline; without one, the next line of the stream continues it, or nothing followed."""
        left_out_bytes: Bytes
        """Bytes before it that were not kept."""


LONGEST = 65_536
"""Bytes of a line in one object: output without newlines must not fill the memory."""


def output_lines(id_: str, pieces: Iterable[Piece]) -> Iterator[OutputLine]:
    """Yield the lines of job `id_`; what has no newline is yielded when its attempt ends, or is too long."""
    lines = LinesOfJob(id_)
    for piece in pieces:
        yield from lines.take(piece)
    yield from lines.rest()


class LinesOfJob:
    """The lines of the output of one job, of which several may be read at once."""

    def __init__(self, id_: str) -> None:
        """Begin without output."""
        self._id = id_
        self._streams: dict[tuple[int, str], _Stream] = {}

    def take(self, piece: Piece) -> Iterator[OutputLine]:
        """Yield the lines that end in `piece`."""
        for ended in [each for each in self._streams if each[0] < piece.attempt]:
            yield from self._streams.pop(ended).rest()
        stream = self._streams.setdefault((piece.attempt, piece.stream), _Stream(self._id, piece))
        if piece.left_out:
            yield from stream.rest()
            stream.left_out = piece.left_out
        yield from stream.take(piece.data)

    def rest(self) -> Iterator[OutputLine]:
        """Yield the lines that have not ended: the job has."""
        for stream in self._streams.values():
            yield from stream.rest()


class _Stream:
    """One stream of one attempt, and its line that has not ended."""

    def __init__(self, id_: str, piece: Piece) -> None:
        self._id, self._attempt = id_, piece.attempt
        self._name: Literal["stdout", "stderr"] = "stdout" if piece.stream == "out" else "stderr"
        self._line = bytearray()
        self.left_out = 0

    def take(self, data: bytes) -> Iterator[OutputLine]:
        """Yield the lines that end in `data`."""
        *whole, last = data.split(b"\n")
        for part in (*(each + b"\n" for each in whole), last):
            self._line += part
            while len(self._line) > LONGEST:
                yield self._cut(_end_of_letter(self._line))
            if part.endswith(b"\n"):
                yield self._cut(len(self._line))

    def rest(self) -> Iterator[OutputLine]:
        """Yield the line that has not ended."""
        if self._line:
            yield self._cut(len(self._line))

    def _cut(self, length: int) -> OutputLine:
        text = self._line[:length].decode("utf-8", "replace")
        del self._line[:length]
        left_out, self.left_out = self.left_out, 0
        return {
            "id": self._id,
            "attempt": self._attempt,
            "stream": self._name,
            "text": text,
            "left_out_bytes": left_out,
        }


def _end_of_letter(line: bytearray) -> int:
    """Return where to cut a line that is too long: in front of a letter in UTF-8, if it is UTF-8."""
    for end in range(LONGEST, LONGEST - 4, -1):
        if line[end] & 0b1100_0000 != 0b1000_0000:
            return end
    return LONGEST
