"""Provinces over time: one row a province from north to south, one column an interval."""

import numpy as np
from matplotlib.axes import Axes

from results.plots.marks import mark_events
from results.plots.provinces import bar_ticks, colour_map, norm_for, read_provinces, title_of
from results.plots.style import say_no_data, time_axis
from results.quantities import label_of, scale_for, unit_of
from results.readings import DELAYS
from results.records import Run

NO_DATA_COLOUR = "#b9c1c9"


def draw(run: Run, ax: Axes, metric: str = "one_way_delay") -> None:
    """Colour each province and interval by ``metric``; grey where there is no data."""
    reading = read_provinces(run, metric)
    if not np.isfinite(reading.over_time).any():
        say_no_data(ax, f"No {label_of(metric, inside=True)} was measured in this run.")
        return
    order = np.argsort(-reading.latitudes, kind="stable")
    found = reading.over_time[order]
    factor = time_axis(ax, run.duration_s)
    step = run.scenario.interval / 1e9
    columns = np.arange(0, run.duration_s, step)
    # Each column shows the stretch in which it lies; samples have one of their own or are a gap.
    stretch = np.searchsorted(reading.times, columns + step / 2) - 1
    known = stretch >= 0
    if metric not in DELAYS:
        known &= columns - reading.times[stretch] < step / 2
    grid = np.where(known, found[:, stretch], np.nan)
    end = len(columns) * step
    image = ax.imshow(
        grid,
        aspect="auto",
        extent=(0, end * factor, len(order) - 0.5, -0.5),
        cmap=colour_map(metric).with_extremes(bad=NO_DATA_COLOUR),
        norm=norm_for(metric, found),
        interpolation="none",
    )
    ax.set_xlim(0, run.duration_s * factor)
    ax.set_yticks(range(len(order)), [reading.labels[i] for i in order])
    ax.tick_params(axis="y", length=0)
    ax.spines[:].set_visible(False)
    scale = scale_for(unit_of(metric), float(np.nanmax(np.abs(found))))
    figure = ax.get_figure(root=True)
    assert figure is not None  # noqa: S101 - for mypy: an axes is drawn on a figure
    bar = figure.colorbar(image, ax=ax, pad=0.015, aspect=30)
    bar_ticks(bar, "y", scale.factor)
    unit = f" ({scale.symbol})" if scale.symbol else ""
    bar.set_label(title_of(metric, reading.statistic) + unit)
    mark_events(ax, run, factor, through=False)
