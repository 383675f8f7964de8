"""Errors about options, in the words that were typed: `--at` and not `run_at`, the key of a job that it fills."""

from __future__ import annotations

from queuectl.domain.errors import UsageError
from queuectl.domain.spec import FIELDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_OPTIONS = {"run_at": "--at", "tags": "--tag"}
"""Options whose name is not that of the key."""


def option_of(key: str) -> str:
    """The option that fills this key of a job."""
    return _OPTIONS.get(key) or "--" + key.replace("_", "-")


def check_options(options: dict[str, Any]) -> None:
    """Check what was given as options, by the keys of a job that they fill. Raises UsageError."""
    for key, value in options.items():
        try:
            FIELDS[key][1](value)
        except UsageError as error:
            option = option_of(key)
            named = error.message.startswith(key)
            message = option + error.message[len(key) :] if named else f"{option}: {error.message}"
            raise UsageError(message, hint=error.hint) from None
