"""Control events: who has the floor when, and who is on the wall."""

from typing import Any

import pytest
import simpy

from scenarios.scenario import Scenario
from simulations import control
from simulations.control import LINGER, RETRY, TRIES
from tests.simulations.networks import Playing, deal, make_scenario

SECOND = 10**9
NOBODY = -1


class Played:
    """A meeting whose moves are made, though no packet is played."""

    def __init__(self, scenario: Scenario) -> None:
        self.playing = Playing(scenario)
        self.stage = self.playing.stage
        self.publishing = self.stage.publishing
        self.site = self.playing.population.site

    def at(self, seconds: float) -> tuple[str, list[str]]:
        """The floor and the tiles at a time: sites."""
        self.stage.env.run(round(seconds * SECOND) + 1)
        settings, world = self.playing.settings, self.playing.world
        tiles = world.slot_seats[settings.voices + settings.pictures : -1]
        shown = [self.site[world.seats["publisher"][seat]] for seat in tiles]
        return self.site[self.publishing.floor], shown

    @property
    def events(self) -> list[tuple[int, str, str, str]]:
        return self.stage.log.events

    def sending(self) -> set[str]:
        """Who publishes something."""
        return {self.site[endpoint] for endpoint in self.publishing.taken}

    def heard(self) -> set[str]:
        world = self.playing.world
        voices = world.slot_seats[: self.playing.settings.voices]
        return {self.site[world.seats["publisher"][seat]] for seat in voices if seat >= 0}


def stage(floor: list[tuple[str, str]], endpoints: int = 6, **wall: Any) -> Played:
    turns = [{"at": at, "site": site} for at, site in floor]
    meeting = {"floor": turns} | ({"wall": wall} if wall else {})
    return Played(make_scenario({"duration": "1min", "meeting": meeting}, endpoints=endpoints))


def test_the_floor_goes_from_turn_to_turn() -> None:
    played = stage([("0s", "command-centre"), ("1500ms", "s3"), ("4s", "command-centre")])
    assert [played.at(t)[0] for t in (0, 1.4, 1.5, 3.9, 4, 30)] == [
        "command-centre", "command-centre", "s3", "s3", "command-centre", "command-centre"
    ]  # fmt: skip
    assert played.events == [
        (0, "floor", "command-centre", "Centre"),
        (1_500_000_000, "floor", "s3", "Xã s3"),
        (4_000_000_000, "floor", "command-centre", "Centre"),
    ]


def test_the_wall_begins_full_and_then_changes_tile_by_tile() -> None:
    played = stage([("0s", "command-centre")], tiles=3, layer="low", dwell="6s")
    shown = [played.at(t)[1] for t in (0, 1.9, 2, 4, 6, 8)]
    assert shown == [
        ["s1", "s2", "s3"], ["s1", "s2", "s3"], ["s4", "s2", "s3"], ["s4", "s5", "s3"],
        ["s4", "s5", "s6"], ["s1", "s5", "s6"],
    ]  # fmt: skip


def test_everyone_is_shown_for_the_dwell_time() -> None:
    played = stage([("0s", "command-centre")], tiles=3, layer="low", dwell="6s")
    since: dict[str, float] = {}
    lasted = []
    before: list[str] = []
    for tick in range(0, 300):
        now = tick / 5
        tiles = played.at(now)[1]
        for site in tiles:
            since.setdefault(site, now)
        lasted += [now - since.pop(site) for site in before if site not in tiles]
        before = tiles
    # those of the beginning leave one by one
    assert lasted[:3] == pytest.approx([2, 4, 6])
    assert lasted[3:] == pytest.approx([6] * len(lasted[3:]))
    assert len(lasted) > 20


def test_who_has_the_floor_is_passed_over() -> None:
    played = stage([("0s", "command-centre"), ("1s", "s5")], tiles=3, layer="low", dwell="6s")
    shown = {site for t in range(2, 50) for site in played.at(t)[1]}
    assert shown == {"s1", "s2", "s3", "s4", "s6"}


def test_a_wall_for_everyone_shows_everyone() -> None:
    played = stage([("0s", "s1")], endpoints=2, tiles=2, layer="low", dwell="2s")
    assert all(sorted(played.at(t)[1]) == ["s1", "s2"] for t in range(10))


def test_without_a_wall_nothing_is_shown() -> None:
    assert stage([("0s", "s1")]).at(10) == ("s1", [])


def test_who_had_the_floor_goes_on_sending_for_a_while_but_is_heard_no_more() -> None:
    played = stage([("0s", "s1"), ("2s", "s2"), ("3s", "s3")])
    linger = LINGER / SECOND
    for seconds, sending, heard in [
        (1, {"s1"}, {"s1"}),
        (2, {"s1", "s2"}, {"s2"}),
        (3, {"s1", "s2", "s3"}, {"s3"}),
        (2 + linger, {"s2", "s3"}, {"s3"}),
        (3 + linger, {"s3"}, {"s3"}),
    ]:
        played.at(seconds)
        assert played.sending() - {"command-centre"} == sending
        assert played.heard() == heard


