"""Names for workers and pools: new at each start, short enough to read out."""

from __future__ import annotations

import os

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_LENGTH = 7


def new_name(prefix: str) -> str:
    """`prefix` and seven letters and digits: one of 27 thousand million."""
    return prefix + "".join(_LETTERS[byte % len(_LETTERS)] for byte in os.urandom(_LENGTH))
