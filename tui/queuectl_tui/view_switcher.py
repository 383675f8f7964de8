"""The views of the console: which one is shown, and how another one is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuectl_tui.console import console_of
from queuectl_tui.places import PLACES
from queuectl_tui.screens.views import View, load
from queuectl_tui.widgets.job_table import JobTable
from queuectl_tui.widgets.line_list import LineList

if TYPE_CHECKING:
    from typing import Any

    from textual.app import App
    from textual.widget import AwaitMount
    from textual.widgets import ContentSwitcher

    from queuectl_tui.widgets.tabs import Tabs


class ViewSwitcher:
    """Shows one view at a time; each is created when it is first shown."""

    def __init__(self, app: App[Any], switcher: ContentSwitcher, tabs: Tabs) -> None:
        """Switch the children of `switcher`, and show in `tabs` which one is current."""
        self._app = app
        self._switcher = switcher
        self._tabs = tabs

    @property
    def is_empty(self) -> bool:
        """Whether there is no view any more: the console is being closed."""
        return not self._switcher.children

    @property
    def current(self) -> View:
        """The current view."""
        view = self._switcher.get_child_by_id(self._switcher.current or PLACES[0].name)
        if not isinstance(view, View):
            raise TypeError
        return view

    def show(self, name: str, filter_text: str) -> None:
        """Show a view, and set its filter if one is given."""
        place = next(each for each in PLACES if each.name == name)
        there = self._switcher.query_children(f"#{name}")
        self._app.call_next(self._switch, name, None if there else self._switcher.mount(load(place)))
        if filter_text:
            # After the view has become visible.
            self._app.call_next(self._filter, filter_text)

    def forget_jobs(self) -> None:
        """Drop the marks, and the cursor of the job table: another store may have other jobs with the same ids."""
        for table in self._switcher.query(JobTable):
            table.reset()
        for lines in self._switcher.query(LineList):
            lines.clear_marks()

    async def _switch(self, name: str, mounted: AwaitMount | None) -> None:
        if mounted is not None:
            # The view paints at once, so its children must be mounted.
            await mounted
        console = console_of(self._app)
        self._switcher.current = name
        self._tabs.choose(name)
        self.current.on_view_shown()
        self.current.show(console.snapshot)
        console.show_hints()

    def _filter(self, text: str) -> None:
        if hasattr(self.current, "set_filter"):
            self.current.set_filter(text)
