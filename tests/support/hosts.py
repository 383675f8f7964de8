"""Several hosts on one machine: each with a name, a directory for its locks and its own connection to the server."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from queuectl.selftest.leak_check import processes_of
from tests.support.proxy import Proxy
from tests.support.queue import Queue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.queue import Pool


class Hosts:
    """The hosts of a test; `close` ends everything that runs on them."""

    def __init__(self, directory: Path, url: str) -> None:
        self._directory = directory
        self._url = url
        self._queues: list[Queue] = []
        self._proxies: list[Proxy] = []

    def host(self, name: str) -> Queue:
        """Return the queue as seen from a host of that name."""
        return self._add(name, self._url)

    def behind_a_proxy(self, name: str) -> tuple[Queue, Proxy]:
        """Return a host whose connection to the server can be cut."""
        proxy = Proxy(self._url)
        self._proxies.append(proxy)
        return self._add(name, proxy.url), proxy

    def _add(self, name: str, url: str) -> Queue:
        directory = self._directory / f"host{len(self._queues)}"
        directory.mkdir()
        queue = Queue(directory, store=url, host=name)
        self._queues.append(queue)
        return queue

    def close(self) -> None:
        for proxy in self._proxies:
            proxy.clear()
        for queue in self._queues:
            queue.close()
        for proxy in self._proxies:
            proxy.close()


def cut_the_power(queue: Queue, pool: Pool) -> None:
    """End all processes of a host at once: its pool, and those that its jobs have started."""
    pool.kill(also=processes_of(queue.path))
    for pid in processes_of(queue.path):  # started meanwhile
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def outlasts(seconds: float) -> Callable[[], bool]:
    """Return a predicate that is true once `seconds` have passed."""
    until = time.monotonic() + seconds
    return lambda: time.monotonic() >= until
