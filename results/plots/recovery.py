"""Recovery on plots: what a fault did over time, and how fast endpoints came back."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from results.availability import read_presence
from results.comebacks import Comeback
from results.faults import read_faults
from results.interruptions import (
    NO_FAULT,
    by_backup,
    by_fault,
    has_backups,
    has_faults,
    lengths,
    rank_of,
    read_interruptions,
    share_back,
)
from results.joining import read_sessions
from results.plots.joining import draw_rate
from results.plots.marks import mark_events
from results.plots.style import (
    BLUE,
    INK,
    LINE_STYLES,
    LONGEST_KEY,
    MUTED,
    ORANGE,
    RED,
    axis_title,
    clean,
    held,
    log_axis,
    say_no_data,
    styled,
    time_axis,
)
from results.quantities import Scale, format_value, scale_for
from results.readings import codes, floats
from results.records import Run

PALETTE = (BLUE, RED, "#009e73", "#cc79a7", ORANGE, "#56b4e9")
"""Of faults, nodes and policies, which have no colours of their own."""
MOST_CURVES = 6
ALL = "All"
LONGEST_GROUP = LONGEST_KEY + len("with backup: ")
"""Letters of a fault's name and of whom it befell."""
NOTHING = "No endpoint was interrupted in this run."
WIDEST = 20.0
"""Times that span more than this multiple stand on a logarithmic axis."""


def draw_timeline(run: Run, figure: Figure | SubFigure) -> None:
    """Faults and their repair; below, endpoints with media, retries by second, and nodes' load."""
    sessions, presence = read_sessions(run), read_presence(run)
    known = np.isfinite(presence.with_media).any()
    if not known or not (sessions or read_interruptions(run) or has_faults(run)):
        say_no_data(figure.add_subplot(), "No fault and no joining were played in this run.")
        return
    media, rate, load = figure.subplots(3, 1, sharex=True, height_ratios=(3, 2, 2))
    factor = time_axis(load, run.duration_s)
    x = held(presence.times, run.scenario.interval / 1e9, run) * factor
    for share, colour, width, label in (
        (presence.connected, MUTED, 1.1, "connected"),
        (presence.with_media, BLUE, 1.7, "with media"),
    ):
        media.plot(x, np.repeat(share, 2) * 100, color=colour, linewidth=width, label=label)
    media.set_ylim(0, 103)
    media.set_ylabel("Endpoints (%)")
    media.grid(visible=True, axis="y")
    media.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    draw_rate(run, rate, sessions, factor)
    if rate.collections:
        rate.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), reverse=True)
    _draw_load(run, load, factor)
    for fault in read_faults(run):
        span = (fault.begin * factor, (run.duration_s if fault.end is None else fault.end) * factor)
        for ax in (media, rate, load):
            ax.axvspan(*span, color=RED, alpha=0.08, linewidth=0, zorder=0)
    for time in _times_of(run, "detect"):
        media.plot([time * factor], [101.5], "v", color=ORANGE, markersize=5, clip_on=False)
    mark_events(media, run, factor)


def _times_of(run: Run, kind: str) -> list[float]:
    table = run.tables["events"]
    found = zip(table["time"].to_pylist(), table["kind"].to_pylist(), strict=True)
    return [time for time, own in found if own == kind]


def _draw_load(run: Run, ax: Axes, factor: float) -> None:
    table = run.tables["nodes"]
    code, names = codes(table, "node")
    times, load = floats(table, "time"), floats(table, "node_cpu")
    for i, name in enumerate(names):
        own = np.flatnonzero(code == i)
        x = held(times[own], run.scenario.interval / 1e9, run) * factor
        node = run.scenario.nodes.get(name)
        ax.plot(
            x, np.repeat(load[own], 2) * 100, color=PALETTE[i % len(PALETTE)],
            linestyle=LINE_STYLES[i % len(LINE_STYLES)],
            label=clean(node.label if node else name, LONGEST_KEY),
        )  # fmt: skip
    top = float(np.nanmax(load, initial=0.0))
    ax.set_ylim(0, max(top * 108, 1.0))
    ax.set_ylabel("Node CPU (%)")
    ax.grid(visible=True, axis="y")
    if names:
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def draw_curves(run: Run, ax: Axes) -> None:
    """Share of interrupted endpoints that had media again within x, by the fault to blame and,
    where any has a backup access link, by whether it has."""
    found = read_interruptions(run)
    if not found:
        say_no_data(ax, NOTHING)
        return
    groups = {_name(fault): own for fault, own in by_fault(found).items()}
    if has_backups(run):
        groups = {
            f"{kind}: {fault}": own
            for fault, both in groups.items()
            for kind, own in by_backup(both).items()
        }
    curves = dict(list(groups.items())[:MOST_CURVES])
    if len(groups) > 1:
        curves[ALL] = found
    _draw_shares(ax, {name: lengths(own) for name, own in curves.items()}, LONGEST_GROUP)
    ax.legend(
        loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.1, alignment="left",
        title="fault (interruptions, not over at the end): p50, p99, max", title_fontsize=7.5,
    )  # fmt: skip


