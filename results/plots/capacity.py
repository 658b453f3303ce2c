"""The curve of a search: how many meetings hold, what breaks first, and what fills up."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import scipy
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from results.capacity import FULL
from results.plots.style import BLUE, LINE_STYLES, MUTED, ORANGE, RED, clean, styled
from results.quantities import label_of, scale_for
from scenarios.thresholds import Expression, Target
from scenarios.variables import Variable

Json = Mapping[str, Any]


def draw_capacity(found: Json, variable: Variable) -> Figure:
    """Three panels over the variable, for what `results.capacity.conclude` gave of a crossing."""
    with styled():
        figure = Figure(figsize=(7.5, 8.0))
        holding, metric, filling = figure.subplots(3, 1, sharex=True)
        draw_holding(holding, found)
        draw_first_break(metric, found)
        draw_filling(filling, found)
        low, high = found["between"]
        if low > 0 and high / low >= 4:
            filling.set_xscale("log")
            filling.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 3.0, 5.0, 7.0)))
        filling.xaxis.set_major_formatter(FuncFormatter(lambda value, _: variable.say(value)))
        filling.xaxis.set_minor_formatter(NullFormatter())
        filling.set_xlim(low, high)
        filling.set_xlabel(clean(variable.path))
        for ax in (holding, metric, filling):
            ax.axvspan(*found["interval"], color=BLUE, alpha=0.12, lw=0)
            ax.axvline(found["estimate"], color=BLUE, lw=0.8)
    return figure


def draw_holding(ax: Axes, found: Json) -> None:
    """Share of meetings that hold, with its interval, and each run as it came out."""
    curve = found["curve"]
    ax.fill_between(curve["value"], curve["low"], curve["high"], color=BLUE, alpha=0.2, lw=0)
    ax.plot(curve["value"], curve["holding"], color=BLUE)
    for verdict, marker, colour in (("pass", "o", BLUE), ("fail", "x", RED)):
        runs = [run["value"] for run in found["runs"] if run["verdict"] == verdict]
        ax.plot(runs, np.full(len(runs), float(verdict == "pass")), marker, color=colour, ms=4)
    ax.set_title("Share of meetings in which all thresholds hold; circles and crosses are runs")
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))


def draw_first_break(ax: Axes, found: Json) -> None:
    """The threshold that breaks first: its value run by run, its bound, and the knee."""
    first = found["breaks"][0]
    metric = Target.parse(first["metric"]).metric
    expression = Expression.parse(first["expression"], metric)
    x, y = _points(
        found, lambda check: all(check[k] == first[k] for k in ("metric", "expression", "during"))
    )
    unit = "count" if expression.aggregation == "count" else metric.unit
    scale = scale_for(unit, max([abs(expression.bound), *map(abs, y)]))
    values = np.array(y) * scale.factor
    ax.plot(x, values, "o", color=ORANGE, ms=4)
    rises = bool(np.corrcoef(np.argsort(np.argsort(x)), values)[0, 1] >= 0) if len(x) > 2 else True
    ax.plot(x, scipy.optimize.isotonic_regression(values, increasing=rises).x, color=ORANGE, lw=1)
    ax.axhline(expression.bound * scale.factor, color=RED, lw=1, ls="--")
    knee = found["knee"]
    if knee:
        ax.axvspan(knee["low"], knee["high"], color=MUTED, alpha=0.12, lw=0)
        ax.axvline(knee["value"], color=MUTED, ls=":", lw=1)
    said = f"{label_of(metric.name)} ({scale.symbol})" if scale.symbol else label_of(metric.name)
    scope = clean(first["metric"].partition("{")[2].rstrip("}"))
    dotted = "; dotted: the knee" if knee else ""
    ax.set_title(f"Breaks first: {said} {scope}, {first['expression']} (dashed){dotted}")


def draw_filling(ax: Axes, found: Json) -> None:
    """How full the fullest parts of the network are, run by run; where none of them is full, how
    long packets wait where they wait longest."""
    bottleneck = found["bottleneck"]
    waits = (bottleneck["utilization"] or 0.0) < FULL
    key, listed = ("queue_delay", "longest_queues") if waits else ("utilization", "fullest")
    factor = 1e3 if waits else 1.0
    for part, style in zip(bottleneck[listed][:4], LINE_STYLES, strict=False):
        seen: dict[float, list[float]] = {}
        for run in found["runs"]:
            for resource in run["resources"]:
                if resource["name"] == part["name"]:
                    seen.setdefault(run["value"], []).append(resource[key] * factor)
        places = sorted(seen)
        means = [float(np.mean(seen[place])) for place in places]
        ax.plot(places, means, ls=style, label=clean(part["name"]))
    if waits:
        ax.set_ylim(0, None)
        ax.set_title("Longest wait of a packet, where packets wait longest (ms)")
    else:
        ax.set_ylim(0, 1.05)
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
        ax.set_title("Fullest parts of the network, in their busiest interval")
    if ax.get_legend_handles_labels()[0]:
        ax.legend(fontsize=7.5)


def _points(found: Json, wanted: Callable[[Json], bool]) -> tuple[list[float], list[float]]:
    points = [
        (run["value"], check["value"])
        for run in found["runs"]
        for check in run["checks"]
        if wanted(check) and isinstance(check["value"], (int, float))
    ]
    points.sort()
    return [x for x, _ in points], [y for _, y in points]
