"""Groups, and how threads get hold of them."""

from typing import Any

import numba
import numpy as np

from simulations.claims import claim
from simulations.compiled import parallel_kernel
from simulations.grouping import grouped, orders, phases, regroup
from tests.simulations.networks import Playing, make_scenario


def test_members_stand_group_by_group_in_their_order() -> None:
    members, first = grouped(np.array([2, 0, 2, 1, 0]), 5)
    assert members.tolist() == [1, 4, 3, 0, 2]
    assert first.tolist() == [0, 2, 3, 5, 5, 5]


def test_ticks_share_the_feedback() -> None:
    sizes = np.array([90, 80, 50, 40, 20, 10, 5, 5])
    phase = phases(sizes, 4)
    assert phase.tolist() == [0, 1, 2, 3, 3, 2, 2, 3]


def test_groups_with_little_to_do_are_played_last() -> None:
    sizes, phase = np.array([20, 90, 10, 80]), np.array([0, 1, 0, 1])
    # At even ticks those of phase 1 are played, whose feedback fell due at the odd ones before.
    assert orders(sizes, phase, 2).tolist() == [[1, 3, 0, 2], [0, 2, 1, 3]]
    assert orders(sizes, np.zeros(4, np.int64), 1).tolist() == [[1, 3, 0, 2]]


def test_each_piece_is_claimed_once() -> None:
    counter, pieces = np.zeros(1, np.int64), np.zeros((4, 1000), np.int64)
    claim_all(counter, pieces)
    assert pieces.sum(axis=0).tolist() == 1000 * [1]


@parallel_kernel
def claim_all(counter: Any, pieces: Any) -> None:
    """Count each thread's claims, until there are no pieces left."""
    for thread in numba.prange(len(pieces)):
        while True:
            piece = claim(counter)
            if piece >= pieces.shape[1]:
                break
            pieces[thread, piece] += 1


def test_who_moves_is_of_another_group() -> None:
    world = Playing(make_scenario(endpoints=4), threads=2).world
    world.endpoints["group"][0] = world.endpoints["group"][2]
    before = world.group_members
    regroup(world)
    group = int(world.endpoints["group"][2])
    mine = world.group_members[world.group_first[group] : world.group_first[group + 1]]
    assert mine.tolist() == [0, 2]
    assert world.group_members is before  # kernels know where the arrays are
    expected = orders(np.diff(world.group_first), world.phases, len(world.group_order))
    assert world.group_order.tolist() == expected.tolist()
