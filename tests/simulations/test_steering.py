"""A node's work for its subscribers: layers, repair, key frames, probes."""

from typing import Any

import numpy as np
import pytest

from simulations.history import AGAIN, FILLER
from simulations.settings import TICK
from simulations.turns import EVERY_TICK
from tests.simulations.networks import CLOSED, Playing, deal, kept_copies, make_scenario, merged

SECOND = 10**9
LOSSY = {"to_bad": "3%", "to_good": "90%", "loss_in_bad": "100%"}


def play(seconds: int = 10, seed: int = 1, **changes: Any) -> Playing:
    """Four listeners on links of 2 Mbit/s."""
    base = {
        "duration": "60s",
        "endpoints": {"rules": [{"carrier": "red", "access": "thin", "node": "south"}]},
        "access": {"thin": {"down": {"rate": "2Mbps"}, "up": {"rate": "2Mbps"}}},
        "media": {"audio": {"dtx": False}},
    }
    scenario = make_scenario(merged(merged(CLOSED, base), changes), seed=seed)
    playing = Playing(scenario)
    playing.advance(seconds * SECOND)
    return playing


def copies(playing: Playing, endpoint: int) -> Any:
    """What the node sent to an endpoint, as far as it is kept, in order."""
    return kept_copies(playing.world, endpoint)


@pytest.mark.parametrize("nack", [True, False])
def test_what_is_asked_for_is_sent_again_under_its_number(nack: bool) -> None:
    playing = play(access={"thin": {"loss": LOSSY}}, media={"repair": {"nack": nack}})
    again = sum(int((copies(playing, e)["kind"] == AGAIN).sum()) for e in range(4))
    assert (again > 0) == (int(playing.world.nodes["retransmissions"].sum()) > 0) == nack
    if not nack:
        return
    assert playing.world.legs["retransmitted"].sum() > 0.8 * playing.world.nacks["recovered"].sum()
    for endpoint in range(4):
        sent = copies(playing, endpoint)
        for copy in sent[sent["kind"] == AGAIN]:
            same = sent[(sent["slot"] == copy["slot"]) & (sent["number"] == copy["number"])]
            assert len(set(same["packet"].tolist())) == 1


def test_without_a_budget_nothing_is_sent_again() -> None:
    playing = play(access={"thin": {"loss": LOSSY}}, media={"repair": {"budget": "0%"}})
    assert playing.world.legs["nack_count"].sum() > 0
    assert playing.world.nodes["retransmissions"].sum() == 0


def test_what_is_no_longer_remembered_is_not_sent_again() -> None:
    slow = {"loss": LOSSY, "delay": "150ms"}
    some, none = (
        play(access={"thin": slow}, media={"repair": {"cache": cache}}) for cache in ("1s", "100ms")
    )
    assert some.world.nodes["retransmissions"].sum() > 0
    assert none.world.nodes["retransmissions"].sum() == 0


def test_probes_are_padding_beside_the_media_and_find_what_the_link_has() -> None:
    playing = play(30)
    world = playing.world
    assert world.nodes["padding"].sum() > 0
    sent = copies(playing, 0)
    padding = sent[sent["kind"] == FILLER]
    assert (padding["probe"] > 0).all()
    assert (padding["size"] == 1250).all()
    assert (world.controllers["target"][:4] > 600_000).all()
    off = play(30, media={"congestion_control": {"probing": False}})
    assert off.world.nodes["padding"].sum() == 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_link_settles_on_the_layer_that_fits(seed: int) -> None:
    layers = [
        {"name": "low", "height": 180, "bitrate": "150kbps"},
        {"name": "mid", "height": 360, "bitrate": "500kbps"},
        {"name": "high", "height": 720, "bitrate": "1500kbps"},
        {"name": "full", "height": 1080, "bitrate": "4Mbps"},
    ]
    thin = {"down": {"rate": "3Mbps"}, "up": {"rate": "3Mbps"}}
    playing = play(30, seed, access={"thin": thin}, media={"video": {"layers": layers}})
    people = len(playing.population)
    shown = []
    for second in range(31, 60):
        world = playing.advance(second * SECOND)
        shown.append(world.outs["layer"][people : people + 4].tolist())  # behind the one voice's
    for subscriber in np.array(shown).T:
        assert np.median(subscriber) == 2  # 1.5 of 3 Mbit/s
        assert (subscriber < 3).all()
        assert np.count_nonzero(np.diff(subscriber)) <= 2


