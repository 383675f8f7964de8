"""Figures of hosts on a server: one that is dead, one that is cut off, and when their jobs run again."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from queuectl.selftest.ledger import note, read, witnessed
from tests.benchmarks.figure import Figure, middle
from tests.support.hosts import Hosts, cut_the_power
from tests.support.postgres import Server
from tests.support.stress import began
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.proxy import Proxy
    from tests.support.queue import Pool, Queue

    Harm = Callable[[Queue, Proxy, Pool], None]

LEASE = 5


def hosts_lost(rounds: int) -> list[Figure]:
    """Both."""
    server = Server()
    try:
        return [
            _figure(
                "a host is dead, all of it at once",
                server,
                rounds,
                lambda queue, _way, pool: cut_the_power(queue, pool),
            ),
            _figure(
                "a host is cut off from the server",
                server,
                rounds,
                lambda _queue, way, _pool: way.clog(),
                lives_on=True,
            ),
        ]
    finally:
        server.close()


def _figure(what: str, server: Server, rounds: int, harm: Harm, *, lives_on: bool = False) -> Figure:
    found = [_round(server, harm) for _ in range(rounds)]
    taken = [seconds for seconds, _ in found]
    apart = f"; its own processes were gone {min(alone for _, alone in found):.1f} s before" if lives_on else ""
    return Figure(
        what=f"{what}, the lease is {LEASE} s → its job runs on another, {rounds} times",
        value=f"median {middle(taken):.1f} s, max {max(taken):.1f} s{apart}",
        target=f"≤ lease + 5 s = {LEASE + 5} s",
        met=max(taken) <= LEASE + 5,
    )


def _round(server: Server, harm: Harm) -> tuple[float, float]:
    """Seconds until the job begins anew, and how long before that the last sign of life of the first attempt was."""
    url = server.create()
    with tempfile.TemporaryDirectory() as directory:
        hosts = Hosts(Path(directory), url)
        ledger = Path(directory, "ledger")
        try:
            one, way = hosts.behind_a_proxy("one")
            two = hosts.host("two")
            two.run("config", "set", "lease", str(LEASE))
            pool = one.start()
            work = f"while [ $QUEUECTL_ATTEMPT = 1 ]; do {note(str(ledger), 'alive')}; sleep 0.05; done"
            two.enqueue(witnessed(str(ledger), work), "--id", "job")
            wait_until(began(ledger, "job"), 30)
            two.start()
            start = time.monotonic()
            harm(one, way, pool)
            alive, last = 0, time.monotonic()
            while not began(ledger, "job", 2)():
                entries = len(read(str(ledger)))
                if entries != alive:
                    alive, last = entries, time.monotonic()
                time.sleep(0.002)
            now = time.monotonic()
            return now - start, now - last
        finally:
            hosts.close()
            server.drop(url)
