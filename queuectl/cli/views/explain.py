"""The reasons why a job runs, or does not."""

from __future__ import annotations

from queuectl.cli.render import colour_of_state, painted, state_cell
from queuectl.domain.local_time import format_local
from queuectl.domain.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.operations.explain import Explain, Explanation


def explain(result: Explanation, _params: Explain, screen: Screen) -> None:
    """Print the state of the job, then a line for each reason."""
    state = painted(state_cell(result.state, screen), colour_of_state(result.state), screen)
    screen.write(f"{safe(result.id)} {state}\n")
    for reason in result.reasons:
        at = "" if reason.at is None else f", at {format_local(reason.at)}"
        screen.write(f"  {safe(reason.text)}{at}\n")


VIEWS = {"explain": explain}
