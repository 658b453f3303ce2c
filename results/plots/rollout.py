"""Plots of a rollout: the completion curve, and what the finish depends on."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from results.plots.style import BLUE, MUTED, ORANGE, RED, styled
from results.rollouts import Curve, Effect


def draw_rollout(curve: Curve, effects: Sequence[Effect], endpoints: int, days: int) -> Figure:
    """Both panels."""
    with styled():
        figure = Figure(figsize=(7.5, 8.0))
        above, below = figure.subplots(2, 1, height_ratios=(1, 1.2))
        draw_curve(above, curve, endpoints, days)
        draw_effects(below, effects)
    return figure


def draw_curve(ax: Axes, curve: Curve, endpoints: int, days: int) -> None:
    """Endpoints connected by time, with the band that holds 95 % of rollouts."""
    ax.fill_between(curve.days, curve.low, curve.high, color=BLUE, alpha=0.2, lw=0)
    ax.plot(curve.days, curve.median, color=BLUE)
    ax.axhline(endpoints, color=MUTED, lw=0.8, ls=":")
    ax.axvline(days, color=RED, lw=1, ls="--")
    ax.set_xlim(0, curve.days[-1])
    ax.set_ylim(0, endpoints * 1.03)
    ax.set_xlabel("Days from the first morning")
    ax.set_title("Endpoints connected: median and 95 % of rollouts; dashed: the days given")


def draw_effects(ax: Axes, effects: Sequence[Effect]) -> None:
    """How much later (right) or earlier each change makes the finish."""
    ordered = sorted(effects, key=lambda each: abs(each.days))
    places = range(len(ordered))
    values = [each.days * 24 for each in ordered]
    errors = [
        [(each.days - each.low) * 24 for each in ordered],
        [(each.high - each.days) * 24 for each in ordered],
    ]
    colours = [ORANGE if value > 0 else BLUE for value in values]
    ax.barh(places, values, xerr=errors, color=colours, height=0.7)
    ax.set_yticks(places, [each.change for each in ordered], fontsize=7.5)
    ax.axvline(0, color=MUTED, lw=0.8)
    ax.set_xlabel("Hours later (+) or earlier (−), mean and 95 % interval")
    ax.set_title("What the finish depends on")
