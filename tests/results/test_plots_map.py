"""The map: whose area a point is in, where labels go, how far things are apart."""

import csv
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Polygon
from matplotlib.path import Path as Outline
from numpy.typing import NDArray

import scenarios
from results.plots import province_map
from results.plots.province_map import MARGIN_KM, nearest_seat_areas, project, spread_labels
from results.plots.provinces import colour_map, norm_for, read_provinces
from results.records import Run
from results.selection import Measurements


@pytest.fixture(scope="module")
def seats() -> NDArray[np.float64]:
    """The nineteen seats in kilometres."""
    library = Path(scenarios.__file__).parent / "library" / "southern_provinces.csv"
    with library.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    return project(
        np.array([float(row["seat_latitude"]) for row in rows]),
        np.array([float(row["seat_longitude"]) for row in rows]),
    )


def test_distances_are_true_at_this_latitude() -> None:
    # Cần Thơ to Hồ Chí Minh City, 130 km by the great circle on a sphere of 6,371 km.
    one, other = np.radians([10.034, 105.784]), np.radians([10.776, 106.701])
    half = np.sin((other - one) / 2) ** 2
    arc = 2 * np.arcsin(np.sqrt(half[0] + np.cos(one[0]) * np.cos(other[0]) * half[1]))
    ends = project(np.array([10.034, 10.776]), np.array([105.784, 106.701]))
    assert np.linalg.norm(ends[1] - ends[0]) == pytest.approx(6371 * arc, rel=0.002)


def test_a_point_is_in_the_area_of_its_nearest_seat(seats: NDArray[np.float64]) -> None:
    areas = [Outline(cell) for cell in nearest_seat_areas(seats)]
    rng = np.random.default_rng(5)
    points = rng.uniform(seats.min(axis=0) - 60, seats.max(axis=0) + 60, (2000, 2))
    distances = np.linalg.norm(points[:, None] - seats[None], axis=2)
    inside = np.array([area.contains_points(points) for area in areas])
    assert inside.sum(axis=0).max() == 1  # areas do not overlap
    owned: NDArray[np.bool_] = np.any(inside, axis=0)
    assert owned.sum() > 500
    assert (inside.argmax(axis=0)[owned] == distances.argmin(axis=1)[owned]).all()
    # Whatever is nearer to a seat than the margin is in some area.
    assert owned[distances.min(axis=1) < MARGIN_KM * 0.99].all()


@pytest.mark.parametrize(
    "places",
    [
        [[0.0, 0.0]],
        [[0.0, 0.0], [50.0, 0.0]],
        [[0.0, 0.0], [50.0, 0.0], [100.0, 0.0]],
        [[0.0, 0.0], [0.0, 0.0], [80.0, 10.0]],
    ],
    ids=["one", "two", "in a row", "two at one place"],
)
def test_few_seats_have_areas_too(places: list[list[float]]) -> None:
    cells = nearest_seat_areas(np.array(places))
    assert len(cells) == len(places)
    for cell, seat in zip(cells, places, strict=True):
        assert Outline(cell).contains_point((seat[0], seat[1]), radius=0.01)


def test_areas_are_coloured_by_the_summarys_figures(run: Run) -> None:
    ax = Figure(figsize=(7.5, 7.6)).add_subplot()
    province_map.draw(run, ax)
    reading = read_provinces(run, "one_way_delay")
    expected = Measurements(run).by("province", "one_way_delay")
    values = np.array([expected[name].percentile(95) for name in reading.provinces], dtype=float)
    assert reading.overall == pytest.approx(values, rel=1e-5)
    shades = colour_map("one_way_delay")(norm_for("one_way_delay", values)(values))
    cells = [patch for patch in ax.patches if isinstance(patch, Polygon)]
    assert [cell.get_facecolor() for cell in cells] == [tuple(shade) for shade in shades]
    assert ax.get_aspect() == 1


def test_bad_is_dark_whichever_end_it_is() -> None:
    for metric, bad in (("packet_loss", 1.0), ("audio_mos", 0.0)):
        shades = colour_map(metric)
        assert sum(shades(bad)[:3]) < sum(shades(1 - bad)[:3])


def test_labels_name_each_province_and_its_value(run: Run) -> None:
    ax = Figure(figsize=(7.5, 7.6)).add_subplot()
    province_map.draw(run, ax, "packet_loss")
    labels = [text.get_text() for text in ax.texts]
    loss = Measurements(run).by("province", "packet_loss")["Cà Mau"].mean
    assert loss is not None
    size = Measurements(run).sizes("province")["Cà Mau"]
    assert f"Cà Mau ({size})\n{loss * 100:.3f} %" in labels


def test_labels_end_apart_from_each_other_and_from_dots(seats: NDArray[np.float64]) -> None:
    sizes = np.tile([50.0, 14.0], (19, 1))
    cells = nearest_seat_areas(seats)
    places = spread_labels(cells, sizes, seats)
    centres = np.concatenate([places, seats])
    extents = np.concatenate([sizes, np.full((19, 2), 14 * 0.3)])
    for i in range(19):
        for j in range(38):
            if i != j:
                apart = np.abs(centres[i] - centres[j]) - (extents[i] + extents[j]) / 2
                assert (apart > -1e-9).any()
    # Most stay where they belong, thin as some areas are.
    inside = [Outline(cell).contains_point(p) for cell, p in zip(cells, places, strict=True)]
    assert sum(inside) >= 17
