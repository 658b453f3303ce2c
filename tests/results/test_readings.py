"""Readings against the ways in which summary and verdict read the same tables."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from results import readings
from results.readings import DELAYS, VALUES, delays, endpoint_groups, values
from results.records import Run
from results.selection import Measurements
from scenarios.meeting import COMMAND_CENTRE
from scenarios.thresholds import Window

RANKS = (5.0, 50.0, 95.0, 99.0)


@pytest.fixture(scope="module")
def measurements(run: Run) -> Measurements:
    return Measurements(run)


@pytest.mark.parametrize("metric", DELAYS)
@pytest.mark.parametrize("by", ["access", "province", "carrier", "level"])
def test_percentiles_by_group_are_those_of_the_summary(
    run: Run, measurements: Measurements, metric: str, by: str
) -> None:
    found = delays(run, metric, by).over_time()
    expected = measurements.by(by, metric)
    assert set(found.groups) == set(expected)
    for group, row in zip(found.groups, found.percentiles(*RANKS)[:, 0], strict=True):
        assert row == pytest.approx([expected[group].percentile(rank) for rank in RANKS], rel=1e-5)


def test_percentiles_in_an_interval_are_those_of_its_window(
    run: Run, measurements: Measurements
) -> None:
    found = delays(run, "one_way_delay")
    assert found.times.tolist() == list(range(0, 60, 5))
    window = Window(30 * 10**9, 35 * 10**9)
    expected = measurements.distribution("one_way_delay", window=window)
    row = found.percentiles(*RANKS)[0, found.times.tolist().index(30)]
    assert row == pytest.approx([expected.percentile(rank) for rank in RANKS], rel=1e-5)


def test_slices_do_not_change_what_is_read(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = delays(run, "one_way_delay", "province")
    monkeypatch.setattr(readings, "SLICE", 1000)
    sliced = delays(run, "one_way_delay", "province")
    assert (sliced.counts == whole.counts).all()


def test_every_packet_but_the_command_centres_is_counted(run: Run) -> None:
    samples = run.tables["samples"].to_pylist()
    received = sum(r["packets_received"] for r in samples if r["site"] != COMMAND_CENTRE)
    assert delays(run, "one_way_delay").counts.sum() == received
    assert delays(run, "one_way_delay", "access").counts.sum() == received


@pytest.mark.parametrize("metric", VALUES)
def test_values_are_the_samples(run: Run, metric: str) -> None:
    found = values(run, metric)
    rows = {(r["time"], r["site"]): r[metric] for r in run.tables["samples"].to_pylist()}
    assert found.values.shape == (12, 60)
    for i, time in enumerate(found.times):
        for j, site in enumerate(found.sites):
            expected = rows[time, site]
            assert found.values[i, j] == pytest.approx(
                np.nan if expected is None else expected, nan_ok=True
            )


def test_values_do_not_depend_on_the_rows_order(run: Run) -> None:
    samples = run.tables["samples"]
    shuffled = samples.take(np.random.default_rng(1).permutation(len(samples)))
    other = replace(run, tables={**run.tables, "samples": shuffled})
    assert (values(other, "bitrate").values == values(run, "bitrate").values).all()


def test_percentiles_over_endpoints_leave_out_those_without_a_value(run: Run) -> None:
    found = values(run, "jitter")
    dead = np.isnan(found.values).any(axis=1)
    assert dead.any()  # the satellite dish that stops at 30 s
    row = found.values[dead][0]
    expected = np.sort(row[np.isfinite(row)])[int(np.ceil(0.5 * np.isfinite(row).sum())) - 1]
    assert found.percentiles(50)[dead][0, 0] == expected


def test_means_by_group(run: Run, measurements: Measurements) -> None:
    group, names = endpoint_groups(run, "province")
    found = values(run, "packet_loss").whole()
    means = found.means(np.tile(group, 12), len(names))[:, 0]
    expected = measurements.by("province", "packet_loss")
    for name, mean in zip(names, means, strict=True):
        assert mean == pytest.approx(expected[name].mean, rel=1e-5)


def test_groups_without_an_endpoint_are_not_there(run: Run) -> None:
    _, names = endpoint_groups(run, "access")
    present = {
        row["access"]
        for row in run.tables["endpoints"].to_pylist()
        if row["site"] != COMMAND_CENTRE
    }
    assert set(names) == present


def test_text_columns_may_be_plain_or_in_several_dictionaries() -> None:
    plain = pa.table({"a": ["x", None, "y"]})
    index, names = readings.codes(plain, "a")
    assert [names[i] if i >= 0 else None for i in index] == ["x", None, "y"]
    chunks = pa.chunked_array(
        [pa.array(["x"]).dictionary_encode(), pa.array(["y", "x"]).dictionary_encode()]
    )
    index, names = readings.codes(pa.table({"a": chunks}), "a")
    assert [names[i] for i in index] == ["x", "y", "x"]
    index, names = readings.codes(pa.table({"a": pa.chunked_array([], pa.string())}), "a")
    assert (list(index), names) == ([], [])
