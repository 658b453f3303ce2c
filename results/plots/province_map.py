"""The map: provinces as the areas nearest to their seats, coloured by a metric."""

import numpy as np
import scipy
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.patches import Polygon
from matplotlib.path import Path
from numpy.typing import NDArray

from results.plots.provinces import bar_ticks, colour_map, norm_for, read_provinces, title_of
from results.plots.style import HINTING, INK, MUTED, SURFACE, say_no_data, text_width
from results.quantities import format_value, label_of, scale_for, unit_of
from results.records import Run

KM_PER_DEGREE = 111.2
MARGIN_KM = 38.0
"""How far the drawn area reaches beyond the outermost seats."""
NO_DATA_COLOUR = "#b9c1c9"
LABEL_SIZE = 7.5
REACH = 24
"""How far a label may move, in quarters of its height."""
DOT = 0.3
"""A dot's width, as a share of a label's height."""


def draw(run: Run, ax: Axes, metric: str = "one_way_delay") -> None:
    """Colour each province's nearest-seat area by ``metric`` over the whole meeting."""
    reading = read_provinces(run, metric)
    if not np.isfinite(reading.overall).any():
        say_no_data(ax, f"No {label_of(metric, inside=True)} was measured in this run.")
        return
    seats = project(reading.latitudes, reading.longitudes)
    cells = nearest_seat_areas(seats)
    norm, colours = norm_for(metric, reading.overall), colour_map(metric)
    for cell, value in zip(cells, reading.overall, strict=True):
        colour = colours(float(norm(value))) if np.isfinite(value) else NO_DATA_COLOUR
        ax.add_patch(Polygon(cell, facecolor=colour, edgecolor=SURFACE, linewidth=1.2))
    ax.plot(*seats.T, "o", markersize=3, color=INK, markeredgecolor=SURFACE, markeredgewidth=0.6)
    corners = np.concatenate(cells)
    (left, bottom), (right, top) = corners.min(axis=0), corners.max(axis=0)
    ax.set_xlim(left, right)
    ax.set_ylim(bottom - 0.03 * (top - bottom), top)
    ax.set_aspect("equal")
    ax.set_axis_off()
    unit = unit_of(metric)
    texts = [
        f"{label}\n{format_value(value, unit)}"
        for label, value in zip(reading.labels, reading.overall, strict=True)
    ]
    _scale_bar(ax)
    _colour_bar(ax, metric, reading.overall, title_of(metric, reading.statistic))
    _label(ax, seats, cells, texts)


def project(latitudes: NDArray[np.float64], longitudes: NDArray[np.float64]) -> NDArray[np.float64]:
    """(P, 2) kilometres east and north: equirectangular, true to scale at the middle latitude."""
    shrink = np.cos(np.radians((latitudes.min() + latitudes.max()) / 2))
    return np.column_stack([longitudes * shrink, latitudes]) * KM_PER_DEGREE


def nearest_seat_areas(seats: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """The corners, in order, of each seat's Voronoi cell within MARGIN_KM of the seats' hull."""
    # Seats at one place would have no area; a metre apart each has its own.
    seats = seats + np.arange(len(seats))[:, None] * 1e-3
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    circle = np.column_stack([np.cos(angles), np.sin(angles)]) * MARGIN_KM
    outline = scipy.spatial.ConvexHull((seats[:, None, :] + circle).reshape(-1, 2)).equations
    cells = []
    for i, seat in enumerate(seats):
        others = np.delete(seats, i, axis=0)
        # Nearer to this seat than to the other: normal · x ≤ normal · middle.
        normal = others - seat
        offset = -(normal * (others + seat) / 2).sum(axis=1)
        bisectors = np.column_stack([normal, offset])
        corners = scipy.spatial.HalfspaceIntersection(
            np.vstack([bisectors, outline]), seat
        ).intersections
        around = corners - corners.mean(axis=0)
        cells.append(corners[np.argsort(np.arctan2(around[:, 1], around[:, 0]))])
    return cells


def _area(corners: NDArray[np.float64]) -> float:
    x, y = corners.T
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)


