"""The ids of enqueued jobs."""

from __future__ import annotations

from queuectl.operations.enqueued import Enqueued

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from queuectl.cli.screen import Screen
    from queuectl.operations.enqueue import Enqueue


def enqueue(result: Enqueued | Iterator[Enqueued], _params: Enqueue, screen: Screen) -> None:
    """Print each id on its own line, as soon as it is stored. Not escaped: ids have no control characters."""
    failure: OSError | None = None
    for batch in (result,) if isinstance(result, Enqueued) else result:
        try:
            if failure is None:
                screen.write("\n".join(batch.ids) + "\n")
                screen.flush()
        except OSError as error:
            # A closed pipe, or a full disk, must not leave half a file enqueued.
            screen.abandon()
            failure = error
    if failure is not None:
        raise failure


VIEWS = {"enqueue": enqueue}
