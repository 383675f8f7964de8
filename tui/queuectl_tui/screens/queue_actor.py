"""Actions on the queues of the Queues view: those that are marked, or the one under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from queuectl.domain.phrases import first_of
from queuectl.domain.queue_settings import MAX_RUNNING, MAX_WEIGHT
from queuectl.domain.text import one_line
from queuectl.operations import find
from queuectl.operations.commandline.render import command_line
from queuectl.operations.operation import Danger
from queuectl_tui.screens.job_actor import names_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuectl.operations.operation import Operation
    from queuectl.operations.queues import QueueRecord
    from queuectl_tui.console import Console

_NAMED = 5
_NONE = "none"


class QueueTable(Protocol):
    """The view whose queues are acted on."""

    @property
    def console(self) -> Console:
        """The console that shows it."""

    @property
    def targets(self) -> Sequence[QueueRecord]:
        """The marked queues, else the one under the cursor."""

    @property
    def paused_by_name(self) -> Sequence[str]:
        """Names of the queues with a pause of their own."""

    @property
    def cursor_departed(self) -> bool:
        """Whether the queue under the cursor has disappeared."""

    def clear_marks(self) -> None:
        """Clear the marks."""

    def show_effect(self) -> None:
        """Read the queues after an action."""


class QueueActor:
    """Pauses, resumes, limits and weights queues."""

    def __init__(self, table: QueueTable) -> None:
        """Act on the queues of `table`."""
        self._table = table
        self.is_acting = False
        """Whether an action is in progress, so that the rows do not show its effect yet."""

    @property
    def _console(self) -> Console:
        return self._table.console

    def copy(self) -> None:
        """Copy the names of the selected queues."""
        names = [each.name for each in self._table.targets]
        if names:
            self._console.copy("\n".join(names), f"copied {names_of(names)}")

    def pause_or_resume(self) -> None:
        """Pause the selected queues, or resume them if each has a pause of its own. It can be undone."""
        targets = self._selected()
        if not targets:
            return
        names = tuple(each.name for each in targets if each.settings.pause is None)
        if not names:
            names = tuple(each.name for each in targets)
            resume = find("queue resume")
            self._act(resume, resume.params(queues=names), f"resumed {names_of(names)}")
        elif self._console.snapshot.pause_of_all is not None:
            key = self._console.shown_key("queues.pause_all")
            self._console.refuse(f"all queues are paused: {key} resumes them")
        else:
            pause = find("queue pause")
            self._act(pause, pause.params(queues=names), f"paused {names_of(names)}")

    async def pause_or_resume_all(self) -> None:
        """Pause all queues, or end the pause of all, after confirmation."""
        console = self._console
        if not console.may_write():
            return
        resumes = console.snapshot.pause_of_all is not None
        operation = find("queue resume" if resumes else "queue pause")
        params = operation.params(all=True)
        if resumes:
            lines = ["Their jobs are started again."]
            if self._table.paused_by_name:
                names = [one_line(name, 20) for name in self._table.paused_by_name]
                lines.append(f"Still paused by name: {first_of(names, _NAMED)}.")
        else:
            lines = [
                "No job is started before they are resumed, also of queues that do not exist yet.",
                "Running jobs go on, and jobs can be enqueued.",
            ]
        lines += await console.outlook(operation, params)
        from queuectl_tui.screens.confirm import Confirm

        do = "Resume all" if resumes else "Pause all"
        asked = Confirm(f"{do} queues?", lines, command_line(operation, params), Danger.STOPS, do=do)
        if await console.push_screen_wait(asked):
            self._act(operation, params, f"{'resumed' if resumes else 'paused'} all queues")

    async def limit(self) -> None:
        """Ask how many jobs of the queue may run at a time."""
        queue = self._only()
        if queue is None:
            return

        def limited(number: int) -> Any:
            return find("queue set").params(name=queue.name, limit=str(number) if number else _NONE)

        name = one_line(queue.name, 30)
        asked = f"How many jobs of {name} may run at a time? {queue.running:,} run now.\n0 or empty: no limit"
        number = await self._ask("Limit", asked, queue.settings.limit or 0, (0, MAX_RUNNING), limited, empty=0)
        if number is not None:
            text = f"limited {name} to {number:,} running" if number else f"removed the limit of {name}"
            self._act(find("queue set"), limited(number), text)

    async def weigh(self) -> None:
        """Ask for the weight of the queue."""
        queue = self._only()
        if queue is None:
            return

        def weighted(number: int) -> Any:
            return find("queue set").params(name=queue.name, weight=number)

        name = one_line(queue.name, 30)
        asked = f"Weight of {name}: with 2 it gets twice the busy workers of a queue with 1, the usual weight."
        number = await self._ask("Weight", asked, queue.settings.weight, (1, MAX_WEIGHT), weighted)
        if number is not None:
            self._act(find("queue set"), weighted(number), f"set the weight of {name} to {number:,}")

    async def _ask(
        self, title: str, asked: str, value: int, bounds: tuple[int, int], params: Any, *, empty: int | None = None
    ) -> int | None:
        from queuectl_tui.screens.number import NumberPrompt

        low, high = bounds

        def line(number: int) -> str:
            return command_line(find("queue set"), params(number))

        prompt = NumberPrompt(title, asked, value=value, low=low, high=high, line=line, do="Set", empty=empty)
        number: int | None = await self._console.push_screen_wait(prompt)
        return number

    def _selected(self) -> Sequence[QueueRecord] | None:
        """Return the selected queues; None after a report why there are none, or why they may not be changed."""
        if not self._console.may_write():
            return None
        targets = self._table.targets
        if not targets:
            departed = self._table.cursor_departed
            self._console.refuse(
                "the queue under the cursor has just disappeared: select another one"
                if departed
                else "no queue is under the cursor"
            )
        return targets

    def _only(self) -> QueueRecord | None:
        """Return the one selected queue; None after a report why there is none."""
        targets = self._selected()
        if not targets:
            return None
        if len(targets) > 1:
            back = self._console.shown_key("global.back")
            self._console.refuse(f"{len(targets)} queues are marked, and one can be set at a time: {back} clears marks")
            return None
        return targets[0]

    def _act(self, operation: Operation, params: Any, about: str) -> None:
        self.is_acting = True

        def ended(_: object) -> None:
            self.is_acting = False
            self._table.show_effect()

        self._console.act(operation, params, about=about, then=ended)
        self._table.clear_marks()
