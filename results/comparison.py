"""Comparison: what differs between two sets of runs, by how much, and whether chance would do it.

Each change is judged by its size first: less than a margin is nothing that matters, however sure
it is. Beyond the margin it must also be told from noise, corrected for the number of figures that
are looked at.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import scipy
from numpy.typing import ArrayLike

from results.figures import CENTRE, Figure, thresholds_of
from results.intervals import (
    CONFIDENCE,
    Difference,
    Estimate,
    Floats,
    benjamini_hochberg,
    independent_difference,
    paired_difference,
)
from results.replications import Replications
from results.summary import ENDPOINT_METRICS, GROUPS
from scenarios.metrics import METRICS, Unit

Standing = Literal["worse", "better", "same", "can't tell"]
STANDINGS: Sequence[Standing] = ("worse", "better", "can't tell", "same")
"""In the order in which one wants to read them."""

MARGIN = 0.05
"""Share of the earlier value up to which a difference does not matter, unless said otherwise."""
FLOORS: Mapping[Unit, float] = {
    "s": 1e-3,
    "ratio": 1e-3,
    "score": 0.05,
    "bit/s": 1e3,
    "count": 0.01,
}
"""By unit, what never matters, whatever share of a small value it is: 1 ms, 0.1 percentage points,
0.05 of a MOS, 1 kbit/s, one freeze in a hundred intervals."""

OVERALL = ("mean", "p50", "p95", "p99")
BY_GROUP = ("mean", "p95")
"""Aggregations that are compared; extremes of few runs are too much a matter of luck."""

Correction = Callable[[ArrayLike], Floats]


@dataclass(frozen=True)
class Change:
    """How one figure changed."""

    figure: Figure
    before: Estimate
    after: Estimate
    difference: float | None
    """After less before, over pairs where there are any; infinite where what came about before
    does so no more in all replications; None without data."""
    low: float | None
    high: float | None
    """The difference's interval, not corrected; None where there is none."""
    relative: float | None
    """The difference as a share of the value before."""
    margin: float
    """Below which a difference does not matter; in the figure's unit."""
    p: float | None
    """That chance alone makes a difference as large."""
    corrected_p: float | None
    """The same, for all the figures that were compared."""
    standing: Standing


@dataclass(frozen=True)
class Comparison:
    """Two sets of runs of which one came later, or is another design."""

    before: Replications
    after: Replications
    pairs: int
    """Draws of randomness that both have and that were compared one by one; 0: independent sets."""
    margin: float
    confidence: float
    changes: tuple[Change, ...]
    """In the order of the figures that were asked for."""

    def count(self, standing: Standing) -> int:
        """How many figures stand so."""
        return sum(change.standing == standing for change in self.changes)

    def ranked(self) -> list[Change]:
        """Changes that matter first: worse, better, unknown, same; the largest of each on top."""
        return sorted(
            self.changes,
            key=lambda change: (STANDINGS.index(change.standing), -_size(change)),
        )


def compare(
    before: Replications,
    after: Replications,
    figures: Sequence[Figure],
    *,
    margin: float = MARGIN,
    correction: Correction = benjamini_hochberg,
) -> Comparison:
    """What differs in ``figures`` from ``before`` to ``after``.

    Simulated sets with at least two draws (seed and replication) in common are compared by these
    draws, pair by pair: what luck does to both cancels. Others are compared by their means.

    A figure is worse (better) where its difference is at least its margin and chance would make
    as large a one in less than 1 − confidence of cases, corrected; the same where the difference's
    interval lies within the margin on both sides; else it can't be told.

    Args:
        margin: share of the value before; FLOORS hold beside it.
        correction: of p-values, for the number of figures.
    """
    one, other = _pairs(before, after)
    paired = bool(one)
    rows = [
        _change(figure, before, after, one or None, other or None, margin) for figure in figures
    ]
    known = [i for i, row in enumerate(rows) if row["p"] is not None]
    corrected: list[float | None] = [None] * len(rows)
    for i, p in zip(known, correction([rows[i]["p"] for i in known]), strict=True):
        corrected[i] = float(p)
    changes = tuple(
        Change(**row, corrected_p=p, standing=_standing(row, p, 1 - CONFIDENCE))
        for row, p in zip(rows, corrected, strict=True)
    )
    return Comparison(before, after, len(one) if paired else 0, margin, CONFIDENCE, changes)


def all_figures(*sets: Replications, metrics: Sequence[str] | None = None) -> list[Figure]:
    """Figures that are compared unless some are asked for: of ``metrics``, or of all.

    Overall, by group, of the command centre, and those that thresholds look at.
    """
    wanted = set(metrics if metrics is not None else METRICS)
    figures = [
        Figure(metric, "", "", name) for metric in METRICS if metric in wanted for name in OVERALL
    ]
    selectors = [CENTRE]
    for attribute in GROUPS:
        groups = dict.fromkeys(
            name for each in sets for one in each.measured for name in one.group_sizes[attribute]
        )
        selectors += [f"{attribute}={name}" for name in groups]
    figures += [
        Figure(metric.name, selector, "", name)
        for selector in selectors
        for metric in ENDPOINT_METRICS
        if metric.name in wanted
        for name in BY_GROUP
    ]
    figures += [f for each in sets for f in thresholded(each) if f.metric in wanted]
    present = {figure for each in sets for figure in each.figures()}
    return [
        figure
        for figure in dict.fromkeys(figures)
        if figure in present and any(v is not None for s in sets for v in s.values(figure))
    ]


