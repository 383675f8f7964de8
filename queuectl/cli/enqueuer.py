"""A client in the self-test: `python -m queuectl.cli.enqueuer STORE LEDGER ACKNOWLEDGED SEED ENQUEUER FIRST`.

For each byte of its input it runs one `queuectl enqueue`, with ACKNOWLEDGED as standard output: an id is written there
when the job is stored, and not before. It ends at the end of its input.
"""

from __future__ import annotations

import json
import os
import sys
import time

from queuectl.cli.main import main
from queuectl.domain.errors import Refused, StoreError
from queuectl.selftest.workload import id_of, job

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_PAUSE = 0.1


def enqueue_all(argv: Sequence[str]) -> int:
    """Enqueue until the end of the input. Return the exit code."""
    store, ledger, acknowledged, seed, enqueuer, first = argv
    number = int(first)
    with open(acknowledged, "a", encoding="utf-8") as sys.stdout:
        while os.read(0, 1):
            id_ = id_of(int(seed), int(enqueuer), number)
            words = ["--db", store, "enqueue", json.dumps(job(id_, ledger))]
            while (code := main(words)) == StoreError.exit_code:
                time.sleep(_PAUSE)  # locked for long, or full
            if code == Refused.exit_code and number == int(first):
                # The killed predecessor of this client had stored it, but was killed before it could print the id.
                print(id_, flush=True)
            elif code:
                return code
            number += 1
    return 0


if __name__ == "__main__":
    sys.exit(enqueue_all(sys.argv[1:]))
