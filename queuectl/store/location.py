"""Which kind of store a location names. All commands ask, so this loads nothing."""

from __future__ import annotations


def is_url(location: str) -> bool:
    """Whether it names a server, and not a file."""
    return location.startswith(("postgresql://", "postgres://"))
