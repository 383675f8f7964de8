"""Look after the store: each thing that can be wrong is looked at, named, and cured where that is safe.

What is safe: modes of our own files, files whose owners are gone, processes of attempts that are over, jobs of dead
workers (as a pool's steward would put them back), and cutting off the log. No job and no setting is changed.
"""

from __future__ import annotations

from queuectl.domain.errors import StoreError
from queuectl.domain.finding import Finding
from queuectl.domain.record import field, record
from queuectl.operations.operation import Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from queuectl.operations.context import Context


@record
class Doctor:
    """How thoroughly, and whether to do something about it."""

    check: bool = field("also check every index and every invariant of the queue", default=False)
    fix: bool = field("do what is safe about what it finds; no job and no setting is changed", default=False)


@record
class Examined:
    """Everything that was looked at."""

    store: str
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        """1 when anything still needs a cure."""
        return int(any(finding.cure for finding in self.findings))

    def document(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "ok": self.exit_code == 0,
            "store": self.store,
            "checks": [
                {
                    "name": each.name,
                    "ok": each.cure is None,
                    "detail": each.detail,
                    "cure": each.cure,
                    "fixed": each.fixed,
                }
                for each in self.findings
            ],
        }


def doctor(context: Context, params: Doctor) -> Examined:
    """Look at the store and its surroundings."""
    return Examined(store=context.location, findings=tuple(_examine(context, params)))


def _examine(context: Context, params: Doctor) -> Iterator[Finding]:
    # Loaded here: each needs modules that no other operation does.
    from queuectl.operations.doctor import environment, processes, store_contents
    from queuectl.store.location import is_url

    yield environment.versions()
    machine = environment.machine()
    yield machine
    yield from environment.variables()
    in_a_file = not is_url(context.location)
    if in_a_file:
        yield from environment.examine(context, fix=params.fix)
    try:
        store = context.store
        if store.absent:
            yield Finding(name="store", detail=f"{context.location} does not exist yet: queuectl enqueue creates it")
            return
        yield Finding(name="store", detail=f"{context.location} opens")
        yield from store_contents.examine(context, thorough=params.check, fix=params.fix)
        if machine.cure is None:
            # First the dead workers: what the jobs of one have left is ended and cleared away with it.
            yield from processes.examine(context, fix=params.fix)
        if params.check:
            yield from store_contents.invariants(store)
    except StoreError as error:
        yield Finding(name="store", detail=error.message, cure=error.hint or "see docs/operations.md")


DOCTOR = Operation(
    name="doctor",
    summary="Check the store and its surroundings, and name the cure for each problem",
    params=Doctor,
    run=doctor,
    description=(
        "Exits with 1 when something is left that needs a cure. It may run while workers do. --fix sets the modes of "
        "queuectl's own files, puts back the jobs of dead workers, ends processes of attempts that are over, takes "
        "away files that nobody owns any more, and cuts off a long log."
    ),
    examples=("doctor", "doctor --check", "doctor --fix"),
)
