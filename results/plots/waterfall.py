"""Waterfalls: parts of a time, each from where the one above it ends, and the whole."""

from collections.abc import Collection, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from numpy.typing import NDArray

from results.plots.style import GRID, MUTED, SURFACE, axis_title
from results.quantities import scale_for

FIXED_COLOUR = "#a3adb7"
COLUMNS = 3


def draw_waterfalls(
    figure: Figure | SubFigure,
    panels: Sequence[tuple[str, str, NDArray[np.float64]]],
    parts: Sequence[str],
    *,
    total: str,
    title: str,
    fixed: Collection[int] = (),
) -> None:
    """A panel each, all to the same scale.

    Args:
        panels: title, colour and (parts + 1,) seconds: the parts', and the whole's, which need
            not be their sum.
        parts: their names.
        total: what the whole is called.
        title: what the seconds are, for the axis.
        fixed: places of parts that are grey.
    """
    rows = -(-len(panels) // COLUMNS)
    axes = figure.subplots(rows, min(COLUMNS, len(panels)), sharex=True, sharey=True, squeeze=False)
    widest = max(max(seconds[:-1].sum(), seconds[-1]) for _, _, seconds in panels)
    scale = scale_for("s", float(widest))
    for position, (ax, (name, colour, seconds)) in enumerate(zip(axes.flat, panels, strict=False)):
        shades = [FIXED_COLOUR if i in fixed else colour for i in range(len(parts))]
        _draw(ax, seconds * scale.factor, shades, colour)
        ax.set_yticks(range(len(parts) + 1), [*parts, total])
        # Room for the numbers beyond the longest bar.
        ax.set_xlim(0, widest * scale.factor * 1.22)
        ax.set_title(name)
        # The lowest panel of each column carries the axis.
        lowest = position + axes.shape[1] >= len(panels)
        ax.tick_params(axis="x", labelbottom=True)
        ax.set_xlabel(axis_title(title, scale) if lowest else "")
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()


def _draw(ax: Axes, values: NDArray[np.float64], shades: Sequence[str], colour: str) -> None:
    parts, whole = values[:-1], values[-1]
    ends = parts.cumsum()
    rows = np.arange(len(parts))
    ax.barh(rows, parts, left=ends - parts, color=shades, height=0.72)
    # On a ground of its own, or the grid would shine through.
    ax.barh(len(parts), whole, color=SURFACE, height=0.72)
    ax.barh(len(parts), whole, color=colour, height=0.72, alpha=0.4)
    ax.vlines(ends, rows, rows + 1, color=MUTED, linewidth=0.7, linestyle=(0, (2, 1.5)), zorder=0.5)
    for row, (end, value) in enumerate([*zip(ends, parts, strict=True), (whole, whole)]):
        text = f"{value:.{1 if value >= 1 else 2}f}" if value < 100 else f"{value:,.0f}"
        ax.annotate(text, (end, row), (3, 0), textcoords="offset points", va="center", fontsize=7.5)
    ax.set_ylim(len(parts) + 0.6, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=True, axis="x", color=GRID)
