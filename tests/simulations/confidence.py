"""Whether a theory's value lies where repeated simulations say it must."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

SEEDS = range(40)
"""Replications of every statistical test."""


def check_mean(means: ArrayLike, expected: float, *, within: float) -> None:
    """``expected`` must lie in the 99.9 % confidence interval of replications' ``means``.

    The interval must be narrower than ``within`` × expected on either side, or it says nothing.
    """
    values = np.asarray(means, np.float64)
    assert len(values) >= 30
    half = stats.t.ppf(0.9995, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    assert half <= within * abs(expected), f"half-width {half} at {expected}: too few draws"
    error = values.mean() - expected
    assert abs(error) <= half, f"{values.mean()} ± {half} does not cover {expected}"


def check_coverage(batches: ArrayLike, expected: float, confidence: float = 0.95) -> None:
    """Of replications' own intervals, as many must cover ``expected`` as promised.

    Args:
        batches: (replications, batches) means of batches long enough to be nearly independent.
        expected: what theory says. confidence: of each interval.

    As many: not so few that chance would give it in less than one of 1,000 cases. Batches that are
    still a little correlated make intervals a little short, which takes 3 points.
    """
    values = np.asarray(batches, np.float64)
    replications, count = values.shape
    half = stats.t.ppf(0.5 + confidence / 2, count - 1) * values.std(axis=1, ddof=1)
    covered = np.abs(values.mean(axis=1) - expected) <= half / np.sqrt(count)
    fewest = stats.binom.ppf(0.001, replications, confidence - 0.03)
    assert covered.sum() >= fewest, f"{covered.sum()} of {replications} intervals cover {expected}"
