"""Designs: which points of several variables' ranges are played.

Grids are for few values that are of interest themselves; Latin hypercubes and Sobol' sequences
(scipy.stats.qmc) spread few points over wide ranges; Saltelli's design is what variance-based
sensitivity indices are estimated from.
"""

from collections.abc import Sequence
from itertools import product

import numpy as np
import scipy
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""(points, variables) values in base units."""
Range = tuple[float, float]


def grid(values: Sequence[Sequence[float]]) -> Points:
    """Every combination of the variables' ``values``, the last variable's changing fastest."""
    return np.array(list(product(*values)), np.float64).reshape(-1, len(values))


def latin_hypercube(ranges: Sequence[Range], points: int, seed: int) -> Points:
    """``points`` of which each lies in a stratum of its own, of as many, in every variable."""
    return _scaled(scipy.stats.qmc.LatinHypercube(len(ranges), rng=seed).random(points), ranges)


def sobol(ranges: Sequence[Range], points: int, seed: int) -> Points:
    """The first ``points`` of a scrambled Sobol' sequence.

    Raises:
        ValueError: ``points`` is no power of two, without which the sequence is not balanced.
    """
    return _scaled(_sobol(len(ranges), points, seed), ranges)


def saltelli(ranges: Sequence[Range], points: int, seed: int) -> Points:
    """``points`` × (variables + 2) points for Sobol' indices: A, B, then A with one column of B.

    Saltelli et al., Computer Physics Communications 181 (2010) 259.

    Raises:
        ValueError: ``points`` is no power of two.
    """
    d = len(ranges)
    both = _sobol(2 * d, points, seed)
    a, b = both[:, :d], both[:, d:]
    mixed = [np.where(np.arange(d) == i, b, a) for i in range(d)]
    return _scaled(np.concatenate([a, b, *mixed]), ranges)


def _sobol(dimensions: int, points: int, seed: int) -> Points:
    exponent = points.bit_length() - 1
    if points != 1 << exponent:
        raise ValueError("must be a power of two: 8, 16, 32, …")
    return np.asarray(scipy.stats.qmc.Sobol(dimensions, rng=seed).random_base2(exponent))


def _scaled(unit: Points, ranges: Sequence[Range]) -> Points:
    low, high = np.array(ranges, np.float64).T
    return np.asarray(low + unit * (high - low))
