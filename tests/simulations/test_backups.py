"""Backup access links: two links, one of them in use."""

import numpy as np
import pytest

from simulations.backups import spare_places, swap
from simulations.links import LINK_COUNTS
from tests.simulations.networks import Playing, make_backups, make_scenario


def test_links_in_reserve_stand_behind_one_another() -> None:
    playing = Playing(make_scenario(endpoints=4))
    backups = make_backups(
        playing.scenario, playing.population, {"s2": ("thin", "red"), "s4": ("fibre", "blue")}
    )
    assert spare_places(5, backups).tolist() == [-1, 0, -1, 1, -1]
    assert spare_places(5, None).tolist() == [-1] * 5


def test_links_change_places_and_counts_stay() -> None:
    playing = Playing(make_scenario(endpoints=4), backups={"s2": ("thin", "red")})
    playing.advance(10**9)
    world = playing.world
    before = {name: int(world.downlinks[name][1]) for name in LINK_COUNTS}
    first, reserve = world.downlinks[1].copy(), world.spare_downlinks[0].copy()
    assert before["packets"] > 0
    swap(world, 1)
    assert {name: int(world.downlinks[name][1]) for name in LINK_COUNTS} == before
    assert world.downlinks["queue"][1] == reserve["queue"]
    assert world.downlinks["rate"]["nominal"][1] == 500_000
    assert world.downlinks["delay"][1] == 7_000_000
    assert world.spare_downlinks["packets"][0] == 0
    assert world.uplinks["rate"]["nominal"][1] == 300_000
    swap(world, 1)
    assert world.downlinks[1] == first
    assert world.spare_downlinks[0] == reserve


def test_links_in_reserve_have_queues_and_randomness_of_their_own() -> None:
    world = Playing(make_scenario(endpoints=4), backups={"s2": ("fibre", "red")}).world
    used, spare = world.downlinks, world.spare_downlinks
    end = used["queue"]["base"][-1] + used["queue"]["mask"][-1] + 1
    assert spare["queue"]["base"][0] == end
    assert len(world.downlink_starts) == end + spare["queue"]["mask"][0] + 1
    keys = np.append(used["loss"]["loss_key"], spare["loss"]["loss_key"])
    assert len(np.unique(keys)) == len(keys)


def test_there_must_be_a_link_in_reserve() -> None:
    with pytest.raises(ValueError, match="endpoint 0 has no backup"):
        swap(Playing(make_scenario(endpoints=4)).world, 0)
