"""Backup access links: who has one, of which kind, on which carrier."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios.population import Population, draw_quantiles
from scenarios.randomness import entity_keys, stream_key, uniforms
from scenarios.scenario import Scenario


@dataclass(frozen=True)
class Backups:
    """The backup access links of a population; (n,) in every field.

    Nothing but ``access`` and ``carrier`` matters where an endpoint has none.
    """

    access: NDArray[np.int32]
    """Index into the scenario's access profiles; −1: the endpoint has no backup."""
    carrier: NDArray[np.int32]
    """Index into the scenario's carriers; −1: the endpoint has no backup."""
    down_rate: NDArray[np.int64]
    """bit/s"""
    up_rate: NDArray[np.int64]
    """bit/s"""
    delay: NDArray[np.int64]
    """ns, each direction."""


def deal_backups(scenario: Scenario, population: Population, replication: int = 0) -> Backups:
    """The backup links that the access profiles of ``scenario`` give to ``population``.

    As with the first link, both rates come from one draw and the delay from another.
    """
    n = len(population)

    def draw(component: str) -> NDArray[np.float64]:
        key = stream_key(scenario.seed, replication, component)
        return uniforms(entity_keys(key, population.site))

    chosen, rate, delay = draw("backup"), draw("backup rate"), draw("backup delay")
    access, carrier = np.full(n, -1, np.int32), np.full(n, -1, np.int32)
    down, up, late = (np.zeros(n, np.int64) for _ in range(3))
    profiles, names = list(scenario.access.values()), list(scenario.access)
    for index, profile in enumerate(profiles):
        if (backup := profile.backup) is None:
            continue
        mine = (population.access == index) & (chosen < backup.share)
        mine[-1] = False  # the command centre has a direct line and no other
        other = names.index(backup.access)
        access[mine] = other
        step = 1 if backup.carrier == "other" else 0
        carrier[mine] = (population.carrier[mine] + step) % len(scenario.carriers)
        down[mine] = draw_quantiles(profiles[other].down.rate, rate[mine])
        up[mine] = draw_quantiles(profiles[other].up.rate, rate[mine])
        late[mine] = draw_quantiles(profiles[other].delay, delay[mine])
    return Backups(access, carrier, down, up, late)
