"""Reading of the job of a page, for as long as the page is open."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from queuectl_tui.console import console_of
from queuectl_tui.job_page import read_page

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.dom import DOMNode

    from queuectl_tui.job_page import JobPage

_OLD = 1.0
"""Seconds after which a job that is not final is read again although nothing was written."""
_PATIENCE = 2.0
"""Seconds after which a request is repeated: an unreadable store gives no answer."""


class JobReader:
    """The job as it was last read."""

    def __init__(self, screen: DOMNode, job_id: str, show: Callable[[], None]) -> None:
        """Read for `screen`; `show` is called when the job has changed."""
        self._screen = screen
        self._job_id = job_id
        self._show = show
        self.page: JobPage | None = None
        self.problem: str | None = None
        """Why it cannot be read; `page` is then an older state."""
        self._asked_at: float | None = None
        self._read_at = 0.0

    @property
    def has_answered(self) -> bool:
        """Whether the job has been read, or a reason why it cannot be."""
        return self.page is not None or self.problem is not None

    def read(self) -> None:
        """Read the job, if it has changed."""
        if self._asked_at is not None and monotonic() - self._asked_at < _PATIENCE:
            return
        self._asked_at = monotonic()
        seen = None if self.page is None or self.problem is not None else self.page.changed
        if self.page is not None and self.page.job.finished_at is None and monotonic() - self._read_at > _OLD:
            seen = None  # workers start and end, and ages grow, without a change of the job
        job_id = self._job_id
        reader = console_of(self._screen).reader
        reader.ask(lambda context: read_page(context, job_id, seen), self._take, f"job:{id(self)}")

    def _take(self, found: JobPage | str | None) -> None:
        self._asked_at = None
        self._read_at = monotonic() if found is not None else self._read_at
        if found is None or not self._screen.is_attached:
            return
        if isinstance(found, str):
            self.problem = found
        else:
            self.page, self.problem = found, None
        self._show()
