"""Rows of the report's tables: values in human units, and what is worst in each column."""

import math
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from results.adaptation import profile_of
from results.plots.style import label_for
from results.quantities import (
    NO_DATA,
    format_bytes,
    format_endpoints,
    format_number,
    format_span,
    format_value,
    label_of,
    unit_of,
)
from results.records import Run
from results.summary import aggregate_of, value_of
from scenarios.metrics import METRICS, Metric
from scenarios.thresholds import Expression, Target

SHOWN_BY_GROUP: Sequence[tuple[str, str]] = (
    ("one_way_delay", "p50"),
    ("mouth_to_ear_delay", "p95"),
    ("glass_to_glass_delay", "p95"),
    ("packet_loss", "mean"),
    ("packet_loss", "p99"),
    ("jitter", "p95"),
    ("bitrate", "mean"),
    ("audio_mos", "mean"),
    ("residual_loss", "mean"),
    ("freeze_ratio", "mean"),
    ("video_mos", "mean"),
)
"""Columns of the tables by group: metrics and aggregations."""

GROUP_TITLES = {
    "province": "Provinces",
    "carrier": "Carriers",
    "access": "Access links",
    "level": "Levels",
}
"""Headings of the tables by group, in the report's order."""

Json = Mapping[str, Any]


@dataclass(frozen=True)
class ThresholdRow:
    """A line of the thresholds' table."""

    metric: Metric
    selector: str
    expression: str
    during: str
    advisory: bool
    verdict: str
    value: str
    """As the expression's aggregation has it."""
    aggregation: str
    margin: float | None
    """How far inside the bound, as a share of the bound; negative: outside."""

    @property
    def scope(self) -> str:
        """What it is about, where that is not everything and the whole meeting."""
        parts = [self.selector, f"during {self.during}" if self.during else ""]
        return " · ".join(part for part in parts if part)

    @property
    def margin_shown(self) -> str:
        """The margin as a percentage with its sign."""
        if self.margin is None:
            return ""
        percent = abs(self.margin) * 100
        digits = 0 if percent >= 10 else 1
        return f"{'−' if self.margin < 0 else '+'}{percent:,.{digits}f} %"


def threshold_row(row: Json) -> ThresholdRow:
    """The line of a threshold of the summary."""
    target = Target.parse(row["metric"])
    expression = Expression.parse(row["expression"], target.metric)
    value = value_of(row)
    margin = None
    if value is not None and math.isfinite(value) and expression.bound:
        margin = (expression.bound - value) / abs(expression.bound)
        margin = -margin if ">" in expression.operator else margin
    unit = "count" if expression.aggregation == "count" else target.metric.unit
    return ThresholdRow(
        metric=target.metric,
        selector=", ".join(f"{key}={wanted}" for key, wanted in target.selector.items()),
        expression=row["expression"],
        during=row.get("during") or "",
        advisory=bool(row.get("advisory")),
        verdict=row["verdict"],
        value=format_value(value, unit),
        aggregation=expression.aggregation,
        margin=margin,
    )


def tiles(summary: Json) -> list[tuple[str, str, str]]:
    """Label, value and note of the figures that everyone asks for first."""

    def aggregate(metric: str, name: str) -> str:
        entry = summary["metrics"].get(metric, {})
        return format_value(aggregate_of(entry, name), unit_of(metric))

    calls = summary["calls"]
    floor = (
        (
            "Time to floor",
            aggregate("time_to_floor", "p95"),
            f"p95 of {calls['count']:,} calls; median {aggregate('time_to_floor', 'p50')}",
        )
        if calls
        else None
    )
    shown = [
        (
            "Mouth-to-ear delay",
            aggregate("mouth_to_ear_delay", "p95"),
            f"p95; median {aggregate('mouth_to_ear_delay', 'p50')}",
        ),
        (
            "Glass-to-glass delay",
            aggregate("glass_to_glass_delay", "p95"),
            f"p95; median {aggregate('glass_to_glass_delay', 'p50')}",
        ),
        (
            "Loss after repair",
            aggregate("residual_loss", "mean"),
            f"mean; before repair {aggregate('packet_loss', 'mean')}",
        ),
        (
            "Picture frozen",
            aggregate("freeze_ratio", "mean"),
            f"of the time, mean; p99 {aggregate('freeze_ratio', 'p99')}",
        ),
        (
            "Audio MOS",
            aggregate("audio_mos", "mean"),
            f"mean; least {aggregate('audio_mos', 'min')}",
        ),
        *_outcome_tiles(summary, aggregate),
        floor,
        (
            "Busiest shared link",
            aggregate("link_utilization", "max"),
            f"at its fullest; mean of all {aggregate('link_utilization', 'mean')}",
        ),
    ]
    return [tile for tile in shown if tile is not None]


def _outcome_tiles(
    summary: Json, aggregate: Callable[[str, str], str]
) -> Iterator[tuple[str, str, str]]:
    """Of joining and of what faults did, where there was any."""
    joining, found = summary["joining"], summary["interruptions"]
    if joining and joining["count"]:
        median = f"median {aggregate('join_time', 'p50')}"
        note = f"p99 of {format_endpoints(joining['count'])}; {median}"
        yield "Join time", aggregate("join_time", "p99"), note
    if found:
        median = f"median {aggregate('recovery_time', 'p50')}"
        note = f"p99 of {found['count']:,} interruptions; {median}"
        yield "Recovery time", aggregate("recovery_time", "p99"), note
    if summary["availability"]:
        share = format_value(summary["availability"]["overall"], "ratio", 4)
        yield "Usable audio", share, "of endpoint-minutes since setting out"


