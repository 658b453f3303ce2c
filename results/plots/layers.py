"""Layers: which encoding of the programme picture endpoints were sent, and for how long."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from numpy.typing import NDArray

from results.adaptation import ALL, groups_of, read_layers
from results.plots.style import BLUE, LONGEST_LABEL, RED, SURFACE, clean, label_for, say_no_data
from results.records import Run

SHADES = LinearSegmentedColormap.from_list("layers", ["#c3dff0", BLUE])
"""From the lowest layer (pale) to the highest."""
SMALLEST_LABELLED = 0.06
"""Share below which a bar has no room for its number."""


def occupancy(run: Run) -> tuple[list[str], list[str], NDArray[np.float64]]:
    """Rows' labels, layers' names with the lowest first and audio only last, (rows, names) shares.

    Rows are all endpoints, then each carrier, then each access kind; an empty label parts them.
    """
    layers = read_layers(run)
    labels: list[str] = []
    shares: list[NDArray[np.float64]] = []
    for attribute in ("carrier", "access"):
        groups = groups_of(run, attribute)
        for name, members in groups.items():
            if name == ALL and labels:
                continue
            text = "All endpoints" if name == ALL else label_for(run, attribute, name)
            labels.append(f"{clean(text, LONGEST_LABEL)} ({int(members.sum()):,})")
            shares.append(layers.shares(members))
            if name == ALL:
                labels.append("")
                shares.append(np.zeros(len(layers.names)))
        if attribute == "carrier":
            labels.append("")
            shares.append(np.zeros(len(layers.names)))
    return labels, list(layers.names), np.array(shares)


def draw(run: Run, ax: Axes) -> None:
    """A bar for each group: shares of endpoint × interval by layer, the highest on the left."""
    if not read_layers(run).known:
        say_no_data(ax, "No layer of a picture was forwarded in this run.")
        return
    labels, names, shares = occupancy(run)
    rows = np.array([i for i, label in enumerate(labels) if label])
    count = len(names) - 1
    shades = [*(SHADES(i / (count - 1) if count > 1 else 1.0) for i in range(count)), RED]
    left = np.zeros(len(labels))
    for i in [*reversed(range(count)), count]:
        widths = shares[:, i]
        ax.barh(
            rows, widths[rows] * 100, left=left[rows] * 100, color=shades[i], height=0.74,
            label=clean(names[i]), edgecolor=SURFACE, linewidth=0.4,
        )  # fmt: skip
        for row in rows[widths[rows] >= SMALLEST_LABELLED]:
            dark = i == count or i >= count / 2
            ax.text(
                (left[row] + widths[row] / 2) * 100, row, f"{widths[row] * 100:.0f}",
                ha="center", va="center", fontsize=7.5, color="white" if dark else "#1b2530",
            )  # fmt: skip
        left += widths
    ax.set_yticks(rows, [labels[row] for row in rows])
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.set_xlim(0, 100)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("Share of endpoints × intervals (%)")
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(names), borderaxespad=0.1)
