"""Whatever fails, and whenever: what always holds of the control plane."""

from collections import Counter
from typing import Any

import simpy
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from scenarios.endpoints import When
from scenarios.faults import Incident
from scenarios.mishaps import mishap_problems
from scenarios.recovery import POLICIES, Recovery
from scenarios.scenario import Scenario
from scenarios.units import SECOND
from simulations.control_plane import ControlPlane
from simulations.sessions import NEVER
from simulations.states import State
from tests.simulations.controlled import Log, scenario_of
from tests.simulations.stand_in import StandIn, stand_in

SERVER = {"label": "Server", "latitude": 21.03, "longitude": 105.84, "carriers": ["vnpt"]}
SMALL = scenario_of(
    {
        "signalling": {"servers": {"main": SERVER, "other": {**SERVER, "latitude": 10.78}}},
        "joining": {"profile": "spread", "over": "20s"},
        "access": {"fibre": {"backup": {"share": "50%", "access": "4g"}}},
        "ice": {"symmetric_nat": "20%", "udp_blocked": "10%"},
    },
    sample=9,
    duration="20min",
)
PLAYED = SMALL.endpoints.model_copy(
    update={"only": When(site=stand_in(SMALL).population.site[:-1])}
)
"""The endpoints that are played: the whole table is more than the checks need."""
PROVINCES = sorted(set(stand_in(SMALL).population.province[:-1]))
OBJECTS = [
    ("die", "node{node=hanoi}"),
    ("die", "node{node=hcmc}"),
    ("hang", "node{node=hanoi}"),
    ("hang", "node{node=hcmc}"),
    ("drain", "node{node=hanoi}"),
    ("drain", "node{node=hcmc}"),
    ("die", "signalling{server=main}"),
    ("die", "signalling{server=other}"),
    ("cut", "backbone{carrier=vnpt,node=hanoi}"),
    ("cut", "backbone{carrier=vnpt,node=hcmc}"),
    ("cut", "backbone{carrier=viettel}"),
    ("cut", "peering{carrier=viettel}"),
    ("degrade", "peering{carrier=viettel}"),
    ("cut", f"aggregation{{province={PROVINCES[0]}}}"),
    ("cut", "access{access=fibre}"),
    ("degrade", "access"),
    ("power-cut", f"province{{province={PROVINCES[0]}}}"),
    ("power-cut", f"province{{province={PROVINCES[1]}}}"),
]
LAST = 240
"""Seconds after which everything is repaired that is ever repaired."""
SETTLED = 1000
"""By then whoever can is back."""


def _incident(drawn: tuple[tuple[str, str], int, int | None, bool]) -> Incident:
    (kind, of), at, end, part = drawn
    given: dict[str, Any] = {"kind": kind, "of": of, "at": f"{at}s"}
    if end is not None:
        given["until"] = f"{max(end, at + 1)}s"
    if kind == "degrade":
        given["loss"] = "20%"
    if part and of.startswith("access"):
        given["share"] = "50%"
    return Incident.model_validate(given)


def _without_overlaps(faults: list[Incident]) -> tuple[Incident, ...]:
    kept: list[Incident] = []
    for fault in faults:
        problems = mishap_problems(
            duration=SMALL.duration,
            joining=None,
            signalling=SMALL.signalling,
            placement=None,
            faults=[*kept, fault],
            nodes=SMALL.nodes,
            carriers=SMALL.carriers,
            access=SMALL.access,
            endpoints=PLAYED,
            centre=SMALL.command_centre,
            unsignalled=False,
        )
        if not list(problems):
            kept.append(fault)
    return tuple(kept)


NETWORK = stand_in(SMALL)
TIMELINES = st.lists(
    st.tuples(
        st.sampled_from(OBJECTS),
        st.integers(0, LAST - 1),
        st.none() | st.integers(1, LAST),
        st.booleans(),
    ),
    max_size=6,
).map(lambda drawn: _without_overlaps([_incident(one) for one in drawn]))


