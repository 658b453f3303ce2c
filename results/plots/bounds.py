"""Bounds: thresholds on a plot of what they are about."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.markers import CARETLEFT

from results.plots.style import INK, colours
from results.records import Run
from scenarios.thresholds import Expression, Target


@dataclass(frozen=True)
class Bound:
    """An upper bound on a percentile or the maximum, for the whole meeting."""

    selector: dict[str, str]
    value: float
    """In the metric's SI unit."""
    share: float
    """Of the values, that must be at or below it."""
    advisory: bool

    @property
    def rank(self) -> str:
        """How its aggregation is written: `max`, `p95`."""
        return "max" if self.share == 1 else f"p{self.share * 100:g}"


def upper_bounds(run: Run, metric: str, attributes: Collection[str]) -> list[Bound]:
    """The bounds on ``metric`` whose selectors use no attribute but ``attributes``."""
    bounds = []
    for text, conditions in run.scenario.thresholds.items():
        target = Target.parse(text)
        if target.metric.name != metric or set(target.selector) - set(attributes):
            continue
        for condition in conditions:
            expression = Expression.parse(condition.check, target.metric)
            name = expression.aggregation
            ranked = name.startswith("p") or name == "max"
            if ranked and condition.during is None and "<" in expression.operator:
                share = 1.0 if name == "max" else float(name[1:]) / 100
                bounds.append(
                    Bound(dict(target.selector), expression.bound, share, condition.advisory)
                )
    return bounds


def bounds_of(run: Run, metric: str) -> list[Bound]:
    """Bounds on percentiles of all endpoints' values, or of one access kind's."""
    # What holds for all has no place on an axis that ends before it.
    return [bound for bound in upper_bounds(run, metric, {"access"}) if bound.share < 1]


def mark_bounds(
    run: Run, ax: Axes, metric: str, factor: float, height: Callable[[float], float]
) -> None:
    """A triangle at each of ``bounds_of``, in the colour of the curve that must pass on its left.

    Args:
        factor: from seconds to the x axis.
        height: where a share of the values stands on the y axis.
    """
    shades = colours(run, "access")
    for bound in bounds_of(run, metric):
        ax.plot(
            [bound.value * factor],
            [height(bound.share)],
            marker=CARETLEFT,  # its tip is at the bound
            markersize=8,
            color=shades.get(bound.selector.get("access", ""), INK),
            linestyle="none",
            zorder=4,
        )


def explain_bounds(run: Run, metric: str | None) -> str:
    """What a triangle is, where one is drawn."""
    if metric is None or not bounds_of(run, metric):
        return ""
    return "A triangle is a threshold: the curve of its colour keeps it by passing on the left."