def _name(fault: str) -> str:
    return "Without a fault" if fault == NO_FAULT else fault


def _draw_shares(
    ax: Axes, curves: Mapping[str, ArrayLike], longest_name: int = LONGEST_KEY
) -> None:
    """A curve for each entry, the lengths of interruptions: the share that was over within x."""
    times = np.concatenate([share_back(own)[0] for own in curves.values()] or [np.empty(0)])
    times = times[times > 0]
    longest = float(times.max(initial=1.0))
    wide = len(times) > 0 and longest > WIDEST * float(times.min())
    scale = scale_for("s", max(longest, 10.0))
    end = longest * scale.factor * 1.08
    for i, (name, own) in enumerate(curves.items()):
        x, y = share_back(own)
        x = np.concatenate([x[:1], x, [end / scale.factor]]) * scale.factor
        y = np.concatenate([[0.0], y, y[-1:]]) * 100 if len(y) else np.zeros(1)
        whole = name == ALL
        ax.plot(
            x, y, drawstyle="steps-post", color=INK if whole else PALETTE[i % len(PALETTE)],
            linestyle="-" if whole else LINE_STYLES[i % len(LINE_STYLES)],
            linewidth=1.0 if whole else 1.7, label=_label(clean(name, longest_name), own),
        )  # fmt: skip
    if wide:
        log_axis(ax, "x")
        ax.set_xlim(float(times.min()) * scale.factor / 1.1, end)
    else:
        ax.set_xlim(0, end)
    ax.set_ylim(0, 103)
    ax.set_ylabel("Interruptions that were over (%)")
    ax.set_xlabel(
        axis_title("Time since the last packet before it", scale) + (", log scale" if wide else "")
    )
    ax.grid(visible=True)


def _label(name: str, seconds: ArrayLike) -> str:
    ranks = ", ".join(format_value(rank_of(seconds, rank), "s") for rank in (50, 99, 100))
    count, lost = np.size(seconds), int(np.isinf(seconds).sum())
    return f"{name} ({count:,}, {lost:,}): {ranks}"


# ---------------------------------------------------------------- several runs


def draw_policies(comebacks: Mapping[str, Comeback], figure: Figure | SubFigure) -> None:
    """Runs side by side: how endpoints came back, and how many tried at once.

    Args:
        comebacks: by name, from the same fault, each with another recovery policy.
    """
    if not any(comeback.seconds for comeback in comebacks.values()):
        say_no_data(figure.add_subplot(), "No endpoint was interrupted in these runs.")
        return
    left, right = figure.subplots(1, 2, width_ratios=(1, 1))
    _draw_shares(left, {name: comeback.seconds for name, comeback in comebacks.items()})
    left.legend(
        loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.1, alignment="left",
        title="interruptions, not over at the end: p50, p99, max", title_fontsize=7.5,
    )  # fmt: skip
    longest = 1.0
    for i, (name, comeback) in enumerate(comebacks.items()):
        counts = np.array(comeback.retries)
        times = np.arange(len(counts))
        longest = max(longest, float(np.flatnonzero(counts).max(initial=0)) + 1)
        right.plot(
            np.column_stack([times, times + 1]).ravel(), np.repeat(counts, 2),
            color=PALETTE[i % len(PALETTE)], linestyle=LINE_STYLES[i % len(LINE_STYLES)],
            linewidth=1.4,
            label=f"{clean(name, LONGEST_KEY)}: {counts.sum():,.0f}, {comeback.peak:,.0f}/s",
        )  # fmt: skip
    right.set_xlim(0, longest * 1.05)
    right.set_ylim(bottom=0)
    right.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    right.set_xlabel(axis_title("Time since the first fault", Scale(1.0, "s")))
    right.set_ylabel("Retries (1/s)")
    right.grid(visible=True, axis="y")
    right.legend(
        loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.1, alignment="left",
        title="retries, peak", title_fontsize=7.5,
    )  # fmt: skip


def policies_figure(comebacks: Mapping[str, Comeback]) -> Figure:
    """A figure of ``comebacks``, side by side."""
    with styled():
        figure = Figure(figsize=(11, 4.6))
        draw_policies(comebacks, figure)
    return figure
