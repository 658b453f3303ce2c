from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.errors import ScenarioError
from scenarios.library import count_endpoints
from scenarios.links import DelayQuantiles, RateQuantiles
from scenarios.loading import load_scenario
from scenarios.population import draw_quantiles, populate, sample_rows
from scenarios.scenario import Scenario
from tests.scenarios.small import write_small


def small(folder: Path, *overrides: str) -> Scenario:
    return load_scenario(write_small(folder), overrides)


@pytest.fixture(scope="module")
def briefing() -> Scenario:
    return load_scenario("national-briefing")


def test_the_command_centre_comes_last(tmp_path: Path) -> None:
    population = populate(small(tmp_path))
    assert population.site == ("p1", "c1", "c2", "c3", "p2", "c4", "command-centre")
    assert population.level[-1] == "command-centre"
    assert population.province == ("Cà Mau",) * 4 + ("Bạc Liêu",) * 2 + ("",)
    assert population.name[-1] == "Centre"
    assert population.latitude.tolist() == [9.177] * 4 + [9.285] * 2 + [21.0]
    assert len(population) == 7


def test_endpoints_take_the_nearest_node_unless_a_rule_says_otherwise(tmp_path: Path) -> None:
    scenario = small(tmp_path)
    assert populate(scenario).node.tolist() == [1] * 6 + [0]
    scenario = small(tmp_path, "endpoints.rules.0.node=north")
    assert populate(scenario).node.tolist() == [0] * 7


def test_the_first_rule_that_deals_wins(tmp_path: Path) -> None:
    rules = (
        "endpoints.rules=[{when: {site: c2}, access: mobile}, {when: {kind: phường}, node: north},"
        " {carrier: red, access: fibre}]"
    )
    population = populate(small(tmp_path, rules))
    assert population.access.tolist() == [0, 0, 1, 0, 0, 0, 0]
    assert population.node.tolist() == [1, 0, 1, 1, 1, 0, 0]


def test_shares_are_met(briefing: Scenario) -> None:
    population = populate(briefing)
    communes = np.array([kind == "xã" for kind in population.kind])
    count = int(communes.sum())
    for index, share in enumerate((0.60, 0.20, 0.19, 0.005, 0.005)):
        dealt = int((population.access[communes] == index).sum())
        assert abs(dealt - share * count) < 4 * np.sqrt(count * share * (1 - share))
    carriers = np.bincount(population.carrier)
    assert abs(carriers[0] - carriers[1]) < 4 * np.sqrt(len(population))


def test_every_endpoint_draws_for_itself(briefing: Scenario) -> None:
    whole = populate(briefing)
    place = {site: index for index, site in enumerate(whole.site)}
    part = populate(load_scenario("national-briefing", ["endpoints.sample=200"]))
    same = [place[site] for site in part.site]
    for field in ("carrier", "access", "node", "down_rate", "up_rate", "delay", "keys", "layer"):
        assert getattr(part, field).tolist() == getattr(whole, field)[same].tolist()


def test_copies_are_endpoints_of_their_own(briefing: Scenario) -> None:
    once = populate(briefing)
    scaled = populate(load_scenario("national-briefing", ["endpoints.scale=3"]))
    count = len(once) - 1
    assert len(scaled) == 3 * count + 1
    assert scaled.site[: 2 * count : count] == ("p79", "p79.2")
    assert len(set(scaled.site)) == len(set(scaled.keys.tolist())) == len(scaled)
    assert scaled.province[2 * count] == scaled.province[0]
    assert scaled.down_rate[:count].tolist() == once.down_rate[:-1].tolist()
    assert scaled.down_rate[count : 2 * count].tolist() != once.down_rate[:-1].tolist()


def test_seed_and_replication_deal_anew(tmp_path: Path) -> None:
    scenario = small(tmp_path)
    keys = populate(scenario).keys.tolist()
    assert populate(scenario).keys.tolist() == keys
    assert populate(scenario, replication=1).keys.tolist() != keys
    assert populate(load_scenario(tmp_path / "small.yaml", seed=2)).keys.tolist() != keys


def test_rates_and_delays_follow_their_percentiles(briefing: Scenario) -> None:
    population = populate(load_scenario("national-briefing", ["endpoints.scale=20"]))
    mobile = population.access == list(briefing.access).index("4g")
    profile = briefing.access["4g"]
    for drawn, quantiles in (
        (population.down_rate, profile.down.rate),
        (population.up_rate, profile.up.rate),
        (population.delay, profile.delay),
    ):
        found = np.percentile(drawn[mobile], [5, 50, 95])
        wanted = [quantiles.p5, quantiles.p50, quantiles.p95]
        assert found == pytest.approx(wanted, rel=0.08)


def test_a_poor_link_is_poor_both_ways_but_not_far_away(briefing: Scenario) -> None:
    population = populate(load_scenario("national-briefing", ["endpoints.scale=20"]))
    mobile = population.access == list(briefing.access).index("4g")
    down, up, delay = (
        np.argsort(np.argsort(values[mobile]))
        for values in (population.down_rate, population.up_rate, population.delay)
    )
    assert np.corrcoef(down, up)[0, 1] > 0.999
    assert abs(np.corrcoef(down, delay)[0, 1]) < 4 / np.sqrt(mobile.sum())