def _centroid(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    following = np.roll(corners, -1, axis=0)
    cross = corners[:, 0] * following[:, 1] - following[:, 0] * corners[:, 1]
    centroid: NDArray[np.float64] = ((corners + following) * cross[:, None]).sum(axis=0) / (
        3 * cross.sum()
    )
    return centroid


def _label(
    ax: Axes, seats: NDArray[np.float64], cells: list[NDArray[np.float64]], texts: list[str]
) -> None:
    """Set each label in its cell; where labels would overlap, apart, with a line to the seat."""
    figure = ax.get_figure(root=True)
    assert figure is not None  # noqa: S101 - for mypy: an axes is drawn on a figure
    figure.draw_without_rendering()  # settles the layout
    # Kilometres per point.
    scale = float(np.ptp(ax.get_xlim()) / (ax.get_window_extent().width / figure.dpi * 72))
    sizes = np.array(
        [
            [
                HINTING * max(text_width(line, LABEL_SIZE) for line in text.split("\n")) + 5,
                2.6 * LABEL_SIZE,
            ]
            for text in texts
        ]
    )
    places = spread_labels(cells, sizes * scale, seats)
    for place, seat, cell, text in zip(places, seats, cells, texts, strict=True):
        if not Path(cell).contains_point(place):
            ax.plot(*np.column_stack([place, seat]), color=MUTED, linewidth=0.6)
        box = {"boxstyle": "round,pad=0.15", "facecolor": SURFACE, "alpha": 0.82, "linewidth": 0}
        x, y = place
        ax.text(
            x, y, text, ha="center", va="center", fontsize=LABEL_SIZE, linespacing=1.05,
            bbox=box, zorder=4,
        )  # fmt: skip


def spread_labels(
    cells: list[NDArray[np.float64]], sizes: NDArray[np.float64], dots: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(P, 2) centres for boxes of ``sizes`` that hide no box and no dot, each near its cell's.

    Each takes the best free place of a fine grid, those in the smallest cells first. A place is
    good that is near the cell's centre and leaves little of the box outside the cell.
    """
    steps = np.arange(-REACH, REACH + 1) / 4
    offsets = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    corners = np.stack(np.meshgrid([-0.5, 0, 0.5], [-0.5, 0, 0.5]), axis=-1).reshape(-1, 2)
    places = np.array([_centroid(cell) for cell in cells])
    taken, extents = dots, np.full_like(dots, sizes[:, 1].min() * DOT)
    for i in np.argsort([_area(cell) for cell in cells], kind="stable"):
        # A step is a quarter of the box's height, sideways too.
        candidates = places[i] + offsets * sizes[i, 1]
        points = (candidates[:, None] + corners * sizes[i]).reshape(-1, 2)
        outside = ~Path(cells[i]).contains_points(points).reshape(len(candidates), -1)
        cost = np.linalg.norm(offsets, axis=1) + outside.sum(axis=1)
        distance = np.abs(candidates[:, None] - taken[None])
        free = (distance >= (extents + sizes[i]) / 2).any(axis=2).all(axis=1)
        if free.any():
            places[i] = candidates[np.where(free, cost, np.inf).argmin()]
        taken, extents = np.vstack([taken, places[i]]), np.vstack([extents, sizes[i]])
    return places


def _scale_bar(ax: Axes) -> None:
    (left, right), (bottom, _) = ax.get_xlim(), ax.get_ylim()
    length = next(km for km in (200, 100, 50, 20, 10, 5) if km < (right - left) / 3.5 or km == 5)
    ax.plot([right - length, right], [bottom, bottom], color=MUTED, linewidth=2, clip_on=False)
    ax.annotate(
        f"{length} km", (right - length / 2, bottom), (0, 3), textcoords="offset points",
        ha="center", fontsize=7.5, color=MUTED,
    )  # fmt: skip


def _colour_bar(ax: Axes, metric: str, found: NDArray[np.float64], title: str) -> None:
    figure = ax.get_figure(root=True)
    assert figure is not None  # noqa: S101 - for mypy: an axes is drawn on a figure
    scale = scale_for(unit_of(metric), float(np.nanmax(np.abs(found))))
    shades = ScalarMappable(norm_for(metric, found), colour_map(metric))
    bar = figure.colorbar(shades, ax=ax, location="bottom", fraction=0.03, pad=0.01, aspect=45)
    bar_ticks(bar, "x", scale.factor)
    bar.set_label(f"{title} ({scale.symbol})" if scale.symbol else title)
