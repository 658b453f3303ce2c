"""The arrays of those who listen and watch: everyone's place, and room for everything."""

from itertools import pairwise

import numpy as np

from simulations.history import entry_slot
from simulations.settings import TICK
from tests.simulations.networks import CLOSED, Playing, make_scenario, merged

MEETING = {"pictures": 2, "wall": {"tiles": 5, "layer": "low"}}


def test_everyone_has_streams_of_its_own_and_the_centre_tiles_besides() -> None:
    world = Playing(make_scenario(merged(CLOSED, {"meeting": MEETING}), endpoints=6)).world
    places = world.endpoints
    ends = [*places["first_picture"].tolist(), len(world.pictures)]
    assert [b - a for a, b in pairwise(ends)] == places["pictures"].tolist() == [2] * 6 + [7]
    assert places["first_voice"].tolist() == list(range(7))
    assert len(world.voices) == 7
    for table in (world.screens, world.frames.T, world.nacks, world.missing):
        assert len(table) == len(world.pictures)


def test_rings_hold_three_seconds_of_what_everyone_is_sent() -> None:
    playing = Playing(make_scenario(merged(CLOSED, {"meeting": MEETING}), endpoints=6))
    before = playing.advance(5 * 10**9).senders["next"].copy()
    world = playing.advance(8 * 10**9)
    rings = world.senders["mask"] + 1
    assert len(set(rings.tolist())) == 2  # the command centre is sent more
    assert (rings & (rings - 1) == 0).all()
    places = [
        int(entry_slot(sender, entry))
        for sender, ring in zip(world.senders, rings.tolist(), strict=True)
        for entry in range(ring)
    ]
    assert sorted(places) == list(range(len(world.copies)))  # nobody's is another's
    assert (world.senders["next"] - before <= rings).all()


def test_rings_have_room_for_a_fast_screen_and_for_all_that_may_be_sent_again() -> None:
    share = {"screen": [{"at": "0s", "until": "2s", "site": "s1"}]}
    screen = {"media": {"screen": {"bitrate": "8Mbps", "frame_rate": 15}}, "meeting": share}
    rings = [
        int(Playing(make_scenario(merged(CLOSED, changes), endpoints=3)).world.senders["mask"][0])
        for changes in ({}, screen, {"media": {"repair": {"cache": "10s"}}})
    ]
    assert rings[1] + 1 >= 3 * (8_000_000 / 8 / 1200)
    assert rings[2] >= 2 * rings[0]


def test_feedback_does_not_come_from_everyone_at_once() -> None:
    world = Playing(make_scenario(CLOSED, endpoints=11)).world
    at = world.legs["feedback_at"]
    assert (at % TICK == 0).all()
    counts = np.bincount((at // TICK) % 4)
    assert (counts > 0).all()
    assert counts.max() <= 4
    for group in np.unique(world.endpoints["group"]):  # played together, and speaking together
        assert len(set(at[world.endpoints["group"] == group])) == 1
