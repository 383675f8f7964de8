"""`python -m queuectl.cli`, and what bin/queuectl runs. Small, because this file is compiled at each start."""

import os
import sys

try:
    if sys.version_info < (3, 11):  # noqa: UP036 - an older Python gets one line of error, not a traceback
        raise ImportError("queuectl needs Python 3.11 or newer")  # noqa: TRY301 - printed below, with the hint
    from queuectl.cli.main import entry
except ImportError as error:
    sys.stderr.write(f"error: {error}\nhint: run ./bin/queuectl, which sets itself up, or activate its .venv first\n")
    sys.exit(2)
except KeyboardInterrupt:
    os._exit(130)
entry()
