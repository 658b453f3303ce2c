"""The summary: what is worth knowing of a run in one small document, summary.json."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import fmean
from typing import Any

from results.adaptation import describe_adaptation
from results.availability import describe_availability
from results.calls import describe_calls
from results.distribution import SUMMARY, Distribution
from results.interruptions import describe_interruptions
from results.joining import describe_joining
from results.records import BUDGET, Run
from results.selection import Measurements
from results.verdict import Judgement, judge
from results.worst import find_worst
from scenarios.meeting import COMMAND_CENTRE
from scenarios.metrics import METRICS, Metric

GROUPS = ("carrier", "access", "province", "level")
"""Attributes of endpoints that the summary groups by."""
ENDPOINT_METRICS = tuple(metric for metric in METRICS.values() if metric.subject == "endpoint")

Json = dict[str, Any]


def summarize(run: Run) -> Json:
    """The content of summary.json: valid against summary.schema.json, free of NaN.

    Beyond what the schema asks for: ``reason`` (of the verdict), ``groups`` and ``group_sizes``
    (attribute → value → metrics, endpoints), ``command_centre`` (its own metrics, which no other
    figure contains), ``budget`` (mean seconds by part of the mouth-to-ear delay, overall and by
    access), ``adaptation``, ``calls``, ``joining``, ``interruptions`` and ``availability`` (see
    the modules of results of these names), null where there was none, ``worst``
    (results.worst), ``accounting`` and ``assumptions``.

    JSON has no infinity. An aggregation over calls, joinings or interruptions that is infinite is
    null, and its entry counts those that were ``unanswered``, that is, that never came to their
    end; see ``aggregate_of``. A threshold whose value is infinite
    has null for it and ``never``.
    """
    measurements = Measurements(run)
    outcome = judge(run, measurements)
    accounting = run.accounting
    centre = {"level": COMMAND_CENTRE}
    return {
        "scenario": run.scenario.name,
        "title": run.scenario.title,
        "mode": run.mode,
        "verdict": outcome.verdict,
        "reason": outcome.reason,
        "endpoints": run.endpoints,
        "duration_s": run.duration_s,
        "seed": run.scenario.seed,
        "metrics": {
            metric.name: _entry(metric, measurements.distribution(metric.name))
            for metric in METRICS.values()
        },
        "thresholds": [_threshold(judgement) for judgement in outcome.judgements],
        "cost": asdict(run.cost),
        "accounting": {
            "sent": accounting.sent,
            "delivered": accounting.delivered,
            "in_flight": accounting.in_flight,
            "lost": dict(accounting.lost),
            "balanced": accounting.balanced,
        },
        "worst": find_worst(run),
        "groups": {attribute: _groups(attribute, measurements) for attribute in GROUPS},
        "group_sizes": {attribute: measurements.sizes(attribute) for attribute in GROUPS},
        "command_centre": {
            metric.name: _entry(metric, measurements.distribution(metric.name, centre))
            for metric in ENDPOINT_METRICS
        },
        "budget": _budget(run),
        "adaptation": describe_adaptation(run),
        "calls": describe_calls(run),
        "joining": describe_joining(run),
        "interruptions": describe_interruptions(run),
        "availability": describe_availability(run),
        "assumptions": list(run.assumptions),
        "interrupted": run.interrupted,
        "doubts": list(run.doubts),
    }


def format_summary(summary: Mapping[str, Any]) -> str:
    """``summary`` as JSON text.

    Raises:
        ValueError: a value is not finite, which JSON has no way to say.
    """
    return json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def aggregate_of(entry: Mapping[str, Any], aggregation: str) -> float | None:
    """The ``aggregation`` of a metric's ``entry`` in a summary: infinite where null means never,
    None without data."""
    value = entry.get(aggregation)
    return math.inf if value is None and entry.get("unanswered") else value


def value_of(threshold: Mapping[str, Any]) -> float | None:
    """The value of a threshold's row in a summary: infinite where null means never."""
    return math.inf if threshold.get("never") else threshold["value"]


def _entry(metric: Metric, values: Distribution) -> Json:
    aggregates = {name: _finite(values.aggregate(name)) for name in SUMMARY}
    entry = {"unit": metric.unit, "count": values.count, **aggregates}
    return {**entry, "unanswered": values.infinite} if metric.per else entry


def _threshold(judgement: Judgement) -> Json:
    row = asdict(judgement)
    never = row["value"] == math.inf
    return {**row, "value": None, "never": True} if never else row


def _finite(value: float | None) -> float | None:
    return None if value is None or math.isinf(value) else value


def _groups(attribute: str, measurements: Measurements) -> dict[str, Json]:
    groups: dict[str, Json] = {value: {} for value in measurements.sizes(attribute)}
    for metric in ENDPOINT_METRICS:
        for value, values in measurements.by(attribute, metric.name).items():
            groups[value][metric.name] = _entry(metric, values)
    return groups


def _budget(run: Run) -> Json:
    """Means over endpoints of each part's mean over audio packets; None without data."""
    columns = ["level", "access", *(f"budget_{part}" for part in BUDGET)]
    rows = run.tables["endpoints"].select(columns).to_pylist()
    rows = [row for row in rows if row["level"] != COMMAND_CENTRE]
    kinds = dict.fromkeys(row["access"] for row in rows)
    return {
        "overall": _parts(rows),
        "access": {kind: _parts([r for r in rows if r["access"] == kind]) for kind in kinds},
    }


def _parts(rows: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    parts = {part: [row[f"budget_{part}"] for row in rows] for part in BUDGET}
    known = {part: [v for v in values if v is not None] for part, values in parts.items()}
    # The digits that single precision has.
    return {part: float(f"{fmean(v):.7g}") if v else None for part, v in known.items()}
