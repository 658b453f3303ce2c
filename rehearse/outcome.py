"""The outcome of a run for people: verdict, thresholds, where the rest is."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from results.quantities import (
    format_bytes,
    format_endpoints,
    format_interval,
    format_number,
    format_span,
    format_value,
)
from results.summary import value_of
from scenarios.thresholds import Expression, Target

_MARKS = {"pass": "✓", "fail": "✗", "inconclusive": "?"}


def describe_outcome(summary: Mapping[str, Any], folder: Path) -> str:
    """What a terminal shows of ``summary``, whose run is in ``folder``."""
    return "\n".join(_lines(summary, folder))


def _lines(summary: Mapping[str, Any], folder: Path) -> Iterator[str]:
    verdict = summary["verdict"]
    length = format_span(summary["duration_s"])
    head = f"{summary['scenario']}, {format_endpoints(summary['endpoints'])}, {length}"
    yield f"{_MARKS[verdict]} {verdict.upper()}  {head}. {summary['reason']}"
    thresholds: Sequence[Mapping[str, Any]] = summary["thresholds"]
    expressions = [_expression(threshold) for threshold in thresholds]
    width = max(map(len, expressions), default=0)
    paired = zip(thresholds, expressions, strict=True)
    for metric, group in groupby(paired, key=lambda pair: pair[0]["metric"]):
        yield f"\n  {metric}"
        for threshold, expression in group:
            mark = _MARKS[threshold["verdict"]]
            advisory = "  (advisory)" if threshold.get("advisory") else ""
            yield f"    {mark} {expression:<{width}}   {_value(threshold)}{advisory}"
    if short := summary.get("imprecise"):
        yield f"\n  still less precise than {summary['precision']:.1%} of the value:"
        yield from (f"    {figure}" for figure in short)
    yield f"\n  {_cost(summary)}"
    yield f"  report  {folder / 'report.html'}"
    yield f"  run     {folder}"


def _expression(threshold: Mapping[str, Any]) -> str:
    window = f"  {threshold['during']}" if threshold.get("during") else ""
    return f"{threshold['expression']}{window}"


def _value(threshold: Mapping[str, Any]) -> str:
    metric = Target.parse(threshold["metric"]).metric
    aggregation = Expression.parse(threshold["expression"], metric).aggregation
    shown = f"p({aggregation[1:]})" if aggregation.startswith("p") else aggregation
    unit = "count" if aggregation == "count" else metric.unit
    interval = ""
    if threshold.get("interval"):
        interval = f"  ({format_interval(threshold['interval'], unit)})"
    return f"{shown} = {format_value(value_of(threshold), unit)}{interval}"


def _cost(summary: Mapping[str, Any]) -> str:
    cost = summary["cost"]
    wall = cost["wall_s"]
    pace = f" ({format_number(summary['duration_s'] / wall, 2)} × real time)" if wall > 0 else ""
    hops = f"{cost['packet_hops'] / 1e6:,.1f} M packet-hops"
    memory = format_bytes(cost["peak_rss_bytes"])
    return f"took {format_number(wall, 2)} s{pace}, {hops}, at most {memory} of memory"
