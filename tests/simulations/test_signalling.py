"""Signalling: how long a message takes, and that it counts as no media."""

import pytest

from simulations.signalling import MESSAGE, signal
from tests.simulations.networks import Playing, deal, make_scenario

MS = 1_000_000


def make(**thin: object) -> Playing:
    rules = [deal("s1", "red", "thin", "south"), deal("s2", "red", "fibre", "north")]
    changes = {"endpoints": {"rules": rules}, "access": {"thin": thin}}
    return Playing(make_scenario(changes, endpoints=2))


@pytest.mark.parametrize("size", [MESSAGE, 1200])
def test_a_message_takes_both_access_links_and_the_way_between(size: int) -> None:
    playing = make()
    world, centre, thin = playing.world, 2, 0
    places, between = world.endpoints, int(world.city_delays[0, 1])
    assert 5 * MS < between < 12 * MS  # light from Hà Nội to Hồ Chí Minh City, one and a half times
    up, down = size * 8 / 50e6, size * 8 / 500e3
    way = int(places["path"][centre]) + between + int(places["path"][thin])
    expected = 100 + 2 * MS + 7 * MS + way + (up + down) * 1e9
    assert signal(world, centre, thin, 100, size) == pytest.approx(expected, abs=2)
    # and back, over the thin uplink
    expected = 100 + 2 * MS + 7 * MS + way + size * 8 * (1 / 300e3 + 1 / 50e6) * 1e9
    assert signal(world, thin, centre, 100, size) == pytest.approx(expected, abs=2)
    for links in (world.uplinks, world.downlinks):
        assert links["packets"].sum() == 0


def test_a_message_waits_behind_what_has_entered_the_link_already() -> None:
    playing = make()
    first, second = (int(signal(playing.world, 2, 0, 0, MESSAGE)) for _ in range(2))
    assert second - first == MESSAGE * 8 * 1e9 / 500e3


def test_a_message_can_be_lost() -> None:
    loss = {"to_bad": "100%", "to_good": "1%", "loss_in_bad": "100%"}
    world = make(loss=loss).world
    assert signal(world, 2, 0, 0, MESSAGE) < 0  # on the way down
    assert signal(world, 0, 2, 0, MESSAGE) < 0  # on the way up
    assert signal(world, 1, 2, 0, MESSAGE) > 0
