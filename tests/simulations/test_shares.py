"""Shares of a node's subscribers: decided upon side by side, as if by one."""

from typing import Any

import numpy as np
import pytest

from simulations.departures import note_departures, run_fan_out
from simulations.engine import grown
from simulations.fanout import run_share
from simulations.history import FILLER
from simulations.membership import ABSENT, FORGOTTEN, leave
from simulations.outages import cut_node, mend_node
from simulations.packets import AUDIO, push
from simulations.shares import SHARES, first_of, share_of
from simulations.trains import unravel
from simulations.world import FAN_OUT, World
from tests.simulations.networks import CLOSED, SITES, Playing, kept_copies, make_scenario, merged

MS = 1_000_000
SECOND = 1000 * MS
EVERYONE = len(SITES)
NORTH = {
    "endpoints": {"rules": [{"carrier": "red", "access": "fibre", "node": "north"}]},
    "meeting": {"floor": [{"at": "0s", "site": "command-centre"}]},
    "media": {"audio": {"dtx": False}},
}


def meeting(changes: Any = None) -> Playing:
    return Playing(make_scenario(merged(NORTH, changes or {}), endpoints=EVERYONE))


def test_everyone_is_of_one_share_whoever_else_is_there() -> None:
    world = meeting().world
    for gone in (None, 3, 11, 0):
        if gone is not None:
            leave(world, gone, ABSENT)
        audience = int(world.audience[0])
        bounds = [first_of(world, 0, k) for k in range(SHARES + 1)]
        assert (bounds[0], bounds[-1]) == (0, audience)
        for k in range(SHARES):
            mine = world.subscribers[0, bounds[k] : bounds[k + 1]]
            assert [share_of(world, e) for e in mine] == [k] * len(mine)
    sizes = np.bincount([share_of(world, e) for e in range(EVERYONE + 1)])
    assert sizes.max() - sizes.min() <= 1


def sent(world: World) -> list[tuple[int, int, int]]:
    """(packet, rank, ns) of all copies of voices and pictures."""
    return [
        (int(copy["packet"]), int(world.ranks[e]), int(copy["sent"]))
        for e in range(len(world.endpoints))
        for copy in kept_copies(world, e)
    ]


def test_copies_of_a_packet_leave_in_the_order_of_subscribers_share_by_share() -> None:
    copies = sent(meeting().advance(SECOND))
    packets = {packet for packet, *_ in copies}
    assert len(packets) > 40
    for packet in packets:
        mine = sorted((rank, time) for p, rank, time in copies if p == packet)
        assert len(mine) == EVERYONE
        assert (np.diff([time for _, time in mine]) > 0).all()


def test_packets_that_come_at_the_same_time_leave_one_after_the_other() -> None:
    world, seat = speaking()
    for number in range(3):
        give(world, number, seat, 5 * MS)
    play_node(world, 10 * MS)
    copies = sorted(sent(world), key=lambda copy: copy[2])
    assert [packet for packet, *_ in copies] == [n for n in range(3) for _ in range(EVERYONE)]


def speaking(changes: Any = None) -> tuple[World, int]:
    """A meeting in which somebody is to be heard, and the seat."""
    playing = meeting(changes)
    playing.stage.publishing.hear(0, "s1", 0)
    return playing.world, playing.stage.publishing.taken[0].index


def give(world: World, number: int, seat: int, at: int, size: int = 120) -> None:
    """Let a voice's packet come to the node's fan-out at ``at`` (ns)."""
    packet = world.packets[number]
    for name in packet.dtype.names:
        packet[name] = 0
    packet["source"], packet["sequence"] = 100, number
    packet["size"], packet["seat"], packet["media"] = size, seat, AUDIO
    push(world.edges[world.node_edges[0, 0]], world.edge_items, at, number, 0, 0)


def play_node(world: World, until: int) -> None:
    for k in range(SHARES):
        run_share(world, 0, k, 0, until)
    assert run_fan_out(world, int(world.level_first[FAN_OUT]), 0) == -1
    note_departures(world, 0)


def test_copies_set_out_on_their_edges_when_they_leave() -> None:
    # Small copies come as fast as the interface sends until it has caught up with the processor.
    cost = {"packet": "0s", "copy": "300us", "kilobyte": "0s"}
    world, seat = speaking({"nodes": {"north": {"nic": "10Mbps", "queue": "1s", "cost": cost}}})
    sizes = range(410, 560, 10)  # it catches up at different places among the subscribers
    for i, size in enumerate(sizes):
        give(world, 2 * i, seat, (5 + 30 * i) * MS, size)
        give(world, 2 * i + 1, seat, (5 + 30 * i) * MS)
    play_node(world, SECOND)
    steps = np.diff(sorted(time for packet, _, time in sent(world) if packet == 21))
    assert set(steps) >= {96_000, 300_000}
    left = {}
    for e in np.flatnonzero(world.edges["source"] == world.level_first[FAN_OUT]):
        edge = world.edges[e]
        unravel(edge, world.edge_items, world.riders)
        for position in range(edge["head"], edge["tail"]):
            item = world.edge_items[edge["base"] + (position & edge["mask"])]
            left[int(item["endpoint"]), int(item["packet"])] = int(item["time"] - edge["delay"])
    noted = {
        (e, int(copy["packet"])): int(copy["sent"])
        for e in range(EVERYONE + 1)
        for copy in kept_copies(world, e)
    }
    assert left == noted
    assert len(left) == 2 * len(sizes) * EVERYONE


