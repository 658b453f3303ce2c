"""Intervals on plots: thresholds against their bounds, groups beside each other, and how precision
grew with the replications."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from results.figures import Figure, thresholds_of
from results.intervals import Estimate, estimate
from results.plots.style import (
    BLUE,
    GRID,
    INK,
    MUTED,
    RED,
    axis_title,
    clean,
    colours,
    label_for,
    log_axis,
    say_no_data,
    value_axis,
)
from results.quantities import label_of, unit_of
from results.replications import FEWEST, Replications, judge_estimate
from scenarios.thresholds import Expression, Target

VERDICT_COLOURS = {"pass": BLUE, "fail": RED, "inconclusive": MUTED}
GROUPED = ("access", "carrier", "province")
"""Attributes whose groups are shown, from top to bottom."""
MOST_LINES = 40


def draw_thresholds(found: Replications, ax: Axes) -> None:
    """Each threshold's value and interval as a share of its bound; beyond 1 it does not hold."""
    rows = []
    for text, threshold, figure in thresholds_of(found.scenario):
        expression = Expression.parse(threshold.check, Target.parse(text).metric)
        each = found.estimate(figure)
        if each.value is None or not math.isfinite(each.value) or not expression.bound:
            continue
        low, high = (each.value if end is None else max(end, 0) for end in (each.low, each.high))
        shares = [value / expression.bound for value in (low, each.value, high)]
        if ">" in expression.operator:  # the same side holds for all
            shares = [2 - share for share in shares]
        verdict = judge_estimate(expression, each, len(found.measured))
        during = f" {threshold.during}" if threshold.during else ""
        rows.append((f"{text} {threshold.check}{during}", shares, VERDICT_COLOURS[verdict]))
    if not rows:
        say_no_data(ax, "There is no threshold with a finite value.")
        return
    rows = rows[:MOST_LINES]
    ax.axvline(1, color=INK, linewidth=1)
    for y, (_, (low, value, high), colour) in enumerate(rows):
        ax.plot([low, high], [y, y], color=colour, linewidth=2.2, solid_capstyle="butt")
        ax.plot([value], [y], marker="o", markersize=4.5, color=colour, linestyle="none")
    _name_rows(ax, [text for text, *_ in rows])
    ax.set_xlabel("Value as a share of its bound: left of the line the threshold holds")


def draw_groups(found: Replications, ax: Axes, metric: str) -> None:
    """The metric's p95 by access link, carrier and province, with intervals."""
    rows: list[tuple[str, str, Estimate]] = []
    for attribute in GROUPED:
        shades = colours(found, attribute) if attribute != "province" else {}  # type: ignore[arg-type]
        names = dict.fromkeys(n for each in found.measured for n in each.group_sizes[attribute])
        for name in names:
            each = found.estimate(Figure(metric, f"{attribute}={name}", "", "p95"))
            if each.value is not None and math.isfinite(each.value):
                label = clean(label_for(found, attribute, name))  # type: ignore[arg-type]
                rows.append((label, shades.get(name, INK), each))
    if not rows:
        say_no_data(ax, f"No {label_of(metric, inside=True)} was measured in these runs.")
        return
    values = np.array([each.value for *_, each in rows], dtype=np.float64)
    scale = value_axis(ax, "x", unit_of(metric), values)
    for y, (_, colour, each) in enumerate(rows):
        ends = [e * scale.factor for e in (each.low, each.high) if e is not None]
        ax.plot(ends, [y] * len(ends), color=colour, linewidth=2.2, solid_capstyle="butt")
        ax.plot([(each.value or 0.0) * scale.factor], [y], "o", markersize=4.5, color=colour)
    _name_rows(ax, [name for name, *_ in rows])
    ax.set_xlabel(axis_title(f"{label_of(metric)}, p95", scale))


def draw_precision(found: Replications, ax: Axes) -> None:
    """Relative half-width of each thresholded figure after so many replications."""
    counts = range(2, len(found.measured) + 1)
    drawn = False
    for figure in dict.fromkeys(figure for *_, figure in thresholds_of(found.scenario)):
        values = found.values(figure)
        widths = [estimate(values[:count]).relative_half_width for count in counts]
        known = [
            (count, width * 100)
            for count, width in zip(counts, widths, strict=True)
            if width is not None and 0 < width < math.inf
        ]
        if len(known) > 1:
            ax.plot(*zip(*known, strict=True), color=BLUE, alpha=0.55, linewidth=1.2)
            drawn = True
    if not drawn:
        say_no_data(ax, "No thresholded figure differs between replications.")
        return
    if found.precision is not None:
        ax.axhline(found.precision * 100, color=RED, linewidth=1.2, linestyle=(0, (5, 2)))
    ax.axvspan(2, min(FEWEST, len(found.measured)), color=GRID, alpha=0.4, linewidth=0)
    log_axis(ax, "y")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("Replications")
    ax.set_ylabel("Half-width of the interval (% of the value)")
    ax.grid(visible=True, axis="y")


def _name_rows(ax: Axes, names: Sequence[str]) -> None:
    ax.set_yticks(range(len(names)), [clean(name, 60) for name in names], fontsize=7.5)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=True, axis="x")
