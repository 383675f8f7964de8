"""The settings page of the console, whose last change can be undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from queuectl.config import show
from queuectl.operations import find

if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl_tui.console import Console
    from queuectl_tui.last_action import LastAction
    from queuectl_tui.writer import ActionDone


async def open_settings(console: Console, last_action: LastAction) -> None:
    """Open the settings; `last_action` is given how to restore each changed one."""
    from queuectl_tui.screens.config_editor import ConfigEditor

    listed = find("config list")
    settings = await console.fetch(lambda context: listed.run(context, listed.params()), "settings")
    known = {each.key: each for each in settings}
    put, unset = find("config set"), find("config unset")

    def write(change: Any, about: str, on_result: Callable[[Any, str | None], None]) -> None:
        operation = unset if type(change) is unset.params else put

        def then(done: ActionDone) -> None:
            if done.error is None:
                was, known[change.key] = known[change.key], done.result
                stored = was.origin == "store"
                back = put.params(key=was.key, value=show(was.value)) if stored else unset.params(key=was.key)
                last_action.setting_changed(put if stored else unset, back)
            on_result(done.result, None if done.error is None else done.error.message)

        console.act(operation, change, about=about, then=then)

    console.push_screen(ConfigEditor(settings, write, read_only=console.read_only))