def thresholded(found: Replications) -> list[Figure]:
    """The figures that the thresholds of ``found`` look at, each once."""
    return list(dict.fromkeys(figure for *_, figure in thresholds_of(found.scenario)))


def describe_comparison(comparison: Comparison, warnings: Sequence[str]) -> dict[str, Any]:
    """``comparison`` as JSON content, free of NaN and infinity (null, with ``never``)."""
    return {
        "before": _describe_set(comparison.before),
        "after": _describe_set(comparison.after),
        "pairs": comparison.pairs,
        "margin": comparison.margin,
        "confidence": comparison.confidence,
        "warnings": list(warnings),
        "standings": {standing: comparison.count(standing) for standing in STANDINGS},
        "changes": [describe_change(change) for change in comparison.ranked()],
    }


def describe_change(change: Change) -> dict[str, Any]:
    """``change`` as JSON content."""
    row = {
        **asdict(change.figure),
        "unit": METRICS[change.figure.metric].unit,
        "before": asdict(change.before),
        "after": asdict(change.after),
        **{
            name: getattr(change, name)
            for name in (
                "difference", "low", "high", "relative", "margin", "p", "corrected_p", "standing"
            )
        },
    }  # fmt: skip
    for part in (row["before"], row["after"], row):
        for key, value in list(part.items()):
            if isinstance(value, float) and not math.isfinite(value):
                part[key] = None
                part["never"] = True
    return row


def _describe_set(found: Replications) -> dict[str, Any]:
    return {
        "scenario": found.scenario.name,
        "mode": found.mode,
        "seed": found.scenario.seed,
        "replications": len(found.measured),
        "started": found.started,
    }


def _pairs(before: Replications, after: Replications) -> tuple[list[int], list[int]]:
    """Indices of the draws that both have; none where they are compared as independent sets."""
    if before.mode != "simulated" or after.mode != "simulated":
        return [], []
    place = {(each.seed, each.replication): i for i, each in enumerate(before.measured)}
    common = [
        (place[key], i)
        for i, each in enumerate(after.measured)
        if (key := (each.seed, each.replication)) in place
    ]
    single = len(before.measured) == len(after.measured) == 1
    if len(common) < 2 and not (single and common):
        return [], []
    return [i for i, _ in common], [i for _, i in common]


def _change(
    figure: Figure,
    before: Replications,
    after: Replications,
    one: list[int] | None,
    other: list[int] | None,
    margin: float,
) -> dict[str, Any]:
    a, b = _array(before.values(figure)), _array(after.values(figure))
    if one is not None and other is not None:
        a, b = a[one], b[other]
    # Where data went missing, what is left of it says nothing about what is not.
    gone = np.isnan(b).mean() > np.isnan(a).mean()
    if one is not None:
        both = ~(np.isnan(a) | np.isnan(b))
        a, b = a[both], b[both]
    else:
        a, b = a[~np.isnan(a)], b[~np.isnan(b)]
    found = None if gone else _differ(a, b, one is not None)
    start = before.estimate(figure)
    scale = abs(start.value) if start.value is not None and math.isfinite(start.value) else 0.0
    floor = FLOORS[METRICS[figure.metric].unit]
    difference = None if found is None else float(found.value)
    return {
        "figure": figure,
        "before": start,
        "after": after.estimate(figure),
        "difference": difference,
        "low": _or_none(found and found.low),
        "high": _or_none(found and found.high),
        "relative": difference / scale if difference is not None and scale else None,
        "margin": max(margin * scale, floor),
        "p": _or_none(found and found.p),
    }


def _differ(a: Floats, b: Floats, paired: bool) -> Difference | None:
    """The difference of ``b`` from ``a``; NaN for what cannot be known; None without data."""
    if not len(a) or not len(b):
        return None
    nothing = np.asarray(np.nan)
    never_a, never_b = int(np.isinf(a).sum()), int(np.isinf(b).sum())
    if never_a or never_b:
        # What counts is how often it never came about.
        table = [[never_a, len(a) - never_a], [never_b, len(b) - never_b]]
        share = never_b / len(b) - never_a / len(a)
        value = np.asarray(math.copysign(math.inf, share) if share else 0.0)
        return Difference(
            value, nothing, nothing, np.asarray(scipy.stats.fisher_exact(table).pvalue)
        )
    if paired and len(a) >= 2:
        return paired_difference(a, b)
    if not paired and max(len(a), len(b)) >= 2:
        return independent_difference(a, b)
    value = np.asarray(b.mean() - a.mean())
    if paired and value == 0:  # the same draw came out the same
        return Difference(value, value, value, np.asarray(1.0))
    return Difference(value, nothing, nothing, nothing)


def _standing(row: Mapping[str, Any], corrected: float | None, level: float) -> Standing:
    difference, margin = row["difference"], row["margin"]
    if difference is None or corrected is None:
        return "can't tell"
    if abs(difference) >= margin and corrected <= level:
        better = METRICS[row["figure"].metric].higher_is_better == (difference > 0)
        return "better" if better else "worse"
    low, high = row["low"], row["high"]
    if low is not None and high is not None and -margin < low and high < margin:
        return "same"
    return "can't tell"


def _size(change: Change) -> float:
    """How many margins a difference has."""
    return 0.0 if change.difference is None else abs(change.difference) / change.margin


def _array(values: Sequence[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _or_none(value: Any) -> float | None:
    return None if value is None or np.isnan(value) else float(value)
