"""Edges: streams of copies in order, and when they are full."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simulations.packets import EDGE, ITEM, insert, is_full, push
from tests.simulations.loops import record


def make_edge(delay: int = 0, at: int = 0) -> tuple[Any, Any]:
    """An edge with 16 places in a longer array, its ring begun at position ``at``."""
    return record(EDGE, base=3, mask=15, delay=delay, head=at, tail=at), np.zeros(25, ITEM)


def content(edge: Any, items: Any) -> list[tuple[int, int, int, int]]:
    """(time, packet, endpoint, entry) of all; each is a train of its own."""
    found = items[[3 + position % 16 for position in range(edge["head"], edge["tail"])]]
    assert (found["count"] == 1).all()
    return [tuple(item)[:4] for item in found.tolist()]


@given(st.lists(st.integers(0, 9), max_size=16), st.integers(0, 40))
def test_inserting_keeps_time_and_the_order_of_equals(times: list[int], at: int) -> None:
    edge, items = make_edge(delay=100, at=at)
    for number, time in enumerate(times):
        insert(edge, items, time, number, 7, 90 + number)
    expected = sorted((100 + time, number, 7, 90 + number) for number, time in enumerate(times))
    assert content(edge, items) == expected
    assert not items[[0, 1, 2, *range(19, 25)]]["time"].any()  # others' places


@given(st.lists(st.integers(0, 9), max_size=16), st.integers(0, 40))
def test_pushing_appends_after_the_delay(times: list[int], at: int) -> None:
    edge, items = make_edge(delay=5, at=at)
    for number, time in enumerate(sorted(times)):
        push(edge, items, time, number, number, 2**40)
    assert content(edge, items) == [(5 + t, i, i, 2**40) for i, t in enumerate(sorted(times))]


def test_an_edge_is_full_when_its_ring_is() -> None:
    edge, items = make_edge(at=9)
    for number in range(14):
        push(edge, items, 0, number, 0, 0)
    assert [bool(is_full(edge, more)) for more in (1, 2, 3)] == [False, False, True]
    edge["head"] += 1
    assert not is_full(edge, 3)
