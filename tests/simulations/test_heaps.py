"""Heaps: what was put in comes out in order of time, and of entry where times are equal."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simulations.heaps import drop_first, drop_of, entry_of, put, put_off
from simulations.packets import EDGE, ITEM
from tests.simulations.loops import record

Item = tuple[int, int, int, int]


def make_heap(room: int = 64) -> tuple[Any, Any]:
    """An empty heap with ``room`` places in a longer array."""
    return record(EDGE, base=3, mask=room - 1), np.zeros(room + 10, ITEM)


def first(edge: Any, items: Any) -> Item:
    item = items[int(edge["base"]) + int(edge["head"])]
    return int(item["time"]), int(item["packet"]), int(item["endpoint"]), int(entry_of(item))


def dropped(edge: Any, items: Any) -> list[Item]:
    """All that is left, as it comes out."""
    found = []
    while edge["head"] < edge["tail"]:
        found.append(first(edge, items))
        drop_first(edge, items)
    return found


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=64))
def test_what_comes_first_is_dropped_first_and_equals_in_the_order_of_entry(
    steps: list[tuple[int, bool]],
) -> None:
    edge, items = make_heap()
    waiting: list[Item] = []
    for number, (time, strikes) in enumerate(steps):
        put(edge, items, time, number, number % 7, 255 - number)
        waiting.append((time, number, number % 7, 255 - number))
        waiting.sort()
        if strikes:
            assert first(edge, items) == waiting.pop(0)
            drop_first(edge, items)
    assert dropped(edge, items) == waiting
    assert not items[[0, 1, 2, *range(67, 74)]]["time"].any()  # others' places


@given(st.lists(st.integers(0, 9), min_size=1, max_size=64), st.lists(st.integers(0, 9)))
def test_what_is_put_off_comes_out_as_if_dropped_and_put_in_again(
    times: list[int], later: list[int]
) -> None:
    (edge, items), (other, others) = make_heap(), make_heap()
    for number, time in enumerate(times):
        put(edge, items, time, number, number % 7, number)
        put(other, others, time, number, number % 7, number)
    for by in later:
        time, packet, endpoint, entry = first(other, others)
        put_off(edge, items, time + by)
        drop_first(other, others)
        put(other, others, time + by, packet, endpoint, entry)
    assert dropped(edge, items) == dropped(other, others)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), max_size=64), st.integers(0, 3))
def test_one_endpoints_items_are_dropped_from_among_others(
    entered: list[tuple[int, int]], who: int
) -> None:
    edge, items = make_heap()
    for number, (time, endpoint) in enumerate(entered):
        put(edge, items, time, number, endpoint, 5)
    drop_of(edge, items, who)
    others = [(t, i, e, 5) for i, (t, e) in enumerate(entered) if e != who]
    assert dropped(edge, items) == sorted(others)
