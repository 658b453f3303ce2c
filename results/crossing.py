"""Crossing: where, along one axis, meetings stop holding, from runs that held or did not.

The model: meeting r (a replication, with its own randomness) holds up to X_r and not beyond, and
X_r is normal over meetings with an unknown mean and an unknown spread. A run of meeting r at x says
on which side of x its X_r lies; several runs of the same meeting (common random numbers) close in
on it. The likelihood of a pair (mean, spread) is the product over meetings of
Φ((above − mean) / spread) − Φ((below − mean) / spread), and Bayes' rule on a grid gives the
posterior. Without spread this is bisection; with it, it is probabilistic bisection (Horstein 1963;
Waeber, Frazier and Henderson 2013) whose noise is learned and not given.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy
from numpy.typing import NDArray

MEANS, SPREADS = 1025, 17
"""Points of the grid."""
SMALLEST_SPREAD, LARGEST_SPREAD = 2e-4, 0.5
"""Of the axis, from 0 to 1."""
_CAUTION = 0.5
"""The prior is uniform in the mean and in the spread's logarithm, but for this power of the spread:
what few meetings say of it is too little more often than too much."""
_NEGLIGIBLE = 1e-7
"""Of the likeliest point's probability: what weighs less has no say in what is played next."""

_Grid = NDArray[np.float64]


@dataclass(frozen=True)
class Bracket:
    """What is known of one meeting's own crossing: it lies between the two."""

    below: float = -np.inf
    """The largest place at which it held."""
    above: float = np.inf
    """The smallest place at which it did not."""

    def narrowed(self, place: float, holds: bool) -> "Bracket":
        """The bracket once a run at ``place`` held or did not."""
        if holds:
            return Bracket(max(self.below, place), self.above)
        return Bracket(self.below, min(self.above, place))

    @property
    def overlap(self) -> float:
        """How far below a place that held there is one that did not; 0 for a sound bracket."""
        return max(self.below - self.above, 0.0)


