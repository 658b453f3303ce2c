"""Freezes: when pictures stood still, and in which provinces."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from numpy.typing import NDArray

from results.adaptation import ALL, groups_of
from results.plots.marks import mark_events
from results.plots.provinces import with_counts
from results.plots.style import (
    INK,
    LINE_STYLES,
    LONGEST_KEY,
    RED,
    clean,
    colours,
    held,
    label_for,
    say_no_data,
    time_axis,
    value_axis,
)
from results.readings import endpoint_groups, values
from results.records import Run
from scenarios.metrics import Unit

FEWEST_ROWS = 8
NOTHING = "No picture was watched in this run."


def draw_over_time(run: Run, ax: Axes) -> None:
    """Share of endpoints whose picture froze in each interval, by access kind."""
    found = values(run, "freeze_ratio")
    if not np.isfinite(found.values).any():
        say_no_data(ax, NOTHING)
        return
    factor = time_axis(ax, run.duration_s)
    x = held(found.times, run.scenario.interval / 1e9, run) * factor
    shades, kinds = colours(run, "access"), list(run.scenario.access)
    highest = 0.0
    groups = groups_of(run, "access")
    kinds_shown = [name for name in groups if name != ALL]
    # With one kind of link, it is all there is.
    for name in [*kinds_shown, *([ALL] if len(kinds_shown) != 1 else [])]:
        own = found.values[:, groups[name]]
        known = np.isfinite(own).sum(axis=1)
        share = np.divide(
            (own > 0).sum(axis=1), known, out=np.full(len(own), np.nan), where=known > 0
        )
        if not known.any():
            continue
        highest = max(highest, float(np.nanmax(share)))
        label = "All" if name == ALL else clean(label_for(run, "access", name), LONGEST_KEY)
        style = "-" if name == ALL else LINE_STYLES[kinds.index(name) % len(LINE_STYLES)]
        ax.plot(
            x, np.repeat(share, 2) * 100, color=shades.get(name, INK), linestyle=style,
            linewidth=1.0 if name == ALL else 1.6, label=f"{label} ({int(groups[name].sum()):,})",
        )  # fmt: skip
    ax.set_ylim(0, min(highest * 105, 102) or 1)
    ax.set_ylabel("Endpoints that froze (%)")
    ax.grid(visible=True, axis="y")
    mark_events(ax, run, factor)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), alignment="left")


def draw_by_province(run: Run, figure: Figure | SubFigure) -> None:
    """Left: share of the time frozen. Right: freezes per endpoint and hour. The worst on top."""
    group, names = endpoint_groups(run, "province")
    shares, counts = (
        values(run, name).whole().means(np.tile(group, _intervals(run)), len(names))[:, 0]
        if len(names) and _intervals(run)
        else np.full(len(names), np.nan)
        for name in ("freeze_ratio", "freeze_count")
    )
    if not np.isfinite(shares).any():
        say_no_data(figure.add_subplot(), NOTHING)
        return
    hourly = counts * 3600e9 / run.scenario.interval
    # NaN last, and equals in the table's order.
    order = np.lexsort((np.arange(len(names)), -np.nan_to_num(shares, nan=-1)))
    left, right = figure.subplots(1, 2, sharey=True, gridspec_kw={"wspace": 0.1})
    labels = with_counts([names[i] for i in order], group, names)
    panels: Sequence[tuple[Axes, NDArray[np.float64], Unit, str]] = (
        (left, shares[order], "ratio", "Time frozen"),
        (right, hourly[order], "count", "Freezes per endpoint and hour"),
    )
    for ax, found, unit, title in panels:
        scale = value_axis(ax, "x", unit, found)
        ax.barh(range(len(order)), np.nan_to_num(found) * scale.factor, color=RED, height=0.7)
        ax.set_xlabel(f"{title} ({scale.symbol})" if scale.symbol else title)
        ax.set_xlim(0, float(np.nanmax(found)) * scale.factor * 1.05 or 1)
        ax.tick_params(axis="y", length=0)
        ax.grid(visible=True, axis="x")
    left.set_yticks(range(len(order)), labels)
    # Few bars stay as thin as many.
    left.set_ylim(max(len(order), FEWEST_ROWS) - 0.4, -0.6)


def _intervals(run: Run) -> int:
    return len(values(run, "freeze_ratio").times)
