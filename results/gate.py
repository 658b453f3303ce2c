"""The gate: thresholds, and regressions against a baseline, in one verdict on a release.

A regression is looked for in the figures that the scenario's thresholds are about: what its author
has declared to matter. p-values are corrected by Holm's method, so that all of them together raise
a false alarm in at most one of twenty comparisons in which nothing has changed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from results.comparison import Change, Comparison, compare, describe_change, thresholded
from results.figures import Figure
from results.intervals import CONFIDENCE, holm
from results.quantities import format_interval, format_value
from results.replications import Replications
from results.verdict import Verdict
from scenarios.metrics import METRICS, Unit
from scenarios.thresholds import Expression, Target

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Check:
    """One thing that the gate asks."""

    kind: Literal["threshold", "regression"]
    name: str
    """Target and expression, or the figure."""
    verdict: Verdict
    advisory: bool
    """Reported only: cannot fail the gate."""
    sentence: str
    """What was found, for people."""
    target: str
    """The threshold that it comes from, with its selector, as the scenario writes it …"""
    number: int
    """… and its number among that target's conditions, from 0."""


@dataclass(frozen=True)
class Gate:
    """What the gate says, and why."""

    scenario: str
    verdict: Verdict
    reason: str
    checks: tuple[Check, ...]
    comparison: Comparison | None = None
    """With the baseline, where there is one."""


def judge_release(
    summary: Json,
    found: Replications,
    baseline: Replications | None = None,
    *,
    margin: float,
    strict: bool = False,
) -> Gate:
    """The verdict on ``found``, whose ``summary`` is at hand, against ``baseline``.

    It fails if a threshold failed or a figure became worse. It is inconclusive if a threshold is,
    if there is none, or if a figure has nothing to be compared by (single runs, missing data);
    with ``strict``, also if a figure can't be told from noise. Else it passes.
    """
    checks = _threshold_checks(summary)
    comparison = None
    if baseline is not None:
        figures = thresholded(found)
        comparison = compare(baseline, found, figures, margin=margin, correction=holm)
        checks += _regression_checks(summary, comparison, strict)
    verdict, reason = _conclude(checks, summary)
    return Gate(summary["scenario"], verdict, reason, tuple(checks), comparison)


def describe_gate(gate: Gate, warnings: Sequence[str]) -> dict[str, Any]:
    """``gate`` as JSON content."""
    comparison = gate.comparison
    return {
        "scenario": gate.scenario,
        "verdict": gate.verdict,
        "reason": gate.reason,
        "warnings": list(warnings),
        "checks": [asdict(check) for check in gate.checks],
        "changes": [describe_change(c) for c in comparison.changes] if comparison else [],
        "pairs": comparison.pairs if comparison else 0,
    }


def describe_difference(change: Change) -> str:
    """A change in a sentence: `139 ms → 158 ms, +13.7 % (+11.2 … +16.1 %)`."""
    unit = unit_of_figure(change)
    parts = f"{format_value(change.before.value, unit)} → {format_value(change.after.value, unit)}"
    if change.relative is None or not math.isfinite(change.relative) or not change.before.value:
        return parts
    text = f"{parts}, {change.relative:+.1%}"
    if change.low is None or change.high is None:
        return f"{text} (no interval)"
    low, high = (end / abs(change.before.value) for end in (change.low, change.high))
    return f"{text} ({low:+.1%} … {high:+.1%})"


def unit_of_figure(change: Change) -> Unit:
    """The unit of a change's values."""
    figure = change.figure
    return "count" if figure.aggregation == "count" else METRICS[figure.metric].unit


def _threshold_checks(summary: Json) -> list[Check]:
    numbers: dict[str, int] = {}
    checks = []
    for row in summary["thresholds"]:
        number = numbers[row["metric"]] = numbers.get(row["metric"], -1) + 1
        during = f" during {row['during']}" if row.get("during") else ""
        name = f"{row['metric']} {row['expression']}{during}"
        checks.append(
            Check(
                "threshold", name, row["verdict"], bool(row.get("advisory")), _found(row),
                row["metric"], number,
            )
        )  # fmt: skip
    return checks


def _found(row: Json) -> str:
    metric = Target.parse(row["metric"]).metric
    expression = Expression.parse(row["expression"], metric)
    unit: Unit = "count" if expression.aggregation == "count" else metric.unit
    value = "never" if row.get("never") else format_value(row["value"], unit)
    sentence = f"{expression.aggregation} is {value}"
    if row.get("interval"):
        sentence += f" ({format_interval(row['interval'], unit)})"
    return f"{sentence}, must be {row['expression']}"


def _regression_checks(summary: Json, comparison: Comparison, strict: bool) -> list[Check]:
    origins: dict[Figure, tuple[str, int, bool]] = {}
    numbers: dict[str, int] = {}
    for row in summary["thresholds"]:
        number = numbers[row["metric"]] = numbers.get(row["metric"], -1) + 1
        figure = Figure.of_threshold(row["metric"], row["expression"], row.get("during"))
        _, _, advisory = origins.get(figure, ("", 0, True))
        # A figure counts if any threshold on it does.
        origins[figure] = (row["metric"], number, advisory and bool(row.get("advisory")))
    return [
        Check(
            "regression",
            f"{change.figure} is not worse",
            _verdict(change, strict),
            origins[change.figure][2],
            f"{change.standing}: {describe_difference(change)}",
            *origins[change.figure][:2],
        )
        for change in comparison.changes
    ]


def _verdict(change: Change, strict: bool) -> Verdict:
    if change.standing == "worse":
        return "fail"
    if change.standing == "can't tell" and (strict or change.p is None):
        return "inconclusive"
    return "pass"


def _conclude(checks: Sequence[Check], summary: Json) -> tuple[Verdict, str]:
    binding = [check for check in checks if not check.advisory]
    parts = []
    for verdict, words in (
        ("fail", {"threshold": "failed", "regression": "became worse"}),
        ("inconclusive", {"threshold": "undecided", "regression": "cannot be compared"}),
    ):
        for kind, word in words.items():
            group = [check for check in binding if check.kind == kind]
            if hits := sum(check.verdict == verdict for check in group):
                noun = "thresholds" if kind == "threshold" else "figures"
                parts.append(f"{hits} of {len(group)} {noun} {word}")
        if parts:
            return verdict, f"{'; '.join(parts)}."  # type: ignore[return-value]
    if summary["verdict"] != "pass":  # no thresholds, or packets unaccounted for
        return summary["verdict"], summary["reason"]
    compared = sum(check.kind == "regression" for check in binding)
    worse = f"; none of {compared} figures became worse, with {CONFIDENCE:.0%} confidence"
    held = sum(check.kind == "threshold" for check in binding)
    return "pass", f"{held} of {held} thresholds passed{worse if compared else ''}."
