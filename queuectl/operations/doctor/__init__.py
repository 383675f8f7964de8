"""Check the store and its environment, report each problem with its cure, and fix those where that is safe.

Safe are: modes of queuectl's own files, files whose owners are gone, processes of attempts that are over, jobs of dead
workers (put back as a pool's steward would), and truncating the write-ahead log. No job and no setting is changed.
"""

from __future__ import annotations

from queuectl.domain.errors import StoreError
from queuectl.domain.finding import Finding
from queuectl.domain.record import field, record
from queuectl.operations.operation import Heading, Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypedDict

    from queuectl.operations.context import Context

    class DoctorDocument(TypedDict):
        """What the doctor found."""

        ok: bool
        """Whether no problem is left."""
        store: str
        """The store, without a password."""
        checks: list[CheckDocument]
        """What was checked."""

    class CheckDocument(TypedDict):
        """The result of a check.

        See `Finding`.
        """

        name: str
        ok: bool
        """Whether the check passed, or the problem was fixed."""
        detail: str
        cure: str | None
        fixed: str | None


@record
class Doctor:
    """Parameters of `doctor`."""

    check: bool = field("also check every index and every invariant of the queue", default=False)
    fix: bool = field("fix problems where that is safe; no job and no setting is changed", default=False)


@record
class Examined:
    """The findings about a store."""

    store: str
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        """1 when a problem is left, else 0."""
        return int(any(finding.cure for finding in self.findings))

    def document(self) -> DoctorDocument:
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
    """Check the store and its environment."""
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
            # Dead workers come first: reaping one ends the processes of its job and removes its files.
            yield from processes.examine(context, fix=params.fix)
        if params.check:
            yield from store_contents.invariants(store)
    except StoreError as error:
        yield Finding(name="store", detail=error.message, cure=error.hint or "see docs/operations.md")


DOCTOR = Operation(
    name="doctor",
    heading=Heading.CARE,
    see=("status", "explain", "selftest"),
    reads=True,
    repairs=True,
    blocking=True,
    summary="Check the store and its environment, and print cures",
    params=Doctor,
    run=doctor,
    description=(
        "Exits with 1 when a problem is left. It may run while workers run. --fix sets the modes of queuectl's own "
        "files, puts back the jobs of dead workers, ends processes of attempts that are over, removes files of "
        "workers, attempts and backups that are gone, and truncates a long write-ahead log."
    ),
    examples=("doctor", "doctor --check", "doctor --fix"),
)
