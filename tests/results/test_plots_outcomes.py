"""What the plots of joining and recovery draw, against the tables."""

from dataclasses import replace

import numpy as np
import pyarrow.compute as pc
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from results.comebacks import comeback_of
from results.interruptions import lengths, read_interruptions, share_back
from results.joining import PARTS, failures, rate_of, read_joinings, read_sessions, retries
from results.plots import PLOTS, joining, recovery
from results.plots.timings import percentiles
from results.records import TABLES, Run
from results.timings import median_parts
from tests.results.axes import bars, legend, line
from tests.results.sample_outcomes import DIED, FAULT, NOTICED, REPAIRED
from tests.results.sample_run import with_backups
from tests.results.test_adaptation import samples


@pytest.fixture
def ax() -> Axes:
    return Figure(figsize=(7.5, 4)).add_subplot()


@pytest.fixture
def figure() -> Figure:
    return Figure(figsize=(7.5, 6))


def areas(ax: Axes) -> dict[str, float]:
    """Top of the highest area by the beginning of its label."""
    return {
        str(each.get_label()).partition(" (")[0]: float(
            np.asarray(each.get_paths()[0].vertices)[:, 1].max()
        )
        for each in ax.collections
    }


# ---------------------------------------------------------------- joining


def test_connected_is_the_mean_of_each_group(run: Run, figure: Figure) -> None:
    joining.draw_connected(run, figure)
    left, right = figure.axes
    for panel, label, own in (
        (left, "All (60)", samples(run)),
        (left, "Satellite (", samples(run, access="satellite")),
        (right, "Viettel (", samples(run, carrier="viettel")),
    ):
        x, y = line(panel, label)
        assert x[:4].tolist() == [0, 5, 5, 10]
        expected = [r["connected_ratio"] for r in own if r["time"] == 40]
        assert y[16] == y[17] == pytest.approx(100 * np.mean(expected))


def test_the_caption_of_connected_tells_the_join_time(run: Run) -> None:
    found = read_joinings(run)
    expected = f"Join time of 60 endpoints, p50, p95, p99: {percentiles(found)}."
    assert expected in PLOTS["connected"].caption(run)
    nobody = replace(run, tables={**run.tables, "sessions": TABLES["sessions"].empty_table()})
    assert "Join time" not in PLOTS["connected"].caption(nobody)


def test_join_times_step_up_to_the_share_that_came_in(run: Run, ax: Axes) -> None:
    joining.draw_distribution(run, ax)
    x, y = line(ax, "All (60)")
    ended = np.sort([timing.seconds for timing in read_joinings(run) if timing.ended])
    assert y[-1] == pytest.approx(100 * 59 / 60)
    assert x[1:-1] == pytest.approx(ended * 1000)


def test_the_waterfall_has_the_medians_of_all_phases(run: Run, figure: Figure) -> None:
    joining.draw_budget(run, figure)
    expected = median_parts(read_joinings(run))
    assert expected is not None
    widths = [bar.get_width() for bar in bars(figure.axes[0])]
    assert widths[: len(PARTS)] == pytest.approx(expected[:-1] * 1000)
    assert widths[-1] == pytest.approx(expected[-1] * 1000)
    assert figure.axes[0].get_title(loc="center") == "All endpoints (59 of 60)"


def test_retries_are_stacked_by_kind_and_failures_counted(run: Run, figure: Figure) -> None:
    joining.draw_retries(run, figure)
    above, below = figure.axes
    sessions = read_sessions(run)
    found = areas(above)
    restarts = [row for row in sessions if row["kind"] == "restart"]
    peak = rate_of(run, restarts).peak
    assert peak is not None
    assert found["restarting"] == peak[1]
    counts = rate_of(run, retries(sessions)).counts
    assert max(found.values()) == counts.max()
    labels = sum(int(str(c.get_label()).partition(" (")[2][:-1]) for c in above.collections)
    assert labels == counts.sum()
    assert [bar.get_width() for bar in bars(below)] == list(failures(sessions).values())


# ---------------------------------------------------------------- recovery


@pytest.mark.filterwarnings("error")
def test_where_nobody_tried_again_there_is_no_legend(run: Run, figure: Figure) -> None:
    sessions = run.tables["sessions"]
    first = sessions.filter(pc.equal(sessions["attempt"], 1))
    joins = first.filter(pc.equal(first["kind"], "join"))
    joining.draw_retries(replace(run, tables={**run.tables, "sessions": joins}), figure)
    assert figure.axes[0].get_legend() is None


