"""Parameters of operations that name jobs by their ids."""

from __future__ import annotations

from queuectl.domain.record import field, record


@record
class JobIds:
    """The jobs that an operation acts on."""

    ids: tuple[str, ...] = field("the jobs", metavar="ID", completes="jobs", positional=True)

    @property
    def unique(self) -> list[str]:
        """The ids in the order given, each once."""
        return list(dict.fromkeys(self.ids))
