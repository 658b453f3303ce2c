"""Who is served by which node: the order is everyone's rank, whoever came when."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simulations.membership import ABSENT, FORGOTTEN, enter, leave, members
from simulations.world import World
from tests.simulations.networks import Playing, deal, make_scenario

SITES = ("s1", "s2", "s3", "s4", "s5", "s6")


def world() -> World:
    rules = [deal(site, "red", "fibre", "north") for site in SITES]
    return Playing(make_scenario({"endpoints": {"rules": rules}}, endpoints=6)).world


def test_everyone_begins_at_their_node_in_the_order_given() -> None:
    order, node = np.array([2, 0, 3, 1]), np.array([0, 1, 0, 1], np.int32)
    subscribers, audience, ranks = members(order, node, 3)
    assert subscribers.tolist() == [[2, 0, -1, -1], [3, 1, -1, -1], [-1] * 4]
    assert audience.tolist() == [2, 2, 0]
    assert ranks.tolist() == [1, 3, 0, 2]


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from([0, 1, ABSENT, FORGOTTEN]))))
def test_the_order_does_not_depend_on_who_came_when(
    moves: list[tuple[int, int]],
) -> None:
    network = world()
    where = dict.fromkeys(range(7), 0)
    for endpoint, to in moves:
        leave(network, endpoint, min(to, ABSENT) if to >= 0 else to)
        if to >= 0:
            enter(network, endpoint, to)
        where[endpoint] = to
    for n in (0, 1):
        mine = sorted((e for e in where if where[e] == n), key=lambda e: network.ranks[e])
        assert network.subscribers[n, : network.audience[n]].tolist() == mine
    assert network.endpoints["served"].tolist() == list(where.values())


def test_who_has_left_is_still_said_to_be_of_its_last_node() -> None:
    network = world()
    leave(network, 3, ABSENT)
    enter(network, 3, 1)
    leave(network, 3, FORGOTTEN)
    assert network.endpoints["node"][3] == 1
    leave(network, 3, ABSENT)  # whom nobody serves
    assert network.endpoints["served"][3] == ABSENT
    assert network.audience.tolist() == [6, 0]
