"""The report: one HTML file that opens anywhere, the verdict first, then why, then all figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from results.interruptions import has_faults
from results.page import render
from results.plots import PLOTS
from results.plots.bottleneck import limits_anyone
from results.plots.inline import inline_plot
from results.plots.plot import write
from results.quantities import format_span, format_value, label_of
from results.records import Run
from results.report_outcomes import (
    availability_section,
    fault_section,
    interruption_section,
    joining_section,
)
from results.report_people import audio_only_section, floor_section, voiceless_caveat
from results.report_rows import (
    GROUP_TITLES,
    control_of,
    group_table,
    packet_places,
    run_facts,
    threshold_row,
    tiles,
    worst_places,
)
from results.summary import aggregate_of
from scenarios.metrics import METRICS

FIGURES: Sequence[tuple[str, str | None]] = (
    ("connected", None),
    ("join-time", None),
    ("join-time-budget", None),
    ("fault-timeline", None),
    ("recovery", None),
    ("retries", None),
    ("freezes", None),
    ("freezes-by-province", None),
    ("layers", None),
    ("estimate", None),
    ("endpoint", None),
    ("bottleneck", None),
    ("time-to-floor", None),
    ("time-to-floor-budget", None),
    ("delay-over-time", "mouth_to_ear_delay"),
    ("province-heatmap", "packet_loss"),
    ("province-heatmap", "one_way_delay"),
    ("province-map", "mouth_to_ear_delay"),
    ("delay-cdf", "one_way_delay"),
    ("delay-ccdf", "mouth_to_ear_delay"),
    ("delay-budget", None),
    ("link-utilization", None),
)
"""Plots and their metrics, in the report's order."""

AGGREGATIONS = ("mean", "p50", "p95", "p99", "min", "max")

Json = Mapping[str, Any]


def write_report(run: Run, summary: Json, path: Path, manifest: Json | None = None) -> None:
    """Write the report on ``run`` to ``path``, whole or not at all.

    ``summary`` is what ``results.summary.summarize`` makes of the run; ``manifest`` adds versions
    and machine, where there is one.

    Raises:
        OSError: the file can't be written.
    """
    write(render_report(run, summary, manifest).encode(), path)


def render_report(run: Run, summary: Json, manifest: Json | None = None) -> str:
    """The report as HTML: it refers to nothing outside itself."""
    empty = _empty_plots(run, summary)
    return render(
        "report.html.j2",
        value=format_value,
        label=label_of,
        aggregate=aggregate_of,
        run=run,
        scenario=run.scenario,
        summary=summary,
        played=format_span(run.duration_s),
        thresholds=[threshold_row(row) for row in summary["thresholds"]],
        tiles=tiles(summary),
        worst=worst_places(run, summary["worst"]),
        control=control_of(run),
        availability=availability_section(run),
        joining=joining_section(run),
        faults=fault_section(run),
        interruptions=interruption_section(run),
        floor=floor_section(run),
        audio_only=audio_only_section(run),
        figures=[_figure(run, name, metric) for name, metric in FIGURES if name not in empty],
        tables=[group_table(run, summary, attribute) for attribute in GROUP_TITLES],
        metrics=[(METRICS[name], entry) for name, entry in summary["metrics"].items()],
        aggregations=AGGREGATIONS,
        description=split_blocks(run.scenario.description),
        caveats=_caveats(run),
        facts=run_facts(run, manifest or {}),
        accounting=packet_places(summary["accounting"]),
    )


def _empty_plots(run: Run, summary: Json) -> set[str]:
    """Plots that are left out, as the run has nothing that they could show."""
    # Who only comes back never set out to join.
    joining = summary["joining"] or {"count": 0, "retries": 0, "failures": {}}
    content = {
        "time-to-floor": summary["calls"],
        "time-to-floor-budget": summary["calls"],
        "connected": summary["availability"],
        "join-time": joining["count"],
        "join-time-budget": joining["count"],
        # What a fault did is worth a look even if it interrupted nobody.
        "fault-timeline": summary["interruptions"] or has_faults(run),
        "recovery": summary["interruptions"],
        "retries": joining["retries"] or joining["failures"],
        "bottleneck": limits_anyone(run),
    }
    return {name for name, found in content.items() if not found}


def _figure(run: Run, name: str, metric: str | None) -> dict[str, Any]:
    plot = PLOTS[name]
    key = f"{name}-{metric}" if metric else name
    markup = inline_plot(plot, run, key, metric)
    return {
        "key": key,
        "title": plot.headline(run, metric),
        "caption": plot.caption(run, metric),
        "markup": Markup(markup),  # noqa: S704 - matplotlib escapes the text that it draws
        "command": " ".join(
            [
                f"rehearse plot RUN {name}",
                *([f"--metric {metric}"] if metric else []),
                *([f"--site {site}"] if (site := plot.choose_site(run, None)) else []),
            ]
        ),
    }


def split_blocks(text: str) -> list[tuple[str, list[str]]]:
    """Plain text as blocks: (`p`, [paragraph]) and (`ul`, items that began with a dash)."""
    blocks: list[tuple[str, list[str]]] = []
    new = True
    for line in (line.strip() for line in text.splitlines()):
        if line.startswith("- "):
            if not blocks or blocks[-1][0] != "ul":
                blocks.append(("ul", []))
            blocks[-1][1].append(line[2:])
        elif line and (new or not blocks):
            blocks.append(("p", [line]))
        elif line:
            blocks[-1][1][-1] += f" {line}"
        new = not line
    return blocks


def _caveats(run: Run) -> list[str]:
    """What to keep in mind beside any figure of this page."""
    scenario = run.scenario
    interval = format_span(scenario.interval / 1e9)
    return [
        *voiceless_caveat(run),
        *run.assumptions,
        "Percentiles of delays are over single packets (or frames), kept in histograms: each is "
        "within 1 % of the exact value.",
        "Loss, jitter, bit rate, freezes and MOS have one value per endpoint and interval of "
        f"{interval}; their percentiles are over these, and what is shorter is averaged out.",
        f"One run with one seed ({scenario.seed}): another draw of links and losses gives other "
        "figures.",
    ]
