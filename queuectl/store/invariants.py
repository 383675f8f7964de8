"""The invariants of the store: the statements of invariants.sql, checked one by one."""

from __future__ import annotations

from queuectl.domain.record import record
from queuectl.store.queries import load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from queuectl.store.database import Database


@record
class Checked:
    """One invariant, and its violations."""

    name: str
    sentence: str
    broken: tuple[str, ...]
    """The jobs or other subjects that violate it; empty when it holds."""


def check(database: Database) -> Iterator[Checked]:
    """Check each invariant. Every statement reads one snapshot of the store, so workers need not stop."""
    for name, statement in load(database.dialect, "invariants.sql").items():
        sentence = statement.partition("\n")[0].removeprefix("-- ")
        broken = tuple(str(subject) for (subject, *_) in database.query(statement))
        yield Checked(name=name, sentence=sentence, broken=broken)
