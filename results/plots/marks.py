"""Marks: the meeting's events on a time axis."""

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

from results.plots.style import GRID, HINTING, MUTED, clean, settle_layout, text_width
from results.records import Run
from scenarios.meeting import COMMAND_CENTRE

LABEL_SIZE = 7.0
LONGEST, LONGEST_FAULT = 26, 42
"""Letters of a label; a fault's without a name of its own tells what is struck."""
GAP = 7.0
"""Between labels in a row, in points."""
INDENT = 2.5
"""Between a label and its line."""
_LEADER = {"arrowstyle": "-", "color": GRID, "linewidth": 0.8, "shrinkA": 0, "shrinkB": 0}
MOST_ROWS = 7
MOST_MARKS = 60
"""A kind with more events than this is a process, not an event: it would only hatch the plot."""


def mark_events(ax: Axes, run: Run, factor: float, *, through: bool = True) -> list[str]:
    """Mark the run's events on ``ax``, whose x axis is time in seconds times ``factor``.

    A mark is a dotted line (a tick above the axes, unless ``through``) with its label above the
    axes. Labels take as many rows as they need, up to MOST_ROWS; where there is no room for one,
    its line stands without it. Call it last: labels are fitted to the width that the axes have by
    then. Returns the labels that are set.
    """
    events = _events(run)
    figure = ax.get_figure(root=True)
    if not events or figure is None:
        return []
    settle_layout(figure)
    span = run.duration_s * factor
    width = ax.get_window_extent().width / figure.dpi * 72
    labels = []
    extents = [
        (time * factor / span * width, HINTING * text_width(label, LABEL_SIZE))
        for time, label in events
    ]
    for (time, label), (offset, _), place in zip(
        events, extents, _arrange(extents, width), strict=True
    ):
        x = time * factor
        if through:
            ax.axvline(x, color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1.5)
        else:
            across = ax.get_xaxis_transform()
            ax.plot([x, x], [1, 1.015], color=MUTED, lw=1, transform=across, clip_on=False)
        if place is None:
            continue
        row, begin = place
        height = (3 if through else 6) + row * (LABEL_SIZE + 2.5)
        at: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
        ax.annotate("", (x, 1), (0, height + LABEL_SIZE), arrowprops=_LEADER, **at)
        ax.annotate(label, (x, 1), (begin - offset, height), color=MUTED, fontsize=LABEL_SIZE, **at)
        labels.append(label)
    return labels


def _arrange(
    extents: Sequence[tuple[float, float]], width: float
) -> list[tuple[int, float] | None]:
    """Row and left end for labels at (x, length): in as few rows as hold the most of them."""
    best: list[tuple[int, float] | None] = [None] * len(extents)
    for count in range(1, MOST_ROWS + 1):
        rows = _Rows(width, count)
        places = [rows.place(*extent) for extent in extents]
        if places.count(None) < best.count(None):
            best = places
    return best


class _Rows:
    """Rows of labels above the axes: which are free where. Lengths are in points."""

    def __init__(self, width: float, count: int) -> None:
        self._width = width
        self._ends = [-math.inf] * count
        self._leaders: list[tuple[float, int]] = []

    def place(self, at: float, extent: float) -> tuple[int, float] | None:
        """Row and left end of the label for the line at ``at``; None without room.

        No label may cross another label or a line, which leads down through all lower rows: hence
        the highest row below which all is free.
        """
        # Near the right edge a label stands on the left of its line.
        right = at + INDENT + extent <= self._width
        begin = at + INDENT if right else at - INDENT - extent
        end = begin + extent + GAP
        for row in reversed(range(len(self._ends))):
            free = self._ends[row] <= begin and max(self._ends[: row + 1]) <= at
            if free and not any(begin < x < end and row < above for x, above in self._leaders):
                self._ends[row] = max(end, at + INDENT)
                self._leaders.append((at, row))
                return row, begin
        return None


def _events(run: Run) -> list[tuple[float, str]]:
    """Times and labels of the events worth a mark, in time."""
    table = run.tables["events"]
    kinds = table["kind"].to_pylist()
    rows = zip(
        table["time"].to_pylist(),
        kinds,
        table["subject"].to_pylist(),
        table["detail"].to_pylist(),
        strict=True,
    )
    names = dict(
        zip(
            run.tables["endpoints"]["site"].to_pylist(),
            run.tables["endpoints"]["name"].to_pylist(),
            strict=True,
        )
    )
    names[COMMAND_CENTRE] = run.scenario.command_centre.name
    marks = []
    for time, kind, subject, detail in rows:
        # A call is marked by whom the floor goes to; who noticed a fault when is another plot's,
        # and who went over to a second link is what came of a fault, not an event of the meeting.
        if (
            kind in ("call", "detect", "link")
            or kinds.count(kind) > MOST_MARKS
            or not 0 <= time <= run.duration_s
        ):
            continue
        who = names.get(subject, subject or "")
        # Whoever has the floor is the one event that needs no more words than a name.
        text = who if kind == "floor" else f"{kind} {who}: {detail or ''}".rstrip(": ")
        longest = LONGEST_FAULT if kind in ("fault", "repair") else LONGEST
        marks.append((float(time), clean(text, longest)))
    return sorted(marks, key=lambda mark: mark[0])
