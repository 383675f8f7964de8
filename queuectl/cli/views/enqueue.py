"""The ids of what was enqueued."""

from __future__ import annotations

from queuectl.operations.enqueue import Enqueued

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from queuectl.cli.screen import Screen
    from queuectl.operations.enqueue import Enqueue


def enqueue(result: Enqueued | Iterator[Enqueued], _params: Enqueue, screen: Screen) -> None:
    """Each id on a line of its own, as soon as it is stored. Not escaped: an id has nothing to escape."""
    heard = True
    for some in (result,) if isinstance(result, Enqueued) else result:
        try:
            if heard:
                screen.write("\n".join(some.ids) + "\n")
                screen.flush()
        except BrokenPipeError:
            # A reader that went away must not leave half a file enqueued.
            screen.abandon()
            heard = False


VIEWS = {"enqueue": enqueue}
