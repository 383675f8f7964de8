"""The verdict of a self-test."""

from __future__ import annotations

from queuectl.cli.render import GREEN, RED, facts, painted
from queuectl.domain.phrases import plural
from queuectl.domain.text import safe
from queuectl.domain.units import format_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from queuectl.cli.screen import Screen
    from queuectl.operations.selftest import Selftest, Verdict
    from queuectl.operations.soak import Soaked
    from queuectl.selftest.ledger import Violation

_NAMED = 20
_MIB = 1024 * 1024


def selftest(result: Verdict | Soaked, params: Selftest, screen: Screen) -> None:
    """Print the figures of the run and each violation."""
    if params.soak:
        _print_soak(result, screen)  # type: ignore[arg-type]  # only a soak returns Soaked
    else:
        _print_stress_run(result, params, screen)  # type: ignore[arg-type]  # the other of the two


def _print_stress_run(result: Verdict, params: Selftest, screen: Screen) -> None:
    found = result.found
    slowest = found.slowest_recovery_ms
    facts(
        (
            ("jobs", _jobs(found.jobs)),
            ("attempts", f"{found.runs:,}"),
            ("kills", ", ".join(_plural(n, who) for who, n in result.kills.items()) if params.crash else None),
            (
                "recoveries",
                f"{found.recoveries:,}"
                + ("" if slowest is None else f", the slowest {format_duration(slowest)} after the kill"),
            ),
            ("refused", f"{_plural(result.refused_writes, 'late result')}"),
            ("took", _took(result)),
            ("violations", _count(result.violations, screen)),
        ),
        screen,
    )
    _name(result.violations, screen)
    if result.kept is not None:
        screen.say(f"kept for inspection: {result.kept}")


def _print_soak(result: Soaked, screen: Screen) -> None:
    found, steady, observed = result.found, result.steady, result.observed
    growth = {
        "descriptors": _grown(steady.growth["descriptors"]),
        "memory": _grown(steady.growth["memory"], mebibytes=True),
        "files": _grown(steady.growth["files"]),
        "connections": _grown(steady.growth["connections"]),
    }
    starved = f", {_plural(steady.excused, 'worker')} excused" if steady.excused else ""
    facts(
        (
            ("jobs", _jobs(found.jobs)),
            ("attempts", f"{found.runs:,}, {found.recoveries:,} lost"),
            ("pools", f"{len(observed.pools) + len(observed.drains):,}, of {_plural(result.workers, 'worker')} in all"),
            ("phases", ", ".join(f"{count:,} {phase}" for phase, count in observed.phases.items())),
            ("longest wait", f"{_longest(steady.longest_wait_ms)} beside an idle worker"),
            ("longest silence", f"{format_duration(steady.longest_silence_ms)} of a worker"),
            ("growth", ", ".join(f"{what} {more}" for what, more in growth.items() if more)),
            ("log", f"{observed.longest_log / _MIB:.1f} MiB at most" if observed.longest_log else None),
            ("starved", f"{result.starved_seconds:.1f} s in which the machine had no time{starved}"),
            ("not measured", ", ".join(result.not_measured) or None),
            ("took", _took(result)),
            ("violations", _count(result.violations, screen)),
        ),
        screen,
    )
    _name(result.violations, screen)
    if result.kept is not None:
        screen.say(f"kept for inspection: {result.kept}, and the store {result.store}")


def _jobs(jobs: Mapping[str, int]) -> str:
    states = ", ".join(f"{count:,} {state}" for state, count in jobs.items())
    return f"{sum(jobs.values()):,}: {states}" if states else "0"


def _took(result: Verdict | Soaked) -> str:
    return f"{format_duration(round(result.seconds * 1000))}, seed {result.seed}"


def _longest(milliseconds: int) -> str:
    return format_duration(milliseconds) if milliseconds else "under half a second"


def _grown(more: int | None, *, mebibytes: bool = False) -> str:
    if more is None:
        return ""
    return f"{more / _MIB:+.1f} MiB" if mebibytes else f"{more:+,}"


def _count(violations: Sequence[Violation], screen: Screen) -> str:
    return painted(f"{len(violations):,}", RED if violations else GREEN, screen)


def _name(violations: Sequence[Violation], screen: Screen) -> None:
    for each in violations[:_NAMED]:
        screen.write(f"  {safe(f'{each.job}: {each.sentence}' if each.job else each.sentence)}\n")
    if len(violations) > _NAMED:
        screen.write(f"  … and {len(violations) - _NAMED:,} more\n")


def _plural(count: int, what: str) -> str:
    return f"{count:,} {plural(count, what)}"


VIEWS = {"selftest": selftest}
