"""The pacer of a leg: when copies leave the node, as a plan of what comes when."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.conference import simulate
from simulations.departures import note_departures, run_fan_out
from simulations.engine import grown
from simulations.fanout import run_share
from simulations.history import SENDER
from simulations.pacer import (
    BURST,
    LONGEST_WAIT,
    MOST_DEBT,
    PACING,
    ROOM,
    charge,
    pacing_of,
)  # fmt: skip
from simulations.packets import AUDIO, PICTURE, push
from simulations.shares import SHARES
from simulations.world import FAN_OUT
from tests.simulations.networks import CLOSED, Playing, kept_copies, make_scenario, merged
from tests.simulations.test_conference import check_run, image

MS = 1_000_000
SECOND = 1000 * MS
PACKET = 1250
"""Bytes: 10 ms at 1 Mbit/s."""
MEGABIT = 8000
"""ns that a byte takes at 1 Mbit/s."""
TO = 1
FREE = {"cost": {"packet": "0s", "copy": "0s", "kilobyte": "0s", "join": "0s"}, "nic": "1000Gbps"}
"""A node that takes no time."""


class Node:
    """A media node that is given packets by hand, and what it sends to one subscriber."""

    def __init__(self, pacing: int = MEGABIT) -> None:
        changes = {"nodes": {"north": FREE, "south": FREE}, "endpoints": {"rules": [
            {"carrier": "red", "access": "fibre", "node": "north"}]}}  # fmt: skip
        playing = Playing(make_scenario(merged(CLOSED, changes), endpoints=2))
        publishing = playing.stage.publishing
        publishing.show(0, "s1", 0, 0)
        publishing.hear(0, "s1", 0)
        self.playing, self.seat = playing, publishing.taken[0].index
        self.world = playing.world
        self.world.senders["pacing"] = pacing
        slot = int(self.world.seats["picture_slot"][self.seat])
        self.world.outs["wanted"][slot * len(playing.population) + TO] = 0
        self.given = 0

    def take(self, at: int, size: int = PACKET, media: int = PICTURE) -> None:
        """Let a packet arrive at ``at`` (ns)."""
        packet = self.world.packets[self.given]
        for name in packet.dtype.names:
            packet[name] = 0
        packet["source"], packet["sequence"] = 100 + media, self.given
        packet["size"], packet["seat"], packet["media"] = size, self.seat, media
        packet["index"] = packet["key"] = 1
        if media == PICTURE and not (self.world.packets["media"][: self.given] == PICTURE).any():
            packet["index"] = 0
        edge = self.world.edges[self.world.node_edges[0, 0]]
        push(edge, self.world.edge_items, at, self.given, 0, 0)
        self.given += 1

    def sent(self, until: int = 60 * SECOND) -> Any:
        """All copies until then, in the order in which they were sent."""
        station = int(self.world.level_first[FAN_OUT])
        for k in range(SHARES):
            run_share(self.world, 0, k, 0, until)
            while self.world.shares["full"][0, k]:
                self.world = grown(self.world)
                run_share(self.world, 0, k, 0, until)
        while (full := run_fan_out(self.world, station, 0)) >= 0:
            self.world.full[station] = full
            self.world = grown(self.world)
        note_departures(self.world, 0)
        return kept_copies(self.world, TO)


P, A = "picture", "audio"
PLANS = [
    ("what comes slowly leaves at once", [(0, P), (20, P), (40, P)], [0, 20, 40]),
    ("of a burst what is longer than 5 ms waits", [(0, P), (0, P), (0, P)], [0, 5, 15]),
    ("a burst in the middle", [(0, P), (50, P), (50, P), (51, P)], [0, 50, 55, 65]),
    ("voices never wait", [(0, P), (0, P), (1, A), (2, A), (3, A)], [0, 1, 2, 3, 8]),
    ("but they count", [(0, A), (0, A), (0, A), (0, A), (0, A), (0, A), (0, P)],
     [0, 0, 0, 0, 0, 0, 1]),
    ("voices while others wait put them off", [(0, P), (0, P), (4, A), (5, P)], [0, 4, 6, 16]),
    ("what comes later stands behind", [(0, P), (0, P), (0, P), (14, P)], [0, 5, 15, 25]),
]  # fmt: skip
"""A sentence; ms and medium of what comes; ms at which copies leave, at 1 Mbit/s. A voice's packet
is 125 bytes: 1 ms."""


@pytest.mark.parametrize(("comes", "leaves"), [p[1:] for p in PLANS], ids=[p[0] for p in PLANS])
def test_plans(comes: list[tuple[int, str]], leaves: list[int]) -> None:
    node = Node()
    for at, medium in comes:
        node.take(at * MS, *((PACKET, PICTURE) if medium == P else (125, AUDIO)))
    copies = node.sent()
    assert (copies["sent"] / MS).tolist() == pytest.approx(leaves, abs=0.01)
    pictures = copies[copies["slot"] == copies["slot"].max()]
    assert (np.diff(pictures["number"]) > 0).all()


@given(
    st.lists(st.tuples(st.integers(0, 8 * MS), st.integers(40, 1250)), min_size=1, max_size=40),
    st.sampled_from([800, 4000, 8000, 20_000]),
)
def test_pictures_leave_in_order_at_the_pace_and_no_later(
    plan: list[tuple[int, int]], pacing: int
) -> None:
    """Against the plainest of all pacers: a queue with one server, served 5 ms ahead."""
    node = Node(pacing)
    now, paid = 0, 0
    expected: list[int] = []
    for gap, size in plan:
        now += gap
        node.take(now, size)
        leaves = max([now, paid - BURST, *expected[-1:]])
        expected.append(leaves)
        paid = max(paid, leaves) + size * pacing
    assert paid - now < LONGEST_WAIT  # else the pace would be raised
    assert node.sent()["sent"].tolist() == pytest.approx(expected, abs=10_000)


def test_a_long_queue_is_gone_in_two_seconds() -> None:
    node = Node(100 * MEGABIT)  # 10 kbit/s
    for _ in range(200):
        node.take(0)
    sent = node.sent()["sent"]
    assert len(sent) == 200
    assert 0.5 * LONGEST_WAIT < sent[-1] < 2.5 * LONGEST_WAIT


def test_where_there_is_no_room_the_oldest_are_dropped_and_counted() -> None:
    node = Node()
    for _ in range(ROOM + 4):  # one leaves at once
        node.take(0)
    copies = node.sent(1)
    counts = node.world.nodes[0]
    assert (counts["copies"], counts["dropped"]) == (4, 3)
    assert copies["number"].tolist() == [0, 1, 2, 3]
    node.sent()
    assert (node.world.nodes["copies"][0], node.world.nodes["dropped"][0]) == (ROOM + 4, 3)


def test_voices_alone_owe_half_a_second_at_most() -> None:
    sender: Any = np.zeros(1, SENDER)[0]
    for now in range(0, SECOND, 20 * MS):
        charge(sender, 100 * MEGABIT, now, 130)
        assert sender["free_at"] <= now + MOST_DEBT
    assert sender["free_at"] == 980 * MS + MOST_DEBT


def test_the_pace_is_two_and_a_half_times_the_estimate() -> None:
    assert pacing_of(400_000) == MEGABIT
    assert PACING * 3_000_000 * pacing_of(3_000_000) == pytest.approx(8e9, rel=1e-3)


def test_an_open_loop_is_not_paced() -> None:
    playing = Playing(make_scenario(endpoints=2))
    assert (playing.world.senders["pacing"] == 0).all()
    world = playing.advance(2 * SECOND)
    assert world.nodes["copies"].sum() > 200
    assert (world.pacers["tail"] == 0).all()


THIN = {
    "duration": "6s",
    "endpoints": {"rules": [{"carrier": "red", "access": "thin", "node": "south"}]},
    "access": {"thin": {"down": {"rate": "1Mbps"}, "up": {"rate": "3Mbps"}}},
    "media": {"audio": {"dtx": False}},
}


def test_a_paced_run_keeps_the_books_and_is_the_same_on_two_threads() -> None:
    scenario = make_scenario(merged(CLOSED, THIN), endpoints=8)
    one = simulate(scenario, threads=1)
    check_run(one)
    assert image(one) == image(simulate(scenario, threads=2))


def test_on_thin_links_copies_do_wait_and_none_is_left_behind() -> None:
    playing = Playing(make_scenario(merged(CLOSED, THIN), endpoints=8))
    waited = 0
    for tick in range(1, 240):
        world = playing.advance(tick * 25 * MS)
        waiting = world.pacers["tail"] - world.pacers["head"]
        waited += int(waiting.sum())
        assert ((world.pacers["bytes"] > 0) == (waiting > 0)).all()
    assert waited > 0
    assert world.pacers["tail"].sum() > 10
