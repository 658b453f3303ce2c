"""The report on replications: one HTML file, the verdict first, every figure with its interval."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from results.intervals import CONFIDENCE
from results.page import render
from results.plots.of_sets import SET_PLOTS, inline_set_plot
from results.plots.plot import write
from results.plots.style import label_for
from results.quantities import format_interval, format_span, format_value, label_of, unit_of
from results.replications import Replications
from results.report_rows import GROUP_TITLES, SHOWN_BY_GROUP, packet_places, threshold_row
from scenarios.metrics import METRICS

AGGREGATIONS = ("mean", "p50", "p95", "p99", "min", "max")

Json = Mapping[str, Any]


def write_set_report(found: Replications, summary: Json, path: Path, manifest: Json) -> None:
    """Write the report on ``found`` to ``path``, whole or not at all.

    Raises:
        OSError: the file can't be written.
    """
    write(render_set_report(found, summary, manifest).encode(), path)


def render_set_report(found: Replications, summary: Json, manifest: Json) -> str:
    """The report as HTML: it refers to nothing outside itself."""
    rows = summary["thresholds"]
    figures = [
        {
            "key": name,
            "title": plot.title,
            "caption": plot.description,
            "markup": Markup(inline_set_plot(found, name)),  # noqa: S704 - matplotlib escapes
            "command": f"rehearse plot RUN {name}",
        }
        for name, plot in SET_PLOTS.items()
    ]
    return render(
        "set_report.html.j2",
        scenario=found.scenario,
        summary=summary,
        mode=found.mode,
        started=found.started,
        played=format_span(found.duration_s),
        confidence=f"{CONFIDENCE:.0%}".replace("%", " %"),
        thresholds=[(threshold_row(row), row, _threshold_interval(row)) for row in rows],
        figures=figures,
        tables=[_group_table(found, summary, attribute) for attribute in GROUP_TITLES],
        metrics=[(METRICS[name], entry, _cells(entry)) for name, entry in _metrics(summary)],
        aggregations=AGGREGATIONS,
        accounting=packet_places(summary["accounting"]),
        facts=_facts(found, manifest),
        label=label_of,
    )


def _threshold_interval(row: Json) -> str:
    shown = threshold_row(row)
    unit = "count" if shown.aggregation == "count" else shown.metric.unit
    return format_interval(row["interval"], unit)


def _metrics(summary: Json) -> Iterator[tuple[str, Json]]:
    yield from summary["metrics"].items()


def _cells(entry: Json) -> list[tuple[str, str]]:
    """Value and interval of each of AGGREGATIONS."""
    return [
        (
            format_value(entry[name], entry["unit"]),
            format_interval(entry["intervals"][name], entry["unit"]),
        )
        for name in AGGREGATIONS
    ]


def _group_table(found: Replications, summary: Json, attribute: str) -> dict[str, Any]:
    groups: Json = summary["groups"][attribute]
    sizes: Json = summary["group_sizes"][attribute]
    return {
        "attribute": attribute,
        "title": GROUP_TITLES[attribute],
        "headings": [f"{label_of(metric)}, {name}" for metric, name in SHOWN_BY_GROUP],
        "rows": [
            {
                "name": label_for(found, attribute, group),  # type: ignore[arg-type]
                "endpoints": sizes[group],
                "cells": [
                    {
                        "raw": entries[metric][name],
                        "shown": format_value(entries[metric][name], unit_of(metric)),
                        "interval": format_interval(
                            entries[metric]["intervals"][name], unit_of(metric)
                        ),
                    }
                    for metric, name in SHOWN_BY_GROUP
                ],
            }
            for group, entries in groups.items()
        ],
    }


def _facts(found: Replications, manifest: Json) -> list[tuple[str, str]]:
    draws = [str(each.replication) for each in found.measured]
    versions: Json = manifest.get("versions") or {}
    facts = [
        ("Command", " ".join(found.command)),
        ("Scenario", f"{found.scenario.name}, seed {found.scenario.seed}"),
        ("Replications", f"{len(draws)}, numbers {draws[0]} to {draws[-1]}"),
        ("Started", found.started),
        ("Took", format_span(found.wall_s)),
        ("Commit", str(manifest.get("commit") or "")),
        ("Versions", ", ".join(f"{name} {text}" for name, text in versions.items() if text)),
    ]
    return [(label, text) for label, text in facts if text]
