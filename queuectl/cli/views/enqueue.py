"""The ids of what was enqueued."""

from __future__ import annotations

from queuectl.operations.enqueued import Enqueued

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from queuectl.cli.screen import Screen
    from queuectl.operations.enqueue import Enqueue


def enqueue(result: Enqueued | Iterator[Enqueued], _params: Enqueue, screen: Screen) -> None:
    """Each id on a line of its own, as soon as it is stored. Not escaped: an id has nothing to escape."""
    failure: OSError | None = None
    for some in (result,) if isinstance(result, Enqueued) else result:
        try:
            if failure is None:
                screen.write("\n".join(some.ids) + "\n")
                screen.flush()
        except OSError as error:
            # A reader that went away, or a full disk, must not leave half a file enqueued.
            screen.abandon()
            failure = error
    if failure is not None:
        raise failure


VIEWS = {"enqueue": enqueue}
