"""procrastinate with shell commands: `fill URL JOBS`, `drain URL AT_ONCE` (starts when its input ends), `done URL 0`.

Runs in the peers' environment (peer.py).
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from procrastinate import App, PsycopgConnector

STEP = 500


async def run(what: str, url: str, number: int) -> None:
    size = number + 1 if what == "drain" else 1
    app = App(connector=PsycopgConnector(conninfo=url, min_size=size, max_size=size))

    @app.task(name="shell")
    async def shell(command: str) -> None:
        await asyncio.to_thread(
            subprocess.run, ["/bin/sh", "-c", command], stdin=subprocess.DEVNULL, capture_output=True, check=True
        )

    async with app.open_async():
        match what:
            case "fill":
                await app.schema_manager.apply_schema_async()
                for first in range(0, number, STEP):
                    some = min(STEP, number - first)
                    await shell.batch_defer_async(*[{"command": "true"}] * some)
            case "drain":
                asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(number))
                print("ready", flush=True)
                sys.stdin.read()
                await app.run_worker_async(concurrency=number, wait=False)
            case _:
                print(len(list(await app.job_manager.list_jobs_async(status="succeeded"))))


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3])))
