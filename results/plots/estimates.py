"""Estimates: what media nodes took endpoints' links for, against what these were."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure, SubFigure

from results.adaptation import ALL, Estimates, groups_of, read_estimates
from results.plots.style import (
    INK,
    LONGEST_KEY,
    axis_title,
    clean,
    label_for,
    log_axis,
    say_no_data,
)
from results.quantities import format_value, scale_for
from results.records import Run

COLUMNS = 3
CELLS = 26
FEW_TICKS = 100.0
"""Axes that span more than this multiple have ticks at powers of ten only."""
"""Hexagons across a panel."""
DENSITY = LinearSegmentedColormap.from_list("density", ["#bcdcf0", "#4f9fd0", "#0b4f8a"])
"""From few (pale) to many (dark)."""


def draw(run: Run, figure: Figure | SubFigure) -> None:
    """A panel for each access kind: estimate over capacity, with the line where they are equal."""
    found = read_estimates(run)
    if not len(found.estimate):
        say_no_data(figure.add_subplot(), "No node estimated an endpoint's link in this run.")
        return
    if not len(found.carrying.estimate):
        say_no_data(figure.add_subplot(), "No link that a node estimated carried anything.")
        return
    groups = groups_of(run, "access")
    kinds = [name for name in groups if len(found.of(groups[name]).estimate)]
    if len(kinds) == 2:
        kinds.remove(ALL)  # the only kind is all there is
    columns = min(COLUMNS, len(kinds))
    rows = -(-len(kinds) // columns)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    shown = found.carrying
    both = np.concatenate([shown.estimate, shown.capacity])
    scale = scale_for("bit/s", float(np.median(both)))
    low, high = both.min() * scale.factor / 1.3, both.max() * scale.factor * 1.3
    for position, (ax, kind) in enumerate(zip(panels.flat, kinds, strict=False)):
        own = found.of(groups[kind])
        # Logarithmic axes have no place for a capacity of zero, but the share counts it.
        _density(ax, own.carrying, scale.factor, low, high)
        name = (
            "All endpoints" if kind == ALL else clean(label_for(run, "access", kind), LONGEST_KEY)
        )
        ax.set_title(f"{name} ({int(groups[kind].sum()):,})")
        ax.text(
            0.03, 0.96, f"{format_value(own.above, 'ratio', 2)} above capacity",
            transform=ax.transAxes, va="top", fontsize=8,
        )  # fmt: skip
        lowest = position + columns >= len(kinds)
        ax.tick_params(axis="x", labelbottom=lowest)
        ax.set_xlabel(axis_title("Capacity", scale) if lowest else "")
        ax.set_ylabel(axis_title("Estimate", scale) if position % columns == 0 else "")
    for ax in panels.flat[len(kinds) :]:
        ax.set_axis_off()


def _density(ax: Axes, own: Estimates, factor: float, low: float, high: float) -> None:
    extent = (np.log10(low), np.log10(high), np.log10(low), np.log10(high))
    ax.hexbin(
        own.capacity * factor, own.estimate * factor, xscale="log", yscale="log", extent=extent,
        gridsize=CELLS, mincnt=1, bins="log", cmap=DENSITY, linewidths=0,
    )  # fmt: skip
    # After hexbin, whose scales bring their own ticks; narrow panels have room for few.
    for which in ("x", "y"):
        log_axis(ax, which, (1.0,) if high > FEW_TICKS * low else (1.0, 3.0))
    ax.plot([low, high], [low, high], color=INK, linewidth=0.9, linestyle=(0, (4, 2)))
    ax.set_xlim(low, high)
    ax.set_ylim(low, high)
    ax.grid(visible=True)