def test_the_timeline_shows_media_retries_and_load(run: Run, figure: Figure) -> None:
    recovery.draw_timeline(run, figure)
    media, rate, load = figure.axes
    x, y = line(media, "with media")
    assert x[14:16].tolist() == [35, 40]
    rows = [row for row in samples(run) if row["time"] == 35]
    there = [min(r["connected_ratio"], 1 - r["interrupted_ratio"]) for r in rows]
    assert y[14] == pytest.approx(100 * np.mean(there))
    (marks,) = [each for each in media.lines if each.get_marker() == "v"]
    assert np.asarray(marks.get_xdata()).tolist() == [NOTICED]
    assert max(areas(rate).values()) == rate_of(run, retries(read_sessions(run))).counts.max()
    cpu = [row["node_cpu"] for row in run.tables["nodes"].to_pylist() if row["node"] == "hcmc"]
    assert line(load, "Hồ Chí Minh City")[1][::2] == pytest.approx(np.array(cpu) * 100)


@pytest.mark.filterwarnings("error")
def test_the_timeline_shows_faults_that_interrupted_nobody(run: Run, figure: Figure) -> None:
    empty = {name: TABLES[name].empty_table() for name in ("sessions", "interruptions")}
    recovery.draw_timeline(replace(run, tables={**run.tables, **empty}), figure)
    for ax in figure.axes:
        (shade,) = bars(ax)
        assert (shade.get_x(), shade.get_width()) == (DIED, REPAIRED - DIED)
    calm = {**empty, "events": TABLES["events"].empty_table()}
    nothing = Figure()
    recovery.draw_timeline(replace(run, tables={**run.tables, **calm}), nothing)
    assert [text.get_text() for text in nothing.axes[0].texts] == [
        "No fault and no joining were played in this run."
    ]


def test_curves_part_those_with_a_backup_link(run: Run, ax: Axes) -> None:
    found = read_interruptions(run)
    given = {each.endpoint["site"] for each in found if each.fault == FAULT and each.back}
    recovery.draw_curves(with_backups(run, given), ax)
    x, y = line(ax, f"with backup: {FAULT} ({len(given)}, 0)")
    assert (x[0] > 0, y[-1]) == (True, 100)
    assert line(ax, f"no backup: {FAULT} (2, 2)")[1].tolist() == [0]
    assert line(ax, f"All ({len(found)}, 3)")[0] is not None


def test_recovery_curves_end_at_the_share_that_came_back(run: Run, ax: Axes) -> None:
    recovery.draw_curves(run, ax)
    found = [each for each in read_interruptions(run) if each.fault == FAULT]
    x, y = line(ax, f"{FAULT} ({len(found)}, 2)")
    times, shares = share_back(lengths(found))
    assert x[1:-1] == pytest.approx(times)
    assert y[1:-1] == pytest.approx(shares * 100)
    assert y[-1] == pytest.approx(100 * (1 - 2 / len(found)))
    assert line(ax, "All (")[1][-1] < y[-1]


def test_policies_stand_side_by_side(run: Run, figure: Figure) -> None:
    empty = {name: TABLES[name].empty_table() for name in ("sessions", "interruptions")}
    calm = replace(run, tables={**run.tables, **empty})
    runs = {"livekit": comeback_of(run), "none": comeback_of(calm)}
    recovery.draw_policies(runs, figure)
    left, right = figure.axes
    for name in runs:
        assert line(left, name)[0] is not None
    x, y = line(right, "livekit")
    counts = rate_of(run, retries(read_sessions(run))).counts
    # Seconds count from the first fault on.
    assert y[::2].tolist() == counts[int(DIED) :].tolist()
    assert x[0] == 0
    assert legend(right) == [f"livekit: {counts[35:].sum()}, {counts[35:].max()}/s", "none: 0, 0/s"]


def test_runs_without_interruptions_have_no_curves(figure: Figure) -> None:
    recovery.draw_policies({}, figure)
    assert [text.get_text() for text in figure.axes[0].texts] == [
        "No endpoint was interrupted in these runs."
    ]
