"""Results that are their own JSON form."""

from __future__ import annotations

from queuectl.domain.record import as_dict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Document:
    """A base of records whose JSON form is their fields: plain values, tuples of them, and other such records."""

    __slots__ = ()

    def document(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {name: _plain(value) for name, value in as_dict(self).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value.document() if isinstance(value, Document) else value
