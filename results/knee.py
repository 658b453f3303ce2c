"""The knee of a curve: where it turns from one slope into another."""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike

FEWEST = 7
"""Points below which there is no saying."""
_GRID = 200


@dataclass(frozen=True)
class Knee:
    """Where two straight lines that meet fit the curve best."""

    value: float
    low: float
    high: float
    """The interval's ends."""


def find_knee(x: ArrayLike, y: ArrayLike, confidence: float = 0.95) -> Knee | None:
    """The knee of the (n,) points, or None where two lines fit no better than one.

    Least squares for two lines that meet at a place of the range, by trying places; the interval
    holds all places whose sum of squares an F-test cannot tell from the best (Seber and Wild,
    Nonlinear Regression, 9.3). One line is kept where the same test prefers it.
    """
    place, value = np.asarray(x, np.float64), np.asarray(y, np.float64)
    known = np.isfinite(place) & np.isfinite(value)
    place, value = place[known], value[known]
    distinct = np.unique(place)
    if len(place) < FEWEST or len(distinct) < 4:
        return None
    grid = np.linspace(distinct[1], distinct[-2], _GRID)
    squares = np.array([_squares(place, value, np.maximum(place - k, 0.0)) for k in grid])
    straight = _squares(place, value)
    freedom = len(place) - 4
    best = float(squares.min())
    limit = best * (1 + scipy.stats.f.ppf(confidence, 1, freedom) / freedom)
    if straight <= best * (1 + 2 * scipy.stats.f.ppf(confidence, 2, freedom) / freedom):
        return None
    inside = grid[squares <= limit]
    return Knee(float(grid[squares.argmin()]), float(inside[0]), float(inside[-1]))


def _squares(
    place: np.ndarray[tuple[int], np.dtype[np.float64]],
    value: np.ndarray[tuple[int], np.dtype[np.float64]],
    *more: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> float:
    columns = np.column_stack([np.ones_like(place), place, *more])
    solution = np.linalg.lstsq(columns, value, rcond=None)[0]
    return float(((value - columns @ solution) ** 2).sum())
