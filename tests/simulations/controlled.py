"""Small scenarios with a control plane over a stand-in network."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import simpy

from scenarios.loading import parse_scenario
from scenarios.scenario import Scenario
from scenarios.units import SECOND
from simulations.control_plane import ControlPlane
from tests.simulations.stand_in import StandIn, stand_in

SERVER = {
    "label": "Main",
    "latitude": 21.03,
    "longitude": 105.84,
    "carriers": ["vnpt", "viettel"],
    "service": {"mean": "10ms", "distribution": "constant"},
}
"""A signalling server that takes 10 ms a request."""


def scenario_of(
    sections: Mapping[str, Any] | None = None, sample: int = 20, duration: str = "10min"
) -> Scenario:
    """The national briefing's first endpoints, with ``sections`` of the control plane."""
    return parse_scenario(
        {
            "extends": "national-briefing",
            "duration": duration,
            "endpoints": {"sample": sample},
            "meeting": {"floor": [{"at": "0s", "site": "command-centre"}], "wall": None},
            "thresholds": None,
            "signalling": {
                "servers": {
                    "main": {
                        "label": "Main",
                        "latitude": 21.03,
                        "longitude": 105.84,
                        "carriers": ["vnpt", "viettel"],
                    }
                }
            },
            **(sections or {}),
        }
    )


@dataclass
class Log:
    """Keeps events."""

    events: list[tuple[int, str, str, str]] = field(default_factory=list)

    def add(self, now: int, kind: str, subject: str, detail: str = "") -> None:
        self.events.append((now, kind, subject, detail))

    def of(self, kind: str) -> list[tuple[float, str]]:
        """Seconds and subjects of all events of one kind."""
        return [(now / SECOND, subject) for now, k, subject, _ in self.events if k == kind]


def play(
    scenario: Scenario, network: StandIn | None = None, until: int | None = None
) -> tuple[ControlPlane, StandIn, Log]:
    """Play the control plane of ``scenario`` alone, up to its end."""
    network = network or stand_in(scenario)
    env, log = simpy.Environment(initial_time=0), Log()
    plane = ControlPlane(env, scenario, network.population, network.backups, network, log)
    end = until or scenario.duration
    env.run(until=end)
    plane.close()
    return plane, network, log


def served(**changes: Any) -> dict[str, Any]:
    """A section `signalling` with one server."""
    server = {**SERVER, **{k: v for k, v in changes.items() if k != "transport"}}
    return {"servers": {"main": server}, "transport": changes.get("transport", "websocket")}


def outcomes(plane: ControlPlane, kind: str) -> set[str]:
    return {session.outcome for session in plane.sessions if session.kind == kind}
