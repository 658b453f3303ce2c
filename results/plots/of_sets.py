"""The plots of replications, by name."""

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from results.plots import intervals
from results.plots.inline import inline_plot
from results.plots.plot import Plot, choose, write
from results.records import Run
from results.replications import Replications
from results.summary import ENDPOINT_METRICS

SET_PLOTS: Mapping[str, Plot] = {
    plot.name: plot
    for plot in (
        Plot(
            "thresholds",
            "Thresholds with their intervals",
            "Means over replications with 95 % intervals, each as a share of its bound; for lower "
            "bounds, mirrored. An interval across the line leaves its threshold undecided.",
            intervals.draw_thresholds,
            (7.5, 5.2),
        ),
        Plot(
            "groups",
            "{metric} by access link, carrier and province",
            "Means over replications of each run's p95, with 95 % intervals.",
            intervals.draw_groups,
            (7.5, 5.6),
            ("mouth_to_ear_delay", *(m.name for m in ENDPOINT_METRICS if not m.per)),
        ),
        Plot(
            "precision",
            "Precision by the number of replications",
            "One line a thresholded figure; the dashed line is the precision asked for, and in the "
            "grey there are too few replications to stop at.",
            intervals.draw_precision,
            (7.5, 3.8),
        ),
    )
}


def save_set_plot(found: Replications, name: str, path: Path, metric: str | None = None) -> None:
    """Draw the plot ``name`` of ``found`` to ``path``, a PNG or SVG file.

    Raises:
        ValueError: there is no such plot or metric, or the file is to be neither.
        OSError: the file can't be written.
    """
    plot = SET_PLOTS[choose("plot of replications", name, SET_PLOTS)]
    write(plot.render(_played(found), path.suffix, metric), path)


def inline_set_plot(found: Replications, name: str) -> str:
    """The plot ``name`` of ``found`` as markup for an HTML page."""
    return inline_plot(SET_PLOTS[name], _played(found), name)


def _played(found: Replications) -> Run:
    """``found`` as what a Plot titles: it asks for no more than both have."""
    return cast(Run, found)
