"""Distributions of packets' delays by access kind: the body (CDF) and the tail (CCDF)."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from numpy.typing import NDArray

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
    plain,
    say_no_data,
)
from results.quantities import Scale, format_value, label_of
from results.readings import Delays, delays
from results.records import Run

MILLISECONDS = Scale(1e3, "ms")
ALL = ""
"""The group of all access kinds together."""


def draw_cdf(run: Run, ax: Axes, metric: str = "one_way_delay") -> None:
    """Share of packets that took at most x, by access kind."""
    counted = _by_access(run, metric)
    if not counted.counts.any():
        say_no_data(ax, f"No packets with a {label_of(metric, inside=True)} in this run.")
        return
    for name, edges, share in _curves(counted):
        ax.plot(edges * 1e3, share * 100, **_look(run, counted, name))
    log_axis(ax, "x")
    ax.set_ylim(0, 101)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.set_ylabel("Packets at or below (%)")
    _finish(run, ax, counted, metric)
    _legend(ax)


def draw_ccdf(run: Run, ax: Axes, metric: str = "one_way_delay") -> None:
    """Share of packets that took longer than x, by access kind, with bounds that must hold.

    Both axes are logarithmic: the tail is what thresholds are about.
    """
    counted = _by_access(run, metric)
    if not counted.counts.any():
        say_no_data(ax, f"No packets with a {label_of(metric, inside=True)} in this run.")
        return
    smallest = 1.0
    for name, edges, share in _curves(counted):
        above = 1 - share
        # Rounding must not lift the last bucket, above which nothing is, into sight.
        seen = above > 1e-12
        if seen.any():
            smallest = min(smallest, float(above[seen].min()))
        ax.plot(edges[seen] * 1e3, above[seen] * 100, **_look(run, counted, name))
    log_axis(ax, "x")
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator())
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
    ax.set_ylim(10 ** np.floor(np.log10(max(smallest, 1e-9) * 100)), 130)
    ax.set_ylabel("Packets above (%)")
    _finish(run, ax, counted, metric)
    mark_bounds(run, ax, metric, MILLISECONDS.factor, lambda share: (1 - share) * 100)
    _legend(ax)


def _by_access(run: Run, metric: str) -> Delays:
    """The whole meeting's packets by access kind, and of all kinds together."""
    kinds = delays(run, metric, "access").over_time()
    if len(kinds.groups) < 2:
        return kinds
    every = kinds.over_groups()
    counts = np.concatenate([kinds.counts, every.counts])
    return Delays((*kinds.groups, ALL), kinds.times, counts, kinds.first)


def _curves(
    counted: Delays,
) -> Iterator[tuple[str, NDArray[np.float64], NDArray[np.float64]]]:
    """Group, upper edges of its buckets in seconds, share of packets up to there."""
    edges = counted.edges
    for name, histogram in zip(counted.groups, counted.counts[:, 0], strict=True):
        used = np.flatnonzero(histogram)
        if not len(used):
            continue
        window = slice(used[0], used[-1] + 1)
        share = histogram[window].cumsum() / histogram.sum()
        # The curve begins at zero, at its first bucket's lower edge.
        yield name, edges[used[0] : used[-1] + 2], np.concatenate([[0.0], share])


def _look(run: Run, counted: Delays, name: str) -> dict[str, Any]:
    median, high = counted.percentiles(50, 99)[counted.groups.index(name), 0]
    label = "All endpoints" if name == ALL else clean(label_for(run, "access", name), LONGEST_KEY)
    figures = f"median {format_value(median, 's')}, p99 {format_value(high, 's')}"
    kinds = list(run.scenario.access)
    style = LINE_STYLES[kinds.index(name) % len(LINE_STYLES)] if name in kinds else "-"
    return {
        "color": colours(run, "access").get(name, INK),
        "linestyle": style,
        "linewidth": 1.0 if name == ALL else 1.7,
        "label": f"{label}: {figures}",
    }


def _legend(ax: Axes) -> None:
    # Above the axes: inside there is no corner that curves never reach.
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.1)


def _finish(run: Run, ax: Axes, counted: Delays, metric: str) -> None:
    used = np.flatnonzero(counted.counts.any(axis=(0, 1)))
    edges = counted.edges * 1e3
    bounds = [bound.value * 1e3 for bound in bounds_of(run, metric)]
    low, high = edges[used[0]], edges[used[-1] + 1]
    ax.set_xlim(low / 1.1, max([high, *(b for b in bounds if b < 3 * high)]) * 1.1)
    ax.set_xlabel(axis_title(label_of(metric), MILLISECONDS) + ", log scale")
    ax.grid(visible=True)
