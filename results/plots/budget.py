"""The delay budget: where a voice's way from mouth to ear spends its time."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from numpy.typing import NDArray

from results.plots.readings import endpoint_groups, endpoints, floats
from results.plots.style import (
    GRID,
    INK,
    LONGEST_KEY,
    MUTED,
    SURFACE,
    clean,
    colours,
    label_for,
    say_no_data,
)
from results.records import BUDGET, Run

FIXED = ("encode", "playout")
"""Parts that the scenario's media settings fix, whatever the network does."""
FIXED_COLOUR = "#a3adb7"
COLUMNS = 3


def mean_budgets(run: Run) -> tuple[list[str], NDArray[np.int64], NDArray[np.float64]]:
    """Groups (`all`, then access kinds), endpoints in each, (G, parts) means over them in s."""
    table = endpoints(run)
    parts = np.column_stack([floats(table, f"budget_{part}") for part in BUDGET])
    known = np.isfinite(parts).all(axis=1)
    group, names = endpoint_groups(run, "access")
    members = [known, *(known & (group == i) for i in range(len(names)))]
    rows = [(n, m) for n, m in zip(["all", *names], members, strict=True) if m.any()]
    means = np.array([parts[m].mean(axis=0) for _, m in rows]).reshape(-1, len(BUDGET))
    return [n for n, _ in rows], np.array([m.sum() for _, m in rows], dtype=np.int64), means


def draw(run: Run, figure: Figure | SubFigure) -> None:
    """A waterfall of the mean mouth-to-ear delay for all endpoints, and for each access kind."""
    names, members, means = mean_budgets(run)
    if not names:
        say_no_data(figure.add_subplot(), "No audio packet reached an endpoint in this run.")
        return
    rows = -(-len(names) // COLUMNS)
    panels = figure.subplots(
        rows, min(COLUMNS, len(names)), sharex=True, sharey=True, squeeze=False
    )
    widest = float(means.sum(axis=1).max()) * 1e3
    shades = {"all": INK, **colours(run, "access")}
    for ax, name, count, parts in zip(panels.flat, names, members, means, strict=False):
        label = (
            "All endpoints" if name == "all" else clean(label_for(run, "access", name), LONGEST_KEY)
        )
        _waterfall(ax, parts * 1e3, shades.get(name, INK), widest)
        ax.set_title(f"{label} ({count:,})")
    for ax in panels.flat[len(names) :]:
        ax.set_axis_off()
    for position, ax in enumerate(panels.flat[: len(names)]):
        # The lowest panel of each column carries the axis.
        lowest = position + panels.shape[1] >= len(names)
        ax.tick_params(axis="x", labelbottom=True)
        ax.set_xlabel("Mean delay (ms)" if lowest else "")


def _waterfall(ax: Axes, parts: NDArray[np.float64], colour: str, widest: float) -> None:
    """Parts in milliseconds, each from where the one above it ends, and their sum."""
    ends = parts.cumsum()
    begins = ends - parts
    rows = np.arange(len(parts))
    shades = [FIXED_COLOUR if part in FIXED else colour for part in BUDGET]
    ax.barh(rows, parts, left=begins, color=shades, height=0.72)
    # On a ground of its own, or the grid would shine through.
    ax.barh(len(parts), ends[-1], color=SURFACE, height=0.72)
    ax.barh(len(parts), ends[-1], color=colour, height=0.72, alpha=0.4)
    ax.vlines(ends, rows, rows + 1, color=MUTED, linewidth=0.7, linestyle=(0, (2, 1.5)), zorder=0.5)
    texts = [*zip(ends, parts, strict=True), (ends[-1], ends[-1])]
    for row, (end, value) in enumerate(texts):
        text = f"{value:.{1 if value >= 1 else 2}f}" if value < 100 else f"{value:.0f}"
        ax.annotate(text, (end, row), (3, 0), textcoords="offset points", va="center", fontsize=7.5)
    ax.set_yticks(range(len(parts) + 1), [*(part.capitalize() for part in BUDGET), "Sum"])
    ax.set_ylim(len(parts) + 0.6, -0.6)
    # Room for the numbers beyond the longest bar.
    ax.set_xlim(0, widest * 1.2)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=True, axis="x", color=GRID)
