"""Jobs by their numbers, for a command that follows many of them."""

from __future__ import annotations

import json

from queuectl.domain.job import JobState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuectl.store.database import Database
    from queuectl.store.rows import Listed


class Following:
    """Reader of jobs by number; those that were deleted are left out."""

    def __init__(self, database: Database) -> None:
        """Read from `database`."""
        self._database = database

    def fences(self, seqs: Sequence[int]) -> dict[int, tuple[JobState, int]]:
        """Return state and fence, which is the number of the latest attempt, of each job."""
        rows = self._database.rows("fences_of_these", seqs=json.dumps(list(seqs)))
        return {seq: (JobState(state), fence) for seq, state, fence in rows}

    def these(self, seqs: Sequence[int]) -> list[Listed]:
        """Return the jobs and their latest attempts, the oldest first."""
        # Imported here: most looks find nothing new.
        from queuectl.store.rows import listed

        return [listed(row) for row in self._database.rows("jobs_by_seq", seqs=json.dumps(list(seqs)))] if seqs else []
