"""Sensitivity: how much of an outcome's variance each variable brings about."""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Index:
    """A variable's share of the variance, with the ends of its bootstrap interval."""

    first: float
    """By itself (first-order Sobol' index)."""
    first_interval: tuple[float, float]
    total: float
    """With all its interactions (total-order index)."""
    total_interval: tuple[float, float]


def sobol_indices(outcomes: ArrayLike, variables: int, confidence: float = 0.95) -> list[Index]:
    """Indices from the (n × (variables + 2),) ``outcomes`` at the points of `designs.saltelli`.

    Estimators of Saltelli (2010) and Jansen (1999), as scipy.stats.sobol_indices has them. An
    outcome that does not vary gives indices of 0.

    Raises:
        ValueError: an outcome is not finite.
    """
    values = np.asarray(outcomes, np.float64)
    if not np.isfinite(values).all():
        raise ValueError("an outcome is missing or infinite")
    n = len(values) // (variables + 2)
    if np.ptp(values) == 0:
        return [Index(0.0, (0.0, 0.0), 0.0, (0.0, 0.0))] * variables
    parts = values.reshape(variables + 2, 1, n)
    found = scipy.stats.sobol_indices(
        func={"f_A": parts[0], "f_B": parts[1], "f_AB": parts[2:]}, n=n
    )
    bounds = found.bootstrap(confidence_level=confidence, n_resamples=499)

    def ends(interval: object, i: int) -> tuple[float, float]:
        low = np.ravel(interval.low)[i]  # type: ignore[attr-defined]
        high = np.ravel(interval.high)[i]  # type: ignore[attr-defined]
        return float(low), float(high)

    first, total = np.ravel(found.first_order), np.ravel(found.total_order)
    return [
        Index(
            float(first[i]),
            ends(bounds.first_order.confidence_interval, i),
            float(total[i]),
            ends(bounds.total_order.confidence_interval, i),
        )
        for i in range(variables)
    ]
