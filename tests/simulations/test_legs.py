"""What a node is to send of its own accord."""

import numpy as np

from simulations.history import AGAIN, FILLER
from simulations.legs import LEG, ORDER, ORDERS, order


def test_orders_stand_in_the_order_in_which_they_are_given() -> None:
    leg, orders = np.zeros(1, LEG)[0], np.zeros(ORDERS, ORDER)
    order(leg, orders, 500, 7, 70, 2, AGAIN, 0)
    order(leg, orders, 400, 8, 0, 0, FILLER, 3)
    assert leg["orders"] == 2
    names = ("time", "packet", "number", "slot", "kind", "probe")
    assert [tuple(int(one[name]) for name in names) for one in orders[:2]] == [
        (500, 7, 70, 2, AGAIN, 0), (400, 8, 0, 0, FILLER, 3)
    ]  # fmt: skip
