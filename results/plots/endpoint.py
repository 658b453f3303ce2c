"""One endpoint: what it was sent and could have been sent, which layer, when it froze."""

from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from numpy.typing import NDArray

from results.adaptation import AUDIO_ONLY
from results.plots.marks import mark_events
from results.plots.style import (
    BLUE,
    INK,
    MUTED,
    ORANGE,
    RED,
    axis_title,
    held,
    log_axis,
    say_no_data,
    time_axis,
    value_axis,
)
from results.readings import codes, endpoints, floats, values
from results.records import Run
from scenarios.meeting import COMMAND_CENTRE

PALEST, DARKEST = 0.10, 0.45
"""Opacity of an interval's shade, from a short freeze to one that fills it."""
WIDEST = 8.0
"""Rates that span more than this multiple stand on a logarithmic axis."""
CROWDED = 300.0
"""The same from which on only powers of ten are told: the panels are low."""
LEGEND = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0), "alignment": "left"}


@dataclass(frozen=True)
class History:
    """One site's samples in time."""

    times: NDArray[np.float64]
    """(T,) beginnings of intervals, seconds."""
    columns: dict[str, NDArray[np.float64]]
    """(T,) by name; NaN where there is no value."""
    layers: tuple[str, ...]
    """AUDIO_ONLY, then the scenario's layers, lowest first."""
    layer: NDArray[np.float64]
    """(T,) place in ``layers``; NaN where nothing was meant for it."""

    def any(self, *names: str) -> bool:
        """Whether there is a value in any of the columns."""
        return any(bool(np.isfinite(self.columns[name]).any()) for name in names)


DOWN = ("bitrate", "estimate", "capacity")
UP = ("uplink_bitrate", "uplink_estimate", "uplink_capacity")


def read_history(run: Run, site: str) -> History:
    """The samples of ``site``."""
    table = run.tables["samples"]
    own = table.filter(pc.equal(table["site"].cast("string"), site)).sort_by("time")
    names = [layer.name for layer in run.scenario.media.video.layers]
    columns = {name: floats(own, name) for name in (*DOWN, *UP, "freeze_ratio", "packet_loss")}
    code, found = codes(own, "layer")
    # Null's code, -1, takes what stands last: audio only.
    layer = np.array([*(names.index(n) + 1 if n in names else 0 for n in found), 0])[code]
    expects = layer > 0
    if site != COMMAND_CENTRE:  # whose packets may be of the wall alone
        expects |= np.isfinite(columns["packet_loss"])
    return History(
        floats(own, "time"), columns, (AUDIO_ONLY, *names), np.where(expects, layer, np.nan)
    )


def most_frozen(run: Run) -> str:
    """The endpoint whose picture was frozen longest; the first of all where none was."""
    frozen = np.nansum(values(run, "freeze_ratio").values, axis=0)
    return str(endpoints(run)["site"][int(frozen.argmax())].as_py())


def draw(run: Run, figure: Figure | SubFigure, site: str) -> None:
    """Rates over time with freezes shaded; the layer below; the uplink where it publishes."""
    found = read_history(run, site)
    if not found.any(*DOWN, *UP):
        say_no_data(figure.add_subplot(), "No sample of this site was taken in this run.")
        return
    watched, publishes = bool(np.isfinite(found.layer).any()), found.any("uplink_bitrate")
    heights = [3.0, *([0.9] if watched else []), *([1.8] if publishes else [])]
    panels = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[
        :, 0
    ]
    factor = time_axis(panels[0], run.duration_s)
    _rates(panels[0], run, found, DOWN, "Downlink", factor)
    _freezes(panels[0], run, found, factor)
    panels[0].legend(**LEGEND)
    if watched:
        _layers(panels[1], run, found, factor)
    if publishes:
        _rates(panels[-1], run, found, UP, "Uplink", factor)
        panels[-1].legend(**LEGEND)
    for ax in panels:
        ax.set_xlabel("")
    time_axis(panels[-1], run.duration_s)
    figure.align_ylabels()
    mark_events(panels[0], run, factor)


def _rates(
    ax: Axes, run: Run, found: History, names: tuple[str, str, str], title: str, factor: float
) -> None:
    sent, estimate, capacity = (found.columns[name] for name in names)
    every = np.concatenate([sent, estimate, capacity])
    scale = value_axis(ax, "y", "bit/s", every)
    length = run.scenario.interval / 1e9
    # Estimate and capacity are of an interval's end, the rate is of all of it.
    ends = np.minimum(found.times + length, run.duration_s) * factor
    ax.plot(ends, capacity * scale.factor, color=MUTED, linewidth=2.4, alpha=0.55, label="capacity")
    ax.plot(ends, estimate * scale.factor, color=ORANGE, linewidth=1.3, label="estimate")
    label = "sent" if title == "Uplink" else "received"
    x, y = held(found.times, length, run) * factor, np.repeat(sent, 2) * scale.factor
    ax.plot(x, y, color=BLUE, linewidth=1.5, label=label)
    name = axis_title(title, scale)
    positive = every[every > 0] * scale.factor
    if len(positive) and positive.max() > WIDEST * positive.min():
        crowded = positive.max() > CROWDED * positive.min()
        log_axis(ax, "y", (1.0,) if crowded else (1.0, 2.0, 5.0))
        # A rate of zero leaves the axes at the bottom.
        ax.set_ylim(positive.min() / 1.4, positive.max() * 1.4)
        name += "\nlog scale"
    elif len(positive):
        ax.set_ylim(0, positive.max() * 1.08)
    ax.set_ylabel(name)
    ax.grid(visible=True, axis="y")


def _freezes(ax: Axes, run: Run, found: History, factor: float) -> None:
    frozen = found.columns["freeze_ratio"]
    length = run.scenario.interval / 1e9
    for i in np.flatnonzero(frozen > 0):
        begin = found.times[i]
        end = min(begin + length, run.duration_s)
        alpha = PALEST + (DARKEST - PALEST) * min(float(frozen[i]), 1.0)
        ax.axvspan(begin * factor, end * factor, color=RED, alpha=alpha, linewidth=0, zorder=0.4)
    if (frozen > 0).any():
        alpha = (PALEST + DARKEST) / 2
        ax.fill_between([], [], color=RED, alpha=alpha, linewidth=0, label="frozen")


def _layers(ax: Axes, run: Run, found: History, factor: float) -> None:
    x = held(found.times, run.scenario.interval / 1e9, run) * factor
    y = np.repeat(found.layer, 2)
    ax.fill_between(x, 0, y, color=BLUE, alpha=0.25, linewidth=0)
    ax.plot(x, y, color=INK, linewidth=1.2)
    ax.set_yticks(range(len(found.layers)), list(found.layers))
    ax.set_ylim(-0.35, len(found.layers) - 0.65)
    ax.tick_params(axis="y", length=0)
    ax.set_ylabel("Layer")
    ax.grid(visible=True, axis="y")
