"""Saved views of the job table: filter, order and columns under a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuectl.domain.errors import UsageError
from queuectl.domain.filter import parse_filter
from queuectl.domain.text import one_line
from queuectl.domain.view_layout import ViewLayout, parse_view, view_words
from queuectl.operations import find
from queuectl.operations.commandline.render import command_line
from queuectl.store.job_pages import Sort
from queuectl_tui.console import console_of
from queuectl_tui.widgets.tabs import Tabs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuectl.store.views import SavedView
    from queuectl_tui.console import Console
    from queuectl_tui.widgets.filter_bar import FilterBar
    from queuectl_tui.widgets.job_table import JobTable
    from queuectl_tui.writer import ActionDone


class TableViews:
    """Shows and saves the views of one table."""

    def __init__(self, table: JobTable, bar: FilterBar) -> None:
        """Set the order and the columns of `table`, and the filter in `bar`."""
        self._table = table
        self._bar = bar
        self._shown: SavedView | None = None
        """The current saved view."""
        self._tab_text = ""

    @property
    def _console(self) -> Console:
        return console_of(self._table)

    @property
    def name(self) -> str:
        """The name of the current saved view; empty once its filter was changed."""
        if self._shown is not None and parse_view(self._shown.filter)[0] != " ".join(self._bar.text.split()):
            self._shown = None
        return "" if self._shown is None else self._shown.name

    async def choose(self) -> None:
        """Show, save or delete a view, by a dialog."""
        from queuectl_tui.screens.saved_views import SavedViews

        console = self._console
        views = await console.fetch(lambda context: context.store.views.list(), "views")
        choice = await self._table.app.push_screen_wait(SavedViews(views, self.name, read_only=console.read_only))
        if choice is None:
            return
        view = choice.view
        if view is None:
            if console.may_write():
                await self._save(views)
        elif choice.delete:
            delete = find("view delete")
            console.act(delete, delete.params(name=view.name), about=f"deleted view {one_line(view.name, 40)}")
        else:
            self.show(view)

    def show(self, view: SavedView) -> None:
        """Show a saved view."""
        try:
            text, look = parse_view(view.filter)
            chosen = parse_filter(text)
        except UsageError as error:
            self._console.say(f"view {one_line(view.name, 40)} cannot be shown: {error.message}")
            return
        table = self._table
        if look.says_anything:
            table.choose_columns(look.hidden, look.wanted)
        orders = {order.value.replace(" ", "-"): order for order in Sort}
        sort = orders.get(look.sort or "")
        table.choose(chosen, sort, reverse=look.reverse)
        self._shown = view
        self._bar.set_text(text)

    async def _save(self, views: Sequence[SavedView]) -> None:
        from queuectl_tui.screens.saved_views import ViewName

        console, table = self._console, self._table
        look = ViewLayout(
            sort=table.sort.value.replace(" ", "-"),
            reverse=table.reverse,
            hidden=tuple(sorted(table.lines.hidden)),
            wanted=tuple(sorted(table.lines.wanted - {"id", "command"})),
        )
        words = tuple(view_words(self._bar.text, look).split())
        save = find("view save")

        def line(name: str) -> str:
            return command_line(save, save.params(name=name, words=words))

        asked = ViewName(self.name, [view.name for view in views], line)
        name = await self._table.app.push_screen_wait(asked)
        if name is None:
            return

        def then(done: ActionDone) -> None:
            if done.error is None:
                self._shown = done.result.view
                self.changed()

        console.act(save, save.params(name=name, words=words), about=f"saved view {one_line(name, 40)}", then=then)

    def changed(self) -> None:
        """Show the name of the current view beside the tabs, or remove it."""
        if self.name != self._tab_text:
            self._tab_text = self.name
            self._table.app.screen_stack[0].query_one(Tabs).show_saved_view(self._tab_text)