@pytest.mark.parametrize(
    ("rate", "load", "layer"),
    [
        ("2Mbps", "0%", 1),
        ("1600kbps", "0%", 1),  # 75 % headroom: 1200 kb/s
        ("1599kbps", "0%", 0),
        ("2Mbps", "30%", 0),
        ("190kbps", "0%", -1),
        ("2Mbps", "[{at: 0s, share: 0%}, {at: 10s, share: 95%}]", -1),
    ],
)
def test_the_layer_fits_the_busiest_time(tmp_path: Path, rate: str, load: str, layer: int) -> None:
    scenario = small(
        tmp_path,
        "endpoints.rules.0.access=mobile",
        f"access.mobile.down.rate={rate}",
        f"access.mobile.load={load}",
    )
    population = populate(scenario)
    assert population.layer.tolist() == [layer] * 6 + [1]


def rows(count: int) -> list[dict[str, str]]:
    return [{"site": f"s{number}"} for number in range(count)]


def test_a_sample_is_spread_evenly() -> None:
    taken = [int(row["site"][1:]) for row in sample_rows(rows(100), 5, frozenset())]
    assert taken == [10, 30, 50, 70, 90]


def test_a_sample_keeps_who_takes_the_floor(tmp_path: Path) -> None:
    population = populate(small(tmp_path, "endpoints.sample=2"))
    assert "c1" in population.site
    assert len(population) == 3


@given(st.integers(1, 60), st.integers(1, 60), st.sets(st.integers(0, 59)))
def test_a_sample_has_its_size(count: int, size: int, wanted: set[int]) -> None:
    named = frozenset(f"s{number}" for number in wanted if number < count)
    taken = sample_rows(rows(count), size, named)
    assert len({row["site"] for row in taken}) == len(taken)
    assert len(taken) == min(count, max(size, len(named)))
    assert named <= {row["site"] for row in taken}


def quantiles(p5: int, p50: int, p95: int) -> DelayQuantiles:
    return DelayQuantiles(p5=f"{p5}ns", p50=f"{p50}ns", p95=f"{p95}ns")


def test_draws_go_through_the_percentiles() -> None:
    draws = np.array([0.05, 0.5, 0.95])
    assert draw_quantiles(quantiles(10**6, 10**7, 4 * 10**7), draws).tolist() == [
        10**6,
        10**7,
        4 * 10**7,
    ]
    assert draw_quantiles(quantiles(0, 10**7, 4 * 10**7), draws).tolist() == [0, 10**7, 4 * 10**7]
    assert draw_quantiles(quantiles(0, 0, 0), draws).tolist() == [0, 0, 0]
    assert draw_quantiles(quantiles(7, 7, 7), draws).tolist() == [7, 7, 7]
    rate = RateQuantiles(p5="1Mbps", p50="1Mbps", p95="9Mbps")
    assert draw_quantiles(rate, draws).tolist() == [10**6, 10**6, 9 * 10**6]


@given(
    st.lists(st.integers(0, 10**12), min_size=3, max_size=3),
    st.lists(st.floats(0, 1), min_size=2, max_size=20),
)
def test_draws_rise_and_stay_in_bounds(points: list[int], uniforms: list[float]) -> None:
    low, middle, high = sorted(points)
    drawn = draw_quantiles(quantiles(low, middle, high), np.sort(uniforms))
    assert (np.diff(drawn) >= 0).all()
    assert drawn.min() >= int(low / 3)
    assert drawn.max() <= 3 * high + 1


def test_only_some_of_the_table_take_part(tmp_path: Path) -> None:
    scenario = small(tmp_path, "endpoints.only={province: Cà Mau, kind: [xã, phường]}")
    population = populate(scenario)
    assert population.site == ("c1", "c2", "c3", "command-centre")
    whole = populate(small(tmp_path))
    assert population.keys.tolist() == whole.keys[[1, 2, 3, 6]].tolist()
    scenario = small(tmp_path, "endpoints.only={province: Cà Mau}", "endpoints.sample=2")
    assert populate(scenario).site == ("c1", "c2", "command-centre")
    assert count_endpoints(scenario) == 2


def test_who_takes_no_part_needs_no_rule(tmp_path: Path) -> None:
    scenario = small(
        tmp_path,
        "endpoints.only={province: Cà Mau}",
        "endpoints.rules=[{when: {province: Cà Mau}, carrier: red, access: fibre}]",
    )
    assert len(populate(scenario)) == 5


def test_a_sample_keeps_everyone_whom_the_meeting_names(tmp_path: Path) -> None:
    meeting = (
        "meeting={roll_call: {end: 10s, sites: [c2]}, discussion: {begin: 10s, sites: [p2]},"
        " screen: [{at: 1s, site: c4}]}"
    )
    scenario = small(tmp_path, "media.screen={}", meeting, "endpoints.sample=3")
    assert populate(scenario).site == ("c2", "p2", "c4", "command-centre")
    with pytest.raises(ScenarioError, match=r"must have room for the 3 sites that the meeting nam"):
        small(tmp_path, "media.screen={}", meeting, "endpoints.sample=2")


def test_a_scenario_built_by_hand_reads_its_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    loaded = small(tmp_path)
    built = Scenario.model_validate(loaded.model_dump(mode="json", by_alias=True))
    assert built.endpoints.rows is None
    assert populate(built).keys.tolist() == populate(loaded).keys.tolist()
    (tmp_path / "sites.csv").unlink()
    with pytest.raises(ScenarioError, match=r"^sites\.csv: endpoints\.table — no such file$"):
        populate(built)
