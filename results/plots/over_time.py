"""A metric over the meeting: bands of percentiles, with the events that may explain them."""

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from results.plots.marks import mark_events
from results.plots.style import (
    BLUE,
    RED,
    axis_title,
    held,
    log_axis,
    say_no_data,
    time_axis,
    value_axis,
)
from results.quantities import label_of, unit_of
from results.readings import DELAYS, VALUES, delays, values
from results.records import Run
from scenarios.metrics import METRICS

METRICS_OVER_TIME = (*DELAYS, *VALUES)
RANKS = (1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0)


def percentiles_over_time(
    run: Run, metric: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], str]:
    """Times (T,), percentiles (T, len(RANKS)) in SI units, and what they are over."""
    if metric in DELAYS:
        counted = delays(run, metric)
        return counted.times, counted.percentiles(*RANKS)[0], METRICS[metric].population
    sampled = values(run, metric)
    return sampled.times, sampled.percentiles(*RANKS), "endpoints"


def draw(run: Run, ax: Axes, metric: str = "one_way_delay") -> None:
    """Bands p5–p95 and p25–p75, the median and the bad end's extreme percentile over time."""
    times, found, population = percentiles_over_time(run, metric)
    if not np.isfinite(found).any():
        say_no_data(ax, f"No {label_of(metric, inside=True)} was measured in this run.")
        return
    factor = time_axis(ax, run.duration_s)
    scale = value_axis(ax, "y", unit_of(metric), found)
    length = None if metric in DELAYS else run.scenario.interval / 1e9
    x, y = held(times, length, run) * factor, np.repeat(found, 2, axis=0) * scale.factor
    p1, p5, p25, p50, p75, p95, p99 = y.T
    ax.fill_between(x, p5, p95, color=BLUE, alpha=0.18, linewidth=0, label="p5–p95")
    ax.fill_between(x, p25, p75, color=BLUE, alpha=0.38, linewidth=0, label="p25–p75")
    ax.plot(x, p50, color=BLUE, label="median")
    # The bad end is where a verdict is lost.
    bad, name = (p1, "p1") if METRICS[metric].higher_is_better else (p99, "p99")
    ax.plot(x, bad, color=RED, linewidth=1.1, label=name)
    title = axis_title(label_of(metric), scale)
    low, high = np.nanmin(y), np.nanmax(y)
    if unit_of(metric) == "s" and low > 0 and high / low > 8:
        log_axis(ax, "y")
        title += ", log scale"
    elif unit_of(metric) == "score":
        ax.set_ylim(1, 4.6)
    else:
        ax.set_ylim(0, high * 1.05 or 1)
    ax.set_ylabel(title)
    ax.grid(visible=True, axis="y")
    mark_events(ax, run, factor)
    ax.legend(
        loc="upper left", bbox_to_anchor=(1.0, 1.0), title=f"over {population}",
        title_fontsize=7.5, alignment="left", reverse=True,
    )  # fmt: skip
