"""Rows of a store that another program has written to."""

from __future__ import annotations

import pytest

from queuectl.domain.errors import StoreUnreadable
from queuectl.store.rows import env_from


def test_variables_keep_their_order():
    assert env_from('{"B": "1", "A": ""}') == (("B", "1"), ("A", ""))
    assert env_from(None) == env_from("") == ()


@pytest.mark.parametrize("text", ["x", "[1]", "null", "1", '"A=1"', '{"A": 1}', '{"A": null}', '{"A": {"B": "c"}}'])
def test_an_invalid_environment_is_reported_as_damage(text: str):
    with pytest.raises(StoreUnreadable, match="the store is damaged"):
        env_from(text)
