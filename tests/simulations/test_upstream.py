"""A publisher shares its estimate out, hears its node, and repairs."""

from typing import Any

import numpy as np
import pytest

from simulations.allocation import seat_shown
from simulations.membership import ABSENT
from simulations.outs import out_index
from simulations.packets import PICTURE
from simulations.rates import FOREVER
from simulations.upstream import PADDED, PAUSE_AFTER, _probe, note_demand, spread_rate
from tests.simulations.networks import CLOSED, Playing, deal, make_scenario, merged

SECOND = 10**9
VOICE = 52_000
"""bit/s of a voice on the wire."""


def make(changes: dict[str, Any] | None = None) -> Playing:
    screen = {"media": {"screen": {"bitrate": "300kbps"}},
              "meeting": {"screen": [{"at": "1s", "site": "s1"}]}}  # fmt: skip
    return Playing(make_scenario(merged(merged(CLOSED, screen), changes or {})))


@pytest.mark.parametrize(
    ("target", "active", "rates"),  # kbit/s on the wire; bits of the layers and the screen; payload
    [
        (30, 0b011, (0, 0, 0)),  # a third of 100, a fifth more, on the wire: 41.7
        (41, 0b011, (0, 0, 0)),
        (42, 0b011, (40.32, 0, 0)),
        (104.2, 0b011, (100, 0, 0)),
        (270, 0b011, (100, 0, 0)),
        (271, 0b011, (100, 160.16, 0)),
        (9000, 0b011, (100, 400, 0)),
        (9000, 0b001, (100, 0, 0)),  # nobody watches the high one
        (9000, 0b010, (0, 400, 0)),
        (150, 0b010, (100, 0, 0)),  # what is wanted does not fit: the best below
        (9000, 0b000, (0, 0, 0)),
        (200, 0b111, (0, 0, 192)),  # the screen comes first
        (400, 0b111, (84, 0, 300)),
        (9000, 0b111, (100, 400, 300)),
    ],
)
def test_the_estimate_is_shared_out(target: float, active: int, rates: tuple[float, ...]) -> None:
    playing = make()
    world, publishing = playing.world, playing.stage.publishing
    publishing._seat(1, "s2", 0, None)
    seat = publishing.taken[1].index
    for voice in (False, True):  # a voice goes before all
        if voice:
            publishing.hear(1, "s2", 0)
            world.layer_rates[seat] = 0
            world.tracks["bitrate"] = 0
        world.seats["active"][seat] = active
        world.seat_controllers["target"][seat] = round(1000 * target) + VOICE * voice
        spread_rate(world, seat, 0)
        assert world.layer_rates[seat].tolist() == pytest.approx([1000 * r for r in rates], abs=2)
        first = seat * playing.settings.tracks + 2
        sending = world.tracks["next"][first : first + 3] < FOREVER
        assert sending.tolist() == [rate > 0 for rate in rates]


def test_a_layer_that_is_sent_goes_on_until_its_least_bitrate_does_not_fit() -> None:
    playing = make()
    world, publishing = playing.world, playing.stage.publishing
    publishing.show(1, "s2", 0, 0)
    seat = publishing.taken[1].index
    found = []
    for target in (50_000, 36_000, 34_000, 41_000, 42_000):
        world.seat_controllers["target"][seat] = target
        spread_rate(world, seat, SECOND)
        found.append(bool(world.layer_rates[seat, 0]))
    assert found == [True, True, False, False, True]
    track = world.tracks[seat * playing.settings.tracks + 2]
    assert track["key_wanted"]  # it begins again with a key frame
    assert track["next"] >= SECOND


@pytest.mark.parametrize(
    ("target", "sent", "heard_at", "padded"),
    [
        (30_000, 0, 0, True),  # not enough for the lowest layer
        (30_000, 25_000, 0, True),
        (30_000, 26_000, 0, False),  # the voice is as much
        (30_000, 0, -4 * SECOND, False),  # nobody tells what arrives
        (50_000, 0, 0, False),  # the layer fits
    ],
)
def test_where_no_layer_fits_the_estimate_is_padded_up_to(
    target: int, sent: int, heard_at: int, padded: bool
) -> None:
    playing = make()
    world, publishing = playing.world, playing.stage.publishing
    publishing.show(1, "s2", 0, 0)
    seat = publishing.taken[1].index
    controller = world.seat_controllers[seat]
    controller["target"], controller["heard_at"] = target, heard_at
    controller["last_sent"] = controller["probing"]["begun_at"] = 0  # it has probed
    controller["probing"]["state"], controller["probe"] = 2, 3  # three clusters
    world.seats["next"][seat], world.seats["recent"][seat] = 1, sent
    spread_rate(world, seat, 0)
    _probe(world, seat, 0)
    assert (world.seats["padding"][seat] > 0) == padded
    if padded:
        assert world.seats["padding_gap"][seat] == int(8e9 / (PADDED * target))
        assert world.seats["padding_probe"][seat] == 0


def uplink(playing: Playing, until: int) -> Any:
    playing.advance(until)
    return playing.world


