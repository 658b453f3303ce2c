"""Distributions: what any number of measured values have in common, exact or in buckets."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from results.histograms import BUCKETS, MIDDLES
from results.ranks import order

_MIDDLES = np.array([float(f"{middle:.10g}") for middle in MIDDLES])

SUMMARY = ("mean", "p50", "p95", "p99", "min", "max")
"""Aggregations that every summary of a metric shows."""


@dataclass(frozen=True, eq=False)
class Distribution:
    """Values in ascending order, and how often each occurs."""

    values: NDArray[Any]
    """(n,) values in the metric's SI unit, ascending, single or double precision. What never came
    about is infinite, and last."""
    counts: NDArray[np.int64] | None = None
    """(n,) occurrences, none of them 0; None: each value once."""

    @classmethod
    def of_buckets(cls, counts: NDArray[np.int64]) -> Self:
        """The distribution of a (BUCKETS,) histogram.

        Each value stands at its bucket's middle, so every aggregation (mean, min and max too) is
        within 1 % of what the single values would give.
        """
        if counts.shape != (BUCKETS,):
            raise ValueError(f"a histogram has {BUCKETS} buckets, not {counts.shape}")
        used = np.flatnonzero(counts)
        return cls(_MIDDLES[used], counts[used])

    @cached_property
    def count(self) -> int:
        """How many values there are."""
        return len(self.values) if self.counts is None else int(self.counts.sum())

    @cached_property
    def infinite(self) -> int:
        """How many of the values are infinite."""
        return self.count - int(np.searchsorted(self.values, np.inf)) if self.counts is None else 0

    @cached_property
    def mean(self) -> float | None:
        """The mean; None without values, infinite if any value is."""
        if self.count == 0:
            return None
        if self.counts is not None:
            return float(f"{float(self.values @ self.counts) / self.count:.7g}")
        mean = float(self.values.mean(dtype=np.float64))
        # A mean has no more digits than its values: 0.1 in single precision is not above 0.1.
        return float(f"{mean:.7g}") if self.values.dtype == np.float32 else mean

    def percentile(self, rank: float | str) -> float | None:
        """The percentile ``rank`` (0 to 100; see `results.ranks`); None without values."""
        place = min(order(rank, self.count), self.count)
        if place == 0:
            return None
        return self._value(place - 1 if self._ends is None else int(self._ends.searchsorted(place)))

    @property
    def min(self) -> float | None:
        """The smallest value; None without any."""
        return self._value(0) if self.count else None

    @property
    def max(self) -> float | None:
        """The largest value; None without any."""
        return self._value(-1) if self.count else None

    def aggregate(self, aggregation: str) -> float | None:
        """count, mean, min, max or pN (as in p95) of the values; None without any.

        Raises:
            ValueError: there is no such aggregation.
        """
        match aggregation:
            case "count":
                return float(self.count) if self.count else None
            case "mean":
                return self.mean
            case "min":
                return self.min
            case "max":
                return self.max
        try:
            return self.percentile(aggregation.removeprefix("p"))
        except ValueError:
            raise ValueError(
                f"{aggregation!r} is none of count, mean, min, max and pN, as in p95"
            ) from None

    @cached_property
    def _ends(self) -> NDArray[np.int64] | None:
        return None if self.counts is None else np.cumsum(self.counts)

    def _value(self, index: int) -> float:
        # The shortest text of a single-precision number is what it was meant to be: 0.1.
        value = self.values[index]
        return float(str(value)) if self.values.dtype == np.float32 else float(value)
