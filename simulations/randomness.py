"""Counter-based random numbers inside kernels: a pure function of (key, counter).

The same finalizer as `scenarios.randomness`: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). Keys
come from there; whoever draws keeps the counter, so that no stream depends on another.
"""

import math
from typing import Any

import numpy as np

from simulations.compiled import inlined, kernel

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_SCALE = 2.0**-53


@inlined
def mix(z: Any) -> Any:
    """SplitMix64's finalizer."""
    z = (z ^ (z >> _S30)) * _MIX_1
    z = (z ^ (z >> _S27)) * _MIX_2
    return z ^ (z >> _S31)


@inlined
def uniform(key: Any, counter: int) -> float:
    """A number in (0, 1), uniform."""
    z = mix(key + np.uint64(counter + 1) * _GOLDEN)
    return (np.float64(np.int64(z >> _S11)) + 0.5) * _SCALE  # signed: in one instruction


@inlined
def exponential(key: Any, counter: int, mean: float) -> float:
    """A number with an exponential distribution."""
    return -mean * math.log(uniform(key, counter))


@inlined
def standard_normal(key: Any, counter: int) -> float:
    """A number with a standard normal distribution."""
    return normal_quantile(uniform(key, counter))


@kernel
def normal_quantile(probability: float) -> float:
    """The standard normal's quantile to about 7 digits: Wichura's PPND7 (AS 241, 1988)."""
    q = probability - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        over = ((59.109374720 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179
        under = ((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1.0
        return q * over / under
    r = math.sqrt(-math.log(min(probability, 1.0 - probability)))
    if r <= 5.0:
        r -= 1.6
        over = ((0.17023821103 * r + 1.3067284816) * r + 2.7568153900) * r + 1.4234372777
        under = (0.12021132975 * r + 0.73700164250) * r + 1.0
    else:
        r -= 5.0
        over = ((0.017337203997 * r + 0.42868294337) * r + 3.0812263860) * r + 6.6579051150
        under = (0.012258202635 * r + 0.24197894225) * r + 1.0
    return math.copysign(over / under, q)
