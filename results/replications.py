"""Replications of a scenario: what independent draws of it say together, with intervals.

A conference begins and ends, so what is asked about is one meeting, begun as it begins: a
terminating simulation, whose independent repetitions are whole meetings. There is no steady state
to cut into batches, and no warm-up to throw away.

Every figure of a set is the mean, over replications, of the figure of one run: the p95 that a
meeting is expected to have, not the p95 of all meetings thrown together.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any, Literal

from results.distribution import SUMMARY
from results.figures import CENTRE, Figure, Measured, thresholds_of
from results.intervals import (
    CONFIDENCE,
    Estimate,
    estimate,
    proportion_interval,
    quantile_interval,
)
from results.records import Accounting, Cost
from results.summary import ENDPOINT_METRICS, GROUPS
from results.verdict import Verdict, conclude
from scenarios.metrics import METRICS, Metric
from scenarios.scenario import Scenario
from scenarios.thresholds import Expression, Target, Threshold

FEWEST = 15
"""Replications before a precision is believed: who stops where few happen to agree is too sure of
himself. With as many, 95 % intervals of normal figures cover in 94 % of cases."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Replications:
    """Replications of one scenario, measured."""

    scenario: Scenario
    mode: Literal["simulated", "live"]
    started: str
    """ISO 8601, UTC."""
    finished: str
    command: tuple[str, ...]
    duration_s: float
    """Length of the meeting that was played."""
    wall_s: float
    """Seconds that all of them took, side by side as they were played."""
    measured: tuple[Measured, ...]
    precision: float | None = None
    """The relative half-width that was asked for, if any."""

    def values(self, figure: Figure) -> list[float | None]:
        """The ``figure`` of each replication; None where it has no data."""
        return [each.figures.get(figure) for each in self.measured]

    def estimate(self, figure: Figure) -> Estimate:
        """The ``figure`` that a meeting is expected to have."""
        return estimate(self.values(figure))

    def figures(self) -> list[Figure]:
        """All figures that any of the replications has."""
        return list(dict.fromkeys(f for each in self.measured for f in each.figures))

    @property
    def endpoints(self) -> int:
        """How many endpoints each was of: the most, where draws differ."""
        return max(each.endpoints for each in self.measured)

    @property
    def accounting(self) -> Accounting:
        """Where the packets of all of them went."""
        parts = [each.accounting for each in self.measured]
        lost: Counter[str] = Counter()
        for part in parts:
            lost.update(part.lost)
        return Accounting(
            sum(part.sent for part in parts),
            sum(part.delivered for part in parts),
            sum(part.in_flight for part in parts),
            dict(lost),
        )

    @property
    def cost(self) -> Cost:
        """What all of them took."""
        costs = [each.cost for each in self.measured]
        return Cost(
            self.wall_s,
            sum(cost.packets for cost in costs),
            sum(cost.packet_hops for cost in costs),
            max(cost.peak_rss_bytes for cost in costs),
        )


def is_precise(scenario: Scenario, measured: Sequence[Measured], precision: float) -> bool:
    """Whether every thresholded figure's relative half-width is at most ``precision``.

    A figure without data, or infinite, becomes no more precise: it does not keep others waiting.
    """
    if len(measured) < FEWEST:
        return False
    estimates = (
        estimate([each.figures.get(figure) for each in measured])
        for _, _, figure in thresholds_of(scenario)
    )
    widths = [found.relative_half_width for found in estimates]
    return all(width is None or width <= precision for width in widths)


def imprecise(found: Replications) -> list[Figure]:
    """The thresholded figures that are less precise than was asked for."""
    if found.precision is None:
        return []
    figures = dict.fromkeys(figure for *_, figure in thresholds_of(found.scenario))
    widths = {figure: found.estimate(figure).relative_half_width for figure in figures}
    return [f for f, width in widths.items() if width is not None and width > found.precision]


def judge_estimate(expression: Expression, found: Estimate, replications: int) -> Verdict:
    """Pass or fail where the whole interval is on one side of the bound, else inconclusive.

    It is inconclusive, too, where any replication has no data.
    """
    if found.value is None or found.count < replications:
        return "inconclusive"
    if math.isinf(found.value):  # one that never came about is enough to know that some do not
        return "pass" if expression.holds(found.value) else "fail"
    if found.low is None or found.high is None:
        return "inconclusive"
    ends = {expression.holds(found.low), expression.holds(found.high)}
    return "inconclusive" if len(ends) > 1 else "pass" if ends == {True} else "fail"


