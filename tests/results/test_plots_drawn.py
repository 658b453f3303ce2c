"""What the plots draw, against the tables: points, bands, cells and bars."""

from collections.abc import Callable
from dataclasses import replace
from statistics import median_low

import numpy as np
import pyarrow as pa
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.markers import CARETLEFT

from results.plots import budget, distributions, heatmap, over_time, shared_links
from results.plots.provinces import NARROWEST, norm_for
from results.plots.style import INK, colours
from results.quantities import format_value
from results.readings import delays
from results.records import BUDGET, Run
from results.selection import Measurements
from scenarios.meeting import COMMAND_CENTRE
from tests.results.axes import bars, beginning, legend, line
from tests.results.sample_run import make_run, make_scenario


@pytest.fixture
def ax() -> Axes:
    return Figure(figsize=(7.5, 4)).add_subplot()


Draw = Callable[[Run, Axes], None]
Share = Callable[[float], float]
CURVES: list[tuple[Draw, Share]] = [
    (distributions.draw_cdf, lambda rank: rank),
    (distributions.draw_ccdf, lambda rank: 100 - rank),
]


@pytest.mark.parametrize(("kind", "label"), [("4g", "4G:"), ("fibre", "Fibre:"), (None, "All ")])
def test_cdf_and_ccdf_pass_through_the_percentiles(run: Run, kind: str | None, label: str) -> None:
    selector = {"access": kind} if kind else {}
    expected = Measurements(run).distribution("one_way_delay", selector)
    for draw, share in CURVES:
        ax = Figure().add_subplot()
        draw(run, ax)
        x, y = line(ax, label)
        for rank in (10, 50, 95, 99):
            value = expected.percentile(rank) or np.nan
            # The curve crosses the rank within the bucket that holds the percentile.
            near = (x > value * 1000 * 0.98) & (x < value * 1000 * 1.02)
            assert y[near].min() <= share(rank) + 1e-9
            assert y[near].max() >= share(rank) - 1e-9
    assert ax.get_xscale() == ax.get_yscale() == "log"


def test_cdf_runs_from_nothing_to_all(run: Run, ax: Axes) -> None:
    distributions.draw_cdf(run, ax)
    for each in ax.lines:
        y = np.asarray(each.get_ydata())
        assert y[0] == 0
        assert y[-1] == pytest.approx(100)
        assert (np.diff(y) >= 0).all()


def test_ccdf_marks_thresholds_on_whole_meetings(ax: Axes) -> None:
    thresholds = {
        "one_way_delay": [
            "p(95) < 300ms",
            "max < 1s",
            "p(100) < 1s",
            {"check": "p(90) < 1s", "during": "0s..9s"},
        ],
        "one_way_delay{access=4g}": ["p(50) < 100ms"],
        "one_way_delay{province=Cà Mau}": ["p(50) < 200ms"],
        "jitter": ["p(50) < 200ms"],
    }
    run = make_run(make_scenario(thresholds=thresholds))
    distributions.draw_ccdf(run, ax)
    marks = [each for each in ax.lines if each.get_marker() == CARETLEFT]
    places = [beginning(each) for each in marks]
    assert places == [(300, pytest.approx(5)), (100, 50)]
    assert [each.get_color() for each in marks] == [INK, colours(run, "access")["4g"]]


def test_legend_tells_median_and_tail(run: Run, ax: Axes) -> None:
    distributions.draw_cdf(run, ax)
    expected = Measurements(run).distribution("one_way_delay", {"access": "4g"})
    median, high = (format_value(expected.percentile(rank), "s") for rank in (50, 99))
    assert f"4G: median {median}, p99 {high}" in legend(ax)


def test_bands_over_time_are_percentiles_of_packets(run: Run, ax: Axes) -> None:
    over_time.draw(run, ax)
    x, median = line(ax, "median")
    expected = delays(run, "one_way_delay").percentiles(50, 99)[0] * 1000
    assert x[:4].tolist() == [0, 5, 5, 10]
    assert x[-1] == 60
    assert median[::2] == pytest.approx(expected[:, 0])
    assert line(ax, "p99")[1][1::2] == pytest.approx(expected[:, 1])
    assert len(ax.collections) == 2
    outer = ax.collections[0].get_datalim(ax.transData)
    low, high = delays(run, "one_way_delay").percentiles(5, 95)[0].T * 1000
    assert (outer.y0, outer.y1) == pytest.approx((low.min(), high.max()))


def test_for_what_should_be_high_the_low_end_is_drawn(run: Run, ax: Axes) -> None:
    over_time.draw(run, ax, "audio_mos")
    _, low = line(ax, "p1")
    assert low.min() == 1  # the dish that is dead
    assert ax.get_ylim() == (1, 4.6)


def test_shares_begin_at_zero(run: Run, ax: Axes) -> None:
    over_time.draw(run, ax, "packet_loss")
    assert ax.get_ylim()[0] == 0
    assert ax.get_ylabel() == "Packet loss (%)"


def test_heat_map_rows_run_from_north_to_south(run: Run, ax: Axes) -> None:
    heatmap.draw(run, ax, "packet_loss")
    labels = [text.get_text() for text in ax.get_yticklabels()]
    assert labels[0] == "Bình Phước (2)"
    names = [label.partition(" (")[0] for label in labels]
    assert names[-1] in ("Cà Mau", "Bạc Liêu")
    rows = [row for row in run.tables["endpoints"].to_pylist() if row["province"] == "Đồng Nai"]
    sites = {row["site"] for row in rows}
    losses = [
        row["packet_loss"]
        for row in run.tables["samples"].to_pylist()
        if row["time"] == 40 and row["site"] in sites
    ]
    (image,) = ax.images
    cells = image.get_array()
    assert cells is not None
    assert cells.shape == (19, 12)
    assert cells[names.index("Đồng Nai"), 8] == pytest.approx(np.mean(losses))
    assert tuple(image.get_extent()) == (0, 60, 18.5, -0.5)


