"""Figures: what was measured of one replication, in numbers that replications can be compared by.

A figure is an aggregation of a metric over a selection: the p95 of the mouth-to-ear delay of 4G
endpoints. A run has a few thousand of them; its packets and samples are another replication's
only in their statistics.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from results.distribution import SUMMARY
from results.records import Accounting, Cost, Run
from results.summary import aggregate_of, summarize, value_of
from scenarios.meeting import COMMAND_CENTRE
from scenarios.scenario import Scenario
from scenarios.thresholds import Expression, Target, Threshold

CENTRE = f"level={COMMAND_CENTRE}"
"""Selector of the command centre's own figures."""


@dataclass(frozen=True, order=True)
class Figure:
    """What a number is about."""

    metric: str
    selector: str
    """`access=4g,carrier=vnpt` in alphabetical order; empty: all endpoints (nodes, links)."""
    during: str
    """The window, as the scenario writes it; empty: the meeting."""
    aggregation: str

    @classmethod
    def of_threshold(cls, text: str, check: str, during: str | None) -> Self:
        """The figure that a threshold on the target ``text`` looks at."""
        target = Target.parse(text)
        selector = ",".join(f"{key}={value}" for key, value in sorted(target.selector.items()))
        expression = Expression.parse(check, target.metric)
        return cls(target.metric.name, selector, during or "", expression.aggregation)

    def __str__(self) -> str:
        selected = f"{{{self.selector}}}" if self.selector else ""
        window = f" {self.during}" if self.during else ""
        name = self.aggregation
        shown = f"p({name[1:]})" if name.startswith("p") else name
        return f"{self.metric}{selected} {shown}{window}"


@dataclass(frozen=True)
class Measured:
    """One replication, measured: small enough to keep hundreds of."""

    seed: int
    replication: int
    figures: Mapping[Figure, float | None]
    """In the metrics' SI units; None without data, infinite where it never came about. Beside a
    summary's aggregations there are `count` and, of calls, how many were `unanswered`."""
    endpoints: int
    group_sizes: Mapping[str, Mapping[str, int]]
    """Endpoints by attribute and its values."""
    accounting: Accounting
    cost: Cost
    assumptions: tuple[str, ...]


def measure(run: Run) -> Measured:
    """What ``run`` comes to."""
    return measured(run, summarize(run))


def measured(run: Run, summary: Mapping[str, Any]) -> Measured:
    """What ``run`` comes to, whose ``summary`` is at hand."""
    figures: dict[Figure, float | None] = {}
    for selector, metric, entry in _entries(summary):
        figures[Figure(metric, selector, "", "count")] = entry["count"] or None
        if "unanswered" in entry:
            figures[Figure(metric, selector, "", "unanswered")] = entry["unanswered"]
        for name in SUMMARY:
            figures[Figure(metric, selector, "", name)] = aggregate_of(entry, name)
    for row in summary["thresholds"]:
        figure = Figure.of_threshold(row["metric"], row["expression"], row.get("during"))
        figures[figure] = value_of(row)
    return Measured(
        run.scenario.seed,
        run.replication,
        figures,
        summary["endpoints"],
        summary["group_sizes"],
        run.accounting,
        run.cost,
        run.assumptions,
    )


def thresholds_of(scenario: Scenario) -> Iterator[tuple[str, Threshold, Figure]]:
    """Target, condition and figure of each of the ``scenario``'s thresholds, in its order."""
    for text, conditions in scenario.thresholds.items():
        for threshold in conditions:
            yield text, threshold, Figure.of_threshold(text, threshold.check, threshold.during)


def _entries(summary: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Selector, metric and entry of all that a summary has."""
    for metric, entry in summary["metrics"].items():
        yield "", metric, entry
    for attribute, groups in summary["groups"].items():
        for value, metrics in groups.items():
            for metric, entry in metrics.items():
                yield f"{attribute}={value}", metric, entry
    for metric, entry in summary["command_centre"].items():
        yield CENTRE, metric, entry
