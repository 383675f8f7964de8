"""The directory and the environment that a command was typed in; the directory may have been removed since."""

from __future__ import annotations

import os

from queuectl.domain.environment import EVERYTHING
from queuectl.domain.environment import snapshot as taken
from queuectl.domain.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from queuectl.config import Settings


def current_directory() -> str | None:
    """Return the path of the current directory, with its symlinks as the shell entered it; None when it is gone.

    The shell's own path is in PWD, which counts only if it names the same directory.
    """
    try:
        path, named = os.getcwd(), os.environ.get("PWD", "")
        # A path with dots would be the one of another directory once it is joined with others.
        if (
            named != path
            and named.startswith("/")
            and os.path.normpath(named) == named
            and os.path.samefile(named, ".")
        ):
            path = named
    except OSError:
        return _physical()
    return path


def _physical() -> str | None:
    try:
        return os.getcwd()
    except OSError:
        return None


def snapshot(settings: Settings, *, everything: bool = False) -> str | None:
    """Return the content of a snapshot of this environment, as the settings want it; None for none."""
    names = EVERYTHING if everything else settings.env_capture
    return taken(os.environb, names, settings.capture_deny)


def variables(given: Iterable[tuple[str, str | None]]) -> dict[str, str]:
    """Return names and values of `--env`; a name without a value has the one of this environment. Raises UsageError."""
    found: dict[str, str] = {}
    for name, value in given:
        if value is not None:
            found[name] = value
            continue
        here = os.environb.get(name.encode("utf-8", "surrogateescape"))
        if here is None:
            raise UsageError(f"--env {name[:40]!r} is not set here", hint="--env NAME=VALUE gives it a value")
        found[name] = here.decode("utf-8", "surrogateescape")
    return found


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
