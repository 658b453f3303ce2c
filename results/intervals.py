"""Intervals: what independent repetitions say about a true value, and about a difference of two.

Arrays hold one value a repetition along their last axis; leading axes are separate cases. Values
of one repetition (packets, intervals of a meeting) depend on one another, so they never stand in
for repetitions here: a run is one value.

Sources: Student's t and Welch's approximate degrees of freedom (Law, Simulation Modeling and
Analysis, 5th ed., 4.5 and 10.2); order statistics (Conover, Practical Nonparametric Statistics,
3.2); Wilson's score interval (1927); Holm (1979); Benjamini and Hochberg (1995).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

CONFIDENCE = 0.95
"""Of every interval, unless said otherwise."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A mean over repetitions and its confidence interval."""

    value: float | None
    """None without data, infinite if any repetition's value is."""
    low: float | None
    high: float | None
    """The interval's ends; None where fewer than two finite values leave it unknown."""
    count: int
    """Repetitions that have a value."""

    @property
    def half_width(self) -> float | None:
        """Half of the interval's length; None without an interval."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2

    @property
    def relative_half_width(self) -> float | None:
        """The half-width as a share of the value: 0 where all repetitions agree; None without an
        interval, infinite around 0."""
        half = self.half_width
        if half is None or self.value is None:
            return None
        if half == 0:
            return 0.0
        return half / abs(self.value) if self.value else math.inf


def estimate(values: Sequence[float | None], confidence: float = CONFIDENCE) -> Estimate:
    """The mean of ``values``, one a repetition, with its t-interval; None values are left out.

    A mean over repetitions of which one is infinite is infinite, and has no interval.
    """
    known = np.array([value for value in values if value is not None], dtype=np.float64)
    if not len(known):
        return Estimate(None, None, None, 0)
    mean = _tidy(float(known.mean()), known)
    if len(known) < 2 or not np.isfinite(known).all():
        return Estimate(mean, None, None, len(known))
    low, high = mean_interval(known, confidence)
    return Estimate(mean, _tidy(float(low), known), _tidy(float(high), known), len(known))


def mean_interval(values: ArrayLike, confidence: float = CONFIDENCE) -> tuple[Floats, Floats]:
    """Ends, shaped (…), of Student's t-intervals for the means of (…, n) ``values``, n ≥ 2.

    Exact for normal values; close to it for means and percentiles of many, as runs' figures are.
    """
    x = np.asarray(values, np.float64)
    n = x.shape[-1]
    half = scipy.stats.t.ppf(0.5 + confidence / 2, n - 1) * x.std(axis=-1, ddof=1) / math.sqrt(n)
    mean = x.mean(axis=-1)
    return np.asarray(mean - half), np.asarray(mean + half)


def quantile_interval(
    values: ArrayLike, share: float, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Two of the (n,) ``values`` between which the quantile ``share`` (0 to 1) lies.

    By order statistics: it holds for any distribution, with at least the stated confidence. An
    end is infinite where there are too few values: the median needs 6 of them for 95 %.
    """
    x = np.asarray(values, np.float64)
    found = scipy.stats.quantile_test(x, q=0, p=share).confidence_interval(confidence)
    low, high = float(found.low), float(found.high)
    return (-math.inf if math.isnan(low) else low), (math.inf if math.isnan(high) else high)


def proportion_interval(
    successes: int, count: int, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Wilson's interval for the probability of a success, from ``successes`` of ``count`` ≥ 1."""
    found = scipy.stats.binomtest(successes, count).proportion_ci(confidence, method="wilson")
    return float(found.low), float(found.high)


@dataclass(frozen=True)
class Difference:
    """What is left when one mean is taken from another; arrays where there are several cases."""

    value: Floats
    """After less before."""
    low: Floats
    high: Floats
    """Ends of the confidence interval."""
    p: Floats
    """Two-sided p-value of the hypothesis that there is none."""


def paired_difference(
    before: ArrayLike, after: ArrayLike, confidence: float = CONFIDENCE
) -> Difference:
    """The mean of ``after`` − ``before``, (…, n) values each of which belongs to the other's.

    Pairs are repetitions with common random numbers: what both share cancels.
    """
    apart = np.asarray(after, np.float64) - np.asarray(before, np.float64)
    n = apart.shape[-1]
    error = apart.std(axis=-1, ddof=1) / math.sqrt(n)
    return _difference(apart.mean(axis=-1), error, np.float64(n - 1), confidence)


def independent_difference(
    before: ArrayLike, after: ArrayLike, confidence: float = CONFIDENCE
) -> Difference:
    """The difference of means of (…, m) and (…, n) values that have nothing to do with each other.

    Welch's interval. Where one side has a single value, the other's variance stands for both: it
    says whether that value is one of theirs. At least one side has two values.
    """
    a, b = np.asarray(before, np.float64), np.asarray(after, np.float64)
    m, n = a.shape[-1], b.shape[-1]
    value = b.mean(axis=-1) - a.mean(axis=-1)
    if min(m, n) == 1:
        spread = (a if m > 1 else b).var(axis=-1, ddof=1)
        return _difference(
            value, np.sqrt(spread * (1 / m + 1 / n)), np.float64(m + n - 2), confidence
        )
    u, v = a.var(axis=-1, ddof=1) / m, b.var(axis=-1, ddof=1) / n
    parts = u**2 / (m - 1) + v**2 / (n - 1)
    freedom = np.divide((u + v) ** 2, parts, out=np.full_like(parts, m + n - 2), where=parts > 0)
    return _difference(value, np.sqrt(u + v), freedom, confidence)


def holm(p: ArrayLike) -> Floats:
    """(n,) ``p``-values, adjusted so that rejecting those up to α errs anywhere with at most α.

    Holm's step-down method; it asks nothing of how the tests depend on one another.
    """
    values = np.asarray(p, np.float64)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def benjamini_hochberg(p: ArrayLike) -> Floats:
    """(n,) ``p``-values, adjusted so that of those up to α a share of at most α is expected wrong.

    For independent tests, and for such as rise and fall together.
    """
    values = np.asarray(p, np.float64)
    return np.asarray(scipy.stats.false_discovery_control(values)) if len(values) else values


def _difference(value: Any, error: Any, freedom: Any, confidence: float) -> Difference:
    value, error = np.asarray(value, np.float64), np.asarray(error, np.float64)
    half = scipy.stats.t.ppf(0.5 + confidence / 2, freedom) * error
    # Repetitions that agree to the last digit leave no doubt: about 0, or about anything else.
    t = np.divide(np.abs(value), error, out=np.where(value == 0, 0.0, np.inf), where=error > 0)
    return Difference(
        value, value - half, value + half, np.asarray(2 * scipy.stats.t.sf(t, freedom))
    )


def _tidy(value: float, values: Floats) -> float:
    """``value`` without the digits that adding up leaves: equal values have themselves as mean."""
    return float(values[0]) if (values == values[0]).all() else float(f"{value:.12g}")