class Crossing:
    """The posterior of the place where a ``share`` of meetings hold, on an axis from 0 to 1.

    Meetings hold at 0 and not at 1: whoever uses it turns the axis round where needed.
    """

    def __init__(self, brackets: Mapping[int, Bracket], share: float = 0.5) -> None:
        """``brackets`` by number of the meeting."""
        self.brackets = dict(brackets)
        self.share = share

    @classmethod
    def of(cls, runs: Iterable[tuple[int, float, bool]], share: float = 0.5) -> "Crossing":
        """The posterior after ``runs``: (meeting, place, whether it held)."""
        brackets: dict[int, Bracket] = {}
        for meeting, place, holds in runs:
            brackets[meeting] = brackets.get(meeting, Bracket()).narrowed(place, holds)
        return cls(brackets, share)

    @cached_property
    def _weights(self) -> _Grid:
        """(MEANS, SPREADS) posterior probabilities."""
        logarithm = np.zeros((MEANS, SPREADS)) + _CAUTION * np.log(_SPREADS)
        for bracket in self.brackets.values():
            logarithm += np.log(_likelihood(bracket))
        weights = np.exp(logarithm - logarithm.max())
        return np.asarray(weights / weights.sum())

    def quantiles(self, *ranks: float) -> list[float]:
        """Quantiles (0…1) of the crossing; places beyond the axis are its ends."""
        order, cumulative = self._ordered
        places = _crossings(self.share).ravel()[order]
        found = np.searchsorted(cumulative, np.array(ranks) * cumulative[-1])
        inside = np.clip(places[np.minimum(found, len(places) - 1)], 0.0, 1.0)
        return [float(place) for place in inside]

    def interval(self, confidence: float) -> tuple[float, float]:
        """The central interval that holds the crossing with this probability."""
        tail = (1 - confidence) / 2
        low, high = self.quantiles(tail, 1 - tail)
        return low, high

    def holding(self, places: NDArray[np.float64], *ranks: float) -> _Grid:
        """(R, P) quantiles of the share of meetings that hold at each of P ``places``."""
        weights = self._weights.ravel()
        kept = np.argsort(weights)[-4000:]  # the rest of the grid weighs nothing
        means, spreads = np.divmod(kept, SPREADS)
        shares = scipy.special.ndtr((_MEANS[means] - places[:, None]) / _SPREADS[spreads])
        order = np.argsort(shares, axis=1)
        cumulative = np.cumsum(weights[kept][order], axis=1)
        columns = [
            np.minimum((cumulative < rank * cumulative[:, -1:]).sum(axis=1), len(kept) - 1)
            for rank in ranks
        ]
        ordered = np.take_along_axis(shares, order, axis=1)
        return np.array([ordered[np.arange(len(places)), column] for column in columns])

    @property
    def spread(self) -> float:
        """The median of the spread of meetings' own crossings."""
        cumulative = np.cumsum(self._weights.sum(axis=0))
        return float(_SPREADS[np.searchsorted(cumulative, 0.5 * cumulative[-1])])

    def most_telling(self) -> tuple[int, float]:
        """The meeting and the place whose run is expected to leave the crossing least uncertain.

        Candidates are every meeting met before, at places inside its own bracket, and one new
        meeting. Uncertainty is the posterior's standard deviation, its expectation over both
        outcomes.
        """
        likely = self._weights.max(axis=1) > _NEGLIGIBLE * self._weights.max()
        means, weights = _MEANS[likely], self._weights[likely]
        crossings = _crossings(self.share)[likely]
        new = max(self.brackets, default=-1) + 1
        best: tuple[float, int, float] = (np.inf, new, 0.5)
        for meeting in (*self.brackets, new):
            bracket = self.brackets.get(meeting, Bracket())
            if bracket.overlap:
                continue
            before = _likelihood(bracket, means)
            for place in self._candidates(bracket):
                held = weights * (_likelihood(bracket.narrowed(place, True), means) / before)
                failed = np.maximum(weights - held, 0.0)
                expected = _weighted_deviation(crossings, held)
                expected += _weighted_deviation(crossings, failed)
                best = min(best, (expected, meeting, place))
        return best[1:]

    def _candidates(self, bracket: Bracket) -> list[float]:
        """Places at which the outcome of a meeting with this ``bracket`` is in doubt."""
        low, middle, high = self.quantiles(0.2, 0.5, 0.8)
        places = [low, middle, high, middle - self.spread, middle + self.spread]
        places.append((bracket.below + bracket.above) / 2)
        inside = (max(bracket.below, 0.0), min(bracket.above, 1.0))
        return [place for place in places if inside[0] < place < inside[1]]

    @cached_property
    def _ordered(self) -> tuple[NDArray[np.intp], _Grid]:
        """The grid's points by their crossing, and the posterior's cumulative weight."""
        order = np.argsort(_crossings(self.share).ravel(), kind="stable")
        return order, np.cumsum(self._weights.ravel()[order])


_MEANS = np.linspace(0.0, 1.0, MEANS)
_SPREADS = np.geomspace(SMALLEST_SPREAD, LARGEST_SPREAD, SPREADS)


def _crossings(share: float) -> _Grid:
    """(MEANS, SPREADS) where a ``share`` of meetings hold, for each point of the grid."""
    return np.asarray(_MEANS[:, None] - scipy.special.ndtri(share) * _SPREADS)


def _likelihood(bracket: Bracket, means: _Grid = _MEANS) -> _Grid:
    """(means, SPREADS) probability that a meeting's crossing lies in ``bracket``."""
    low, high = sorted((bracket.below, bracket.above))
    above = (high - means[:, None]) / _SPREADS
    below = (low - means[:, None]) / _SPREADS
    # Of the two tails, the small one: a difference of numbers near 1 would lose all digits.
    upper = np.where(below > 0, -below, above)
    lower = np.where(below > 0, -above, below)
    return np.asarray(np.maximum(scipy.special.ndtr(upper) - scipy.special.ndtr(lower), 1e-300))


def _weighted_deviation(values: _Grid, weights: _Grid) -> float:
    """Total weight times the standard deviation under ``weights``."""
    total = float(weights.sum())
    if total <= 0:
        return 0.0
    mean = float((weights * values).sum()) / total
    return total * float(np.sqrt((weights * (values - mean) ** 2).sum() / total))