def test_heat_map_shows_a_gap_where_nothing_was_sampled(run: Run, ax: Axes) -> None:
    samples = run.tables["samples"]
    keep = [time not in (20.0, 25.0) for time in samples["time"].to_pylist()]
    tables = {**run.tables, "samples": samples.filter(pa.array(keep))}
    heatmap.draw(replace(run, tables=tables), ax, "packet_loss")
    cells = ax.images[0].get_array()
    assert cells is not None
    empty = np.ma.getmaskarray(np.ma.masked_invalid(cells)).all(axis=0)
    assert np.flatnonzero(empty).tolist() == [4, 5]


def test_heat_map_holds_a_stretch_of_several_intervals(run: Run, ax: Axes) -> None:
    """Histograms may keep less than every interval: a stretch's value stands for all of it."""
    table = run.tables["histograms"]
    times = np.floor(np.asarray(table["time"]) / 15) * 15
    index = table.schema.get_field_index("time")
    column = pa.array(times).cast(table.schema.field("time").type)
    coarse = table.set_column(index, table.schema.field("time"), column)
    heatmap.draw(replace(run, tables={**run.tables, "histograms": coarse}), ax)
    cells = np.asarray(ax.images[0].get_array())
    assert cells.shape == (19, 12)
    assert (cells[:, 0] == cells[:, 2]).all()
    assert (cells[:, 5] != cells[:, 6]).any()


def test_colours_span_no_less_than_what_one_would_tell_apart() -> None:
    flat = norm_for("one_way_delay", np.array([0.1, 0.1001]))
    assert flat.vmin == 0.1
    assert flat.vmax == pytest.approx(0.1 + NARROWEST["s"])
    scores = norm_for("audio_mos", np.array([4.39, 4.4]))
    assert scores.vmin == pytest.approx(3.9)
    assert scores.vmax == 4.4
    shares = norm_for("packet_loss", np.array([0.0, 0.0]))
    assert (shares.vmin, shares.vmax) == (0, NARROWEST["ratio"])


def test_colours_of_wide_ranges_keep_the_small_apart() -> None:
    for metric, found in (
        ("packet_loss", np.array([0, 0.001, 0.01, 1.0])),
        ("one_way_delay", np.array([0.01, 0.02, 0.04, 1.0])),
    ):
        shades = np.asarray(norm_for(metric, found)(found))
        assert (np.diff(shades) > 0.08).all()
        assert shades[-1] == pytest.approx(1)


def test_budget_bars_stand_end_to_end(run: Run) -> None:
    figure = Figure(figsize=(7.5, 5))
    budget.draw(run, figure)
    titles = [ax.get_title(loc="left") or ax.get_title() for ax in figure.axes]
    assert titles[0] == "All endpoints (60)"
    rows = [r for r in run.tables["endpoints"].to_pylist() if r["site"] != COMMAND_CENTRE]
    expected = [np.mean([row[f"budget_{part}"] for row in rows]) * 1000 for part in BUDGET]
    drawn = bars(figure.axes[0])
    assert [bar.get_width() for bar in drawn[: len(BUDGET)]] == pytest.approx(expected)
    assert [bar.get_x() for bar in drawn[: len(BUDGET)]] == pytest.approx(
        [0, *np.cumsum(expected)[:-1]]
    )
    assert drawn[-1].get_width() == pytest.approx(sum(expected))
    assert len({ax.get_xlim() for ax in figure.axes}) == 1


def test_budgets_by_access_are_means_over_its_endpoints(run: Run) -> None:
    names, members, means = budget.mean_budgets(run)
    rows = [
        row
        for row in run.tables["endpoints"].to_pylist()
        if row["access"] == "satellite" and row["site"] != COMMAND_CENTRE
    ]
    place = names.index("satellite")
    assert members[place] == len(rows)
    assert means[place, BUDGET.index("access")] == pytest.approx(
        np.mean([row["budget_access"] for row in rows])
    )


def test_links_are_the_busiest_by_name(run: Run) -> None:
    figure = Figure(figsize=(7.5, 5))
    shared_links.draw(run, figure)
    *above, below = figure.axes
    assert [ax.get_title(loc="left") or ax.get_title() for ax in above] == [
        "Backbone (8)", "Peering (8)", "Aggregation (76)", "Cascade (1)",
    ]  # fmt: skip
    peaks: dict[str, float] = {}
    for row in run.tables["links"].to_pylist():
        peaks[row["link"]] = max(peaks.get(row["link"], 0), row["link_utilization"])
    expected = sorted(peaks, key=lambda name: -peaks[name])[: shared_links.BUSIEST]
    assert [text.get_text() for text in below.get_yticklabels()] == expected
    marks = [each for each in below.lines if each.get_marker() == "|"]
    assert beginning(marks[0])[0] == pytest.approx(100 * peaks[expected[0]])
    # Full is the end of every axis.
    assert {ax.get_ylim() for ax in above} == {(0, 100)}
    assert below.get_xlim() == (0, 100)


def test_the_busiest_link_of_a_kind_is_its_upper_line(run: Run) -> None:
    figure = Figure(figsize=(7.5, 5))
    shared_links.draw(run, figure)
    backbone = figure.axes[0]
    at_zero = [
        row["link_utilization"] * 100
        for row in run.tables["links"].to_pylist()
        if row["kind"] == "backbone" and row["time"] == 0
    ]
    upper, middle = (np.asarray(each.get_ydata())[0] for each in backbone.lines)
    assert upper == pytest.approx(max(at_zero))
    assert middle == pytest.approx(median_low(at_zero))
