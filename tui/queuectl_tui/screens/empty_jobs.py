"""Texts of the Jobs view while its list is empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuectl_tui.widgets.filter_bar import meaning

if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl.domain.filter import Filter
    from queuectl_tui.widgets.lines import Line


def nothing_matches(chosen: Filter, key: Callable[[str], str]) -> tuple[Line, ...]:
    """Return the text for a filter that no job matches; `key` returns the key of a binding."""
    clear, change = (key("global.back"), "key"), (key("list.filter"), "key")
    return (
        (("Nothing matches: ", "text"), (meaning(chosen), "accent")),
        (),
        (clear, (" clears the filter, ", "dim"), change, (" changes it", "dim")),
    )


def first_run(key: Callable[[str], str]) -> tuple[Line, ...]:
    """Return the text for a store without jobs; `key` returns the key of a binding."""
    names = ("new_job", "start_pool", "command", "help")
    new, start, command, guide = ((key(f"global.{name}"), "key") for name in names)
    return (
        (("No jobs yet.", "title"),),
        (),
        (new, ("  creates a job; in a shell: ", "dim"), ("queuectl enqueue 'make test'", "accent")),
        (start, ("  starts workers, which keep running when the console closes", "dim")),
        (command, ("  runs any queuectl command, ", "dim"), ("tab", "key"), (" completes it", "dim")),
        (guide, ("  shows what the keys do", "dim")),
        (),
        (("queuectl demo", "accent"), (" creates a separate store with sample jobs", "dim")),
    )