def roll_call(loss: str = "0%", hold: str = "8s", **more: Any) -> Played:
    call = {"begin": "1s", "every": "10s", "hold": hold, "camera": "500ms", "order": "table"}
    rules = [deal(f"s{n}", "red", "thin", "south") for n in range(1, 4)]
    changes = {
        "duration": "30s",
        "endpoints": {"rules": rules},
        "access": {"thin": {"loss": {"to_bad": loss, "to_good": "1%", "loss_in_bad": "100%"}}},
        "meeting": {"roll_call": {**call, **more}},
    }
    return Played(make_scenario(changes, endpoints=3))


def test_a_call_reaches_the_endpoint_after_its_way_and_opens_its_camera() -> None:
    played = roll_call()
    played.at(5)
    call = played.stage.log.calls[0]
    assert (played.site[call.endpoint], call.called) == ("s1", SECOND)
    # 2 ms to the node and 7 ms from it, light between the cities, and 600 bytes at 500 kbit/s
    assert 1.018 * SECOND < call.granted < 1.06 * SECOND
    seat = played.playing.world.seats[played.publishing.taken[call.endpoint].index]
    assert seat["opened"] == call.granted + SECOND // 2
    assert played.heard() == {"s1", "command-centre"}  # the chair is heard throughout
    assert [event[1] for event in played.events] == ["floor", "call", "floor"]
    assert played.at(9.5)[0] == "command-centre"  # the floor has gone back
    assert played.heard() == {"command-centre"}


def test_a_call_that_never_arrives_is_tried_so_many_times_and_the_meeting_goes_on() -> None:
    played = roll_call(loss="100%", every="29s", hold="28s")
    waits = [RETRY * 2**i for i in range(TRIES)]
    assert played.at(1 + sum(waits) / SECOND + 1)[0] == "command-centre"
    call = played.stage.log.calls[0]
    assert call.granted == call.shown == NOBODY
    world = played.playing.world
    # lost on its way, as all else of RTCP and signalling not counted among media packets
    assert world.downlinks["lost"].sum() == world.downlinks["packets"].sum() == 0
    assert world.downlinks["bytes"][call.endpoint] == TRIES * 600


def test_a_call_that_the_chair_has_given_up_takes_no_floor() -> None:
    slow = {"delay": "2s"}
    changes = {
        "duration": "30s",
        "endpoints": {"rules": [deal("s1", "red", "thin", "south")]},
        "access": {"thin": slow},
        "meeting": {"roll_call": {"every": "10s", "hold": "1s", "order": "table"}},
    }
    played = Played(make_scenario(changes, endpoints=1))
    for seconds in (0.5, 1.5, 5, 9):
        assert played.at(seconds)[0] == "command-centre"
    assert len(played.stage.log.calls) == 1


def test_a_shared_screen_is_written_down() -> None:
    share = [{"at": "1s", "until": "3s", "site": "s2"}]
    changes = {"duration": "5s", "media": {"screen": {}}, "meeting": {"screen": share}}
    played = Played(make_scenario(changes))
    played.at(4)
    assert played.events[1:] == [
        (SECOND, "screen", "s2", "on"), (3 * SECOND, "screen", "s2", "off")
    ]  # fmt: skip


def test_changes_of_load_are_written_down_in_time() -> None:
    def steps(*shares: tuple[str, str]) -> list[dict[str, str]]:
        return [{"at": at, "share": share} for at, share in shares]

    background = {"burst": "1kB", "load": steps(("0s", "0%"), ("2s", "60%"))}
    changes = {
        "duration": "10s",
        "access": {"thin": {"load": steps(("0s", "5%"), ("4s", "20%"))}},
        "carriers": {"blue": {"peering": {"background": background}}},
    }
    scenario = make_scenario(changes)
    env, log = simpy.Environment(initial_time=0), control.Log()
    env.process(control.loads(env, scenario, log))
    env.run(10 * SECOND)
    assert log.events == [
        (2 * SECOND, "load", "blue", "peering 60%"),
        (4 * SECOND, "load", "thin", "access 20%"),
    ]


def test_the_meeting_says_when_it_moves() -> None:
    played = stage([("0s", "s1"), ("1.234s", "s2"), ("5s", "s3")])
    env, wakes = played.stage.env, played.stage.meeting.wakes
    while env.peek() < 20 * SECOND:
        assert env.peek() in wakes
        env.step()
    assert {0, 1_234_000_000, 1_234_000_000 + LINGER, 5 * SECOND, 5 * SECOND + LINGER} <= wakes


def test_a_tile_alone_does_not_concern_everyone() -> None:
    floor = [("0s", "command-centre"), ("4s", "s2")]
    played = stage(floor, tiles=3, layer="low", dwell="6s")
    env, meeting = played.stage.env, played.stage.meeting
    while env.peek() < 9 * SECOND:
        env.step()
    assert {2 * SECOND, 6 * SECOND, 8 * SECOND} <= meeting.wakes - meeting.settles
    assert {4 * SECOND, 4 * SECOND + LINGER} <= meeting.settles  # with a tile at the same time