def test_a_node_that_is_played_once_more_has_nothing_left_to_send() -> None:
    """As happens where another node's edges must grow."""
    world, seat = speaking()
    for number, at in enumerate((5 * MS, 6 * MS, 35 * MS, 36 * MS)):
        if number == 2:
            play_node(world, 25 * MS)
            assert run_fan_out(world, int(world.level_first[FAN_OUT]), 0) == -1
            assert world.nodes["copies"][0] == 2 * EVERYONE
        give(world, number, seat, at)
    play_node(world, 50 * MS)
    assert world.nodes["copies"][0] == 4 * EVERYONE
    assert world.nodes["packets"][0] == 4


@pytest.mark.parametrize("changes", [{}, CLOSED])
def test_with_little_room_shares_grow_and_nothing_changes(changes: Any) -> None:
    roomy, cramped = meeting(changes), meeting(changes)
    world = cramped.world
    cramped.engine.world = world._replace(
        bundles=world.bundles[:, :, :2].copy(), departures=world.departures[:, :, :2].copy()
    )
    expected = roomy.advance(SECOND)
    got = cramped.advance(SECOND)
    assert 4 < got.bundles.shape[2] < expected.bundles.shape[2]
    for e in range(EVERYONE + 1):
        np.testing.assert_array_equal(kept_copies(got, e), kept_copies(expected, e))
    np.testing.assert_array_equal(got.nodes, expected.nodes)
    np.testing.assert_array_equal(got.meters, expected.meters)


def test_what_fills_edges_waits_for_them_to_grow() -> None:
    roomy, cramped = meeting(), meeting()
    world = cramped.world
    for edge in np.flatnonzero(world.edges["source"] == world.level_first[FAN_OUT]):
        world.edges["mask"][edge] = 15
    expected, got = roomy.advance(SECOND), cramped.advance(SECOND)
    assert got.edge_items is not world.edge_items
    for e in range(EVERYONE + 1):
        np.testing.assert_array_equal(kept_copies(got, e), kept_copies(expected, e))
    np.testing.assert_array_equal(got.nodes, expected.nodes)


def test_grown_twice_is_four_times_the_room() -> None:
    world = meeting().world
    room = world.departures.shape[2]
    world.departures["place"][1, 2, room - 1] = 7
    world.shares["copies"][1, 2] = room
    for _ in range(2):
        world.shares["full"][0, 1] = 1
        world = grown(world)
    assert world.departures.shape[2] == world.bundles.shape[2] == 4 * room
    assert world.departures["place"][1, 2, room - 1] == 7
    assert not world.shares["full"].any()


def test_what_the_node_has_no_time_for_has_not_left() -> None:
    slow = {"nic": "1Mbps", "queue": "1040us", "cost": {"packet": "0s", "copy": "0s"}}
    world = meeting({"nodes": {"north": slow}}).advance(SECOND)
    node = world.nodes[0]
    assert node["dropped"] > 100
    voices = int(world.settings["voices"][0]) * (EVERYONE + 1)
    streams, numbered = world.outs[:voices], 0
    for e in range(EVERYONE + 1):
        copies = kept_copies(world, e)
        assert (copies["sent"] > 0).all()
        numbered += int((copies["slot"] < int(world.settings["voices"][0])).sum())
    assert 0 < streams["copies"].sum() < numbered
    assert 0 < streams["waited"].sum() <= streams["copies"].sum() * 2_100_000


def test_padding_is_nobodys_voice() -> None:
    world = meeting(CLOSED).advance(2 * SECOND)
    assert world.nodes["padding"].sum() > 100
    voices = int(world.settings["voices"][0]) * (EVERYONE + 1)
    streams = world.outs[:voices].reshape(-1, EVERYONE + 1)
    for e in range(EVERYONE + 1):
        copies = kept_copies(world, e)
        assert len(copies) == world.senders["next"][e]
        heard = (copies["slot"] < len(streams)) & (copies["kind"] != FILLER)
        assert streams["copies"][:, e].sum() == heard.sum()
    assert streams["copies"].sum() > 100


def test_a_node_that_comes_back_at_once_has_forgotten_what_waited() -> None:
    thin = {
        "endpoints": {"rules": [{"carrier": "red", "access": "thin", "node": "north"}]},
        "access": {"thin": {"down": {"rate": "1Mbps"}, "up": {"rate": "3Mbps"}}},
    }
    playing = meeting(merged(CLOSED, thin))
    now = 0
    while not (playing.world.shares["heap"]["tail"][0] > 0).any():
        now += 5 * MS
        assert now < 6 * SECOND
        playing.advance(now)
    world = playing.world
    for endpoint in world.subscribers[0, : world.audience[0]].tolist():
        leave(world, endpoint, FORGOTTEN)
    cut_node(world, 0, now)
    mend_node(world, 0)
    sent_before = world.senders["next"].copy()
    world = playing.advance(now + SECOND)
    np.testing.assert_array_equal(world.senders["next"], sent_before)
