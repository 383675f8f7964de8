"""Launcher of a pool's child processes: forked, or spawned where forking is not safe (macOS)."""

from __future__ import annotations

import multiprocessing
import sys

from queuectl.runtime.forks import try_fork
from queuectl.runtime.signals import orders_held_back
from queuectl.store.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess
    from typing import Any

    from queuectl.runtime.entrypoints import ChildSpec
    from queuectl.runtime.log import Log

FORKS = sys.platform == "linux"
"""Whether children are forked: they inherit the supervisor's descriptors and memory."""


class Launcher:
    """Starts the children of one pool. The log has one line when the machine begins to refuse processes."""

    def __init__(self, spec: Callable[..., ChildSpec], log: Log) -> None:
        """Start children with `spec`, called with `again`: whether the previous child of the kind could not begin."""
        self._spec = spec
        self._log = log
        self._context: Any = multiprocessing.get_context("fork" if FORKS else "spawn")
        self._is_short = False
        """Whether the machine refused the last process."""

    def start(self, target: Callable[..., None], argument: object, *, again: bool) -> BaseProcess:
        """Start a child that runs `target` with its spec and `argument`. Raises OSError."""
        if FORKS and Store.open:
            raise RuntimeError("a store is open: a connection must not cross a fork")
        if FORKS and self._is_short:
            # multiprocessing leaks pipes when its fork fails: let it fail only once.
            try_fork()
        child: BaseProcess = self._context.Process(target=target, args=(self._spec(again=again), argument))
        with orders_held_back():
            child.start()
        self._is_short = False
        return child

    def pipe(self) -> tuple[Connection, Connection]:
        """Return the two ends of a pipe to a child. Raises OSError."""
        ends: tuple[Connection, Connection] = self._context.Pipe()
        return ends

    def refused(self, what: str, error: OSError) -> None:
        """Log a refused start once: a shortage of processes or memory is usually transient."""
        if not self._is_short:
            self._log.event(f"no {what} can be started: {error.strerror}; trying again")
        self._is_short = True
