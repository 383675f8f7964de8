"""What the doctor looked at, and what to do about it."""

from __future__ import annotations

from queuectl.domain.record import record


@record
class Finding:
    """One thing that was looked at."""

    name: str
    detail: str
    cure: str | None = None
    """What to do; None: all is well."""
    fixed: str | None = None
    """What was done about it just now."""
