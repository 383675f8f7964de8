"""The verdict of a self-test."""

from __future__ import annotations

from queuectl.cli.render import GREEN, RED, facts, painted
from queuectl.domain.quantity import format_duration
from queuectl.domain.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.operations.selftest import Selftest, Verdict

_NAMED = 20


def selftest(result: Verdict, params: Selftest, screen: Screen) -> None:
    """What was done, what came of it, and each violation."""
    found = result.found
    states = ", ".join(f"{count:,} {state}" for state, count in found.jobs.items())
    slowest = found.slowest_recovery_ms
    count = len(result.violations)
    facts(
        (
            ("jobs", f"{sum(found.jobs.values()):,}: {states}" if states else "0"),
            ("runs", f"{found.runs:,}"),
            ("kills", ", ".join(_plural(n, who) for who, n in result.kills.items()) if params.crash else None),
            (
                "recoveries",
                f"{found.recoveries:,}"
                + ("" if slowest is None else f", the slowest {format_duration(slowest)} after the kill"),
            ),
            ("refused", f"{_plural(result.refused_writes, 'late write')}"),
            ("took", f"{format_duration(round(result.seconds * 1000))}, seed {result.seed}"),
            ("violations", painted(f"{count:,}", RED if count else GREEN, screen)),
        ),
        screen,
    )
    for each in result.violations[:_NAMED]:
        screen.write(f"  {safe(f'{each.job}: {each.sentence}' if each.job else each.sentence)}\n")
    if count > _NAMED:
        screen.write(f"  … and {count - _NAMED:,} more\n")
    if result.kept is not None:
        screen.say(f"kept for whoever looks into it: {result.kept}")


def _plural(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


VIEWS = {"selftest": selftest}
