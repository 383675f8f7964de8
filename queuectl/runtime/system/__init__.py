"""Process functions of the operating system: Linux precisely, any other Unix through psutil and SIGCHLD.

Call these through the module (`system.send(...)`): tests run the whole runtime over the portable half too.
"""

from __future__ import annotations

import sys

from queuectl.runtime.system.posix import Process, family

if sys.platform == "linux":
    from queuectl.runtime.system.linux import (
        adopt_orphans,
        all_gone,
        boot_id,
        carrying,
        cookies,
        descendants,
        exit_fd,
        has_open,
        holding,
        is_same,
        leftovers,
        processes,
        reap,
        script_fd,
        send,
        start_time,
        usage,
    )
else:
    from queuectl.runtime.system.portable import (
        adopt_orphans,
        all_gone,
        boot_id,
        carrying,
        cookies,
        descendants,
        exit_fd,
        has_open,
        holding,
        is_same,
        leftovers,
        processes,
        reap,
        script_fd,
        send,
        start_time,
        usage,
    )

__all__ = [
    "Process",
    "adopt_orphans",
    "all_gone",
    "boot_id",
    "carrying",
    "cookies",
    "descendants",
    "exit_fd",
    "family",
    "has_open",
    "holding",
    "is_same",
    "leftovers",
    "processes",
    "reap",
    "script_fd",
    "send",
    "start_time",
    "usage",
]
