"""The command line of the console: asks for a line, runs it, and shows its result."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from queuectl.domain.text import safe
from queuectl.operations.commandline.render import command_line
from queuectl.operations.job_names import id_of
from queuectl.operations.operation import Danger
from queuectl_tui.writer import has_secrets

if TYPE_CHECKING:
    from queuectl.operations.operation import Operation
    from queuectl_tui.console import Console
    from queuectl_tui.history import History
    from queuectl_tui.writer import ActionDone


class CommandRunner:
    """Runs typed lines, and keeps them."""

    def __init__(self, console: Console, history: History | None) -> None:
        """Act for `console`; without a `history` the lines are kept until it closes."""
        self._console = console
        self._history = history
        self._lines = history.read() if history is not None else []

    async def ask(self, text: str) -> None:
        """Open the command line with `text` typed, and run the answer."""
        from queuectl_tui.screens.command_line import CommandLine, Jump, Run
        from queuectl_tui.screens.completion import read_names

        console = self._console
        screen = CommandLine(text, read_names=partial(read_names, console.reader.ask), history=self._lines)
        answer = await console.push_screen_wait(screen)
        if answer is None:
            return
        if self._history is not None and not (isinstance(answer, Run) and has_secrets(answer.params, answer.line)):
            self._history.add(self._lines[-1])
        if isinstance(answer, Jump):
            console.show_view(answer.view, answer.filter)
        else:
            await self._run(answer.operation, answer.params, answer.line)

    async def _run(self, operation: Operation, params: Any, line: str) -> None:
        from queuectl_tui.screens.result import ResultPanel

        console = self._console
        if operation.writes(params) and not console.may_write():
            return
        if operation.name == "logs" and len(params.unique) == 1:
            job_id = await console.fetch(lambda context: id_of(context, params.ids[0]), "log")
            console.pages.log(job_id, attempt=params.attempt)
            return
        if getattr(params, "follow", False):
            console.refuse("the console follows the log of one job: name one ID")
            return
        if not await self._confirmed(operation, params):
            return
        shows = operation.reads or operation.name == "selftest"
        ended = asyncio.get_running_loop().create_future()

        def then(done: ActionDone) -> None:
            if done.error is not None:
                console.drop_typed()
            elif shows:
                console.push_screen(ResultPanel(line, _documents(done.result)))
            ended.set_result(None)

        console.act(operation, params, about=operation.name, then=then)
        if operation.reads and not operation.blocking:
            # Keys wait for the panel as for a dialog, but not for an operation that may take minutes.
            await ended

    async def _confirmed(self, operation: Operation, params: Any) -> bool:
        """Ask where the operation has a question or can destroy something; return whether it may run."""
        console, ask = self._console, operation.question
        question = await console.fetch(lambda context: ask(context, params), "question") if ask else None
        if operation.danger is Danger.NONE and not question:
            return True
        from queuectl_tui.screens.confirm import Confirm

        lines = [question] if question else [f"{operation.summary}.", *await console.outlook(operation, params)]
        asked = Confirm(operation.name, lines, command_line(operation, params), operation.danger)
        return bool(await console.push_screen_wait(asked))


def _documents(result: Any) -> Any:
    """Return the JSON form of a result."""
    if isinstance(result, list):
        return [each.document() for each in result]
    return result.document() if hasattr(result, "document") else safe(str(result))
