"""Attempts to connect, by hand: over a stand-in network of constant delays."""

from typing import Any

import numpy as np
import pytest

from results.records import PHASES
from scenarios.units import SECOND
from simulations import messages
from simulations.attempts import NO_ROOM, SHUT
from simulations.sessions import NEVER, Session
from simulations.states import State
from tests.simulations.controlled import SERVER, outcomes, play, scenario_of, served
from tests.simulations.stand_in import StandIn, stand_in

MS = 10**6


def round_trips(network: StandIn, session: Session) -> float:
    """How many round trips of its endpoint a session's time is, server and node left out."""
    delay = network.delay + int(network.population.delay[session.endpoint])
    return delay * 2


@pytest.mark.parametrize(
    ("ice", "transport", "trips"),
    [
        # DNS, TCP, TLS, upgrade, request; STUN, check; DTLS twice; subscription
        ({}, "websocket", 10),
        ({}, "http", 9),
        ({"symmetric_nat": "100%"}, "websocket", 13),  # an allocation twice, a permission
        ({"udp_blocked": "100%"}, "websocket", 15),  # and TCP and TLS before them
    ],
)
def test_joining_takes_its_round_trips(ice: dict[str, Any], transport: str, trips: int) -> None:
    sections = {
        "joining": {"profile": "at-once"},
        "signalling": served(concurrency=1000, transport=transport),
        "ice": {**ice, "pairs": 1},
        "nodes": {n: {"cost": {"join": "0s"}} for n in ("hanoi", "hcmc")},
    }
    plane, network, _ = play(scenario_of(sections, duration="1min"))
    assert len(plane.sessions) == 21
    for session in plane.sessions[1:]:
        assert session.outcome == "connected"
        assert session.duration == round_trips(network, session) * trips + 10 * MS
        assert sum(session.phases[phase] for phase in PHASES) == session.duration


def test_doubled_delay_is_doubled_round_trips() -> None:
    sections = {
        "joining": {"profile": "at-once"},
        "signalling": served(concurrency=1000),
        "ice": {"pairs": 1},
    }
    scenario = scenario_of(sections, duration="1min")
    times = []
    for delay in (20 * MS, 40 * MS):
        network = stand_in(scenario, delay=delay)
        network.population.delay[:] = 0
        times.append(play(scenario, network)[0].sessions)
    longer = [b.duration - a.duration for a, b in zip(*times, strict=True)]
    # the command centre, which joins alone, and all others wait for a node of 200 µs a join
    assert min(longer) == pytest.approx(10 * 2 * 20 * MS, rel=0.01)
    assert max(longer) == pytest.approx(10 * 2 * 20 * MS, rel=0.01)


def test_loss_costs_retransmission_timers() -> None:
    sections = {"joining": {"profile": "spread", "over": "1min"}}
    scenario = scenario_of(sections, sample=100, duration="3min")
    clean, lossy = (
        np.array([s.duration for s in play(scenario, stand_in(scenario, loss=loss))[0].sessions])
        for loss in (0.0, 0.05)
    )
    assert np.median(lossy) > np.median(clean)
    assert (lossy.max() - clean.max()) > messages.STUN_TIMER
    # 34 packets a handshake; each one lost costs 0.5 s or 1 s, and so on
    expected = 34 * 0.05 * 0.9 * SECOND
    assert lossy.mean() - clean.mean() == pytest.approx(expected, rel=0.5)


@pytest.mark.parametrize("policy", ["rate", "waves"])
def test_admission_spreads_the_rush(policy: str) -> None:
    admission = {"policy": policy, "size": 5, "every": "1s"}
    sections = {
        "joining": {"profile": "at-once"},
        "signalling": served(admission=admission, concurrency=1),
    }
    scenario = scenario_of(sections, sample=100, duration="2min")
    network = stand_in(scenario)
    network.population.delay[:] = 0  # no satellites
    plane, _, _ = play(scenario, network)
    ends = np.array([s.time + s.duration for s in plane.sessions if s.outcome == "connected"])
    assert len(ends) == 101
    assert np.ptp(ends[1:]) / SECOND == pytest.approx(100 / 5, rel=0.1)
    waits = [s.phases["signalling_wait"] for s in plane.sessions]
    assert max(waits) > 18 * SECOND


def test_a_full_queue_refuses_and_clients_come_again() -> None:
    slow = {"mean": "500ms", "distribution": "constant"}
    sections = {
        "joining": {"profile": "at-once"},
        "signalling": served(concurrency=2, queue=4, service=slow),
        "recovery": "full-jitter",
    }
    plane, _, _ = play(scenario_of(sections, sample=40))
    assert "refused: the signalling server's queue is full" in outcomes(plane, "join")
    assert all(client.state is State.CONNECTED for client in plane.clients)
    assert plane.servers[0].refused > 0


def test_who_finds_no_room_does_not_get_in() -> None:
    sections = {
        "joining": {"profile": "spread", "over": "10s"},
        "placement": {"room": {"hanoi": 5, "hcmc": 3}},
    }
    plane, network, _ = play(scenario_of(sections, duration="2min"))
    assert sorted(network.served.values()) == [0] * 5 + [1] * 3
    assert "no media node is up and has room" in outcomes(plane, "join")


def test_who_finds_nodes_that_are_barred_or_drained_is_told_so() -> None:
    dies = {"kind": "die", "of": "node", "at": "1s", "for": "19s"}
    drain = {"kind": "drain", "of": "node", "at": "1s"}
    servers = {"main": SERVER, "other": {**SERVER, "latitude": 10.8, "longitude": 106.7}}
    for fault in (dies, drain):
        sections = {
            "joining": {"profile": "spread", "over": "50s"},
            "faults": [fault],
            "signalling": {"servers": servers},
        }
        plane, _, _ = play(scenario_of(sections, sample=60), until=55 * SECOND)
        down = {s.outcome for s in plane.sessions if 12 * SECOND < s.time < 19 * SECOND}
        up = {s.outcome for s in plane.sessions if 21 * SECOND < s.time < 54 * SECOND}
        assert down == ({NO_ROOM} if fault is dies else {SHUT})
        assert up == {SHUT}
        # No other server would know better.
        assert {client.server for client in plane.clients} == {0}


def test_a_full_node_is_not_taken_for_a_barred_one() -> None:
    dies = {"kind": "die", "of": "node{node=hcmc}", "at": "1s"}
    sections = {
        "joining": {"profile": "spread", "over": "50s"},
        "faults": [dies],
        "placement": {"room": {"hanoi": 5}},
    }
    plane, _, _ = play(scenario_of(sections, sample=60), until=55 * SECOND)
    assert NO_ROOM in outcomes(plane, "join")
    assert SHUT not in outcomes(plane, "join")


def test_who_is_on_its_way_at_the_end_says_what_it_waited_for() -> None:
    slow = {"mean": "10s", "distribution": "constant"}
    sections = {
        "joining": {"profile": "at-once"},
        "signalling": served(concurrency=1000, service=slow),
    }
    plane, _, _ = play(scenario_of(sections), until=5 * SECOND)
    assert {s.outcome for s in plane.sessions} == {
        "the meeting ended: waits for the signalling server's answer"
    }
    assert {s.duration for s in plane.sessions} == {NEVER}
