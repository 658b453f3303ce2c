import pytest

from scenarios.inheritance import library_names
from scenarios.loading import load_scenario
from scenarios.shortening import shortened
from scenarios.units import SECOND

SHORT = 30 * SECOND


@pytest.mark.parametrize("name", [n for n in library_names() if not n.startswith("rfc")])
def test_every_scenario_of_the_library_can_be_played_shorter(name: str) -> None:
    scenario = load_scenario(name)
    short = load_scenario(name, shortened(scenario, SHORT))
    assert short.duration == SHORT
    assert len(short.meeting.floor) == len(scenario.meeting.floor)
    assert short.thresholds.keys() == scenario.thresholds.keys()


def test_the_timeline_is_in_fast_motion() -> None:
    scenario = load_scenario("national-briefing")
    short = load_scenario("national-briefing", shortened(scenario, SHORT))
    assert [turn.at / SECOND for turn in short.meeting.floor] == [0, 10, 12, 14, 16, 18, 20, 22]
    windows = [t.during for t in short.thresholds["mouth_to_ear_delay"] if t.during]
    assert windows == ["10000000000ns..25000000000ns"]  # whole intervals of 5 s
    assert short.meeting.wall == scenario.meeting.wall
    assert short.interval == scenario.interval


def test_loads_move_too() -> None:
    short = load_scenario("rural-evening", shortened(load_scenario("rural-evening"), SHORT))
    times = [step.at / SECOND for step in short.access["4g"].load]
    assert times == pytest.approx([0, 5, 10, 15, 25])


def test_a_meeting_is_not_made_longer() -> None:
    assert shortened(load_scenario("smoke"), 90 * SECOND) == []
