"""The outcome of the sample workload, and the commands to try next."""

from __future__ import annotations

from queuectl.cli.program import called_by
from queuectl.cli.render import Column, painted, table
from queuectl.cli.views.job_columns import tries
from queuectl.cli.views.status import print_status
from queuectl.domain.terminal import shown
from queuectl.operations.demo import Shown
from queuectl.operations.job_record import describe, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.operations.demo import Demo, Watched

NEXT = """
Now run your own jobs:
  {program} enqueue 'echo hello'
  {program} worker start --count 2 &
  {program} list
  {program} worker stop
"""


def demo(result: Shown | Watched, _params: Demo, screen: Screen) -> None:
    """Print the commands to try next; before them, unless the console has shown it, the status and the dead jobs."""
    if isinstance(result, Shown):
        _print_outcome(result, screen)
    for line in NEXT.format(program=called_by()).rstrip("\n").split("\n"):
        screen.say(line)


def _print_outcome(result: Shown, screen: Screen) -> None:
    screen.write("\n" + painted("status", "1", screen) + "\n")
    print_status(result.status, screen)
    screen.write("\n" + painted("dead letters", "1", screen) + "\n")
    columns = [
        Column(title="ID"),
        Column(title="TRIES", right=True, drops=1),
        Column(title="WHY"),
        Column(title="OUTPUT", grows=True),
    ]
    rows = [
        (
            job.record.job.id,
            tries(job.record.job),
            "" if job.record.latest is None else describe(job.record.latest),
            shown(text_of(job.stderr)).strip() or shown(text_of(job.stdout)).strip(),
        )
        for job in result.dead
    ]
    table(columns, rows, screen)


VIEWS = {"demo": demo}
