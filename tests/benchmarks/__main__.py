"""Measure, print the table, exit 1 when a target is missed."""

from __future__ import annotations

import argparse
import os
import platform
import sys

from tests.benchmarks import (
    console,
    flow,
    footprint,
    hosts,
    hosts_lost,
    output,
    prune,
    reliability,
    selections,
    server,
    speed,
)

ALL = {
    "drain": speed.drain,
    "start-up": speed.start_up,
    "bulk": speed.bulk,
    "latency": footprint.latency,
    "at-rest": footprint.at_rest,
    "scale": speed.scale,
    "selections": selections.selections,
    "listing": selections.listing,
    "prune": prune.prune,
    "flood": footprint.flood,
    "flow": flow.flow,
    "console": console.console,
    "output": output.output,
    "reliability": reliability.reliability,
    "server-drain": server.drain,
    "server-scale": server.scale,
    "server-latency": server.latency,
    "server-bulk": server.bulk,
    "server-hosts": hosts.hosts,
    "hosts-lost": hosts_lost.hosts_lost,
}


def main() -> int:
    """Run the benchmarks that were named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(ALL)}; all when none is given")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured (default 5)")
    options = parser.parse_args()
    if unknown := set(options.names) - set(ALL):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}")
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print("| what | measured | target | met | |")
    print("|---|---|---|---|---|")
    missed = 0
    for name in options.names or ALL:
        for figure in ALL[name](options.rounds):
            missed += not figure.met
            met = "yes" if figure.met else "**no**"
            print(f"| {figure.what} | {figure.value} | {figure.target} | {met} | {figure.detail} |", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
