"""Calls to the floor: how long they took by access link, and where the time went."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from results.calls import count_reasons, read_calls, unanswered
from results.plots import timings
from results.records import Run

METRIC = "time_to_floor"
WORDS = timings.Words(
    metric=METRIC,
    nobody="No endpoint was called to the floor in this run.",
    none_ended="None of the {count} calls was answered in this run.",
    none_ended_budget="No call was answered in this run.",
    ended="Calls that had the floor (%)",
    noun="calls",
    parts={
        "signalling": "Signalling",
        "key_frame": "Key frame",
        "uplink": "Uplink",
        "fan_out": "Fan-out",
        "playout": "Playout",
    },
)


def draw_distribution(run: Run, ax: Axes) -> None:
    """Share of calls that had the floor within x, by access kind, with percentiles marked."""
    timings.draw_distribution(run, ax, read_calls(run), WORDS)


def draw_budget(run: Run, figure: Figure | SubFigure) -> None:
    """A waterfall of the median time to the floor for all calls, and for each access kind."""
    timings.draw_budget(run, figure, read_calls(run), WORDS)


def explain_unanswered(run: Run) -> str:
    """Why calls were never answered, where any was not."""
    reasons = count_reasons(unanswered(run))
    if not reasons:
        return ""
    return f"Never answered: {'; '.join(f'{count:,}, {why}' for why, count in reasons.items())}."
