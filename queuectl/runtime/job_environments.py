"""Environments of a worker's jobs: the worker's own, and over it the snapshot of the job."""

from __future__ import annotations

from queuectl.domain.environment import to_bytes, without

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuectl.store.rows import Claim
    from queuectl.store.store import Store

_KEPT = 64
"""Snapshots that a worker keeps, so that it reads one only for the first of many jobs."""


class JobEnvironments:
    """The environments of jobs, without the variables of each single job."""

    def __init__(self, store: Store) -> None:
        """Read snapshots from `store`."""
        self._store = store
        self._own: Mapping[bytes, bytes] = {}
        self._worker: Mapping[bytes, bytes] = {}
        """`_own`, without what is denied."""
        self._denied: str | None = None
        self._made: dict[int | None, Mapping[bytes, bytes] | None] = {None: {}}
        """By the number of the snapshot, which is never reused; None for a snapshot that is missing in the store."""
        self._connections = store.database.connections

    def begin(self, own: Mapping[bytes, bytes]) -> None:
        """Use `own` as the environment of the worker."""
        self._own = own
        self._forget()

    def deny(self, patterns: str | None) -> None:
        """Leave out the variables of the worker whose names match `patterns`."""
        if patterns != self._denied:
            self._denied = patterns
            self._forget()

    def load(self, claim: Claim) -> None:
        """Read the snapshot of a job that the worker is about to start, unless it is known. Raises StoreError."""
        id_ = claim.environment
        if id_ is None:
            return
        if self._connections != self._store.database.connections:
            # The server may have been restored from a backup, and have given a number again.
            self._connections = self._store.database.connections
            self._forget()
        if id_ in self._made:
            return
        if len(self._made) >= _KEPT:
            self._forget()
        variables = self._store.environments.variables(id_)
        if variables is None:
            self._made[id_] = None
            return
        captured = {to_bytes(name): to_bytes(value) for name, value in variables.items()}
        self._made[id_] = {**self._worker, **captured}

    def of(self, claim: Claim) -> Mapping[bytes, bytes] | None:
        """Return the environment of a job that was loaded; None if the store does not have its snapshot."""
        return self._made[claim.environment]

    def _forget(self) -> None:
        self._worker = without(self._own, self._denied)
        self._made = {None: self._worker}
