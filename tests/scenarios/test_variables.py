import pytest

from scenarios.errors import ScenarioError
from scenarios.loading import load_scenario
from scenarios.population import populate
from scenarios.variables import assignment_of, range_of

BRIEFING = load_scenario("national-briefing")


@pytest.mark.parametrize("count", [40, 2594, 2595, 9000, 25_940])
def test_the_number_of_endpoints_is_played(count: int) -> None:
    variable = range_of(BRIEFING, "endpoints", "10..26000").variable
    scenario = load_scenario("national-briefing", variable.set_to(count))
    assert len(populate(scenario)) - 1 == variable.rounded(count)
    assert variable.rounded(count) == pytest.approx(count, abs=count / 2594)


@pytest.mark.parametrize(
    ("path", "text", "values", "written"),
    [
        ("nodes.hanoi.nic", "1Gbps..2.5Gbps", (1e9, 2.5e9), "nodes.hanoi.nic=2.5Gbps"),
        ("meeting.wall.tiles", "4..49", (4, 49), "meeting.wall.tiles=49"),
        ("access.4g.load", "10%..80%", (0.1, 0.8), "access.4g.load=80%"),
        ("meeting.wall.dwell", "2s..1min", (2e9, 60e9), "meeting.wall.dwell=1min"),
        ("carriers.vnpt.detour", "1.5..2.25", (1.5, 2.25), "carriers.vnpt.detour=2.25"),
    ],
)
def test_a_value_is_read_and_written_with_its_unit(
    path: str, text: str, values: tuple[float, float], written: str
) -> None:
    found = range_of(BRIEFING, path, text)
    assert found.values == pytest.approx(values)
    assert found.variable.set_to(found.values[1]) == [written]
    load_scenario("national-briefing", found.variable.set_to(found.values[0]))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("recovery.policy=livekit, none", ["recovery.policy=livekit", "recovery.policy=none"]),
        ("recovery=jitsi,full-jitter", ["recovery=jitsi", "recovery=full-jitter"]),
        (
            "recovery.moved_by_server=true,false",
            ["recovery.moved_by_server=true", "recovery.moved_by_server=false"],
        ),
    ],
)
def test_values_may_be_names(text: str, written: list[str]) -> None:
    found = assignment_of(BRIEFING, text)
    assert [found.variable.set_to(value) for value in found.values] == [[w] for w in written]
    assert [found.variable.say(value) for value in found.values] == [
        w.partition("=")[2] for w in written
    ]


def test_a_star_stands_for_every_key() -> None:
    found = assignment_of(BRIEFING, "carriers.*.backbone.capacity=5Gbps,10Gbps")
    scenario = load_scenario("national-briefing", found.variable.set_to(5e9))
    assert {carrier.backbone.capacity for carrier in scenario.carriers.values()} == {5 * 10**9}


@pytest.mark.parametrize(
    ("value", "said"), [(9_876_543_210, "9.877 Gb/s"), (64_500_000, "64.5 Mb/s")]
)
def test_values_are_said_with_four_digits(value: float, said: str) -> None:
    assert range_of(BRIEFING, "nodes.hanoi.nic", "1Mbps..90Gbps").variable.say(value) == said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("endpoints", "must be PATH=VALUE,VALUE,… or PATH=LOW..HIGH"),
        ("nodes.hanoi.nick=1Gbps", "nick is no key of this scenario; did you mean nic?"),
        ("nodes.hanoi.nic=1Gbps,2s", "all values must be plain numbers, or all have units"),
        ("nodes.hanoi.nic=fast", "must be a number, or one with a unit"),
        ("recovery.policy=livekit..none", "must be a number, or one with a unit"),
        ("recovery.policy=livekit,", "must be a number, or one with a unit"),
        ("endpoints=10..9", "its low end must be less than its high end"),
        ("endpoints=10..9999999", "a number of endpoints is whole, from 1 to 259,400"),
        ("endpoints=1.5,2", "a number of endpoints is whole"),
    ],
)
def test_what_is_wrong_is_said(text: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        assignment_of(BRIEFING, text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "begin"),
    [
        ("endpoints=9..4", "--over: endpoints: '9..4' — its low end"),
        ("endpoints=9..", "--over: endpoints: '9..' — must be LOW..HIGH"),
        ("endpoints=9..x", "--over: endpoints: 'x' — must be a number"),
        ("access.5g.load=1%..2%", "--over: access.5g.load — access.5g is no key"),
    ],
)
def test_a_mistake_is_laid_at_the_option_that_made_it(text: str, begin: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        assignment_of(BRIEFING, text)
    assert str(caught.value).startswith(begin)


def test_a_path_is_laid_at_over_and_a_range_at_between() -> None:
    with pytest.raises(ScenarioError, match=r"^--over: access\.5g\.load"):
        range_of(BRIEFING, "access.5g.load", "1%..2%")
    with pytest.raises(ScenarioError, match=r"^--between: access\.4g\.load: 'x'"):
        range_of(BRIEFING, "access.4g.load", "x..2%")


def test_a_range_has_two_ends() -> None:
    with pytest.raises(ScenarioError, match=r"must be LOW\.\.HIGH"):
        range_of(BRIEFING, "endpoints", "1000")


def test_names_of_paths_stand_as_they_were_written() -> None:
    assert range_of(BRIEFING, "carriers.*.backbone.capacity", "1Gbps..2Gbps").variable.paths == (
        "carriers.vnpt.backbone.capacity",
        "carriers.viettel.backbone.capacity",
    )
