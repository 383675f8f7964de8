"""The context of a thread of the console: opened anew once a store that had gone is back, and never created."""

from __future__ import annotations

import os

from queuectl.domain.errors import StoreGone
from queuectl.store.location import is_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl.domain.errors import QueuectlError
    from queuectl.operations.context import Context


class Opened:
    """Makes the context when it is first asked for, and another one after `failed` was told that the store has gone."""

    def __init__(self, factory: Callable[[], Context]) -> None:
        """`factory` makes a context; its store is opened when it is first used."""
        self._factory = factory
        self._context: Context | None = None

    def get(self) -> Context:
        """The context. Raises StoreGone where there is no file: opening it would create an empty store in its place."""
        if self._context is None:
            made = self._factory()
            if not is_url(made.given) and not os.path.exists(made.given):
                raise StoreGone(
                    f"the store {made.location} is not there any more", hint="it is used again as soon as it is back"
                )
            self._context = made
        return self._context

    def failed(self, error: QueuectlError) -> None:
        """Something could not be done: a connection to a store that has gone is never of use again."""
        if isinstance(error, StoreGone):
            self.close()

    def close(self) -> None:
        """Close the store, if it is open."""
        if self._context is not None:
            context, self._context = self._context, None
            context.close()
