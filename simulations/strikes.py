"""Strikes: the faults of a scenario as they befall this population, each at its time."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.backups import Backups
from scenarios.faults import Incident, starts
from scenarios.population import Population, draw_quantiles
from scenarios.scenario import Scenario
from scenarios.targets import End, Targets
from simulations.draws import Draws
from simulations.network import Component


@dataclass(frozen=True)
class Strike:
    """One fault with its beginning, its end and all that it befalls."""

    begin: int
    """ns"""
    end: int | None
    """ns; None: for good."""
    label: str
    kind: str
    components: tuple[Component, ...]
    """In a fixed order."""
    endpoints: tuple[int, ...] = ()
    """Those without power."""
    rate: float = 1.0
    loss: float = 0.0


def strikes(
    scenario: Scenario, population: Population, backups: Backups, draws: Draws
) -> list[Strike]:
    """All strikes in the order of their beginnings; of equals, in the scenario's order."""
    times = starts(scenario.faults)
    targets = _dealt(scenario, population, backups)
    number = {site: e for e, site in enumerate(population.site)}
    found = []
    for index, (fault, begin) in enumerate(zip(scenario.faults, times, strict=True)):
        if begin is None:
            continue
        objects = sorted(targets.befallen(fault))
        components = [_component(name) for name in objects if name[0] != "access"]
        ends = sorted(number[name[1]] for name in objects if name[0] == "access")
        if fault.share < 1:
            component = f"fault {index}"
            ends = [e for e in ends if draws.uniform(component, e) < fault.share]
        components += [("access", e, "primary") for e in ends]
        endpoints = ends if fault.kind == "power-cut" else []
        found.append(
            Strike(
                begin,
                _end(fault, begin, index, draws),
                fault.label or f"{fault.kind} {fault.of}",
                fault.kind,
                tuple(components),
                tuple(endpoints),
                fault.rate,
                fault.loss,
            )
        )
    return sorted(found, key=lambda strike: strike.begin)


def behind(
    strike: Strike,
    scenario: Scenario,
    population: Population,
    carrier: NDArray[np.integer[Any]],
    node: NDArray[np.integer[Any]],
) -> NDArray[np.bool_]:
    """Whose access link, or way to their media node, a fault befalls.

    Args:
        carrier: (n,) index of the carrier whose network each endpoint uses.
        node: (n,) index of the media node that each is at; −1: at none.

    Returns:
        (n,); nobody for a signalling server, which no media passes.
    """
    carriers, nodes = list(scenario.carriers), list(scenario.nodes)
    province = np.array(population.province)
    shared, own = np.zeros(len(population), bool), np.zeros(len(population), bool)
    for component in strike.components:
        if component[0] == "access":
            own[int(component[1])] = True
        elif component[0] == "node":
            own |= node == nodes.index(str(component[1]))
        elif component[0] == "station":
            kind, name, place = (str(part) for part in component[1:])
            mine = carrier == carriers.index(name)
            if kind == "aggregation":
                mine &= province == place
            else:
                mine &= node == nodes.index(place)
            shared |= mine
    shared[-1] = False  # the command centre has a direct line to its node
    return own | shared


def describe(strike: Strike, struck: NDArray[np.bool_]) -> str:
    """A fault's kind and, as `behind` has it, how many endpoints it befalls."""
    if any(component[0] == "server" for component in strike.components):
        return strike.kind
    count = int(struck[:-1].sum())
    whom = [f"{count:,} endpoint{'' if count == 1 else 's'}"] if count or not struck[-1] else []
    whom += ["the command centre"] if struck[-1] else []
    return f"{strike.kind}, {' and '.join(whom)}"


def _dealt(scenario: Scenario, population: Population, backups: Backups) -> Targets:
    """All that can break, by what was dealt to whom."""
    carriers, access = list(scenario.carriers), list(scenario.access)
    groups = {
        (carriers[carrier], province)
        for owner in (population, backups)
        for carrier, province in zip(owner.carrier.tolist(), population.province, strict=True)
        if carrier >= 0 and province
    }
    ends = [
        End(site, level, province, carriers[carrier], access[kind])
        for site, level, province, carrier, kind in zip(
            population.site,
            population.level,
            population.province,
            population.carrier.tolist(),
            population.access.tolist(),
            strict=True,
        )
    ]
    servers = tuple(scenario.signalling.servers) if scenario.signalling else ()
    return Targets(scenario.nodes, servers, carriers, groups, ends)


def _component(name: tuple[str, ...]) -> Component:
    if name[0] == "signalling":
        return ("server", name[1])
    return name if name[0] == "node" else ("station", *name)


def _end(fault: Incident, begin: int, index: int, draws: Draws) -> int | None:
    if fault.until is not None:
        return fault.until
    if fault.for_ is not None:
        return begin + fault.for_
    if fault.repair is None:
        return None
    draw = np.array([draws.uniform(f"repair {index}", len(draws.sites) - 1)])
    return begin + int(draw_quantiles(fault.repair, draw)[0])
