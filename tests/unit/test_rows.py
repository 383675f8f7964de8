"""What is read from a store that somebody else has written to."""

from __future__ import annotations

import pytest

from queuectl.domain.errors import StoreUnreadable
from queuectl.store.rows import env_from


def test_variables_are_read_in_their_order():
    assert env_from('{"B": "1", "A": ""}') == (("B", "1"), ("A", ""))
    assert env_from(None) == env_from("") == ()


@pytest.mark.parametrize("text", ["x", "[1]", "null", "1", '"A=1"', '{"A": 1}', '{"A": null}', '{"A": {"B": "c"}}'])
def test_an_environment_that_is_none_is_damage_and_no_crash(text: str):
    with pytest.raises(StoreUnreadable, match="the store is damaged"):
        env_from(text)