def test_as_drafted_padding_up_to_the_estimate_raises_layers_too() -> None:
    draft = {"congestion_control": {"profile": "draft-02"}}
    thin = {"down": {"rate": "5Mbps"}, "up": {"rate": "5Mbps"}}
    playing = play(40, access={"thin": thin}, media=draft)
    world, people = playing.world, len(playing.population)
    assert world.nodes["padding"].sum() > 0
    assert (world.outs["layer"][people : people + 4] == 1).all()  # behind the one voice's
    padded = world.nodes["padding"].sum()
    playing.advance(45 * SECOND)
    assert world.nodes["padding"].sum() == padded  # nothing better is wanted


@pytest.mark.parametrize("spacing", ["200ms", "2s"])
def test_key_frames_are_asked_of_a_publisher_no_more_often_than_the_node_may(spacing: str) -> None:
    lossy = {"loss": {"to_bad": "20%", "to_good": "50%", "loss_in_bad": "100%"}}
    playing = play(
        10, access={"thin": lossy}, media={"repair": {"nack": False}},
        nodes={name: {"key_frame_spacing": spacing} for name in ("north", "south")},
    )  # fmt: skip
    asked = int(playing.world.nodes["key_frame_requests"].sum())
    seconds = {"200ms": 0.2, "2s": 2.0}[spacing]
    assert playing.world.legs["pli_count"].sum() > 5
    assert 3 <= asked <= 2 * (10 / seconds + 1)  # for each of two layers


def test_a_subscriber_is_looked_at_though_nothing_is_heard_from_it() -> None:
    rules = [deal("s1", "red", "mute", "south"), {"carrier": "red", "access": "thin"}]
    mute = {"label": "Mute", "delay": "1ms", "down": {"rate": "2Mbps"}, "up": {"rate": "1bps"}}
    playing = play(12, endpoints={"rules": rules}, access={"mute": mute})
    targets = playing.world.controllers["target"]
    assert targets[0] < 100_000 < targets[1]
    out = playing.world.outs[len(playing.population)]
    assert (out["wanted"], out["layer"], out["source"]) == (-1, -1, -1)


def test_after_a_change_on_the_wall_the_command_centre_is_looked_after_at_every_tick() -> None:
    playing = play(12, meeting={"wall": {"tiles": 2, "layer": "low", "dwell": "1h"}})
    centre, begin = len(playing.population) - 1, 12 * SECOND
    playing.stage.publishing.show_tile(0, 3, "s4", begin)
    at_every_tick = []
    for tick in range(1, 13):
        playing.advance(begin + tick * TICK)
        at_every_tick.append(set(np.flatnonzero(playing.world.turns["steer"] == EVERY_TICK)))
    assert all(centre in them for them in at_every_tick[:8])
    assert not any(at_every_tick[8:])
    assert not set.union(*at_every_tick) - {centre}


def test_what_a_node_orders_lies_within_the_tick_and_has_room() -> None:
    playing = play(3, access={"thin": {"loss": LOSSY}})
    seen = 0
    for tick in range(3 * SECOND // TICK, 6 * SECOND // TICK):
        world = playing.advance(tick * TICK)
        for ordered, orders in zip(world.ordered, world.orders, strict=True):
            given = orders[:ordered]
            seen += len(given)
            assert len(given) <= world.orders.shape[1]
            assert ((given["time"] >= tick * TICK) & (given["time"] < (tick + 1) * TICK)).all()
    assert seen > 10
