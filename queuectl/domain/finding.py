"""Results of `doctor`."""

from __future__ import annotations

from queuectl.domain.record import record


@record
class Finding:
    """The result of one check."""

    name: str
    """What was checked; several findings may have one name."""
    detail: str
    """What was found."""
    cure: str | None = None
    """What to do; None when the check passed."""
    fixed: str | None = None
    """What `doctor --fix` has just done about it; None if it did nothing."""
