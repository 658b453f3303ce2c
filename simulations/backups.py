"""Backup access links: each endpoint that has one changes between two links, one of them in use."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.backups import Backups
from scenarios.links import AccessProfile
from scenarios.population import Population
from simulations.access import Keys, Loads, access_links
from simulations.links import LINK_COUNTS
from simulations.world import World

Links = tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int32]]
"""LINKs, and the backlog of their queues (see `make_queues`)."""


@dataclass(frozen=True)
class _Owners:
    """What `access_links` reads of a population, of those who have a backup."""

    access: NDArray[np.int32]
    down_rate: NDArray[np.int64]
    up_rate: NDArray[np.int64]
    delay: NDArray[np.int64]
    site: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.site)


def spare_places(n: int, backups: Backups | None) -> NDArray[np.int32]:
    """(n,) where in `World.spare_uplinks` and `World.spare_downlinks` the link stands that an
    endpoint does not use; −1: it has but one."""
    places = np.full(n, -1, np.int32)
    if backups is not None:
        owners = np.flatnonzero(backups.access >= 0)
        places[owners] = np.arange(len(owners))
    return places


def spare_links(
    access: list[AccessProfile],
    population: Population,
    backups: Backups | None,
    direction: str,
    keys: Keys,
    loads: Loads,
) -> Links | None:
    """All backup links of one direction, idle; None where nobody has one."""
    if backups is None or (backups.access < 0).all():
        return None
    mine = np.flatnonzero(backups.access >= 0)
    owners: Any = _Owners(
        backups.access[mine],
        backups.down_rate[mine],
        backups.up_rate[mine],
        backups.delay[mine],
        tuple(population.site[e] for e in mine),
    )

    def apart(component: str, names: Any) -> NDArray[np.uint64]:
        return keys(f"backup {component}", names)

    return access_links(access, owners, direction, apart, loads)


def with_spares(
    links: Links, spares: Links | None
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64], NDArray[np.int32]]:
    """Links and spare links over one backlog."""
    if spares is None:
        return links[0], links[0][:0].copy(), links[1], links[2]
    spares[0]["queue"]["base"] += len(links[1])
    starts, sizes = (np.concatenate((links[i], spares[i])) for i in (1, 2))
    return links[0], spares[0], starts, sizes


def swap(world: World, endpoint: int) -> None:
    """Let ``endpoint`` use its other link from now on. What has been counted of its link since the
    last sample stays with the endpoint.

    Raises:
        ValueError: it has but one.
    """
    spare = int(world.spare[endpoint])
    if spare < 0:
        raise ValueError(f"endpoint {endpoint} has no backup access link")
    for links, spares in (
        (world.uplinks, world.spare_uplinks),
        (world.downlinks, world.spare_downlinks),
    ):
        used, idle = links[endpoint : endpoint + 1], spares[spare : spare + 1]
        for name in LINK_COUNTS:
            used[name], idle[name] = idle[name].copy(), used[name].copy()
        kept = used.copy()
        used[:] = idle
        idle[:] = kept
