"""Groups and the threads that play them."""

import numpy as np
import pytest

from simulations.grouping import grouped, phases, regroup, shares
from tests.simulations.networks import Playing, make_scenario


def test_members_stand_group_by_group_in_their_order() -> None:
    members, first = grouped(np.array([2, 0, 2, 1, 0]), 5)
    assert members.tolist() == [1, 4, 3, 0, 2]
    assert first.tolist() == [0, 2, 3, 5, 5, 5]


@pytest.mark.parametrize(
    ("threads", "dealt"),
    [(1, [{0, 1, 2, 3}]), (2, [{0}, {1, 2, 3}]), (3, [{0}, {1}, {2, 3}])],
)
def test_the_largest_groups_are_dealt_first(threads: int, dealt: list[set[int]]) -> None:
    table = shares(np.array([90, 50, 20, 10]), np.zeros(4, np.int64), threads)
    assert [set(row[row >= 0].tolist()) for row in table] == dealt
    assert table.shape == (threads, 5)  # room for all groups, whoever moves


def test_ticks_share_the_feedback_and_threads_the_groups_of_each_tick() -> None:
    sizes = np.array([90, 80, 50, 40, 20, 10, 5, 5])
    phase = phases(sizes, 4)
    assert phase.tolist() == [0, 1, 2, 3, 3, 2, 2, 3]
    table = shares(sizes, phase, 2)
    for number in range(4):
        loads = [sizes[[g for g in row if g >= 0 and phase[g] == number]].sum() for row in table]
        assert abs(loads[0] - loads[1]) <= sizes[phase == number].max()
    assert sorted(table[table >= 0].tolist()) == list(range(8))


def test_who_moves_is_of_another_group() -> None:
    world = Playing(make_scenario(endpoints=4), threads=2).world
    world.endpoints["group"][0] = world.endpoints["group"][2]
    before = world.group_members
    regroup(world)
    group = int(world.endpoints["group"][2])
    mine = world.group_members[world.group_first[group] : world.group_first[group + 1]]
    assert mine.tolist() == [0, 2]
    assert world.group_members is before  # kernels know where the arrays are
    assert sorted(world.shares[world.shares >= 0]) == list(range(len(world.group_first) - 1))
