"""pgqueuer with shell commands: `fill URL JOBS`, `drain URL AT_ONCE` (starts when its input ends), `done URL 0`.

Runs in the peers' environment (peer.py).
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import asyncpg
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries
from pgqueuer.types import QueueExecutionMode

if TYPE_CHECKING:
    from pgqueuer.models import Job


async def fill(url: str, jobs: int) -> None:
    queries = Queries(AsyncpgDriver(await asyncpg.connect(url)))
    await queries.install()
    await queries.optimize_autovacuum()
    await queries.enqueue(["shell"] * jobs, [b"true"] * jobs, [0] * jobs)


async def drain(url: str, at_once: int) -> None:
    queuer = PgQueuer(AsyncpgDriver(await asyncpg.connect(url)))
    free = asyncio.Semaphore(at_once)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(at_once))

    @queuer.entrypoint("shell")
    async def shell(job: Job) -> None:
        async with free:
            command = job.payload.decode()
            await asyncio.to_thread(
                subprocess.run, ["/bin/sh", "-c", command], stdin=subprocess.DEVNULL, capture_output=True, check=True
            )

    print("ready", flush=True)
    sys.stdin.read()
    await queuer.run(batch_size=10, mode=QueueExecutionMode.drain)


async def done(url: str, _: int) -> None:
    connection = await asyncpg.connect(url)
    print(await connection.fetchval("SELECT count(*) FROM pgqueuer_log WHERE status = 'successful'"))


if __name__ == "__main__":
    what, address, number = sys.argv[1:]
    uvloop.run({"fill": fill, "drain": drain, "done": done}[what](address, int(number)))
