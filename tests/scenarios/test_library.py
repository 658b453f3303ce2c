import dataclasses

import numpy as np
import pytest
from scipy import stats

from scenarios.inheritance import library_names
from scenarios.library import list_library
from scenarios.loading import load_scenario
from scenarios.population import populate
from scenarios.scenario import Scenario


def test_the_list_says_what_there_is() -> None:
    entries = {entry.name: entry for entry in list_library()}
    assert list(entries) == library_names()
    briefing = entries["national-briefing"]
    assert dataclasses.astuple(briefing)[2:] == (2594, 1800.0)
    assert "Hà Nội" in briefing.title
    assert dataclasses.astuple(entries["smoke"])[2:] == (60, 60.0)


@pytest.mark.parametrize("name", ["national-briefing"])
def test_the_briefing_states_its_assumptions(name: str) -> None:
    description = " ".join(load_scenario(name).description.split())
    assert "129 are assumed: 19 provincial seats and the 110 districts" in description
    assert "in the shares under `endpoints.rules`" in description


def test_profiles_meet_their_sources() -> None:
    """docs/background/sources.md: 4G's round trips and rates, satellites' round trips."""
    briefing = load_scenario("national-briefing")
    mobile, geo = briefing.access["4g"], briefing.access["geo"]
    assert mobile.jitter is not None
    assert (mobile.down.rate.p5, mobile.down.rate.p50, mobile.down.rate.p95) == (
        4_500_000,
        27_000_000,
        99_000_000,
    )
    round_trips = [
        2 * (delay + mobile.jitter.median) / 1e6
        for delay in (mobile.delay.p5, mobile.delay.p50, mobile.delay.p95)
    ]
    assert round_trips == pytest.approx([43, 85, 200], rel=0.01)
    assert geo.delay.p5 >= 275_000_000


def test_leo_round_trips_have_the_measured_quartiles() -> None:
    leo = load_scenario("national-briefing").access["leo"]
    assert leo.path_change is not None
    assert leo.path_change.every == 15 * 10**9
    assert leo.jitter is not None
    rng = np.random.default_rng(1)

    def drawn(p5: int, p50: int, p95: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        z = rng.normal(size=200_000) / stats.norm.ppf(0.95)
        slopes = np.where(z < 0, np.log(p50 / p5), np.log(p95 / p50))
        return np.asarray(p50 * np.exp(slopes * z))

    delay, extra = leo.delay, leo.path_change.extra_delay
    jitter = leo.jitter.median * np.exp(leo.jitter.spread * rng.normal(size=200_000))
    path = drawn(delay.p5, delay.p50, delay.p95) + drawn(extra.p5, extra.p50, extra.p95)
    quartiles = np.percentile(2 * (path + jitter) / 1e6, [25, 50, 75])
    assert quartiles == pytest.approx([40, 50, 60], rel=0.08)


def test_viettel_needs_its_peering() -> None:
    briefing = load_scenario("national-briefing")
    population = populate(briefing)
    carriers, nodes = list(briefing.carriers), list(briefing.nodes)
    foreign = [
        carriers[carrier] not in briefing.nodes[nodes[node]].carriers
        for carrier, node in zip(population.carrier, population.node, strict=True)
    ]
    assert sum(foreign) > 500


def test_no_province_hangs_on_one_node() -> None:
    briefing = load_scenario("national-briefing")
    population = populate(briefing)
    provinces = np.array(population.province)
    for province in set(population.province[:-1]):
        assert set(population.node[provinces == province].tolist()) == {0, 1}


def test_the_nodes_can_carry_everyone() -> None:
    briefing = load_scenario("national-briefing")
    stream = briefing.media.video.layers[-1].bitrate * (1 + 50 / 1200) + 52_000
    assert stream * 2594 < 0.5 * sum(node.nic for node in briefing.nodes.values())


def _load(scenario: Scenario) -> float:
    return max(step.share for step in scenario.access["4g"].load)


def test_the_evening_is_busier() -> None:
    briefing, evening = load_scenario("national-briefing"), load_scenario("rural-evening")
    assert _load(evening) > _load(briefing)
    for name, carrier in evening.carriers.items():
        loads = [step.share for step in carrier.aggregation.background.load]
        assert min(loads) > briefing.carriers[name].aggregation.background.load[0].share
    assert evening.endpoints == briefing.endpoints
    fewer = (populate(evening).layer < populate(briefing).layer).sum()
    assert fewer > 0
