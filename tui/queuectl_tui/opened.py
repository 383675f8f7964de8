"""The store context of one thread of the console: reopened after the store was gone, and never created."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from queuectl.domain.errors import StoreGone
from queuectl.store.location import is_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl.domain.errors import QueuectlError
    from queuectl.operations.context import Context


class Opened:
    """Opens the context at its first use, and again after `failed` was called with StoreGone."""

    def __init__(self, factory: Callable[[], Context]) -> None:
        """Create a holder; `factory` makes a context, whose store is opened at its first use."""
        self._factory = factory
        self._context: Context | None = None

    def get(self) -> Context:
        """Return the context.

        Raises StoreGone if there is no file, as opening it would create an empty store in its place.
        """
        if self._context is None:
            context = self._factory()
            if not is_url(context.given) and not os.path.exists(context.given):
                raise StoreGone(
                    f"the store {context.location} does not exist any more",
                    hint="it is used again as soon as it is back",
                )
            self._context = context
        return self._context

    def failed(self, error: QueuectlError) -> None:
        """Note an error: the connection to a store that is gone is closed, as it never becomes usable again."""
        if isinstance(error, StoreGone):
            self.close()

    def close(self) -> None:
        """Close the store, if it is open."""
        if self._context is not None:
            context, self._context = self._context, None
            context.close()