def test_layers_that_nobody_watches_are_paused() -> None:
    # All listeners' links hold the low layer only.
    rules = [deal(f"s{n}", "red", "thin", "north") for n in (1, 2, 3, 4)]
    thin = {"down": {"rate": "300kbps"}}
    narrow = {
        "duration": "14s", "endpoints": {"rules": rules}, "access": {"thin": thin},
    }  # fmt: skip
    wide = {**narrow, "access": {"thin": {"down": {"rate": "30Mbps"}}}}
    for changes, rates in ((narrow, (100_000, 0, 0)), (wide, (0, 400_000, 0))):
        world = uplink(make(changes), 13 * SECOND)
        seat = int(world.slot_seats[1])
        assert tuple(world.layer_rates[seat]) == rates


def test_a_layer_is_sent_until_nobody_wants_it_for_three_seconds() -> None:
    playing = make()
    playing.advance(SECOND)
    world, seat = playing.world, int(playing.world.slot_seats[1])
    assert world.seats["told"][seat] & 1
    world.slot_seats[1] = -1  # nobody is meant to see it any more
    for after, told in ((0.5, 1), (2.9, 1), (3.2, 0)):
        playing.advance(round((1 + after) * SECOND))
        assert not world.demand[seat, 0]
        assert world.seats["told"][seat] & 1 == told


def test_nothing_of_who_takes_a_seat_is_in_demand_yet() -> None:
    playing = make()
    world, publishing = playing.world, playing.stage.publishing
    world.demanded_at[:] = SECOND  # of who sat there before
    publishing.show(1, "s2", SECOND, 0)
    assert (SECOND - world.demanded_at[publishing.taken[1].index] >= PAUSE_AFTER).all()


def plain_demand(playing: Playing) -> set[tuple[int, int]]:
    """Seats and their layers that anybody takes, or would take, one subscriber after the other."""
    world, settings = playing.world, playing.settings
    first, everyone = int(settings.voices), int(settings.voices + settings.pictures)
    centre, found = len(world.endpoints) - 1, set()
    for n in range(len(world.nodes)):
        for endpoint in world.subscribers[n, : world.audience[n]].tolist():
            tiles = len(world.slot_seats) - 1 if endpoint == centre else everyone
            for slot in range(first, tiles):
                seat = int(seat_shown(world, slot, endpoint))
                if seat < 0:
                    continue
                if slot == settings.screen_slot:
                    found.add((seat, int(settings.layers)))
                    continue
                k = int(out_index(settings, len(world.endpoints), slot, endpoint))
                asked = int(world.asked[k])
                found |= {(seat, layer) for layer in range(settings.layers) if asked >> layer & 1}
    return found


@pytest.mark.parametrize("seed", range(40))
def test_layers_are_in_demand_that_anybody_takes_or_would_take(seed: int) -> None:
    playing = make({"meeting": {"wall": {"tiles": 3, "layer": "low"}}})
    world, rng = playing.world, np.random.default_rng(seed)
    people = len(world.endpoints)  # each in a seat
    world.seats["publisher"][:people] = rng.permutation(people)
    world.slot_seats[:] = rng.integers(-1, people, len(world.slot_seats))
    # The high one seldom.
    world.asked[:] = rng.choice((0b00, 0b01, 0b10, 0b11), len(world.asked), p=(0.3, 0.5, 0.1, 0.1))
    gone = rng.integers(0, (2, 4))  # the only one of its node is the command centre
    for n in range(2):
        world.audience[n] -= gone[n]
        there = int(world.audience[n])
        world.endpoints["served"][world.subscribers[n, there : there + gone[n]]] = ABSENT
    note_demand(world)
    assert {(int(s), int(layer)) for s, layer in np.argwhere(world.demand)} == plain_demand(playing)


def test_nobody_but_its_sharer_is_there_to_see_a_screen() -> None:
    playing = make()
    world, slot = playing.world, playing.settings.screen_slot
    assert slot >= 0
    world.audience[:] = (1, 0)
    world.seats["publisher"][0] = world.subscribers[0, 0]
    world.slot_seats[:] = -1
    world.slot_seats[slot] = 0
    note_demand(world)
    assert not world.demand.any()
    world.seats["publisher"][0] = world.subscribers[1, 0]
    note_demand(world)
    assert world.demand[0, playing.settings.layers]


@pytest.mark.parametrize("nack", [True, False])
def test_the_node_asks_the_publisher_for_what_was_lost_on_its_uplink(nack: bool) -> None:
    loss = {"to_bad": "2%", "to_good": "60%", "loss_in_bad": "100%"}
    rules = [deal("s1", "red", "thin", "north"), {"carrier": "red", "access": "fibre"}]
    changes = {
        "duration": "8s",
        "endpoints": {"rules": rules},
        "access": {"thin": {"up": {"rate": "5Mbps"}, "down": {"rate": "5Mbps"}, "loss": loss}},
        "meeting": {"floor": [{"at": "0s", "site": "s1"}], "screen": []},
        "media": {"repair": {"nack": nack}},
    }
    playing = make(changes)
    world = playing.advance(7 * SECOND)
    nacks, settings = world.seat_nacks, playing.settings
    lost = int(world.uplinks["lost"][0])
    assert lost > 10
    packets = world.packets[: settings.packet_mask + 1]
    again = packets[(packets["again"] == 1) & (packets["media"] == PICTURE)]
    assert (len(again) > 0) == nack
    assert (nacks["asked"].sum() > 0) == nack
    if nack:
        # once each within a round trip, and hardly ever in vain
        assert nacks["recovered"].sum() > 0.8 * len(again)
        keys = again["source"].astype(np.int64) << 32 | again["sequence"]
        assert len(np.unique(keys)) > 0.7 * len(keys)
