"""Calls to the floor: what is taken down of them."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from simulations.calls import NEVER, Call, finish_call
from simulations.world import ENDPOINT


def world_of(call: list[int], seen: list[int]) -> Any:
    """What matters of a world; who stands last is the command centre."""
    endpoints = np.zeros(len(seen), ENDPOINT)
    endpoints["seen"] = seen
    return SimpleNamespace(call=np.array(call), endpoints=endpoints)


def test_a_call_that_was_seen() -> None:
    call = Call(called=100, endpoint=1, granted=150)
    # of four others three saw it; half of them is two, and 95 % all four
    finish_call(call, world_of([900, 300, 500, 700], [820, NEVER, 800, NEVER, 850, 900]))
    assert (call.sent, call.at_node, call.arrived, call.shown) == (300, 500, 700, 900)
    assert call.audience == (820, NEVER)


@pytest.mark.parametrize(
    ("seen", "audience"),
    [
        ([NEVER] * 5, (NEVER, NEVER)),
        ([7, NEVER, 5, 6, 900], (6, 7)),
        ([7, 1, 5, NEVER, 900], (7, NEVER)),  # who is called does not see itself
    ],
)
def test_shares_of_the_audience(seen: list[int], audience: tuple[int, int]) -> None:
    call = Call(called=0, endpoint=1, granted=1)
    finish_call(call, world_of([NEVER] * 4, seen))
    assert call.audience == audience
    assert call.shown == call.sent == NEVER


def test_a_call_that_never_reached_the_endpoint_is_not_another_s() -> None:
    call = Call(called=100, endpoint=1)
    finish_call(call, world_of([900, 300, 500, 700], [800] * 5))
    assert call == Call(called=100, endpoint=1)
