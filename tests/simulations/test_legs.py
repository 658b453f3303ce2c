"""What a node is to send of its own accord."""

import numpy as np

from simulations.heaps import MOST
from simulations.history import AGAIN, FILLER
from simulations.layout import CACHE_LINE
from simulations.legs import (
    LEG,
    LINES,
    MOST_ORDERS,
    ORDER,
    ORDERS,
    TURN_LINES,
    order,
    room_for_orders,
)


def test_orders_stand_in_the_order_in_which_they_are_given() -> None:
    ordered, orders = np.zeros(3, np.int32), np.zeros((3, ORDERS), ORDER)
    order(ordered, orders, 1, 500, 7, 70, 2, AGAIN, 0)
    order(ordered, orders, 1, 400, 8, 0, 0, FILLER, 3)
    assert ordered.tolist() == [0, 2, 0]
    names = ("time", "packet", "number", "slot", "kind", "probe")
    assert [tuple(int(one[name]) for name in names) for one in orders[1, :2]] == [
        (500, 7, 70, 2, AGAIN, 0), (400, 8, 0, 0, FILLER, 3)
    ]  # fmt: skip


def test_there_is_room_for_the_fastest_cluster() -> None:
    assert room_for_orders(10_000_000, 1250) == ORDERS
    assert room_for_orders(500_000_000, 1250) * 1250 * 8 >= 500_000_000 * 0.015
    assert room_for_orders(10**12, 1250) == MOST_ORDERS
    assert MOST_ORDERS <= MOST  # a share's heap keeps orders by their number


def test_what_every_turn_needs_of_a_leg_is_in_the_lines_asked_for() -> None:
    every_turn = (
        "arrived", "resolved", "reported", "feedback_at", "retransmitted", "nack_count",
        "pli_count", "padding", "looked_at", "chosen_of", "chosen_for", "chosen_until",
    )  # fmt: skip
    assert LEG.fields is not None
    for name in every_turn:
        record, offset = LEG.fields[name][:2]
        assert offset + record.itemsize <= TURN_LINES * CACHE_LINE, name
    assert LEG.itemsize == LINES * CACHE_LINE
