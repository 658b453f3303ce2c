from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from scenarios.population import Population
from scenarios.units import SECOND
from simulations.draws import Draws
from simulations.strikes import Strike, behind, describe, strikes
from tests.simulations.controlled import scenario_of
from tests.simulations.stand_in import stand_in


def strike_of(fault: dict[str, Any], sample: int = 200, seed: int = 1) -> tuple[Strike, Any]:
    """What one fault of the briefing befalls, and the population."""
    scenario = scenario_of({"faults": [fault], "seed": seed}, sample=sample)
    network = stand_in(scenario)
    draws = Draws(scenario.seed, 0, network.population.site)
    (found,) = strikes(scenario, network.population, network.backups, draws)
    return found, network.population


@pytest.mark.parametrize(
    ("kind", "of", "components"),
    [
        ("die", "node{node=hcmc}", [("node", "hcmc")]),
        ("die", "signalling", [("server", "main")]),
        ("cut", "peering", [("station", "peering", "viettel", "hcmc")]),
        ("cut", "backbone{carrier=vnpt}", [("station", "backbone", "vnpt", "hanoi"),
                                          ("station", "backbone", "vnpt", "hcmc")]),
        ("cut", "aggregation{carrier=vnpt,province=Cà Mau}",
         [("station", "aggregation", "vnpt", "Cà Mau")]),
    ],
)  # fmt: skip
def test_what_is_befallen(kind: str, of: str, components: list[tuple[str, ...]]) -> None:
    strike, _ = strike_of({"kind": kind, "of": of, "at": "1min", "for": "5s"})
    assert sorted(strike.components) == sorted(components)
    assert (strike.begin, strike.end) == (60 * SECOND, 65 * SECOND)
    assert (strike.label, strike.endpoints) == (f"{kind} {of}", ())


def test_access_links_go_by_what_was_dealt() -> None:
    fault = {"kind": "cut", "of": "access{carrier=vnpt,access=fibre}", "at": "1min"}
    strike, people = strike_of(fault)
    expected = np.flatnonzero((people.carrier == 0) & (people.access == 0))
    assert strike.components == tuple(("access", int(e), "primary") for e in expected)
    assert strike.end is None


@pytest.mark.parametrize("named", ["site", "level"])
def test_the_command_centre_s_link_is_cut_where_it_is_named(named: str) -> None:
    strike, people = strike_of({"kind": "cut", "of": "access", "at": "0s"}, sample=20)
    assert strike.components == tuple(("access", e, "primary") for e in range(20))
    of = f"access{{{named}=command-centre}}"
    strike, _ = strike_of({"kind": "cut", "of": of, "at": "0s"}, sample=20)
    assert strike.components == (("access", 20, "primary"),)
    assert described(strike, people) == "cut, the command centre"


def described(strike: Strike, people: Population) -> str:
    scenario = scenario_of()
    return describe(strike, behind(strike, scenario, people, people.carrier, people.node))


@pytest.mark.parametrize(
    ("kind", "of", "whom"),
    [
        ("cut", "access{access=geo}", lambda p: p.access == 4),
        ("cut", "aggregation{carrier=viettel,province=Cà Mau}",
         lambda p: (p.carrier == 1) & (np.array(p.province) == "Cà Mau")),
        ("cut", "backbone{carrier=viettel,node=hcmc}", lambda p: (p.carrier == 1) & (p.node == 1)),
        ("cut", "peering", lambda p: (p.carrier == 1) & (p.node == 1)),
        ("hang", "node{node=hcmc}", lambda p: p.node == 1),
        ("power-cut", "province{province=Cà Mau}", lambda p: np.array(p.province) == "Cà Mau"),
    ],
)  # fmt: skip
def test_a_fault_tells_how_many_it_befalls(
    kind: str, of: str, whom: Callable[[Population], Any]
) -> None:
    for sample in (3, 200):
        strike, people = strike_of({"kind": kind, "of": of, "at": "0s"}, sample=sample)
        count = int(whom(people)[:-1].sum())
        noun = "endpoint" if count == 1 else "endpoints"
        assert described(strike, people) == f"{kind}, {count} {noun}"


def test_a_server_is_on_nobody_s_way() -> None:
    strike, people = strike_of({"kind": "die", "of": "signalling", "at": "0s"}, sample=3)
    assert described(strike, people) == "die"


def test_a_share_is_drawn_endpoint_by_endpoint() -> None:
    fault = {"kind": "cut", "of": "access", "at": "1min", "share": "30%"}
    strike, people = strike_of(fault, sample=1000)
    assert len(strike.components) == pytest.approx(0.3 * (len(people) - 1), rel=0.15)
    assert strike.components == strike_of(fault, sample=1000)[0].components
    assert strike.components != strike_of(fault, sample=1000, seed=2)[0].components


def test_a_power_cut_takes_endpoints_and_aggregation() -> None:
    strike, people = strike_of({"kind": "power-cut", "of": "province{province=Cà Mau}", "at": "0s"})
    mine = [e for e, province in enumerate(people.province) if province == "Cà Mau"]
    assert list(strike.endpoints) == mine
    stations = {part[1:] for part in strike.components if part[0] == "station"}
    carriers = {("vnpt", "viettel")[people.carrier[e]] for e in mine}
    assert stations == {("aggregation", carrier, "Cà Mau") for carrier in carriers}


def test_repairs_are_drawn() -> None:
    fault = {
        "kind": "die",
        "of": "node{node=hcmc}",
        "at": "10s",
        "repair": {"p5": "1min", "p50": "2min", "p95": "3min"},
    }
    times = [strike_of(fault, sample=5, seed=seed)[0].end for seed in range(40)]
    taken = np.array([end - 10 * SECOND for end in times if end is not None]) / SECOND
    assert 20 <= taken.min() < 100
    assert 140 < taken.max() <= 540
    assert np.median(taken) == pytest.approx(120, rel=0.3)


def test_they_come_in_time() -> None:
    faults = [
        {"kind": "die", "of": "node{node=hcmc}", "at": "2min", "label": "b"},
        {"kind": "die", "of": "node{node=hanoi}", "at": "1min", "label": "a"},
        {"kind": "cut", "of": "peering", "at": "5s", "after": "b", "label": "c"},
    ]
    scenario = scenario_of({"faults": faults})
    network = stand_in(scenario)
    draws = Draws(1, 0, network.population.site)
    found = strikes(scenario, network.population, network.backups, draws)
    assert [(s.label, s.begin / SECOND) for s in found] == [("a", 60), ("b", 120), ("c", 125)]
