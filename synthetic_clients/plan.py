"""What a live run is to play, and in which order endpoints come in."""

import math
from dataclasses import dataclass
from typing import Literal

from scenarios.meeting import COMMAND_CENTRE
from scenarios.population import Population
from scenarios.scenario import Scenario
from synthetic_clients.recovery import RECOVERY, Recovery

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
    recovery: Recovery = RECOVERY
    command: tuple[str, ...] = ()


def join_order(population: Population) -> list[int]:
    """Endpoints as they come in: the command centre first."""
    centre = population.site.index(COMMAND_CENTRE)
    return [centre, *(e for e in range(len(population)) if e != centre)]


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


def planned(seconds: float, endpoints: int, join_s: float) -> int:
    """Endpoints that are to be there so many ``seconds`` after the first was let in, when all come
    in evenly over ``join_s``; one at least."""
    if join_s <= 0:
        return endpoints
    return max(1, math.ceil(min(seconds / join_s, 1.0) * endpoints))
