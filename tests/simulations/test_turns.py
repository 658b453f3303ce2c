"""Turns: that those who are left alone for some ticks come out as if they had been played."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulations.feedback import post
from simulations.freezes import begin
from simulations.history import entry_slot
from simulations.links import carry, surely_carried
from simulations.nack import due, note
from simulations.settings import TICK
from simulations.signalling import signal
from simulations.steering import steer
from simulations.turns import EVERY_TICK, alarm, expect, hurry, plan
from simulations.world import TOGETHER
from tests.simulations.hard_times import compare, hard_times
from tests.simulations.networks import CLOSED, Playing, deal, make_scenario, merged

MS = 1_000_000
SECOND = 10**9
ME = 0


@pytest.mark.parametrize(("seed", "speaker"), [(1, "fibre"), (2, "lossy"), (3, "mobile")])
def test_who_is_left_alone_comes_out_as_if_played_at_every_tick(seed: int, speaker: str) -> None:
    scenario = hard_times(seed, speaker)
    alone, never = Playing(scenario), Playing(scenario)
    seldom = 0
    for tick in range(1, 12 * SECOND // TICK + 1):
        never.advance(tick * TICK)
        never.world.turns["play"] = never.world.turns["steer"] = EVERY_TICK
        if tick % 37 == 0 or tick * TICK == 12 * SECOND:
            alone.advance(tick * TICK)
            seldom += int((alone.world.turns["play"] > tick * TICK).sum())
    assert seldom > 50  # some were left alone
    assert never.world.legs["nack_count"].sum() > 20  # and there was something to tell
    compare(alone.world, never.world)


def test_little_room_behind_an_aggregation_changes_nothing() -> None:
    roomy, tight = Playing(hard_times(1)), Playing(hard_times(1))
    few = roomy.world.leavings[: TOGETHER * len(roomy.population)].copy()
    tight.engine.world = tight.world._replace(leavings=few)
    for playing in (roomy, tight):
        playing.advance(8 * SECOND)
    compare(roomy.world, tight.world)
    most = 0
    for tick in range(1, 9):
        roomy.engine.advance(8 * SECOND + tick * TICK, settle=False)
        most = max(most, int(roomy.world.turns["waiting"].max()))
    assert most > TOGETHER  # more wait where there is room


@given(
    to_bad=st.floats(0, 0.2), in_bad=st.sampled_from([0.0, 1.0]),
    limit=st.integers(0, 20_000), packets=st.integers(1, 40), down=st.booleans(),
    gaps=st.lists(st.integers(0, 3 * MS), min_size=60, max_size=60), seed=st.integers(0, 1000),
)  # fmt: skip
@settings(max_examples=200)
def test_what_surely_crosses_a_link_does(
    to_bad: float, in_bad: float, limit: int, packets: int, down: bool, gaps: list[int], seed: int
) -> None:
    world = Playing(make_scenario(endpoints=1)).world
    link = world.downlinks[ME]
    link["rate"]["nominal"] = 2e6
    link["loss"]["to_bad"], link["loss"]["to_good"] = to_bad, 0.3
    link["loss"]["loss_in_bad"], link["loss"]["state_key"] = in_bad, seed
    link["queue"]["limit_bytes"], link["queue"]["limit_packets"] = limit, packets
    link["down"] = down
    arrays = (world.downlink_starts, world.downlink_sizes, world.load_times, world.load_shares)
    now, left = SECOND, 0
    for gap in gaps:
        left = max(left - 1, surely_carried(link, *arrays, now, 1200))
        now += gap
        arrived = carry(link, *arrays, now, 1200) >= 0
        assert arrived or left <= 0


def test_a_link_whose_queue_has_drained_surely_takes_as_much_as_at_first() -> None:
    world = Playing(make_scenario(endpoints=1)).world
    link = world.downlinks[ME]
    link["rate"]["nominal"], link["queue"]["limit_bytes"] = 2e6, 12_000
    arrays = (world.downlink_starts, world.downlink_sizes, world.load_times, world.load_shares)
    at_first = surely_carried(link, *arrays, SECOND, 1200)
    for _ in range(6):
        assert carry(link, *arrays, SECOND, 1200) >= 0
    meanwhile = surely_carried(link, *arrays, SECOND, 1200)
    assert 0 < meanwhile < at_first
    assert surely_carried(link, *arrays, 2 * SECOND - 1, 1200) == at_first


class Subscriber:
    """s1, at ease: it watches, has got everything, and nothing is due."""

    def __init__(self, **access: Any) -> None:
        changes = {"endpoints": {"rules": [deal("s1", "red", "thin", "north")]},
                   "access": {"thin": access}}  # fmt: skip
        self.world = Playing(make_scenario(merged(CLOSED, changes), endpoints=1)).world
        self.turn, self.leg = self.world.turns[ME], self.world.legs[ME]
        self.k = int(self.world.endpoints["first_picture"][ME])
        screen = self.world.screens[self.k]
        begin(screen["freezes"], 0)
        screen["decoding"], screen["waits_from"] = 1, SECOND
        note(self.world.nacks[self.k], self.world.missing[self.k], 5, 0)
        self.world.pictures["number"][self.k] = 5
        self.world.endpoints["seen"][ME] = SECOND
        self.leg["arrived"], self.turn["alarm"] = 100, 50
        self.leg["feedback_at"] = SECOND + 3 * TICK

    def ask_for(self, number: int, now: int) -> None:
        """A packet is missing, and has been asked for ``now``."""
        nack, missing = self.world.nacks[self.k], self.world.missing[self.k]
        note(nack, missing, number + 1, 0)
        assert due(nack, missing, now, 0, np.zeros(8, np.int32), 8) > 0

    def plan(self) -> int:
        plan(self.world, np.uint64(ME), SECOND)
        return int(self.turn["play"])


def test_who_has_nothing_to_say_is_played_after_its_feedback() -> None:
    assert Subscriber().plan() == SECOND + 4 * TICK


def test_who_has_asked_for_what_is_missing_is_played_when_it_asks_again() -> None:
    me = Subscriber()
    me.ask_for(6, SECOND)
    me.ask_for(9, SECOND - 10 * MS)
    me.world.controllers["rtt"][ME] = 60 * MS
    assert me.plan() == SECOND + 50 * MS
    me.world.controllers["rtt"][ME] = 80 * MS
    hurry(me.world, np.uint64(ME))
    assert me.turn["play"] == SECOND + 50 * MS
    me.world.controllers["rtt"][ME] = 40 * MS
    hurry(me.world, np.uint64(ME))
    assert me.turn["play"] == SECOND + 30 * MS
    me.world.controllers["rtt"][ME] = 10 * MS
    assert me.plan() == EVERY_TICK
    me.world.controllers["rtt"][ME] = SECOND
    assert me.plan() == SECOND + 3 * TICK  # with its feedback
    me.world.controllers["rtt"][ME] = 40 * MS
    hurry(me.world, np.uint64(ME))
    assert me.turn["play"] == SECOND + 30 * MS


def test_a_round_trip_that_turns_out_shorter_is_heeded_at_once() -> None:
    me = Subscriber()
    world = me.world
    world.screens["freezes"]["wanted"][me.k] = 0  # nobody sends it: it would be told to stop
    me.ask_for(6, SECOND)
    world.controllers["rtt"][ME] = 70 * MS
    assert me.plan() == SECOND + 70 * MS
    sender = world.senders[ME]
    for _ in range(4):
        copy = world.copies[int(entry_slot(sender, int(sender["next"])))]
        copy["sent"], copy["arrival"], copy["size"] = SECOND - 20 * MS, SECOND - 10 * MS, 1000
        sender["next"] += 1
    post(world.mails[ME], world.messages[:, ME], SECOND + TICK, 0, 3, 0)
    steer(world, ME, SECOND + TICK)
    rtt = int(world.controllers["rtt"][ME])
    assert rtt < 70 * MS
    assert me.turn["play"] == SECOND + rtt


def test_a_shorter_round_trip_hurries_only_who_misses_something() -> None:
    me = Subscriber()
    later = me.plan()
    hurry(me.world, np.uint64(ME))
    assert me.turn["play"] == later


@pytest.mark.parametrize(
    "trouble",
    ["alarm", "missing", "crowded", "far behind", "lost behind", "not decoding",
     "too long without a frame", "floor not seen", "publishes", "RTCP held back", "traced"],
)  # fmt: skip
def test_who_is_in_trouble_is_played_at_every_tick(trouble: str) -> None:
    me = Subscriber()
    world, screen = me.world, me.world.screens[me.k]
    if trouble == "alarm":
        alarm(me.turn, 100)
    elif trouble == "missing":
        note(world.nacks[me.k], world.missing[me.k], 8, 0)
    elif trouble == "crowded":
        me.ask_for(7, SECOND)
        screen["tail"] = 65
    elif trouble == "far behind":
        me.ask_for(7, SECOND)
        world.nacks["next"][me.k] = 4097
    elif trouble == "lost behind":
        world.pictures["number"][me.k] = 6
    elif trouble == "not decoding":
        screen["decoding"] = 0
    elif trouble == "too long without a frame":
        screen["waits_from"] = SECOND + 4 * TICK - 3 * SECOND
    elif trouble == "floor not seen":
        world.endpoints["seen"][ME] = -1
    elif trouble == "publishes":
        me.turn["busy_until"] = SECOND
    elif trouble == "RTCP held back":
        world.mails["tail"][ME] = 64
    elif trouble == "traced":
        world.trace[0] = ME
    assert me.plan() == EVERY_TICK


@pytest.mark.parametrize(
    "access",
    [
        {"loss": {"to_bad": "5%", "to_good": "100%", "loss_in_bad": "0%", "loss_in_good": "1%"}},
        {"down": {"policer": {"rate": "1Mbps", "burst": "10kB"}}},
        {"path_change": {"every": "15s", "extra_delay": {"p5": "1ms", "p50": "5ms", "p95": "9ms"}}},
    ],
)
def test_who_may_lose_something_on_its_link_is_played_at_every_tick(access: dict[str, Any]) -> None:
    assert Subscriber(**access).plan() == EVERY_TICK


def test_a_gap_and_too_many_that_wait_end_the_rest() -> None:
    me = Subscriber()
    me.turn["entry"] = 100
    later = me.plan()
    room = int(me.turn["room"])
    for entry in range(100, 100 + room):
        expect(me.turn, entry)
    assert me.turn["play"] == later
    expect(me.turn, 100 + room)
    assert me.turn["play"] == EVERY_TICK

    me.plan()
    assert me.turn["play"] == later
    expect(me.turn, int(me.turn["entry"]) + 1)
    assert me.turn["play"] == EVERY_TICK
    assert me.plan() == EVERY_TICK  # until that has come


def test_a_message_on_its_link_ends_the_rest() -> None:
    me = Subscriber()
    assert me.plan() > EVERY_TICK
    assert signal(me.world, 1, ME, SECOND, 600) > SECOND
    assert me.turn["play"] == EVERY_TICK
