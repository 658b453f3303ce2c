"""Plots of a sweep: heat maps over two variables, curves over each, bars of indices."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure as Drawing
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from results.figures import Figure
from results.intervals import estimate
from results.plots.style import BLUE, ORANGE, RED, clean, plain, styled
from results.points import Outcome
from results.quantities import scale_for
from results.sensitivity import Index
from scenarios.metrics import METRICS
from scenarios.variables import Variable

MOST = 6
"""Figures that are drawn: the first of the scenario's thresholds."""
Outcomes = Sequence[Sequence[Outcome]]


def draw_heat_maps(
    variables: Sequence[Variable],
    table: NDArray[np.float64],
    means: Mapping[Figure, NDArray[np.float64]],
    outcomes: Outcomes,
) -> Drawing:
    """One map a figure: the first variable to the right, the second upwards."""
    across, up = (np.unique(column) for column in table.T)
    shown = list(means)[:MOST]
    with styled():
        drawing, panels = _panels(len(shown))
        for ax, figure in zip(panels, shown, strict=False):
            cells = np.full((len(up), len(across)), np.nan)
            places = [
                (int(np.searchsorted(up, y)), int(np.searchsorted(across, x))) for x, y in table
            ]
            for place, value in zip(places, means[figure], strict=True):
                cells[place] = value if np.isfinite(value) else np.nan
            scale = scale_for(_unit(figure), float(np.nanmax(np.abs(cells))))
            better = METRICS[figure.metric].higher_is_better
            image = ax.imshow(
                cells * scale.factor, origin="lower", aspect="auto",
                cmap="viridis" if better else "viridis_r",
            )  # fmt: skip
            drawing.colorbar(image, ax=ax, format=FuncFormatter(lambda v, _: plain(v)))
            for (row, column), point in zip(places, outcomes, strict=True):
                if _fails(point, figure):
                    corner = (column - 0.5, row - 0.5)
                    ax.add_patch(Rectangle(corner, 1, 1, fill=False, ec=RED, lw=2))
            ax.set_xticks(range(len(across)), [variables[0].say(v) for v in across], fontsize=7)
            ax.set_yticks(range(len(up)), [variables[1].say(v) for v in up], fontsize=7)
            ax.set_xlabel(clean(variables[0].path))
            ax.set_ylabel(clean(variables[1].path))
            ax.set_title(clean(f"{figure} ({scale.symbol})", 60), fontsize=8)
    return drawing


def draw_curves(
    variables: Sequence[Variable],
    table: NDArray[np.float64],
    outcomes: Outcomes,
    figures: Sequence[Figure],
) -> Drawing:
    """One row a figure, one column a variable: values at each point."""
    shown = figures[:MOST]
    with styled():
        drawing = Drawing(figsize=(7.5, 2.2 * max(len(shown), 1)))
        panels = drawing.subplots(len(shown), len(variables), squeeze=False, sharex="col")
        for row, figure in zip(panels, shown, strict=True):
            found = [estimate([o.figures.get(figure) for o in point]) for point in outcomes]
            values = np.array([f.value if f.value is not None else np.nan for f in found])
            finite = values[np.isfinite(values)]
            scale = scale_for(_unit(figure), float(np.abs(finite).max()) if len(finite) else 0.0)
            halves = np.array([f.half_width or 0.0 for f in found])
            for i, (ax, variable) in enumerate(zip(row, variables, strict=True)):
                order = np.argsort(table[:, i], kind="stable")
                style = "o-" if len(variables) == 1 and not variable.names else "o"
                ax.errorbar(
                    table[order, i], values[order] * scale.factor,
                    yerr=halves[order] * scale.factor, fmt=style, color=BLUE, ms=4, lw=1,
                )  # fmt: skip
                if variable.names:
                    ax.set_xticks(range(len(variable.names)), [clean(n) for n in variable.names])
                else:
                    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _, s=variable.say: s(v)))
                ax.tick_params(axis="x", labelsize=7)
            row[0].set_title(clean(f"{figure} ({scale.symbol})", 80), fontsize=8)
        for ax, variable in zip(panels[-1], variables, strict=True):
            ax.set_xlabel(clean(variable.path))
    return drawing


def draw_indices(
    variables: Sequence[Variable], sensitivities: Mapping[Figure, Sequence[Index]]
) -> Drawing:
    """One panel a figure: bars of each variable's indices, with intervals."""
    shown = list(sensitivities)[:MOST]
    with styled():
        drawing, panels = _panels(len(shown))
        for ax, figure in zip(panels, shown, strict=False):
            places = np.arange(len(variables))
            for offset, part, colour in ((-0.2, "first", BLUE), (0.2, "total", ORANGE)):
                values = np.array([getattr(i, part) for i in sensitivities[figure]])
                ends = np.array([getattr(i, f"{part}_interval") for i in sensitivities[figure]])
                errors = np.abs(ends.T - values)
                ax.barh(places + offset, values, 0.36, xerr=errors, color=colour,
                        alpha=1.0 if part == "first" else 0.5)  # fmt: skip
            ax.set_yticks(places, [clean(v.path, 28) for v in variables], fontsize=7)
            ax.set_title(clean(str(figure), 60), fontsize=8)
    return drawing


def _panels(count: int) -> tuple[Drawing, list[Any]]:
    rows = max((count + 1) // 2, 1)
    drawing = Drawing(figsize=(9.0, 3.0 * rows))
    panels = list(drawing.subplots(rows, 2, squeeze=False).ravel())
    for spare in panels[count:]:
        spare.set_axis_off()
    return drawing, panels


def _fails(point: Sequence[Outcome], figure: Figure) -> bool:
    return any(
        check.verdict == "fail"
        and Figure.of_threshold(check.metric, check.expression, check.during) == figure
        for outcome in point
        for check in outcome.trial.checks
    )


def _unit(figure: Figure) -> Any:
    return "count" if figure.aggregation == "count" else METRICS[figure.metric].unit
