"""The audit events."""

from __future__ import annotations

import time

from queuectl.cli.render import Column, table
from queuectl.domain.local_time import LocalTimes
from queuectl.domain.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from queuectl.cli.screen import Screen
    from queuectl.operations.history import EventRecord, History

_WORDS = {
    "start_pool": "worker start",
    "stop_pool": "worker stop",
    "scale_pool": "worker scale",
    "pool_stopped": "pool stopped",
    "worker_died": "worker died",
    "purge": "dlq purge",
    "save_view": "view save",
    "delete_view": "view delete",
    "set_config": "config set",
    "unset_config": "config unset",
}
"""Verbs as they are typed, where the store has another word."""


def history(events: Iterator[EventRecord], params: History, screen: Screen) -> None:
    """Print a table of events, the newest last."""
    times = LocalTimes(time.time_ns() // 1_000_000)
    written = times.short if screen.is_terminal else times.full
    columns = [
        Column(title=f"AT ({times.zone})", whole=True),
        Column(title="BY", drops=1),
        Column(title="VERB"),
        Column(title="SUBJECT"),
        Column(title="DETAIL", drops=2, sparse=True),
        Column(title="COMMAND", grows=True),
    ]
    if not table(columns, (_row(each, written) for each in events), screen):
        screen.say_empty("no events" + (f" of {safe(params.id)}" if params.id else ""))


def _row(of: EventRecord, written: Callable[[int], str]) -> tuple[str, ...]:
    event = of.event
    return (
        written(event.at),
        event.actor,
        _WORDS.get(event.verb, event.verb),
        event.subject or "",
        event.detail or "",
        event.command or "",
    )


VIEWS = {"history": history}
