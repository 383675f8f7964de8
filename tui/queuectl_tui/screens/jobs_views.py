"""Saved views in the Jobs view: filter, order and columns under a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import work

from queuectl.domain.errors import UsageError
from queuectl.domain.filter import parse_filter
from queuectl.domain.text import one_line
from queuectl.domain.view_layout import ViewLayout, parse_view, view_words
from queuectl.operations import find
from queuectl.operations.commandline.render import command_line
from queuectl.store.job_pages import Sort
from queuectl_tui.screens.job_actions import JobActions
from queuectl_tui.widgets.tabs import Tabs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuectl.store.views import SavedView
    from queuectl_tui.widgets.filter_bar import FilterBar
    from queuectl_tui.writer import ActionDone


class ViewActions(JobActions):
    """The part of the Jobs view that shows and saves views."""

    bar: FilterBar
    _shown: SavedView | None = None
    """The current saved view."""
    _tab_text = ""

    @property
    def shown_view(self) -> str:
        """The name of the current saved view; empty once its filter was changed."""
        if self._shown is not None and parse_view(self._shown.filter)[0] != " ".join(self.bar.text.split()):
            self._shown = None
        return "" if self._shown is None else self._shown.name

    @work(group="views")
    async def action_views(self) -> None:
        """Show, save or delete a view."""
        from queuectl_tui.screens.saved_views import SavedViews

        app = self.console_app
        views = await app.fetch(lambda context: context.store.views.list(), "views")
        choice = await app.push_screen_wait(SavedViews(views, self.shown_view, read_only=app.read_only))
        if choice is None:
            return
        view = choice.view
        if view is None:
            if app.may_write():
                await self._save(views)
        elif choice.delete:
            delete = find("view delete")
            app.act(delete, delete.params(name=view.name), about=f"deleted view {one_line(view.name, 40)}")
        else:
            self.show_view(view)

    def show_view(self, view: SavedView) -> None:
        """Show a saved view."""
        try:
            text, look = parse_view(view.filter)
            chosen = parse_filter(text)
        except UsageError as error:
            self.console_app.say(f"view {one_line(view.name, 40)} cannot be shown: {error.message}")
            return
        table = self.table
        if look.says_anything:
            table.hidden, table.wanted = frozenset(look.hidden), frozenset(look.wanted)
            table.relayout()
        orders = {order.value.replace(" ", "-"): order for order in Sort}
        sort = orders.get(look.sort or "")
        table.choose(chosen, sort, reverse=look.reverse)
        self._shown = view
        self.bar.set_text(text)

    async def _save(self, views: Sequence[SavedView]) -> None:
        from queuectl_tui.screens.saved_views import ViewName

        app, table = self.console_app, self.table
        look = ViewLayout(
            sort=table.sort.value.replace(" ", "-"),
            reverse=table.reverse,
            hidden=tuple(sorted(table.hidden)),
            wanted=tuple(sorted(table.wanted - {"id", "command"})),
        )
        words = tuple(view_words(self.bar.text, look).split())
        save = find("view save")

        def line(name: str) -> str:
            return command_line(save, save.params(name=name, words=words))

        asked = ViewName(self.shown_view, [view.name for view in views], line)
        name = await app.push_screen_wait(asked)
        if name is None:
            return

        def then(done: ActionDone) -> None:
            if done.error is None:
                self._shown = done.result.view
                self.view_changed()

        app.act(save, save.params(name=name, words=words), about=f"saved view {one_line(name, 40)}", then=then)

    def view_changed(self) -> None:
        """Show the name of the current view beside the tabs, or remove it."""
        if self.shown_view != self._tab_text:
            self._tab_text = self.shown_view
            self.app.screen_stack[0].query_one(Tabs).show_saved_view(self._tab_text)
