"""Names of workers and pools: new at each start, short enough to read aloud."""

from __future__ import annotations

import os

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_LENGTH = 7


def new_name(prefix: str) -> str:
    """Return `prefix` and seven random letters and digits: one of 27 thousand million names."""
    return prefix + "".join(_LETTERS[byte % len(_LETTERS)] for byte in os.urandom(_LENGTH))
