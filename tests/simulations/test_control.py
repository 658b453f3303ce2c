"""Control events: who has the floor when, and who is on the wall."""

from typing import Any

import numpy as np
import pytest
import simpy

from scenarios.population import populate
from scenarios.scenario import Scenario
from simulations import control
from simulations.media import TRACK
from simulations.publishing import Publishing
from tests.simulations.networks import make_scenario

SECOND = 10**9


class Stage:
    """A publishing whose changes are written down."""

    def __init__(self, scenario: Scenario) -> None:
        wall = scenario.meeting.wall
        tracks = np.zeros(3 + (wall.tiles if wall else 0), TRACK)
        self.scenario, self.population = scenario, populate(scenario)
        self.publishing = Publishing(tracks, scenario.media, 1, 0, 0)
        self.env, self.log = simpy.Environment(initial_time=0), control.Log()
        self.env.process(
            control.floor(self.env, scenario, self.population, self.publishing, self.log)
        )
        self.env.process(control.wall(self.env, scenario, self.population, self.publishing))

    def at(self, seconds: float) -> Any:
        """The floor and the tiles at a time: sites."""
        self.env.run(round(seconds * SECOND) + 1)
        site = self.population.site
        return site[self.publishing.floor], [site[e] for e in self.publishing.tiles]


def stage(floor: list[tuple[str, str]], endpoints: int = 6, **wall: Any) -> Stage:
    turns = [{"at": at, "site": site} for at, site in floor]
    meeting = {"floor": turns} | ({"wall": wall} if wall else {})
    return Stage(make_scenario({"duration": "1min", "meeting": meeting}, endpoints=endpoints))


def test_the_floor_goes_from_turn_to_turn() -> None:
    played = stage([("0s", "command-centre"), ("1500ms", "s3"), ("4s", "command-centre")])
    assert [played.at(t)[0] for t in (0, 1.4, 1.5, 3.9, 4, 30)] == [
        "command-centre", "command-centre", "s3", "s3", "command-centre", "command-centre"
    ]  # fmt: skip
    assert played.log.events == [
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
