"""Shared links: how full they run, kind by kind over time, and which are the busiest."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from results.plots.bounds import upper_bounds
from results.plots.style import (
    BLUE,
    INK,
    LONGEST_KEY,
    MUTED,
    RED,
    clean,
    colours,
    held,
    label_for,
    say_no_data,
    time_axis,
)
from results.readings import Values, codes, floats, intervals
from results.records import Run

METRIC = "link_utilization"
KINDS = ("backbone", "peering", "aggregation", "cascade")
BUSIEST = 10
BOUND_STYLE = (0, (5, 2))


def explain_bounds(run: Run) -> str:
    """What a red line is, where one is drawn."""
    kinds = set(read_utilization(run).kinds)
    if not any(_bounds(run, kind) for kind in kinds):
        return ""
    return "A red line is a threshold that the busiest link must stay below."


def _bounds(run: Run, kind: str) -> list[float]:
    """Thresholds on the maximum over all links, or over those of ``kind``."""
    return [
        bound.value
        for bound in upper_bounds(run, METRIC, {"kind"})
        if bound.share == 1 and bound.selector.get("kind", kind) == kind
    ]


@dataclass(frozen=True)
class Utilization:
    """Utilization of shared links, 0..1."""

    times: NDArray[np.float64]
    links: tuple[str, ...]
    kinds: tuple[str, ...]
    carriers: tuple[str | None, ...]
    values: NDArray[np.float64]
    """(T, L); NaN where there is no value."""

    def of(self, kind: str) -> NDArray[np.float64]:
        """The (T, links of that kind) values."""
        return self.values[:, [i for i, other in enumerate(self.kinds) if other == kind]]


def read_utilization(run: Run) -> Utilization:
    """Every shared link's utilization by interval."""
    table = run.tables["links"]
    link, names = codes(table, "link")
    times, interval = intervals(run, floats(table, "time"))
    grid = np.full((len(times), len(names)), np.nan)
    grid[interval, link] = floats(table, "link_utilization")
    _, first = np.unique(link, return_index=True)
    kinds, carriers = (
        [[*found, None][code[row]] for row in first]
        for code, found in (codes(table, "kind"), codes(table, "carrier"))
    )
    # Names that no row uses have no kind either.
    used = np.unique(link)
    return Utilization(
        times,
        tuple(names[i] for i in used),
        tuple(kind or "" for kind in kinds),
        tuple(carriers),
        grid[:, used],
    )


def draw(run: Run, figure: Figure | SubFigure) -> None:
    """Above: median and busiest link of each kind over time. Below: the busiest links by name."""
    found = read_utilization(run)
    if not np.isfinite(found.values).any():
        say_no_data(figure.add_subplot(), "No shared link was measured in this run.")
        return
    known = [kind for kind in dict.fromkeys([*KINDS, *found.kinds]) if kind in found.kinds]
    # Figures of their own: long names below must not narrow what is above.
    grid = figure.add_gridspec(2, 1, height_ratios=(1, 1.25))
    upper, lower = (figure.add_subfigure(grid[row]) for row in range(2))
    top = float(np.nanmax(found.values))
    # Full is 100 %: only where all is far below it does the axis end sooner.
    limit = 100.0 if top > 0.4 else max(top * 125, 1.0)
    panels = upper.subplots(1, len(known), sharey=True, squeeze=False)[0]
    for ax, kind in zip(panels, known, strict=True):
        _over_time(ax, run, found, kind)
        for bound in _bounds(run, kind):
            ax.axhline(bound * 100, color=RED, linewidth=1.0, linestyle=BOUND_STYLE)
    panels[0].set_ylim(0, limit)
    panels[0].set_ylabel("Utilization (%)")
    _busiest(lower.add_subplot(), run, found, limit)


def _over_time(ax: Axes, run: Run, found: Utilization, kind: str) -> None:
    values = found.of(kind) * 100
    factor = time_axis(ax, run.duration_s)
    ax.set_xlabel(ax.get_xlabel().replace("Time in the meeting", "Time"))
    ax.locator_params(axis="x", nbins=3)
    if np.isfinite(values).any():
        middle, most = Values(found.times, values, ()).percentiles(50, 100).T
        x = held(found.times, run.scenario.interval / 1e9, run) * factor
        middle, most = np.repeat(middle, 2), np.repeat(most, 2)
        ax.fill_between(x, middle, most, color=BLUE, alpha=0.2, linewidth=0)
        ax.plot(x, most, color=BLUE, linewidth=1.1)
        ax.plot(x, middle, color=BLUE, linewidth=1.1, linestyle=(0, (2, 1.2)))
    ax.set_title(f"{kind.capitalize()} ({found.kinds.count(kind)})")
    ax.grid(visible=True, axis="y")


def _key(run: Run, carrier: str) -> str:
    return clean(label_for(run, "carrier", carrier), LONGEST_KEY)


def _busiest(ax: Axes, run: Run, found: Utilization, limit: float) -> None:
    links = np.flatnonzero(np.isfinite(found.values).any(axis=0))
    means = np.array([np.nanmean(found.values[:, i]) for i in links]) * 100
    peaks = np.array([np.nanmax(found.values[:, i]) for i in links]) * 100
    order = np.lexsort((links, -means, -peaks))[:BUSIEST]
    shades = colours(run, "carrier")
    for row, i in enumerate(order):
        colour = shades.get(found.carriers[links[i]] or "", INK)
        ax.plot([means[i], peaks[i]], [row, row], color=colour, linewidth=2.5, alpha=0.45)
        ax.plot(means[i], row, "o", color=colour, markersize=4.5)
        ax.plot(peaks[i], row, "|", color=colour, markersize=10, markeredgewidth=2.2)
    names = [clean(found.links[links[i]]) for i in order]
    ax.set_yticks(range(len(order)), names)
    ax.set_ylim(len(order) - 0.4, -0.6)
    ax.set_xlim(0, limit)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("Utilization (%)")
    ax.set_title("Busiest links")
    ax.grid(visible=True, axis="x")
    keys = [
        Line2D([], [], marker="o", color=MUTED, linestyle="none", markersize=4.5, label="mean"),
        Line2D(
            [], [], marker="|", color=MUTED, linestyle="none", markersize=10,
            markeredgewidth=2.2, label="busiest interval",
        ),
        *(
            Line2D([], [], color=colour, linewidth=3, label=_key(run, name))
            for name, colour in shades.items()
        ),
    ]  # fmt: skip
    ax.legend(
        handles=keys, loc="lower right", bbox_to_anchor=(1, 1), ncols=len(keys),
        borderaxespad=0.2, columnspacing=1.2,
    )  # fmt: skip
