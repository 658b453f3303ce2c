"""Virtual links: the access links that the scenario deals to a process's endpoints."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.population import Population
from scenarios.randomness import mix_keys, name_hashes, stream_key
from scenarios.scenario import Scenario
from simulations.access import Loads, access_links
from synthetic_clients.state import Links


@dataclass(frozen=True)
class VirtualLinks:
    """Idle links both ways, as at the meeting's beginning."""

    down: Links
    up: Links
    loads: tuple[NDArray[np.int64], NDArray[np.float64]]
    """See `simulations.access.Loads.tables`."""


def virtual_links(
    scenario: Scenario, population: Population, endpoints: Sequence[int]
) -> VirtualLinks:
    """The links of ``endpoints`` (indices into ``population``): the same, draw by draw, as in a
    simulation of the scenario."""

    def keys(component: str, names: Sequence[str]) -> NDArray[np.uint64]:
        return mix_keys(stream_key(scenario.seed, 0, component), name_hashes(names))

    loads = Loads()
    access = list(scenario.access.values())
    mine = subset(population, endpoints)
    sides = [access_links(access, mine, way, keys, loads) for way in ("down", "up")]
    return VirtualLinks(Links(*sides[0]), Links(*sides[1]), loads.tables())


def subset(population: Population, endpoints: Sequence[int]) -> Population:
    """The ``endpoints`` (indices) of ``population`` alone."""
    chosen = list(endpoints)
    fields: dict[str, Any] = {}
    for name, values in vars(population).items():
        fields[name] = (
            tuple(values[i] for i in chosen) if isinstance(values, tuple) else values[chosen]
        )
    return Population(**fields)
