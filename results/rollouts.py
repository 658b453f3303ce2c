"""Rollouts: what many played rollouts say together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from results.intervals import Difference, paired_difference, proportion_interval, quantile_interval

DAY_NS = 24 * 3600 * 10**9
STEPS_PER_DAY = 24
"""Points of the completion curve in a day."""


@dataclass(frozen=True)
class Curve:
    """Endpoints connected by time: median and band over rollouts."""

    days: NDArray[np.float64]
    low: NDArray[np.float64]
    median: NDArray[np.float64]
    high: NDArray[np.float64]


def completion_curve(done: NDArray[np.int64], days: float, share: float = 0.95) -> Curve:
    """The curve of (rollouts, endpoints) instants in ns, negative where never, up to ``days``.

    The band holds a ``share`` of rollouts at each time.
    """
    grid = np.linspace(0, days, round(days * STEPS_PER_DAY) + 1)
    ordered = np.sort(np.where(done < 0, np.iinfo(np.int64).max, done), axis=1)
    counts = np.array([np.searchsorted(row, grid * DAY_NS, side="right") for row in ordered])
    low, median, high = np.quantile(counts, [(1 - share) / 2, 0.5, (1 + share) / 2], axis=0)
    return Curve(grid, low, median, high)


@dataclass(frozen=True)
class Finish:
    """When the last endpoint is connected."""

    median: float
    """Days."""
    interval: tuple[float, float]
    """Of the median, by order statistics."""
    in_time: float
    """Share of rollouts that were done in the days given."""
    in_time_interval: tuple[float, float]


def finish(finished: Sequence[float], days: float, confidence: float = 0.95) -> Finish:
    """When rollouts that ``finished`` after so many days, infinite for never, are done."""
    values = np.asarray(finished, np.float64)
    in_time = int((values <= days).sum())
    return Finish(
        float(np.median(values)),
        quantile_interval(values, 0.5, confidence),
        in_time / len(values),
        proportion_interval(in_time, len(values), confidence),
    )


@dataclass(frozen=True)
class Effect:
    """What a change of one assumption does to the finish."""

    change: str
    days: float
    """Later, or earlier where negative: the mean over rollouts with the same random numbers."""
    low: float
    high: float


def effect(change: str, before: Sequence[float], after: Sequence[float]) -> Effect:
    """The paired difference of finishes; rollouts that never finish are left out of both."""
    pairs = np.array([before, after], np.float64)
    pairs = pairs[:, np.isfinite(pairs).all(axis=0)]
    found: Difference = paired_difference(pairs[0], pairs[1])
    return Effect(change, float(found.value), float(found.low), float(found.high))


def by_day(
    done: NDArray[np.int64],
    busy: Mapping[str, NDArray[np.float64]],
    carrier: Sequence[str],
    crews: Mapping[str, int],
    shift_ns: int,
    days: int,
) -> list[dict[str, Any]]:
    """Rows of carrier and day: crews, endpoints accepted, how busy crews were; means over rollouts.

    Args:
        done: (rollouts, endpoints) instants in ns.
        busy: by carrier, (days,) mean nanoseconds of work.
        carrier: (endpoints,) names.
    """
    rows = []
    names = np.asarray(carrier)
    for name in crews:
        mine = done[:, names == name]
        for day in range(days):
            inside = (mine >= day * DAY_NS) & (mine < (day + 1) * DAY_NS)
            rows.append(
                {
                    "carrier": name,
                    "day": day + 1,
                    "crews": crews[name],
                    "accepted": float(inside.sum(axis=1).mean()),
                    "busy": float(busy[name][day]) / (crews[name] * shift_ns),
                }
            )
    return rows
