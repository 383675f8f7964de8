"""Retries of a store that cannot be used for a while: what the log has of them."""

from __future__ import annotations

import pytest

from queuectl.domain.errors import StoreUnreachable
from queuectl.runtime.log import Log
from queuectl.runtime.store_retry import Outage, StoreRetry

CLOSED = StoreUnreachable("the server of queue@host does not answer: the connection was closed")
FULL = StoreUnreachable("the server of queue@host has no connection left")


def test_the_log_has_each_reason_of_an_outage_once(capfd: pytest.CaptureFixture[str]):
    retry = StoreRetry(Log("worker-1"))
    for error in (CLOSED, FULL, CLOSED, FULL):
        retry.failed(error)

    lines = capfd.readouterr().err.splitlines()
    assert [line.rpartition("waiting for the store: ")[2] for line in lines] == [CLOSED.message, FULL.message]


def test_a_second_outage_is_logged_again(capfd: pytest.CaptureFixture[str]):
    retry = StoreRetry(Log("worker-1"))
    for _ in range(2):
        retry.failed(CLOSED)
        retry.recovered()

    assert capfd.readouterr().err.count("waiting for the store") == 2


def test_recovery_is_known_only_after_a_failure():
    outage = Outage(Log("pool-1", quiet=True))
    assert not outage.recovered()
    outage.failed(CLOSED)
    assert outage.recovered()
    assert not outage.recovered()
