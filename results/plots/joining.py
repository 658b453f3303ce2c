"""Joining on plots: who is connected when, how long it took, what attempts failed of."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator

from results.adaptation import ALL, groups_of
from results.availability import read_presence
from results.joining import Session, failures, rate_of, read_joinings, read_sessions
from results.plots import timings
from results.plots.marks import mark_events
from results.plots.style import (
    BLUE,
    INK,
    LINE_STYLES,
    LONGEST_KEY,
    ORANGE,
    RED,
    clean,
    colours,
    held,
    label_for,
    say_no_data,
    time_axis,
    wrap,
)
from results.quantities import format_endpoints, label_of
from results.records import Run

METRIC = "join_time"
WORDS = timings.Words(
    metric=METRIC,
    nobody="No endpoint set out to join in this run.",
    none_ended="None of the {count} endpoints that set out was connected in this run.",
    none_ended_budget="No endpoint that set out was connected in this run.",
    ended="Endpoints that were connected (%)",
    noun="endpoints",
    parts={
        "earlier_attempts": "Failed before",
        "dns": "DNS",
        "tls": "TLS",
        "signalling_wait": "Waiting",
        "signalling": "Signalling",
        "ice": "ICE",
        "dtls": "DTLS",
        "subscribe": "Subscribing",
    },
)
NO_ATTEMPT = "No endpoint had to connect in this run."
KINDS: Mapping[str, tuple[str, str]] = {
    "again": ("joining again", BLUE),
    "restart": ("restarting", ORANGE),
    "reconnect": ("reconnecting", RED),
}
"""Labels and colours of retries by kind."""
MOST_CAUSES = 8
LONGEST_CAUSE, CAUSE_WIDTH = 70, 130.0
"""Letters of a cause that are shown, and points of a line of them."""


def draw_connected(run: Run, figure: Figure | SubFigure) -> None:
    """Share of endpoints connected over time: by access kind, and by carrier."""
    presence = read_presence(run)
    if not np.isfinite(presence.connected).any():
        say_no_data(figure.add_subplot(), "No connection is known of in this run.")
        return
    panels = figure.subplots(1, 2, sharey=True)
    for ax, attribute in zip(panels, ("access", "carrier"), strict=True):
        factor = time_axis(ax, run.duration_s)
        x = held(presence.times, run.scenario.interval / 1e9, run) * factor
        shades, kinds = colours(run, attribute), list(colours(run, attribute))
        for name, members in reversed(list(groups_of(run, attribute).items())):
            own = read_presence(run, members)
            label = "All" if name == ALL else clean(label_for(run, attribute, name), LONGEST_KEY)
            ax.plot(
                x, np.repeat(own.connected, 2) * 100, color=shades.get(name, INK),
                linestyle="-" if name == ALL else LINE_STYLES[kinds.index(name) % 6],
                linewidth=1.0 if name == ALL else 1.6, label=f"{label} ({own.count:,})",
            )  # fmt: skip
        ax.set_ylim(0, 103)
        ax.grid(visible=True, axis="y")
        ax.legend(
            loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.1, alignment="left",
            title=f"{attribute.capitalize()} (endpoints)", title_fontsize=7.5, fontsize=8,
            reverse=True,
        )  # fmt: skip
    panels[0].set_ylabel("Endpoints connected (%)")


def explain_join_time(run: Run) -> str:
    """The percentiles of the join time; empty where nobody joined."""
    found = read_joinings(run)
    if not found:
        return ""
    return (
        f"{label_of(METRIC)} of {format_endpoints(len(found))}, {timings.RANK_NAMES}: "
        f"{timings.percentiles(found)}."
    )


def draw_distribution(run: Run, ax: Axes) -> None:
    """Share of endpoints that were connected within x, by access kind, with percentiles marked."""
    timings.draw_distribution(run, ax, read_joinings(run), WORDS)


def draw_budget(run: Run, figure: Figure | SubFigure) -> None:
    """A waterfall of the median join time for all endpoints, and for each access kind."""
    timings.draw_budget(run, figure, read_joinings(run), WORDS)


def draw_retries(run: Run, figure: Figure | SubFigure) -> None:
    """Above, retries by second and kind; below, failed attempts by cause."""
    sessions = read_sessions(run)
    if not sessions:
        say_no_data(figure.add_subplot(), NO_ATTEMPT)
        return
    causes = failures(sessions)
    shown = list(causes.items())[:MOST_CAUSES]
    above, below = figure.subplots(
        2, 1, gridspec_kw={"height_ratios": [2.2, 0.4 + 0.3 * max(len(shown), 1)]}
    )
    factor = time_axis(above, run.duration_s)
    draw_rate(run, above, sessions, factor)
    if above.get_legend_handles_labels()[0]:
        above.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), reverse=True)
    mark_events(above, run, factor)
    if not shown:
        say_no_data(below, "Every attempt to connect came about.")
        return
    names, counts = zip(*shown, strict=True)
    rows = np.arange(len(names))
    below.barh(rows, counts, color=RED, height=0.7)
    for row, count in enumerate(counts):
        below.annotate(
            f"{count:,}", (count, row), (3, 0), textcoords="offset points", va="center",
            fontsize=7.5,
        )  # fmt: skip
    labels = [wrap(clean(name, LONGEST_CAUSE), CAUSE_WIDTH, 7.5) for name in names]
    below.set_yticks(rows, labels, fontsize=7.5)
    below.set_ylim(len(rows) - 0.4, -0.6)
    below.set_xlim(0, max(counts) * 1.12)
    below.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    below.tick_params(axis="y", length=0)
    below.set_xlabel("Failed attempts")
    below.grid(visible=True, axis="x")


def draw_rate(run: Run, ax: Axes, sessions: Sequence[Session], factor: float) -> None:
    """Retries among ``sessions`` by second, stacked by kind, on an axis of time × ``factor``."""
    bottom = np.zeros(1)
    for kind, (label, colour) in KINDS.items():
        rate = rate_of(run, [row for row in sessions if kind_of(row) == kind])
        # A bar for a second, as an area: of bars there would be thousands.
        top = bottom + rate.counts
        x = np.column_stack([rate.times, rate.times + 1]).ravel() * factor
        if rate.counts.any():
            ax.fill_between(
                x, np.repeat(np.broadcast_to(bottom, top.shape), 2), np.repeat(top, 2),
                color=colour, linewidth=0, label=f"{label} ({int(rate.counts.sum()):,})",
            )  # fmt: skip
        bottom = top
    ax.set_ylim(0, max(float(bottom.max()) * 1.08, 1.0))
    ax.set_ylabel("Retries (1/s)")
    ax.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    ax.grid(visible=True, axis="y")


def kind_of(session: Session) -> str:
    """The kind of a retry, of KINDS; empty for an endpoint's first attempt to join."""
    if session["kind"] != "join":
        return str(session["kind"])
    return "again" if session["attempt"] > 1 else ""
