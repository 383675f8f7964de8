"""The completion script and the candidates, in the form that shells read."""

from __future__ import annotations

from queuectl.operations.completion import Script, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.operations.completion import Choices, Completion


def completion(result: Script | Choices, _params: Completion, screen: Screen) -> None:
    """Print the script, or a candidate a line."""
    screen.utf8()  # as the words of a command line are decoded, whatever the locale
    screen.write(
        result.script if isinstance(result, Script) else "".join(f"{shown(each)}\n" for each in result.choices)
    )


VIEWS = {"completion": completion}
