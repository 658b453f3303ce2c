"""Counter-based random numbers: a draw is a function of (seed, replication, component, entity,
counter) and of nothing else, so neither order nor threads nor other entities change it.

The generator is SplitMix64 (Steele, Lea and Flood 2014) read at a place instead of in turn. The
compiled kernels draw by the same formula.
"""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import ArrayLike, NDArray

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""SplitMix64's increment: 2**64 over the golden ratio, made odd."""

_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def mix(values: ArrayLike) -> NDArray[np.uint64]:
    """SplitMix64's finalizer, elementwise: a bijection of 64-bit integers."""
    z = np.atleast_1d(np.asarray(values, np.uint64))
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    return (z ^ (z >> np.uint64(31))).reshape(np.shape(values))


def stream_key(seed: int, replication: int, component: str) -> np.uint64:
    """The key of one component's stream, as in `stream_key(7, 0, "deal carrier")`."""
    return np.uint64(_hash(f"{seed}/{replication}/{component}"))


def name_hashes(names: Sequence[str]) -> NDArray[np.uint64]:
    """(n,) hashes of ``names``, the same on every machine."""
    return np.fromiter((_hash(name) for name in names), np.uint64, len(names))


def entity_keys(key: np.uint64, names: Sequence[str]) -> NDArray[np.uint64]:
    """(n,) keys of the entities ``names`` within the stream ``key``.

    An entity's key depends on its name alone: adding endpoints leaves the others' draws as they
    were.
    """
    return mix_keys(key, name_hashes(names))


def mix_keys(key: np.uint64, hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """`entity_keys` from names hashed before, for entities that draw from many streams."""
    return mix(hashes ^ key)


def uniforms(keys: NDArray[np.uint64] | np.uint64, counter: ArrayLike = 0) -> NDArray[np.float64]:
    """Draw number ``counter`` of each key, uniform in (0, 1); keys and counters broadcast.

    The half that is added keeps 0 out; rounding to a double reaches 1 once in 2**53 draws.
    """
    # Arrays of one element: numpy warns of the overflow that is meant where both are scalars.
    steps = (np.atleast_1d(np.asarray(counter, np.uint64)) + np.uint64(1)) * GOLDEN
    bits = mix(np.atleast_1d(np.asarray(keys, np.uint64)) + steps) >> np.uint64(11)
    shape = np.broadcast_shapes(np.shape(keys), np.shape(counter))
    return ((bits.astype(np.float64) + 0.5) * 2.0**-53).reshape(shape)


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")
