"""What a live run is to play, and in which order endpoints come in."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scenarios.meeting import COMMAND_CENTRE
from scenarios.population import Population
from scenarios.randomness import entity_keys, stream_key, uniforms
from scenarios.scenario import Scenario
from scenarios.units import SECOND
from simulations.setting_out import setting_out

PROBE_SHARE = 0.01
Phase = Literal["preparing", "joining", "playing"]


@dataclass(frozen=True)
class Plan:
    """What is to be played."""

    scenario: Scenario
    target: str
    """A URL; see `synthetic_clients.signalling`."""
    token: str | None = None
    processes: int = 1
    """Client processes on each machine."""
    join_s: float = 10.0
    """Seconds over which endpoints come in, evenly."""
    probes: float = PROBE_SHARE
    """Share of the endpoints that decode everything."""
    linked: bool = True
    pictures: bool = True
    """Whether pictures are played as well as voices."""
    servers: Mapping[str, str] = field(default_factory=dict)
    """URLs by media node, where each has a server of its own; else ``target`` is all of them."""
    command: tuple[str, ...] = ()


def join_times(plan: Plan, population: Population) -> NDArray[np.float64]:
    """(n,) when each endpoint sets out to join, s: by the scenario's profile, from the meeting's
    start; without one evenly over `join_s`, from the first on. The command centre is first."""
    n = len(population)
    joining = plan.scenario.joining
    if joining is not None:
        key = stream_key(plan.scenario.seed, 0, "joining")
        draws = uniforms(entity_keys(key, population.site), 0)
        return setting_out(joining, population.province, draws) / SECOND
    centre = population.site.index(COMMAND_CENTRE)
    order = np.array([centre, *(e for e in range(n) if e != centre)])
    times = np.empty(n)
    times[order] = np.arange(n) / n * plan.join_s
    return times


def probes_of(population: Population, share: float) -> frozenset[int]:
    """Endpoints that decode everything: evenly spread, at least one if any are wanted; never the
    command centre."""
    others = len(population) - 1
    wanted = min(math.ceil(share * others), others)
    return frozenset((2 * i + 1) * others // (2 * wanted) for i in range(wanted))


@dataclass
class Progress:
    """How far a live run is, for those who look on."""

    phase: Phase
    joined: int
    endpoints: int
    played_s: float
    duration_s: float


def planned(seconds: float, times: NDArray[np.float64]) -> int:
    """Endpoints that have set out by so many ``seconds``, of those who do at ``times``; one at
    least."""
    return max(1, int((times <= seconds).sum()))
