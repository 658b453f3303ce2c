"""Timings: how long something took by access link, and where the time went."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from results.plots.bounds import bounds_of, mark_bounds
from results.plots.style import (
    INK,
    LINE_STYLES,
    LONGEST_KEY,
    axis_title,
    clean,
    colours,
    label_for,
    log_axis,
    say_no_data,
)
from results.plots.waterfall import draw_waterfalls
from results.quantities import format_value, label_of, scale_for
from results.ranks import order
from results.records import Run
from results.timings import Timing, by_access, median_parts

RANKS = {50.0: "o", 95.0: "s", 99.0: "D"}
"""Percentiles that are marked, and how."""
WIDEST = 10.0
"""Times that span more than this multiple stand on a logarithmic axis."""


@dataclass(frozen=True)
class Words:
    """What plots of one kind of timings say."""

    metric: str
    nobody: str
    """The sentence where there are none."""
    none_ended: str
    """The sentence where none came to its end, with {count} of them."""
    none_ended_budget: str
    ended: str
    """Title of the axis that counts those that did."""
    noun: str
    """What they are, in the plural."""
    parts: Mapping[str, str]
    """Labels of their parts."""


def draw_distribution(run: Run, ax: Axes, timings: Sequence[Timing], words: Words) -> None:
    """Share of ``timings`` that were at their end within x, by access kind, with percentiles."""
    times = [timing.seconds for timing in timings if timing.ended]
    if not timings:
        say_no_data(ax, words.nobody)
        return
    if not times:
        say_no_data(ax, words.none_ended.format(count=f"{len(timings):,}"))
        return
    bounds = [bound.value for bound in bounds_of(run, words.metric)]
    longest = max([*times, *(bound for bound in bounds if bound < 3 * max(times))])
    scale = scale_for("s", longest)
    wide = longest > WIDEST * min(times)
    end = longest * scale.factor * 1.08
    shades, kinds = colours(run, "access"), list(run.scenario.access)
    groups = by_access(run, timings)
    for kind, own in [*groups.items(), *([("", list(timings))] if len(groups) > 1 else [])]:
        values = np.sort([timing.seconds for timing in own])
        ended = values[np.isfinite(values)]
        # What never came to its end keeps the curve from its top.
        steps = np.arange(1, len(ended) + 1) / len(values) * 100
        x = np.concatenate([ended[:1], ended, [end / scale.factor]]) * scale.factor
        y = np.concatenate([[0.0], steps, steps[-1:]]) if len(steps) else np.zeros(1)
        name = clean(label_for(run, "access", kind), LONGEST_KEY) if kind else "All"
        style = LINE_STYLES[kinds.index(kind) % len(LINE_STYLES)] if kind else "-"
        colour = shades.get(kind, INK)
        ax.plot(
            x, y, drawstyle="steps-post", color=colour, linestyle=style,
            linewidth=1.6 if kind else 1.0, label=f"{name} ({len(own):,}): {percentiles(own)}",
        )  # fmt: skip
        for rank, marker in RANKS.items():
            value = values[order(rank, len(values)) - 1]
            if math.isfinite(value):
                ax.plot(
                    [value * scale.factor], [rank], marker, color=colour, markersize=4.5,
                    markeredgecolor="white", markeredgewidth=0.6, zorder=4,
                )  # fmt: skip
    if wide:
        log_axis(ax, "x")
        ax.set_xlim(min(times) * scale.factor / 1.1, end)
    else:
        ax.set_xlim(0, end)
    ax.set_ylim(0, 101.5)
    ax.set_yticks([0, 25, 50, 75, 95])
    ax.set_ylabel(words.ended)
    ax.set_xlabel(axis_title(label_of(words.metric), scale) + (", log scale" if wide else ""))
    ax.grid(visible=True)
    mark_bounds(run, ax, words.metric, scale.factor, lambda share: share * 100)
    ax.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.1, alignment="left",
        title=f"access link ({words.noun}): {RANK_NAMES}", title_fontsize=7.5,
    )  # fmt: skip


RANK_NAMES = ", ".join(f"p{rank:g}" for rank in RANKS)


def percentiles(timings: Sequence[Timing]) -> str:
    """RANKS of ``timings``, one or more, in human units."""
    values = np.sort([timing.seconds for timing in timings])
    return ", ".join(
        format_value(float(values[order(rank, len(values)) - 1]), "s") for rank in RANKS
    )


def draw_budget(
    run: Run, figure: Figure | SubFigure, timings: Sequence[Timing], words: Words
) -> None:
    """A waterfall of the median parts of all ``timings``, and of each access kind's."""
    if median_parts(timings) is None:
        sentence = words.none_ended_budget if timings else words.nobody
        say_no_data(figure.add_subplot(), sentence)
        return
    shades = colours(run, "access")
    panels = []
    for kind, own in [("", list(timings)), *by_access(run, timings).items()]:
        parts = median_parts(own)
        if parts is None:
            continue
        ended = sum(timing.ended for timing in own)
        name = clean(label_for(run, "access", kind), LONGEST_KEY) if kind else f"All {words.noun}"
        share = f"{ended:,} of {len(own):,}" if ended < len(own) else f"{ended:,}"
        panels.append((f"{name} ({share})", shades.get(kind, INK), parts))
    draw_waterfalls(
        figure,
        panels,
        [words.parts[part] for part in timings[0].parts],
        total="Whole",
        title="Median time",
    )
