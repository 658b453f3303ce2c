"""Draws of the control plane: one stream a component and endpoint, read in order."""

import math
from collections.abc import Sequence

from scenarios.randomness import entity_keys, stream_key
from scenarios.signalling import ServiceTime
from simulations.randomness import normal_quantile, uniform


class Draws:
    """Uniform numbers for every endpoint, component by component.

    What an endpoint draws depends on how often it has drawn from the same component, and on
    nothing else.
    """

    def __init__(self, seed: int, replication: int, sites: Sequence[str]) -> None:
        self.seed, self.replication, self.sites = seed, replication, sites
        self._keys: dict[str, list[object]] = {}
        self._counts: dict[tuple[str, int], int] = {}

    def uniform(self, component: str, endpoint: int) -> float:
        """The endpoint's next number in (0, 1)."""
        keys = self._keys.get(component)
        if keys is None:
            root = stream_key(self.seed, self.replication, component)
            keys = self._keys[component] = list(entity_keys(root, self.sites))
        count = self._counts.get((component, endpoint), 0)
        self._counts[component, endpoint] = count + 1
        return float(uniform(keys[endpoint], count))


def service_time(service: ServiceTime, draw: float) -> int:
    """ns of one request, at the uniform ``draw`` of its distribution."""
    if service.distribution == "constant":
        return service.mean
    if service.distribution == "exponential":
        return max(1, round(-math.log(1 - draw) * service.mean)) if draw < 1 else service.mean
    variance = math.log(1 + service.variation**2)
    normal = float(normal_quantile(draw))
    return max(1, round(service.mean * math.exp(math.sqrt(variance) * normal - variance / 2)))
