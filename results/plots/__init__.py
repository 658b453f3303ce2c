"""The plots of a run: each a pure function of the run, by name, to PNG or SVG."""

from collections.abc import Mapping
from pathlib import Path

from results.plots import (
    bottleneck,
    budget,
    calls,
    distributions,
    endpoint,
    estimates,
    freezes,
    heatmap,
    joining,
    layers,
    over_time,
    province_map,
    recovery,
    shared_links,
)
from results.plots.bounds import explain_bounds
from results.plots.plot import Plot, choose, write
from results.plots.provinces import PROVINCE_METRICS
from results.readings import DELAYS
from results.records import Run

__all__ = ["PLOTS", "Plot", "save_plot"]

PLOTS: Mapping[str, Plot] = {
    plot.name: plot
    for plot in (
        Plot(
            "freezes",
            "Endpoints whose picture froze",
            "Share of endpoints (their number in brackets) whose picture froze for any part of "
            "the interval, by access link; dotted lines are events.",
            freezes.draw_over_time,
            (7.5, 4.0),
        ),
        Plot(
            "freezes-by-province",
            "Freezes by province",
            "The whole meeting, means over the province's endpoints (their number in brackets); "
            "the worst province on top.",
            freezes.draw_by_province,
            (7.5, 4.8),
            faceted=True,
        ),
        Plot(
            "time-to-floor",
            "From the chair's call to the screen, by access link",
            "Share of calls (their number in brackets) whose first frame was on the command "
            "centre's screen within this time; circle, square and diamond are p50, p95 and p99. A "
            "curve that ends below 100 % leaves out calls that were never answered.",
            calls.draw_distribution,
            (7.5, 4.2),
            note=lambda run, _: explain_bounds(run, calls.METRIC),
        ),
        Plot(
            "time-to-floor-budget",
            "Where the time to the floor goes",
            "Medians over answered calls (in brackets, and of how many where some were not), part "
            "by part, and of the whole; medians of parts need not add up to the whole's.",
            calls.draw_budget,
            (7.5, 4.6),
            faceted=True,
            note=lambda run, _: calls.explain_unanswered(run),
        ),
        Plot(
            "connected",
            "Who is connected",
            "Share of endpoints that were connected, on average over each interval, by access link "
            "and by carrier.",
            joining.draw_connected,
            (7.5, 4.0),
            faceted=True,
            note=lambda run, _: joining.explain_join_time(run),
        ),
        Plot(
            "join-time",
            "From setting out until connected, by access link",
            "Share of the endpoints that set out to join (their number in brackets) that were "
            "connected within this time; circle, square and diamond are p50, p95 and p99. A curve "
            "that ends below 100 % leaves out those that never were.",
            joining.draw_distribution,
            (7.5, 4.2),
            note=lambda run, _: explain_bounds(run, joining.METRIC),
        ),
        Plot(
            "join-time-budget",
            "Where the join time goes",
            "Medians over the endpoints that were connected (in brackets, and of how many where "
            "some were not), part by part, and of the whole; medians of parts need not add up to "
            "the whole's.",
            joining.draw_budget,
            (7.5, 6.0),
            faceted=True,
        ),
        Plot(
            "retries",
            "Attempts to connect again, and what attempts failed of",
            "Above, attempts after an endpoint's first to join, in each second, stacked (their "
            "number in brackets); below, all attempts that failed, by cause.",
            joining.draw_retries,
            (7.5, 5.2),
            faceted=True,
        ),
        Plot(
            "fault-timeline",
            "What the faults did",
            "Faults are shaded until their repair; a triangle is a detection. From above: share of "
            "endpoints that believe to be connected, and that are and have media; attempts to "
            "connect again in each second, stacked; load of the media nodes.",
            recovery.draw_timeline,
            (7.5, 6.0),
            faceted=True,
        ),
        Plot(
            "recovery",
            "How endpoints came back",
            "Share of interruptions (their number in brackets, and how many of them were not over "
            "at the end) that were over within this time, by the fault in which they began and, if "
            "any endpoint has a backup access link, by whether the interrupted one has.",
            recovery.draw_curves,
            (7.5, 4.2),
        ),
        Plot(
            "estimate",
            "What nodes took links for, against what they were",
            "The node's estimate of the rate towards an endpoint over the true capacity of its "
            "downlink, at the end of each interval, by access link (number of endpoints); dark is "
            "many, pale few, panel by panel. On the dashed line both are equal. An estimate far "
            "below it limits nobody who is sent no more. Where a link carries nothing, the share "
            "above counts it, and no axis has a place for it.",
            estimates.draw,
            (7.5, 5.2),
            faceted=True,
        ),
        Plot(
            "layers",
            "Which picture endpoints were sent",
            "Share of endpoints (their number in brackets) and intervals by the layer that was "
            "forwarded at the interval's end, by carrier and by access link.",
            layers.draw,
            (7.5, 4.2),
        ),
        Plot(
            "endpoint",
            "One endpoint over the meeting",
            "Bit rate received, the node's estimate and the downlink's true capacity, with freezes "
            "shaded (the darker, the longer); below, the layer of the programme picture. Where the "
            "endpoint publishes, the same of its uplink. Another endpoint is chosen with --site; "
            "by itself the plot takes the one that was frozen longest.",
            endpoint.draw,
            (7.5, 5.6),
            faceted=True,
            pick_site=endpoint.most_frozen,
        ),
        Plot(
            "bottleneck",
            "The bottleneck on the way up and its flows",
            "True capacity of the narrower of an endpoint's uplink and its carrier's link in its "
            "province, without what others take of it on average; publishers' own estimates at the "
            "end of each interval, and the media they sent in it, voice and all. All publishers "
            "that cross the link are counted. Another endpoint's link is chosen with --site; by "
            "itself the plot takes that of who published longest.",
            bottleneck.draw,
            (7.5, 5.2),
            faceted=True,
            pick_site=bottleneck.longest_publisher,
        ),
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
            "Share of packets that took longer than this, both axes logarithmic.",
            distributions.draw_ccdf,
            (7.5, 4.0),
            DELAYS,
            note=explain_bounds,
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
            "Provinces (number of endpoints) from north to south; dark is bad, grey is without "
            "data.",
            heatmap.draw,
            (7.5, 5.3),
            PROVINCE_METRICS,
        ),
        Plot(
            "province-map",
            "{metric} by province, on the map",
            "The whole meeting, with the number of endpoints; dark is bad. An area holds what is "
            "nearest to a province's seat (the dot): these are not the provinces' borders.",
            province_map.draw,
            (7.5, 7.6),
            PROVINCE_METRICS,
        ),
        Plot(
            "delay-budget",
            "Where the delay comes from",
            "Mean mouth-to-ear delay of audio packets, part by part, over all endpoints and by "
            "access link (number of endpoints); the grey part is fixed by the media settings.",
            budget.draw,
            (7.5, 5.2),
            faceted=True,
        ),
        Plot(
            "link-utilization",
            "How full the shared links run",
            "Above, by kind (number of links): the busiest link at each time (line) and the "
            "median link (dashed), towards the provinces (down) and from them (up). Others' "
            "traffic counts too.",
            shared_links.draw,
            (7.5, 5.4),
            faceted=True,
            note=lambda run, _: shared_links.explain_bounds(run),
        ),
    )
}
"""Plots by name, in the order in which they are listed."""


def save_plot(
    run: Run, name: str, path: Path, metric: str | None = None, site: str | None = None
) -> None:
    """Draw the plot ``name`` of ``run`` into ``path``: PNG or SVG, as its suffix says.

    ``metric`` is one of the plot's ``metrics``; None: the first of them. ``site`` is one of the
    run's, for plots that show one; None: the plot's own choice.

    Raises:
        ValueError: plot, suffix, metric or site is unknown; the message names the choices.
        OSError: the file can't be written.
    """
    plot = PLOTS[choose("plot", name, PLOTS)]
    write(plot.render(run, path.suffix.lower(), metric, site), path)
