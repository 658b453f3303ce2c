"""Calls to the floor: how long they took by access link, and where the time went."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from results.calls import Call, by_access, median_parts, read_calls
from results.plots.bounds import bounds_of, mark_bounds
from results.plots.style import (
    INK,
    LINE_STYLES,
    LONGEST_KEY,
    axis_title,
    clean,
    colours,
    label_for,
    log_axis,
    say_no_data,
)
from results.plots.waterfall import draw_waterfalls
from results.quantities import format_value, label_of, scale_for
from results.ranks import order
from results.records import CALL_BUDGET, Run

METRIC = "time_to_floor"
RANKS = {50.0: "o", 95.0: "s", 99.0: "D"}
"""Percentiles that are marked, and how."""
NOBODY = "No endpoint was called to the floor in this run."
PART_LABELS = {
    "signalling": "Signalling",
    "key_frame": "Key frame",
    "uplink": "Uplink",
    "fan_out": "Fan-out",
    "playout": "Playout",
}
WIDEST = 10.0
"""Times that span more than this multiple stand on a logarithmic axis."""


def draw_distribution(run: Run, ax: Axes) -> None:
    """Share of calls that had the floor within x, by access kind, with percentiles marked."""
    calls = read_calls(run)
    times = [call.time_to_floor for call in calls if math.isfinite(call.time_to_floor)]
    if not calls:
        say_no_data(ax, NOBODY)
        return
    if not times:
        say_no_data(ax, f"None of the {len(calls):,} calls was answered in this run.")
        return
    bounds = [bound.value for bound in bounds_of(run, METRIC)]
    longest = max([*times, *(bound for bound in bounds if bound < 3 * max(times))])
    scale = scale_for("s", longest)
    wide = longest > WIDEST * min(times)
    end = longest * scale.factor * 1.08
    shades, kinds = colours(run, "access"), list(run.scenario.access)
    groups = by_access(run, calls)
    for kind, own in [*groups.items(), *([("", calls)] if len(groups) > 1 else [])]:
        values = np.sort([call.time_to_floor for call in own])
        answered = values[np.isfinite(values)]
        # Calls that were never answered keep the curve from its top.
        steps = np.arange(1, len(answered) + 1) / len(values) * 100
        x = np.concatenate([answered[:1], answered, [end / scale.factor]]) * scale.factor
        y = np.concatenate([[0.0], steps, steps[-1:]]) if len(steps) else np.zeros(1)
        name = clean(label_for(run, "access", kind), LONGEST_KEY) if kind else "All"
        style = LINE_STYLES[kinds.index(kind) % len(LINE_STYLES)] if kind else "-"
        colour = shades.get(kind, INK)
        ax.plot(
            x, y, drawstyle="steps-post", color=colour, linestyle=style,
            linewidth=1.6 if kind else 1.0, label=f"{name} ({len(own):,}): {_percentiles(own)}",
        )  # fmt: skip
        for rank, marker in RANKS.items():
            value = values[order(rank, len(values)) - 1]
            if math.isfinite(value):
                ax.plot(
                    [value * scale.factor], [rank], marker, color=colour, markersize=4.5,
                    markeredgecolor="white", markeredgewidth=0.6, zorder=4,
                )  # fmt: skip
    if wide:
        log_axis(ax, "x")
        ax.set_xlim(min(times) * scale.factor / 1.1, end)
    else:
        ax.set_xlim(0, end)
    ax.set_ylim(0, 101.5)
    ax.set_yticks([0, 25, 50, 75, 95])
    ax.set_ylabel("Calls that had the floor (%)")
    ax.set_xlabel(axis_title(label_of(METRIC), scale) + (", log scale" if wide else ""))
    ax.grid(visible=True)
    mark_bounds(run, ax, METRIC, scale.factor, lambda share: share * 100)
    named = ", ".join(f"p{rank:g}" for rank in RANKS)
    ax.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.1, alignment="left",
        title=f"access link (calls): {named}", title_fontsize=7.5,
    )  # fmt: skip


def _percentiles(calls: Sequence[Call]) -> str:
    values = np.sort([call.time_to_floor for call in calls])
    named = {rank: format_value(float(values[order(rank, len(values)) - 1]), "s") for rank in RANKS}
    return ", ".join(named.values())


def draw_budget(run: Run, figure: Figure | SubFigure) -> None:
    """A waterfall of the median time to the floor for all calls, and for each access kind."""
    calls = read_calls(run)
    if median_parts(calls) is None:
        sentence = "No call was answered in this run." if calls else NOBODY
        say_no_data(figure.add_subplot(), sentence)
        return
    shades = colours(run, "access")
    panels = []
    for kind, own in [("", calls), *by_access(run, calls).items()]:
        parts = median_parts(own)
        if parts is None:
            continue
        answered = sum(math.isfinite(call.time_to_floor) for call in own)
        name = clean(label_for(run, "access", kind), LONGEST_KEY) if kind else "All calls"
        panels.append((f"{name} ({answered:,})", shades.get(kind, INK), parts))
    draw_waterfalls(
        figure,
        panels,
        [PART_LABELS[part] for part in CALL_BUDGET],
        total="Whole",
        title="Median time",
    )
