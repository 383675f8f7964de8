"""Name options in errors as the user typed them: `--at`, not `run_at`, the key of the job that it sets."""

from __future__ import annotations

from queuectl.domain.errors import UsageError
from queuectl.domain.spec import FIELDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_OPTIONS = {"run_at": "--at", "tags": "--tag"}
"""Options whose name differs from that of the key."""


def option_of(key: str) -> str:
    """Return the option that sets this key of a job."""
    return _OPTIONS.get(key) or "--" + key.replace("_", "-")


def check_options(options: dict[str, Any]) -> None:
    """Check the values of options, given by the keys of the job that they set. Raises UsageError."""
    for key, value in options.items():
        try:
            FIELDS[key][1](value)
        except UsageError as error:
            option = option_of(key)
            named = error.message.startswith(key)
            message = option + error.message[len(key) :] if named else f"{option}: {error.message}"
            raise UsageError(message, hint=error.hint) from None
