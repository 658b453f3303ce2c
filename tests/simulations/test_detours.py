"""Detours, seen from the network: which trunks are down, and which are degraded, and when."""

from typing import Any

from scenarios.units import SECOND
from tests.simulations.controlled import play, scenario_of

HANOI = {"kind": "cut", "of": "backbone{carrier=vnpt,node=hanoi}", "at": "1min", "until": "4min"}
HCMC = {"kind": "cut", "of": "backbone{carrier=vnpt,node=hcmc}", "at": "2min", "until": "3min"}
TRUNK = ("station", "backbone", "vnpt", "hanoi")
OTHER = ("station", "backbone", "vnpt", "hcmc")


def reroutes(*faults: dict[str, Any], **sections: Any) -> list[tuple[float, str]]:
    _, network, log = play(scenario_of({"faults": list(faults), **sections}))
    assert not network.down
    assert set(network.degraded.values()) <= {(1.0, 0.0)}
    return log.of("reroute")


def test_a_link_is_led_around_once_the_routes_have_settled() -> None:
    rerouting = {"detection": "1s", "convergence": "9s"}
    carriers = {"vnpt": {"rerouting": rerouting}}
    assert reroutes(HANOI, carriers=carriers) == [(70.0, "backbone vnpt hanoi")]


def test_routers_detect_each_link_that_is_cut_once() -> None:
    other = {"kind": "cut", "of": "peering", "at": "2min", "for": "1s", "label": "other"}
    _, _, log = play(scenario_of({"faults": [{**HANOI, "label": "trunk"}, HCMC, other]}))
    found = [
        (now / SECOND, subject, detail)
        for now, kind, subject, detail in log.events
        if kind == "detect" and detail.startswith("routers")
    ]
    assert found == [
        (60.3, "trunk", "routers lost backbone vnpt hanoi"),
        (120.3, "cut backbone{carrier=vnpt,node=hcmc}", "routers lost backbone vnpt hcmc"),
        (120.3, "other", "routers lost peering viettel hcmc"),
    ]


def test_routers_miss_a_cut_that_is_over_before_they_look() -> None:
    short = {"kind": "cut", "of": "backbone", "at": "1min", "for": "299ms"}
    _, _, log = play(scenario_of({"faults": [short]}))
    assert log.of("detect") == []


def test_a_detour_ends_when_its_way_fails_and_begins_again_with_it() -> None:
    assert reroutes(HANOI, HCMC) == [
        (65.3, "backbone vnpt hanoi"),
        (185.3, "backbone vnpt hanoi"),
    ]
    state = []
    for second in (64, 66, 119, 121, 184, 186, 241):
        _, network, _ = play(scenario_of({"faults": [HANOI, HCMC]}), until=second * SECOND)
        state.append((TRUNK in network.down, network.degraded.get(TRUNK, (1.0, 0.0))[0]))
    assert state == [
        (True, 1.0),
        (False, 0.5),
        (False, 0.5),
        (True, 1.0),
        (True, 1.0),
        (False, 0.5),
        (False, 1.0),
    ]


def test_traffic_goes_by_the_other_city_as_long_as_a_link_is_led_around() -> None:
    peering = {**HCMC, "of": "peering{carrier=viettel,node=hcmc}", "until": "5min"}
    backbone = {**peering, "of": "backbone{carrier=viettel,node=hcmc}", "until": "3min"}
    led = []
    for second in (119, 126, 179, 181, 301):
        scenario = scenario_of({"faults": [peering, backbone]})
        _, network, _ = play(scenario, until=second * SECOND)
        led.append(network.led.get(("viettel", "hcmc"), ()))
    # One way leads around both links of a city, until the last of them is whole.
    assert led == [(), ("hanoi",), ("hanoi",), ("hanoi",), ()]


def test_the_way_is_straight_again_when_the_detour_has_failed() -> None:
    led = []
    for second in (66, 121, 186):
        _, network, _ = play(scenario_of({"faults": [HANOI, HCMC]}), until=second * SECOND)
        led.append(network.led.get(("vnpt", "hanoi"), ()))
    assert led == [("hcmc",), (), ("hcmc",)]


def test_without_a_rate_there_is_no_detour() -> None:
    assert reroutes(HANOI, carriers={"vnpt": {"rerouting": {"rate": "0%"}}}) == []


def test_a_carrier_that_is_not_peered_in_the_other_city_has_no_way() -> None:
    """Viettel reaches Hồ Chí Minh City's node over its peering only."""
    backbone = {**HANOI, "of": "backbone{carrier=viettel,node=hanoi}"}
    peering = {**HANOI, "of": "peering{carrier=viettel,node=hcmc}", "at": "50s"}
    assert [subject for _, subject in reroutes(backbone)] == ["backbone viettel hanoi"]
    assert "backbone viettel hanoi" not in [s for _, s in reroutes(peering, backbone)]
