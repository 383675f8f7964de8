"""The directory that a command was typed in, which may have been removed since the shell entered it."""

from __future__ import annotations

import os

from queuectl.domain.errors import UsageError


def current_directory() -> str | None:
    """Return the path of the current directory; None when it is gone."""
    try:
        return os.getcwd()
    except OSError:
        return None


def absolute(directory: str) -> str:
    """Return the absolute path of `directory`. Raises UsageError when it is relative and the current one is gone."""
    if os.path.isabs(directory):
        return directory
    here = current_directory()
    if here is None:
        raise gone()
    return os.path.normpath(os.path.join(here, directory))


def gone() -> UsageError:
    """Return the error for a job whose directory would be the current one, which no longer exists."""
    return UsageError("the current directory is gone; name one with --cwd", hint="--cwd takes an absolute path")
