"""Profiles of hypothesis: fixed examples in CI, new ones everywhere else."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("developer", deadline=None, print_blob=True)
settings.register_profile("ci", settings.get_profile("developer"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "developer")
