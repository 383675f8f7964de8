"""Which kind of store a location names. All commands ask, so this loads nothing."""

from __future__ import annotations


def is_url(location: str) -> bool:
    """Whether it names a server, and not a file."""
    return location.startswith(("postgresql://", "postgres://"))


def mistaken_scheme(location: str) -> str | None:
    """The scheme of what was meant for a URL. Taken for a path, a password would become the name of a file."""
    scheme, found, _ = location.partition("://")
    if found and "/" not in scheme and not is_url(location):
        return scheme
    scheme = location.partition(":")[0]
    return scheme if scheme in {"postgresql", "postgres"} and scheme != location and not is_url(location) else None