def summarize_replications(found: Replications) -> Json:
    """The content of summary.json of a set: as a run's (results.summary), and with intervals.

    Every aggregation is a mean over replications. Beside it stand ``intervals`` (aggregation →
    [low, high], or null) and ``replications`` (how many have data). A threshold's row has the
    ``interval`` of its value, ``relative_half_width``, in how many single replications it
    ``held`` with Wilson's interval for that share, and the ``median`` replication's value with
    ``median_interval``, by order statistics. ``count`` counts the values of all replications.
    """
    scenario, measured = found.scenario, found.measured
    rows = [_threshold(found, *parts) for parts in thresholds_of(scenario)]
    accounting = found.accounting
    binding = [row["verdict"] for row in rows if not row["advisory"]]
    among = f" in {len(measured)} replications, with {CONFIDENCE:.0%} confidence"
    verdict, reason = conclude(binding, accounting.balanced, "cannot be decided", among)
    sizes = _sizes(measured)
    return {
        "scenario": scenario.name,
        "title": scenario.title,
        "mode": found.mode,
        "verdict": verdict,
        "reason": reason,
        "replications": len(measured),
        "confidence": CONFIDENCE,
        "precision": found.precision,
        "imprecise": [str(figure) for figure in imprecise(found)],
        "endpoints": found.endpoints,
        "duration_s": found.duration_s,
        "seed": scenario.seed,
        "metrics": {metric.name: _entry(found, metric, "") for metric in METRICS.values()},
        "thresholds": rows,
        "cost": asdict(found.cost),
        "accounting": {**asdict(accounting), "balanced": accounting.balanced},
        "groups": {
            attribute: {value: _group(found, f"{attribute}={value}") for value in sizes[attribute]}
            for attribute in GROUPS
        },
        "group_sizes": sizes,
        "command_centre": _group(found, CENTRE),
        "assumptions": list(measured[0].assumptions),
    }


def _entry(found: Replications, metric: Metric, selector: str) -> Json:
    def figure(aggregation: str) -> Figure:
        return Figure(metric.name, selector, "", aggregation)

    def total(aggregation: str) -> int:
        return int(sum(value or 0 for value in found.values(figure(aggregation))))

    estimates = {name: found.estimate(figure(name)) for name in SUMMARY}
    entry = {
        "unit": metric.unit,
        "count": total("count"),
        **{name: _finite(each.value) for name, each in estimates.items()},
        "intervals": {name: _ends(each.low, each.high) for name, each in estimates.items()},
        "replications": estimates["mean"].count,
    }
    return {**entry, "unanswered": total("unanswered")} if metric.per else entry


def _group(found: Replications, selector: str) -> Json:
    return {metric.name: _entry(found, metric, selector) for metric in ENDPOINT_METRICS}


def _threshold(found: Replications, text: str, threshold: Threshold, figure: Figure) -> Json:
    values = found.values(figure)
    each = estimate(values)
    expression = Expression.parse(threshold.check, Target.parse(text).metric)
    known = [value for value in values if value is not None]
    held = sum(bool(expression.holds(value)) for value in known)
    row: Json = {
        "metric": text,
        "expression": threshold.check,
        "value": _finite(each.value),
        "verdict": judge_estimate(expression, each, len(values)),
        "during": threshold.during,
        "advisory": threshold.advisory,
        "interval": _ends(each.low, each.high),
        "relative_half_width": _finite(each.relative_half_width),
        "replications": each.count,
        "held": None,
        "median": None,
        "median_interval": None,
    }
    if known:
        row["held"] = {
            "count": held,
            "of": len(known),
            "interval": list(proportion_interval(held, len(known))),
        }
        ordered = sorted(known)
        row["median"] = _finite(ordered[(len(ordered) - 1) // 2])
        row["median_interval"] = _ends(*quantile_interval(known, 0.5))
    if each.value is not None and math.isinf(each.value):
        row["never"] = True
    return row


def _sizes(measured: Iterable[Measured]) -> dict[str, dict[str, float]]:
    """Mean numbers of endpoints: which has which link differs from draw to draw."""
    draws = [each.group_sizes for each in measured]
    sizes: dict[str, dict[str, float]] = {}
    for attribute in GROUPS:
        names = dict.fromkeys(name for draw in draws for name in draw[attribute])
        sizes[attribute] = {
            name: round(fmean(draw[attribute].get(name, 0) for draw in draws), 1) for name in names
        }
    return sizes


def _finite(value: float | None) -> float | None:
    return None if value is None or math.isinf(value) else value


def _ends(low: float | None, high: float | None) -> list[float] | None:
    if low is None or high is None or math.isinf(low) or math.isinf(high):
        return None
    return [max(low, 0.0), high]  # no metric is ever below 0
