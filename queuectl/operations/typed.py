"""Options as the user typed them: errors name `--at`, not the key `run_at` that it sets; `--at` takes local times."""

from __future__ import annotations

from queuectl.domain.errors import UsageError
from queuectl.domain.record import replace
from queuectl.domain.spec import FIELDS
from queuectl.domain.units import format_time, parse_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from queuectl.operations.context import Context

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


def with_due_time(context: Context, params: Any) -> Any:
    """Return `params` with their `at`, which may be a local time, in RFC 3339. Raises UsageError."""
    text = params.at
    if text is None:
        return params
    try:
        parse_time(text)
    except UsageError:
        # Loaded here: scripts write RFC 3339.
        from queuectl.domain.local_time import parse_due_time

        try:
            return replace(params, at=format_time(parse_due_time(text, now=context.now())))
        except UsageError as error:
            raise UsageError(f"--at: {error.message}", hint=error.hint) from None
    return params


def echo_due_time(context: Context, run_at: str) -> None:
    """Print for a person what `--at` became, with the zone."""
    if context.watched:
        from queuectl.domain.local_time import described

        context.say(f"due {described(parse_time(run_at), now=context.now())}")
