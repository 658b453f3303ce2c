"""What follows upon one another: faults that meet, and what befalls a client that is on its way."""

from collections import Counter

import pytest

from scenarios.units import SECOND
from simulations.attempts import NO_POWER
from simulations.sessions import NEVER
from simulations.states import State
from tests.simulations.controlled import play, scenario_of
from tests.simulations.stand_in import stand_in


def hcmc_dies(at: str, lasting: str) -> dict[str, str]:
    return {"kind": "die", "of": "node{node=hcmc}", "at": at, "for": lasting, "label": f"at-{at}"}


# ---------------------------------------------------------------- faults that meet


def test_a_degradation_that_follows_upon_another_holds() -> None:
    steps = [
        {"kind": "degrade", "of": "access{access=fibre}", "at": at, "until": until, "loss": loss}
        for at, until, loss in (("20s", "40s", "5%"), ("40s", "60s", "30%"))
    ]
    scenario = scenario_of({"faults": steps})
    _, network, log = play(scenario, until=50 * SECOND)
    assert {loss for _, loss in network.degraded.values()} == {0.3}
    kinds = [kind for now, kind, _, _ in log.events if now == 40 * SECOND]
    assert kinds == ["repair", "fault"]
    _, network, _ = play(scenario)
    assert {loss for _, loss in network.degraded.values()} == {0.0}


@pytest.mark.parametrize("kind", ["die", "hang"])
def test_a_node_that_fails_as_it_comes_back_is_down(kind: str) -> None:
    first, second = hcmc_dies("20s", "20s"), {**hcmc_dies("40s", "20s"), "kind": kind}
    plane, network, _ = play(scenario_of({"faults": [first, second]}), until=50 * SECOND)
    assert plane.down == {"hcmc": kind}
    assert network.down["node", "hcmc"] == 1


def test_a_drain_that_follows_upon_another_goes_on() -> None:
    drains = [
        {"kind": "drain", "of": "node{node=hcmc}", "at": at, "until": until}
        for at, until in (("20s", "40s"), ("40s", "60s"))
    ]
    plane, _, _ = play(scenario_of({"faults": drains}), until=50 * SECOND)
    assert plane.placing.draining == [False, True]


def test_power_that_goes_as_it_comes_is_gone() -> None:
    province = stand_in(scenario_of()).population.province[0]
    cuts = [
        {"kind": "power-cut", "of": f"province{{province={province}}}", "at": at, "until": until}
        for at, until in (("20s", "40s"), ("40s", "60s"))
    ]
    plane, _, _ = play(scenario_of({"faults": cuts}), until=50 * SECOND)
    mine = [c for c in plane.clients if plane.population.province[c.endpoint] == province]
    assert not any(client.powered for client in mine)
    assert {client.state for client in mine} == {State.OFF}


# ---------------------------------------------------------------- nodes that fail again


def test_a_node_that_flapped_unseen_takes_endpoints_again() -> None:
    faults = [hcmc_dies("10s", "30s"), hcmc_dies("1min", "10ms")]
    plane, _, log = play(scenario_of({"faults": faults}))
    assert not any(plane.placing.sick)
    checked = [detail for _, kind, _, detail in log.events if kind == "detect"]
    assert len([detail for detail in checked if "health check" in detail]) == 1


def test_a_node_is_barred_for_as_long_after_each_failure_that_is_found() -> None:
    faults = [hcmc_dies("10s", "10s"), hcmc_dies("30s", "10s")]
    scenario = scenario_of({"faults": faults, "placement": {"health": {"barred": "40s"}}})
    plane, _, _ = play(scenario, until=69 * SECOND)
    assert plane.placing.sick == [False, True]
    plane, _, _ = play(scenario, until=90 * SECOND)
    assert not any(plane.placing.sick)


def test_more_nodes_than_endpoints_can_fail() -> None:
    more = {
        name: {
            "label": name, "latitude": 16.05, "longitude": 108.2, "carriers": ["vnpt", "viettel"],
            "nic": "10Gbps",
        }
        for name in ("danang", "hue")
    }  # fmt: skip
    dies = {"kind": "die", "of": "node", "at": "1min", "for": "1min"}
    plane, _, log = play(scenario_of({"nodes": more, "faults": [dies]}, sample=1))
    assert len([1 for _, kind, _, why in log.events if kind == "detect" and "health" in why]) == 4
    assert {client.state for client in plane.clients} == {State.CONNECTED}


def test_who_waits_for_a_node_that_dies_meanwhile_has_not_come_back() -> None:
    faults = [
        hcmc_dies("20s", "10min"),
        {"kind": "die", "of": "node{node=hanoi}", "at": "29s", "for": "3s", "label": "the-other"},
    ]
    slow = {"hanoi": {"cost": {"join": "300ms"}}}
    scenario = scenario_of({"faults": faults, "nodes": slow, "recovery": "jitsi"}, sample=60)
    plane, _, _ = play(scenario)
    came = [
        (session.time + session.duration) / SECOND
        for session in plane.sessions
        if session.outcome == "connected" and plane.nodes[session.node] == "hanoi"
    ]
    assert [at for at in came if at < 29]
    assert not [at for at in came if 29 <= at < 32]
    # Whoever was on its way then has lost its media once, and not twice.
    for client in plane.clients:
        lost = [row.lost for row in plane.interruptions if row.endpoint == client.endpoint]
        back = [row.back for row in plane.interruptions if row.endpoint == client.endpoint]
        assert all(begin > end for begin, end in zip(lost[1:], back, strict=False))
        assert NEVER not in back


