"""The kind of store that a location names. Every command needs this, so the module imports nothing."""

from __future__ import annotations


def is_url(location: str) -> bool:
    """Return whether `location` names a server, not a file."""
    return location.startswith(("postgresql://", "postgres://"))


def mistaken_scheme(location: str) -> str | None:
    """Return the scheme of a malformed URL, else None. As a path, its password would become part of a file name."""
    scheme, separator, _ = location.partition("://")
    if separator and "/" not in scheme and not is_url(location):
        return scheme
    scheme = location.partition(":")[0]
    return scheme if scheme in {"postgresql", "postgres"} and scheme != location and not is_url(location) else None
