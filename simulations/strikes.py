"""Strikes: the faults of a scenario as they befall this population, each at its time."""

from dataclasses import dataclass

import numpy as np

from scenarios.backups import Backups
from scenarios.faults import Incident, starts
from scenarios.mishaps import befallen
from scenarios.population import Population, draw_quantiles
from scenarios.scenario import Scenario
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
    rows = scenario.endpoints.taken or ()
    times = starts(scenario.faults)
    groups = _groups(scenario, population, backups)
    found = []
    for index, (fault, begin) in enumerate(zip(scenario.faults, times, strict=True)):
        if begin is None:
            continue
        objects = befallen(
            fault,
            nodes=scenario.nodes,
            carriers=tuple(scenario.carriers),
            access=(),
            servers=tuple(scenario.signalling.servers) if scenario.signalling else (),
            rows=rows,
        )
        components: list[Component] = [
            _component(name)
            for name in sorted(objects)
            if name[0] != "aggregation" or name[1:] in groups
        ]
        endpoints: list[int] = []
        if fault.target in ("access", "province"):
            ends = _endpoints(fault, scenario, population)
            if fault.share < 1:
                component = f"fault {index}"
                ends = [e for e in ends if draws.uniform(component, e) < fault.share]
            components += [("access", e, "primary") for e in ends]
            if fault.kind == "power-cut":
                endpoints = ends
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


def _groups(scenario: Scenario, population: Population, backups: Backups) -> set[tuple[str, ...]]:
    """Carrier and province of all who share an aggregation link."""
    names = list(scenario.carriers)
    return {
        (names[carrier], population.province[e])
        for owner in (population.carrier, backups.carrier)
        for e, carrier in enumerate(owner[:-1].tolist())
        if carrier >= 0
    }


def _component(name: tuple[str, ...]) -> Component:
    if name[0] == "signalling":
        return ("server", name[1])
    return name if name[0] == "node" else ("station", *name)


def _endpoints(fault: Incident, scenario: Scenario, population: Population) -> list[int]:
    """Endpoints whose access links ``fault`` selects, by what was dealt to them."""
    chosen = np.ones(len(population), bool)
    chosen[-1] = fault.selector.get("site") == population.site[-1]
    for attribute, value in fault.selector.items():
        if attribute == "carrier":
            chosen &= population.carrier == list(scenario.carriers).index(value)
        elif attribute == "access":
            chosen &= population.access == list(scenario.access).index(value)
        else:
            chosen &= np.array(getattr(population, attribute)) == value
    return [int(e) for e in np.flatnonzero(chosen)]


def _end(fault: Incident, begin: int, index: int, draws: Draws) -> int | None:
    if fault.until is not None:
        return fault.until
    if fault.for_ is not None:
        return begin + fault.for_
    if fault.repair is None:
        return None
    draw = np.array([draws.uniform(f"repair {index}", len(draws.sites) - 1)])
    return begin + int(draw_quantiles(fault.repair, draw)[0])