class Watched(ControlPlane):
    """A control plane that is looked at while it runs."""

    def look(self, network: StandIn, broken: dict[int, int]) -> None:
        """What holds at every moment; ``broken``: since when the path of each has been dead."""
        now = int(self.env.now)
        for client in self.clients:
            e = client.endpoint
            assert isinstance(client.state, State)
            if not client.takes_part:
                broken.pop(e, None)
                continue
            assert network.served.get(e, client.node) == client.node
            if network.reaches(e, client.node):
                broken.pop(e, None)
            else:
                since = broken.setdefault(e, now)
                assert now - since <= self.recovery.detection
        charges = Counter(c.node for c in self.clients if c.node != NEVER)
        movers = sum(client.state is State.MOVING for client in self.clients)
        for node, count in enumerate(self.placing.charges):
            assert 0 <= count - charges[node] <= movers, "a node knows who is on it"


def _watch(scenario: Scenario) -> tuple[Watched, StandIn, Log]:
    network = StandIn(scenario, NETWORK.population, NETWORK.backups)
    env, log = simpy.Environment(initial_time=0), Log()
    plane = Watched(env, scenario, network.population, network.backups, network, log)
    broken: dict[int, int] = {}
    for second in range(1, SETTLED):
        env.run(until=second * SECOND)
        plane.look(network, broken)
    plane.close()
    return plane, network, log


def _could_be_back(plane: ControlPlane, network: StandIn, endpoint: int) -> bool:
    """Whether any of its links leads to a server and to a node that takes it."""
    before = network.backup.get(endpoint, False)
    links = [False, True] if network.backups.access[endpoint] >= 0 else [False]
    found = False
    for link in links:
        network.backup[endpoint] = link
        nodes = [n for n in range(len(plane.nodes)) if not plane.placing.draining[n]]
        servers = [plane.place(s) for s in range(len(plane.servers))]
        found |= any(network.reaches(endpoint, n) for n in nodes) and any(
            network.reaches(endpoint, s) for s in servers
        )
    network.backup[endpoint] = before
    return found and plane.clients[endpoint].powered


def _rows(plane: ControlPlane) -> list[object]:
    return [*plane.sessions, *plane.interruptions]


@given(faults=TIMELINES, policy=st.sampled_from(sorted(POLICIES)), seed=st.integers(0, 2**31))
@example(
    faults=_without_overlaps(  # who moves is lost on the way
        [
            _incident((("die", "node{node=hanoi}"), 8, None, False)),
            _incident((("drain", "node{node=hcmc}"), 8, None, False)),
            _incident((("cut", "access{access=fibre}"), 13, None, False)),
        ]
    ),
    policy="full-jitter",
    seed=0,
)
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_fails(faults: tuple[Incident, ...], policy: str, seed: int) -> None:
    recovery = Recovery.model_validate({"policy": policy})
    scenario = SMALL.model_copy(update={"faults": faults, "recovery": recovery, "seed": seed})
    plane, network, log = _watch(scenario)
    for client in plane.clients:
        e = client.endpoint
        if client.state is State.CONNECTED:
            assert network.served[e] == client.node
            assert client.cut_at == NEVER
        elif policy != "none":
            assert client.state is not State.GONE
            assert not _could_be_back(plane, network, e), (client.state, client.why)
    for row in plane.interruptions:
        assert (row.back == NEVER) == bool(row.cause)
        assert row.back == NEVER or row.back >= row.lost
    assert all(session.outcome for session in plane.sessions)
    assert len(log.of("fault")) == len(faults)


@given(faults=TIMELINES, policy=st.sampled_from(sorted(POLICIES)))
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_same_again(faults: tuple[Incident, ...], policy: str) -> None:
    recovery = Recovery.model_validate({"policy": policy})
    scenario = SMALL.model_copy(update={"faults": faults, "recovery": recovery})
    first, second = (_watch(scenario) for _ in range(2))
    assert _rows(first[0]) == _rows(second[0])
    assert first[2].events == second[2].events