# ---------------------------------------------------------------- what a client knows


def test_who_restarts_ice_is_not_connected() -> None:
    plane, network, _ = play(
        scenario_of({"faults": [hcmc_dies("20s", "10min")]}, sample=60), until=40 * SECOND
    )
    restarting = [c.endpoint for c in plane.clients if c.state is State.RESTARTING]
    assert restarting
    assert set(network.missed) >= set(restarting)
    plane, network, _ = play(scenario_of({"faults": [hcmc_dies("20s", "10min")]}, sample=60))
    connected = {c.endpoint for c in plane.clients if c.state is State.CONNECTED}
    assert not connected & set(network.missed)


def test_a_path_that_heals_ends_the_interruption_whatever_its_client_does() -> None:
    cut = {"kind": "cut", "of": "backbone{carrier=vnpt,node=hcmc}", "at": "10s", "for": "20s"}
    straight = {"vnpt": {"rerouting": {"rate": "0%"}}}
    plane, _, _ = play(scenario_of({"faults": [cut], "carriers": straight}, sample=60))
    # A client whose restart fails all the same connects anew: that is another interruption.
    lasted = [
        (row.back - row.lost) / SECOND for row in plane.interruptions if row.lost == 10 * SECOND
    ]
    assert set(lasted) == {20.0}
    assert any(row.detected != NEVER for row in plane.interruptions)
    again = [row for row in plane.interruptions if row.lost != 10 * SECOND]
    assert len(again) == len([s for s in plane.sessions if s.kind == "reconnect"])


def test_who_loses_its_power_while_its_media_is_back_is_interrupted_again() -> None:
    straight = {"vnpt": {"rerouting": {"rate": "0%"}}}
    faults = [
        {"kind": "cut", "of": "backbone{carrier=vnpt,node=hcmc}", "at": "10s", "for": "14s"},
        {"kind": "power-cut", "of": "province", "at": "24500ms", "label": "dark"},
    ]
    sections = {"faults": faults, "carriers": straight}
    plane, _, _ = play(scenario_of(sections, sample=60), until=24 * SECOND)
    restarting = {c.endpoint for c in plane.clients if c.state is State.RESTARTING}
    assert restarting
    plane, _, _ = play(scenario_of(sections, sample=60))
    dark = {row.endpoint: row for row in plane.interruptions if row.fault == "dark"}
    assert restarting <= set(dark)
    assert all(dark[endpoint].detected != NEVER for endpoint in restarting)
    assert {row.cause for row in dark.values()} == {"no power"}


def test_who_brings_its_signalling_back_notices_that_its_media_goes() -> None:
    silent = {"kind": "die", "of": "signalling", "at": "20s", "until": "105s"}
    faults = [silent, hcmc_dies("100s", "10min")]
    plane, _, _ = play(scenario_of({"faults": faults, "recovery": "full-jitter"}, sample=60))
    lost = {row.endpoint: row.detected for row in plane.interruptions}
    first = {
        endpoint: min(
            s.time for s in plane.sessions if s.endpoint == endpoint and s.kind == "reconnect"
        )
        for endpoint in lost
    }
    # The first back-off of full jitter is at most as long as its base.
    assert max(first[e] - lost[e] for e in lost) <= plane.recovery.base


@pytest.mark.parametrize("again", ["21500ms", "31s"])
def test_a_drain_is_as_fast_the_second_time(again: str) -> None:
    drains = [
        {"kind": "drain", "of": "node{node=hcmc}", "at": "20s", "until": "21500ms"},
        {"kind": "drain", "of": "node{node=hcmc}", "at": again},
    ]
    sections = {"faults": drains, "placement": {"drain": 1}}
    plane, _, _ = play(scenario_of(sections, sample=120), until=80 * SECOND)
    moved = Counter(session.time // (10 * SECOND) for session in plane.sessions)
    assert max(moved.values()) <= 11


def test_a_drain_tells_at_once_that_it_is_over() -> None:
    drain = {"kind": "drain", "of": "node{node=hcmc}", "at": "20s"}
    plane, _, log = play(scenario_of({"faults": [drain]}, sample=60))
    moved = max(session.time + session.duration for session in plane.sessions)
    (empty,) = [now for now, kind, _, detail in log.events if detail == "is empty"]
    assert moved <= empty <= moved + SECOND


def test_who_sets_out_without_power_has_set_out() -> None:
    province = stand_in(scenario_of()).population.province[0]
    cut = {"kind": "power-cut", "of": f"province{{province={province}}}", "at": "2s"}
    sections = {"faults": [cut], "joining": {"profile": "at-once", "begin": "5s"}}
    plane, _, _ = play(scenario_of(sections))
    mine = {e for e, name in enumerate(plane.population.province) if name == province}
    rows = [s for s in plane.sessions if s.endpoint in mine]
    assert {s.endpoint for s in rows} == mine
    assert {(s.kind, s.outcome, s.duration) for s in rows} == {("join", NO_POWER, 0)}
    assert {s.time for s in rows} == {plane.clients[e].sets_out for e in mine}
