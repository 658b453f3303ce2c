"""What single clients do, by hand: over a stand-in network of constant delays."""

import numpy as np
import pytest

from scenarios.units import SECOND
from simulations.client import Client
from simulations.control_plane import ControlPlane
from simulations.sessions import NEVER
from simulations.states import State
from tests.simulations.controlled import SERVER, outcomes, play, scenario_of
from tests.simulations.stand_in import stand_in

DIES = {"kind": "die", "of": "node{node=hanoi}", "at": "1min", "for": "3min"}


def recovery_times(plane: ControlPlane) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Seconds from loss to media, infinite where it never came back."""
    return np.array(
        [
            np.inf if row.back == NEVER else (row.back - row.lost) / SECOND
            for row in plane.interruptions
        ]
    )


# ---------------------------------------------------------------- coming back


@pytest.mark.parametrize("policy", ["livekit", "jitsi", "full-jitter"])
def test_all_come_back_from_a_dead_node(policy: str) -> None:
    plane, network, log = play(scenario_of({"faults": [DIES], "recovery": policy}, sample=100))
    assert set(network.served.values()) == {1}
    assert len(plane.interruptions) == list(plane.population.node).count(0)
    times = recovery_times(plane)
    assert times.max() < 120
    assert log.of("fault") == [(60, "die node{node=hanoi}")]
    assert log.of("repair") == [(240, "die node{node=hanoi}")]
    assert [subject for _, subject in log.of("detect")] == ["die node{node=hanoi}"] * 2


def test_under_none_nobody_comes_back() -> None:
    plane, _, _ = play(scenario_of({"faults": [DIES], "recovery": "none"}))
    assert np.isinf(recovery_times(plane)).all()
    assert {row.cause for row in plane.interruptions} == {"its policy is that nobody comes back"}
    assert not plane.sessions


def test_what_heals_before_it_is_noticed_costs_no_reconnection() -> None:
    cut = {"kind": "cut", "of": "backbone", "at": "1min", "for": "4s"}
    plane, _, _ = play(scenario_of({"faults": [cut]}))
    assert set(recovery_times(plane)) == {4.0}
    assert not plane.sessions
    assert {row.detected for row in plane.interruptions} == {NEVER}


def test_when_the_only_node_dies_for_good_everyone_stays_interrupted() -> None:
    both = {"kind": "die", "of": "node", "at": "1min"}
    plane, network, _ = play(scenario_of({"faults": [both]}))
    assert not network.served
    assert len(plane.interruptions) == 21
    assert all(row.back == NEVER and row.cause for row in plane.interruptions)


def test_nodes_that_failed_one_after_the_other_are_used_again() -> None:
    first = {"kind": "die", "of": "node{node=hanoi}", "at": "1min", "for": "1min"}
    second = {"kind": "hang", "of": "node{node=hcmc}", "at": "4min", "for": "2min"}
    plane, network, _ = play(scenario_of({"faults": [first, second]}))
    assert set(network.served.values()) == {0}
    assert all(client.state is State.CONNECTED for client in plane.clients)


def test_those_with_a_backup_link_come_back_over_it() -> None:
    cut = {"kind": "cut", "of": "backbone{carrier=viettel}", "at": "1min", "for": "5min"}
    sections = {
        "access": {"fibre": {"backup": {"share": "50%", "access": "4g"}}},
        "faults": [cut],
        "recovery": "full-jitter",
    }
    plane, network, _ = play(scenario_of(sections, sample=200, duration="15min"))
    viettel = list(plane.scenario.carriers).index("viettel")
    hit = {row.endpoint for row in plane.interruptions}
    assert hit == {
        e for e in range(len(plane.population) - 1) if plane.population.carrier[e] == viettel
    }
    for row in plane.interruptions:
        spared = plane.backups.access[row.endpoint] >= 0
        assert (row.back < (60 + 200) * SECOND) == spared
        assert network.backup.get(row.endpoint, False) == spared


def test_a_detour_is_taken_where_there_is_one() -> None:
    one = {"kind": "cut", "of": "backbone{carrier=vnpt,node=hanoi}", "at": "1min", "for": "5min"}
    plane, network, log = play(scenario_of({"faults": [one]}, sample=50))
    assert set(recovery_times(plane)) == {5.3}  # BFD, and the routes settle
    assert log.of("reroute") == [(65.3, "backbone vnpt hanoi")]
    assert not network.down
    assert network.degraded[("station", "backbone", "vnpt", "hanoi")] == (1.0, 0.0)
    both = {**one, "of": "backbone{carrier=vnpt}"}
    _, _, log = play(scenario_of({"faults": [both]}, sample=50))
    assert log.of("reroute") == []


def test_a_drained_node_hands_over_without_a_gap() -> None:
    drain = {"kind": "drain", "of": "node{node=hanoi}", "at": "1min"}
    plane, network, log = play(scenario_of({"faults": [drain]}, sample=50))
    assert set(network.served.values()) == {1}
    assert not plane.interruptions
    assert [subject for _, subject in log.of("drain")] == ["hanoi", "hanoi"]
    times = [session.time for session in plane.sessions]
    assert min(np.diff(times)) >= SECOND // 50


def test_who_moves_takes_the_place_that_was_kept_and_no_second_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drain = {"kind": "drain", "of": "node{node=hanoi}", "at": "1min"}
    take, moves = Client.take_node, list[int]()

    def watch(client: Client, node: int) -> None:
        before, moving = sum(client.plane.placing.charges), client.kept == node
        take(client, node)
        if moving:  # it has left its old node already
            moves.append(sum(client.plane.placing.charges) - before)

    monkeypatch.setattr(Client, "take_node", watch)
    plane, _, _ = play(scenario_of({"faults": [drain]}, sample=50))
    assert len(moves) > 20
    assert set(moves) == {0}
    assert plane.placing.charges == [0, 51]


def test_a_signalling_server_s_restart_interrupts_nobody() -> None:
    gone = {"kind": "die", "of": "signalling", "at": "1min", "for": "30s"}
    plane, _, _ = play(scenario_of({"faults": [gone]}, sample=50))
    assert not plane.interruptions
    resumed = {s.endpoint for s in plane.sessions if s.outcome == "connected"}
    assert resumed == set(range(51))
    assert outcomes(plane, "restart") == {"connected", "no answer from the signalling server"}
    first = min(s.time for s in plane.sessions) / SECOND
    assert 65 <= first <= 75  # a ping every 10 s, waited for 5 s


def test_a_signalling_server_s_death_is_noticed_once_by_everyone() -> None:
    gone = {"kind": "die", "of": "signalling", "at": "1min", "for": "2min", "label": "mute"}
    _, _, log = play(scenario_of({"faults": [gone]}, sample=50))
    ((at, kind, subject, detail),) = [event for event in log.events if event[1] == "detect"]
    assert (kind, subject, detail) == ("detect", "mute", "the first of 51 clients")
    assert 65 <= at / SECOND <= 75  # a ping every 10 s, waited for 5 s


def test_who_loses_media_and_signalling_has_noticed_one_fault() -> None:
    cut = {"kind": "cut", "of": "backbone", "at": "1min", "for": "2min"}
    plane, _, log = play(scenario_of({"faults": [cut]}, sample=50))
    detected = [event for event in log.events if event[1] == "detect"]
    ((at, _, _, detail),) = [event for event in detected if "routers" not in event[3]]
    assert detail == "the first of 50 clients"
    assert at <= min(row.detected for row in plane.interruptions if row.detected != NEVER)


def test_a_server_with_a_successor_is_left_for_it() -> None:
    gone = {"kind": "die", "of": "signalling{server=main}", "at": "1min"}
    servers = {"main": SERVER, "other": {**SERVER, "latitude": 10.8, "longitude": 106.7}}
    plane, _, _ = play(scenario_of({"faults": [gone], "signalling": {"servers": servers}}))
    assert {client.server_life for client in plane.clients} == {0}
    assert {plane.server_names[client.server_number] for client in plane.clients} == {"other"}


def test_power_that_comes_back_brings_its_endpoints_back() -> None:
    province = stand_in(scenario_of(sample=50)).population.province[0]
    of = f"province{{province={province}}}"
    cut = {"kind": "power-cut", "of": of, "at": "1min", "for": "2min"}
    plane, _, _ = play(scenario_of({"faults": [cut]}, sample=50))
    mine = {e for e, name in enumerate(plane.population.province) if name == province}
    assert {row.endpoint for row in plane.interruptions} == mine
    times = recovery_times(plane)
    assert (times > 120 + 15).all()
    assert (times < 120 + 45 + 5).all()


def test_who_has_no_power_when_it_is_to_join_joins_later() -> None:
    province = stand_in(scenario_of(sample=50)).population.province[0]
    of = f"province{{province={province}}}"
    cut = {"kind": "power-cut", "of": of, "at": "0s", "for": "2min"}
    sections = {"faults": [cut], "joining": {"profile": "spread", "over": "1min"}}
    plane, _, _ = play(scenario_of(sections, sample=50))
    assert all(client.state is State.CONNECTED for client in plane.clients)
    mine = [s for s in plane.sessions if plane.population.province[s.endpoint] == province]
    assert {s.kind for s in mine} == {"join"}
    assert {s.outcome for s in mine if s.time <= 60 * SECOND} == {"no power"}
    assert min(s.time for s in mine if s.outcome != "no power") > 135 * SECOND
    for endpoint in {s.endpoint for s in mine}:
        numbers = [s.attempt for s in mine if s.endpoint == endpoint]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) > 1


def test_who_loses_its_power_on_its_way_in_counts_its_attempts_on() -> None:
    province = stand_in(scenario_of(sample=50)).population.province[0]
    of = f"province{{province={province}}}"
    faults = [
        {"kind": "die", "of": "node", "at": "1s", "for": "5min"},
        {"kind": "power-cut", "of": of, "at": "1min", "for": "1min"},
    ]
    sections = {"faults": faults, "joining": {"profile": "spread", "begin": "10s", "over": "10s"}}
    plane, _, _ = play(scenario_of(sections, sample=50, duration="15min"))
    mine = [s for s in plane.sessions if plane.population.province[s.endpoint] == province]
    for endpoint in {s.endpoint for s in mine}:
        own = [s for s in mine if s.endpoint == endpoint]
        assert [s.attempt for s in own] == list(range(1, len(own) + 1))
        assert own[0].time < 60 * SECOND < 120 * SECOND < own[-1].time
