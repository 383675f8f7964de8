"""Several hosts on one machine: each with a name, a directory for its locks and a way to the server of its own."""

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
    """They end, with all that runs on them, when the test does."""

    def __init__(self, directory: Path, url: str) -> None:
        self._directory = directory
        self._url = url
        self._queues: list[Queue] = []
        self._proxies: list[Proxy] = []

    def host(self, name: str) -> Queue:
        """The queue as seen from a host of that name."""
        return self._add(name, self._url)

    def behind_a_proxy(self, name: str) -> tuple[Queue, Proxy]:
        """A host whose way to the server can be cut."""
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
    """End all of a host at once: its pool, and what its jobs have started."""
    pool.kill(also=processes_of(queue.path))
    for pid in processes_of(queue.path):  # what was just being started
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def outlasts(seconds: float) -> Callable[[], bool]:
    """Whether so much time has passed since this was made."""
    until = time.monotonic() + seconds
    return lambda: time.monotonic() >= until
