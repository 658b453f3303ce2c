"""The delay budget: where a voice's way from mouth to ear spends its time."""

import numpy as np
from matplotlib.figure import Figure, SubFigure
from numpy.typing import NDArray

from results.plots.style import INK, LONGEST_KEY, clean, colours, label_for, say_no_data
from results.plots.waterfall import draw_waterfalls
from results.readings import endpoint_groups, endpoints, floats
from results.records import BUDGET, Run

FIXED = ("encode",)
"""Parts that the scenario's media settings fix, whatever the network does."""


def mean_budgets(run: Run) -> tuple[list[str], NDArray[np.int64], NDArray[np.float64]]:
    """Groups (`all`, then access kinds), endpoints in each, (G, parts) means over them in s."""
    table = endpoints(run)
    parts = np.column_stack([floats(table, f"budget_{part}") for part in BUDGET])
    known = np.isfinite(parts).all(axis=1)
    group, names = endpoint_groups(run, "access")
    members = [known, *(known & (group == i) for i in range(len(names)))]
    rows = [(n, m) for n, m in zip(["all", *names], members, strict=True) if m.any()]
    means = np.array([parts[m].mean(axis=0) for _, m in rows]).reshape(-1, len(BUDGET))
    return [n for n, _ in rows], np.array([m.sum() for _, m in rows], dtype=np.int64), means


def draw(run: Run, figure: Figure | SubFigure) -> None:
    """A waterfall of the mean mouth-to-ear delay for all endpoints, and for each access kind."""
    names, members, means = mean_budgets(run)
    if not names:
        say_no_data(figure.add_subplot(), "No audio packet reached an endpoint in this run.")
        return
    shades = {"all": INK, **colours(run, "access")}
    panels = []
    for name, count, parts in zip(names, members, means, strict=True):
        label = (
            "All endpoints" if name == "all" else clean(label_for(run, "access", name), LONGEST_KEY)
        )
        seconds = np.append(parts, parts.sum())
        panels.append((f"{label} ({count:,})", shades.get(name, INK), seconds))
    draw_waterfalls(
        figure,
        panels,
        [part.capitalize() for part in BUDGET],
        total="Sum",
        title="Mean delay",
        fixed=[BUDGET.index(part) for part in FIXED],
    )
