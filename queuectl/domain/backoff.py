"""How long a failed job waits for its next attempt."""

from __future__ import annotations

from queuectl.domain.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from random import Random


@record
class Backoff:
    """Exponential backoff: retry n (1, 2, …) waits `delay * base ** (n - 1)` seconds, at most `maximum`."""

    delay: float
    base: float
    maximum: float
    jitter: float = 0.0
    """The share of the wait, 0 to 1, that may be subtracted at random: 0.25 spreads retries over the last quarter."""

    def milliseconds(self, retry: int, random: Random | None = None) -> int:
        """Return the wait before retry number `retry`, in milliseconds; `random` draws the jitter."""
        try:
            seconds = min(self.delay * self.base ** (retry - 1), self.maximum)
        except OverflowError:
            seconds = self.maximum
        if self.jitter and random is not None:
            seconds *= 1 - self.jitter * random.random()
        return round(seconds * 1000)
