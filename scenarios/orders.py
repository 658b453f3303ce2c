"""Orders: how endpoints follow one another on the wall, in a roll call, among speakers."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scenarios.meeting import Order
from scenarios.population import Population
from scenarios.randomness import mix_keys, name_hashes, stream_key, uniforms


def ordered(
    population: Population,
    candidates: Sequence[int],
    order: Order,
    *,
    seed: int,
    replication: int,
    component: str,
) -> list[int]:
    """``candidates``, indices of endpoints, in ``order``.

    Args:
        component: names the stream of random numbers that the order `spread` draws from. Each
            endpoint draws by its site's name.
    """
    places = np.arange(len(candidates))
    if order == "table":
        return list(candidates)
    if order == "province":
        province = _codes([population.province[e] for e in candidates])
        turns = _turns(province, places)
        chosen = np.lexsort((province, turns))
    else:
        sites = name_hashes([population.site[e] for e in candidates])
        draws = uniforms(mix_keys(stream_key(seed, replication, component), sites))
        strata = _codes([(population.access[e], population.province[e]) for e in candidates])
        chosen = np.lexsort((places, draws, _turns(strata, draws)))
    return [candidates[place] for place in chosen]


def _codes(values: Sequence[object]) -> NDArray[np.int64]:
    """(n,) a number for each value, by first appearance."""
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], np.int64)


def _turns(strata: NDArray[np.int64], by: NDArray[np.generic]) -> NDArray[np.int64]:
    """(n,) how many of the same stratum come before each, sorted ``by``."""
    line = np.lexsort((by, strata))
    begins = np.searchsorted(strata[line], strata[line])
    turns = np.empty(len(line), np.int64)
    turns[line] = np.arange(len(line)) - begins
    return turns
