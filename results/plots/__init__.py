"""The plots of a run: each a pure function of the run, by name, to PNG or SVG."""

from collections.abc import Mapping
from pathlib import Path

from results.plots import budget, distributions, heatmap, over_time, province_map, shared_links
from results.plots.plot import Plot, choose, write
from results.plots.provinces import PROVINCE_METRICS
from results.plots.readings import DELAYS
from results.records import Run

__all__ = ["PLOTS", "Plot", "save_plot"]

PLOTS: Mapping[str, Plot] = {
    plot.name: plot
    for plot in (
        Plot(
            "delay-cdf",
            "{metric} by access link",
            "Share of packets that took at most this long.",
            distributions.draw_cdf,
            (7.5, 4.0),
            DELAYS,
        ),
        Plot(
            "delay-ccdf",
            "{metric} of the slowest packets, by access link",
            "Share of packets that took longer than this, both axes logarithmic. A triangle is a "
            "threshold: the curve of its colour keeps it by passing on the left.",
            distributions.draw_ccdf,
            (7.5, 4.0),
            DELAYS,
        ),
        Plot(
            "delay-over-time",
            "{metric} over the meeting",
            "Percentiles in each interval; dotted lines are events: a name is who has the floor "
            "from there on.",
            over_time.draw,
            (7.5, 4.3),
            over_time.METRICS_OVER_TIME,
        ),
        Plot(
            "province-heatmap",
            "{metric} by province over the meeting",
            "Provinces from north to south; dark is bad, grey is without data.",
            heatmap.draw,
            (7.5, 5.3),
            PROVINCE_METRICS,
        ),
        Plot(
            "province-map",
            "{metric} by province, on the map",
            "The whole meeting; dark is bad. An area holds what is nearest to a province's seat "
            "(the dot): these are not the provinces' borders.",
            province_map.draw,
            (7.5, 7.6),
            PROVINCE_METRICS,
        ),
        Plot(
            "delay-budget",
            "Where the delay comes from",
            "Mean mouth-to-ear delay of audio packets, part by part, over all endpoints and by "
            "access link (number of endpoints); grey parts are fixed by the media settings.",
            budget.draw,
            (7.5, 5.2),
            faceted=True,
        ),
        Plot(
            "link-utilization",
            "How full the shared links run",
            "Above, by kind (number of links): the busiest link at each time (line) and the "
            "median link (dashed). Others' traffic counts too.",
            shared_links.draw,
            (7.5, 5.4),
            faceted=True,
        ),
    )
}
"""Plots by name, in the order in which the report shows them."""


def save_plot(run: Run, name: str, path: Path, metric: str | None = None) -> None:
    """Draw the plot ``name`` of ``run`` into ``path``: PNG or SVG, as its suffix says.

    ``metric`` is one of the plot's ``metrics``; None: the first of them.

    Raises:
        ValueError: plot, suffix or metric is unknown; the message names the choices.
        OSError: the file can't be written.
    """
    plot = PLOTS[choose("plot", name, PLOTS)]
    write(plot.render(run, path.suffix.lower(), metric), path)
