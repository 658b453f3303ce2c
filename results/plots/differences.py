"""Differences on plots: how much each figure changed, and both sets side by side."""

import io
import math
from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from results.comparison import Change, Comparison, Standing
from results.gate import unit_of_figure
from results.plots.plot import SUFFIXES, write
from results.plots.style import BLUE, GRID, INK, MUTED, RED, clean, say_no_data, styled
from results.quantities import scale_for

COLOURS: Mapping[Standing, str] = {
    "worse": RED, "better": BLUE, "same": INK, "can't tell": MUTED,
}  # fmt: skip
MOST_LINES = 24
"""Changes that are drawn: those that matter most."""
LONGEST_NAME = 58


def draw_differences(comparison: Comparison, ax: Axes) -> None:
    """Differences as percentages of the value before, with intervals; the margin in grey."""
    changes = _drawn(comparison)
    if not changes:
        say_no_data(ax, "No figure has a difference that could be drawn.")
        return
    margin = comparison.margin * 100
    ax.axvspan(-margin, margin, color=GRID, alpha=0.6, linewidth=0)
    ax.axvline(0, color=INK, linewidth=0.8)
    for y, change in enumerate(changes):
        scale = 100 / abs(change.before.value or 1)
        ends = [end * scale for end in (change.low, change.high) if end is not None]
        colour = COLOURS[change.standing]
        ax.plot(ends, [y] * len(ends), color=colour, linewidth=2.2, solid_capstyle="butt")
        ax.plot([(change.relative or 0) * 100], [y], "o", markersize=4.5, color=colour)
    _name_rows(ax, changes)
    ax.set_xlabel("Difference (% of the value before); within the grey it does not matter")


def draw_side_by_side(comparison: Comparison, ax: Axes) -> None:
    """Both sets' values with their intervals, as shares of the value before."""
    changes = _drawn(comparison)
    if not changes:
        say_no_data(ax, "No figure has a value in both.")
        return
    for y, change in enumerate(changes):
        whole = abs(change.before.value or 1)
        for each, colour, offset in ((change.before, MUTED, -0.16), (change.after, BLUE, 0.16)):
            ends = [end / whole * 100 for end in (each.low, each.high) if end is not None]
            ax.plot(ends, [y + offset] * len(ends), color=colour, linewidth=2)
            ax.plot(
                [(each.value or 0) / whole * 100], [y + offset], "o", markersize=3.5, color=colour,
                label=("before" if each is change.before else "after") if y == 0 else None,
            )  # fmt: skip
        unit = unit_of_figure(change)
        value = change.before.value or 0.0
        scale = scale_for(unit, abs(value))
        ax.annotate(
            f"{value * scale.factor:,.3g} {scale.symbol}".strip(), (1.01, y),
            xycoords=("axes fraction", "data"), va="center", fontsize=7, color=MUTED,
        )  # fmt: skip
    _name_rows(ax, changes)
    ax.set_xlabel("Value (% of the value before, which stands on the right)")
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)


def draw_comparison(comparison: Comparison, title: str) -> Canvas:
    """Both plots, side by side."""
    with styled():
        figure = Canvas(figsize=(13, 1.8 + 0.26 * max(len(_drawn(comparison)), 4)))
        figure.suptitle(clean(title, 120), x=0.012, ha="left")
        left, right = figure.subplots(1, 2, sharey=True)
        draw_differences(comparison, left)
        draw_side_by_side(comparison, right)
    return figure


def render_comparison(comparison: Comparison, title: str, suffix: str) -> bytes:
    """``draw_comparison`` as a PNG or SVG file.

    Raises:
        ValueError: the suffix is neither of the two.
    """
    if suffix not in SUFFIXES:
        raise ValueError(f"a plot is saved as {' or '.join(SUFFIXES)}, not as {suffix!r}")
    figure = draw_comparison(comparison, title)
    buffer = io.BytesIO()
    with styled():
        figure.savefig(
            buffer, format=suffix[1:], metadata={"Date": None} if suffix == ".svg" else {}
        )
    return buffer.getvalue()


def save_comparison(comparison: Comparison, title: str, path: Path) -> None:
    """Draw ``comparison`` to ``path``.

    Raises:
        ValueError: as ``render_comparison``.
        OSError: the file can't be written.
    """
    write(render_comparison(comparison, title, path.suffix), path)


def _drawn(comparison: Comparison) -> list[Change]:
    return [
        change
        for change in comparison.ranked()
        if change.relative is not None
        and math.isfinite(change.relative)
        and change.after.value is not None
        and math.isfinite(change.after.value)
    ][:MOST_LINES]


def _name_rows(ax: Axes, changes: list[Change]) -> None:
    names = [clean(str(change.figure), LONGEST_NAME) for change in changes]
    ax.set_yticks(range(len(names)), names, fontsize=7.5)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=True, axis="x")