def worst_places(run: Run, worst: Json) -> list[tuple[str, list[dict[str, str]]]]:
    """By metric: the worst groups, then the worst endpoints, each with what it is and why."""
    rows: dict[str, list[dict[str, str]]] = {}
    for row in worst["groups"]:
        name = label_for(run, row["attribute"], row["group"])
        about = f"{row['attribute']} · {format_endpoints(row['endpoints'])}"
        rows.setdefault(row["metric"], []).append(_worst_row(row, name, about))
    for row in worst["endpoints"]:
        place = [row["site"], row["province"]]
        place += [label_for(run, key, row[key]) for key in ("carrier", "access") if row[key]]
        about = " · ".join(part for part in place if part)
        rows.setdefault(row["metric"], []).append(_worst_row(row, row["name"], about))
    return list(rows.items())


def _worst_row(row: Json, name: str, about: str) -> dict[str, str]:
    value = format_value(row["value"], unit_of(row["metric"]))
    return {"name": name, "about": about, "value": value, "reason": row["reason"]}


def group_table(run: Run, summary: Json, attribute: str) -> dict[str, Any]:
    """Title, headings and rows of the table by ``attribute``; cells know if they are worst."""
    groups: Json = summary["groups"].get(attribute, {})
    sizes: Json = summary["group_sizes"].get(attribute, {})
    columns = []
    for metric, aggregation in SHOWN_BY_GROUP:
        found = [entry.get(metric, {}).get(aggregation) for entry in groups.values()]
        known = [value for value in found if value is not None]
        better_high = METRICS[metric].higher_is_better
        worst = (min if better_high else max)(known, default=None)
        shown = [format_value(value, unit_of(metric)) for value in found]
        # Where most look alike, none of them is worst.
        if worst is not None and 2 * shown.count(shown[found.index(worst)]) > len(shown):
            worst = None
        columns.append(
            [
                {"raw": value, "shown": text, "worst": value is not None and value == worst}
                for value, text in zip(found, shown, strict=True)
            ]
        )
    cells = list(zip(*columns, strict=True))
    return {
        "attribute": attribute,
        "title": GROUP_TITLES[attribute],
        "headings": [f"{label_of(metric)}, {name}" for metric, name in SHOWN_BY_GROUP],
        "rows": [
            {
                "name": label_for(run, attribute, group),
                "endpoints": sizes.get(group, 0),
                "cells": cells[i],
            }
            for i, group in enumerate(groups)
        ],
    }


def control_of(run: Run) -> str:
    """The congestion control that was played, by its profile."""
    profile = profile_of(run)
    return f"Google Congestion Control, profile {profile}" if profile else "none"


def run_facts(run: Run, manifest: Json) -> list[tuple[str, str]]:
    """How the run came about and what it took."""
    cost = run.cost
    versions: Json = manifest.get("versions") or {}
    machine: Json = manifest.get("machine") or {}
    rate = cost.packet_hops / cost.wall_s if cost.wall_s else 0.0
    facts = [
        ("Command", shlex.join(run.command)),
        ("Scenario", f"{run.scenario.name}, seed {run.scenario.seed}"),
        ("Congestion control", control_of(run)),
        ("Started", run.started),
        ("Finished", run.finished),
        (
            "Took",
            f"{format_span(cost.wall_s)} for {format_span(run.duration_s)}"
            + (
                f": {format_number(run.duration_s / cost.wall_s)} × real time"
                if cost.wall_s
                else ""
            ),
        ),
        ("Packets", f"{cost.packets:,}"),
        ("Packet-hops", f"{cost.packet_hops:,} ({format_number(rate / 1e6)} million a second)"),
        ("Memory, at most", format_bytes(cost.peak_rss_bytes)),
        ("Commit", str(manifest.get("commit") or "")),
        ("Machine", ", ".join(_describe_machine(machine))),
        ("Versions", ", ".join(f"{name} {text}" for name, text in versions.items() if text)),
    ]
    return [(label, text) for label, text in facts if text]


def _describe_machine(machine: Json) -> Iterator[str]:
    if machine.get("cpu"):
        yield str(machine["cpu"])
    if machine.get("cores"):
        yield f"{machine['cores']} cores"
    if machine.get("memory_bytes"):
        yield f"{format_bytes(machine['memory_bytes'])} of memory"
    system = [str(machine[key]) for key in ("system", "release") if machine.get(key)]
    if system:
        yield " ".join(system)


def packet_places(accounting: Json) -> dict[str, Any]:
    """The summary's accounting, and each place with its packets' number and share."""
    sent = accounting["sent"]
    lost: Json = accounting["lost"]
    places = [
        ("delivered", "Delivered", accounting["delivered"]),
        *(("lost", f"Lost: {place}", count) for place, count in lost.items()),
        ("flight", "In flight at the end", accounting["in_flight"]),
    ]
    return {
        **accounting,
        "total_lost": sum(lost.values()),
        "places": [
            {
                "class": kind,
                "label": label,
                "count": count,
                "percent": 100 * count / sent if sent else 0.0,
                "share": format_value(count / sent, "ratio") if sent else NO_DATA,
            }
            for kind, label, count in places
        ],
    }
