"""Selections against the same question asked row by row in plain Python."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from results import selection
from results.histograms import BUCKETS
from results.occasions import occasions
from results.records import Run
from results.selection import Measurements
from scenarios.meeting import COMMAND_CENTRE
from scenarios.metrics import METRICS
from scenarios.thresholds import Window
from tests.results.sample_run import make_run, make_scenario

SECOND = 10**9
SITE = "p79"
SELECTORS: list[dict[str, str]] = [
    {},
    {"access": "4g"},
    {"carrier": "vnpt", "access": "fibre"},
    {"province": "Cà Mau", "level": "commune"},
    {"level": COMMAND_CENTRE},
    {"site": COMMAND_CENTRE},
    {"site": COMMAND_CENTRE, "level": COMMAND_CENTRE},
    {"site": COMMAND_CENTRE, "level": "commune"},
    {"site": SITE},
    {"site": SITE, "carrier": "no such carrier"},
    {"access": "carrier pigeon"},
]
WINDOWS: list[tuple[Window | None, set[int]]] = [
    (None, set(range(0, 60, 5))),
    (Window(10 * SECOND, 20 * SECOND), {10, 15}),
    (Window(7 * SECOND, 18 * SECOND), {10}),
    (Window(50 * SECOND, 600 * SECOND), {50, 55}),
    (Window(1 * SECOND, 4 * SECOND), set()),
    (Window(60 * SECOND, 70 * SECOND), set()),
]


@pytest.fixture(scope="module")
def named() -> Run:
    """A run in which a threshold names a site, so that its delays are kept apart."""
    thresholds = {f"one_way_delay{{site={SITE}}}": "max < 1s"}
    return make_run(make_scenario(thresholds=thresholds))


@pytest.fixture(scope="module")
def rows(named: Run) -> dict[str, list[dict[str, Any]]]:
    """The tables as rows, with the endpoints' attributes beside each sample."""
    tables = {name: table.to_pylist() for name, table in named.tables.items()}
    endpoints = {row["site"]: row for row in tables["endpoints"]}
    tables["samples"] = [endpoints[row["site"]] | row for row in tables["samples"]]
    # In histograms the command centre goes by its level.
    for row in tables["histograms"]:
        if row["level"] == COMMAND_CENTRE:
            row["site"] = COMMAND_CENTRE
    return tables


def chosen(
    rows: list[dict[str, Any]], selector: dict[str, str], times: set[int]
) -> list[dict[str, Any]]:
    named_centre = COMMAND_CENTRE in selector.values()
    return [
        row
        for row in rows
        if row["time"] in times
        and all(row[attribute] == value for attribute, value in selector.items())
        and (named_centre or row.get("level") != COMMAND_CENTRE)
    ]


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("selector", SELECTORS, ids=str)
@pytest.mark.parametrize("metric", ["packet_loss", "jitter", "audio_mos"])
def test_values_of_endpoints(
    named: Run,
    rows: dict[str, Any],
    metric: str,
    selector: dict[str, str],
    window: tuple[Window | None, set[int]],
) -> None:
    within, times = window
    values = [row[metric] for row in chosen(rows["samples"], selector, times)]
    expected = sorted(value for value in values if value is not None)
    found = Measurements(named).distribution(metric, selector, within)
    assert found.values.tolist() == expected


@pytest.mark.parametrize(("window", "times"), WINDOWS)
@pytest.mark.parametrize("selector", SELECTORS, ids=str)
def test_delays_are_counted_in_buckets(
    named: Run,
    rows: dict[str, Any],
    selector: dict[str, str],
    window: Window | None,
    times: set[int],
) -> None:
    counts = np.zeros(BUCKETS, dtype=np.int64)
    for row in chosen(rows["histograms"], selector, times):
        if row["metric"] == "one_way_delay":
            counts[row["bucket"]] += row["count"]
    found = Measurements(named).distribution("one_way_delay", selector, window)
    assert found.counts is not None
    assert found.counts.tolist() == counts[counts > 0].tolist()


def test_the_selections_above_are_not_all_empty(named: Run) -> None:
    measurements = Measurements(named)
    filled = [
        selector
        for selector in SELECTORS
        for metric in ("packet_loss", "one_way_delay")
        if measurements.distribution(metric, selector).count
    ]
    assert len(filled) == 2 * 8


@pytest.mark.parametrize("attribute", ["carrier", "access", "province", "level"])
@pytest.mark.parametrize("metric", [n for n, m in METRICS.items() if m.subject == "endpoint"])
def test_groups_are_the_selections_of_their_values(run: Run, metric: str, attribute: str) -> None:
    measurements = Measurements(run)
    groups = measurements.by(attribute, metric)
    assert COMMAND_CENTRE not in groups
    assert set(groups) == set(measurements.sizes(attribute))
    for value, group in groups.items():
        one = measurements.distribution(metric, {attribute: value})
        assert group.values.tolist() == one.values.tolist()
        assert group.count == one.count
    whole = measurements.distribution(metric)
    assert sum(group.count for group in groups.values()) == whole.count > 0


def test_a_group_without_data_is_there_and_empty(run: Run) -> None:
    samples = run.tables["samples"]
    sites = [row["site"] for row in run.tables["endpoints"].to_pylist() if row["access"] == "4g"]
    kept = samples.filter(pa.array(site not in sites for site in samples["site"].to_pylist()))
    partial = replace(run, tables={**run.tables, "samples": kept})
    groups = Measurements(partial).by("access", "packet_loss")
    assert groups["4g"].count == 0
    assert groups["fibre"].count > 0


def test_sizes_count_endpoints(run: Run) -> None:
    sizes = Measurements(run).sizes("carrier")
    assert set(sizes) == {"vnpt", "viettel"}
    assert sum(sizes.values()) == 60


@pytest.mark.parametrize(
    ("metric", "selector", "table"),
    [
        ("node_egress", {}, "nodes"),
        ("node_cpu", {"node": "hanoi"}, "nodes"),
        ("link_utilization", {}, "links"),
        ("link_utilization", {"kind": "aggregation", "direction": "up"}, "links"),
        ("link_utilization", {"link": "backbone vnpt hanoi down"}, "links"),
    ],
)
def test_values_of_nodes_and_links(
    run: Run, metric: str, selector: dict[str, str], table: str
) -> None:
    rows = chosen(run.tables[table].to_pylist(), selector, {20, 25})
    found = Measurements(run).distribution(metric, selector, Window(20 * SECOND, 30 * SECOND))
    assert found.values.tolist() == sorted(row[metric] for row in rows)
    assert found.count > 0


@pytest.mark.parametrize("window", [None, Window(4 * SECOND, 7 * SECOND)])
@pytest.mark.parametrize("selector", [{}, {"access": "4g"}, {"site": SITE}], ids=str)
@pytest.mark.parametrize("metric", [n for n, m in METRICS.items() if m.per])
def test_values_of_occasions(
    run: Run, metric: str, selector: dict[str, str], window: Window | None
) -> None:
    attributes = {row["site"]: row for row in run.tables["endpoints"].to_pylist()}
    kind = METRICS[metric].per
    assert kind is not None
    expected = sorted(
        np.inf if row[metric] is None else row[metric]
        for row in occasions(run.tables, kind).to_pylist()
        if all(attributes[row["site"]][key] == value for key, value in selector.items())
        and (window is None or window.begin <= row["time"] * SECOND < window.end)
    )
    found = Measurements(run).distribution(metric, selector, window)
    assert found.values.tolist() == expected
    if not selector and window is None:
        assert found.infinite > 0


def test_tables_in_chunks_with_dictionaries_of_their_own(run: Run) -> None:
    def torn(table: pa.Table) -> pa.Table:
        if len(table) == 0:  # of generators, which simulated runs have none of
            return table
        parts = [table.slice(0, len(table) // 3), table.slice(len(table) // 3)]
        texts = [f.name for f in table.schema if pa.types.is_dictionary(f.type)]
        for i, part in enumerate(parts):
            for name in texts:
                plain = part[name].cast(pa.string())
                # The second part's dictionary begins with another value than the first's.
                reverse = pa.concat_arrays([plain.chunk(0)[::-1]]).dictionary_encode()
                column = reverse.take(pa.array(range(len(part) - 1, -1, -1))) if i else plain
                encoded = column if i else plain.dictionary_encode()
                part = part.set_column(part.column_names.index(name), name, encoded)  # noqa: PLW2901
            parts[i] = part
        return pa.concat_tables(parts)

    pieces = replace(run, tables={name: torn(table) for name, table in run.tables.items()})
    assert pieces.tables["histograms"]["access"].num_chunks == 2
    whole, split = Measurements(run), Measurements(pieces)
    for metric in METRICS:
        a, b = whole.distribution(metric), split.distribution(metric)
        assert (a.count, a.mean, a.max) == (b.count, b.mean, b.max), metric
    for metric in ("packet_loss", "one_way_delay"):
        a, b = (m.distribution(metric, {"access": "4g"}) for m in (whole, split))
        assert (a.count, a.mean) == (b.count, b.mean), metric


def test_the_meetings_last_interval_may_be_cut_short(run: Run) -> None:
    shorter = Measurements(replace(run, duration_s=58.0))
    whole, early = Window(50 * SECOND, 58 * SECOND), Window(50 * SECOND, 57 * SECOND)
    assert shorter.distribution("packet_loss", window=whole).count == 2 * 60
    assert shorter.distribution("packet_loss", window=early).count == 60


def test_a_large_table_is_worked_on_in_slices(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    window = Window(20 * SECOND, 40 * SECOND)
    answers = []
    for size in (1 << 18, 1000):
        monkeypatch.setattr(selection, "_SLICE", size)
        measurements = Measurements(run)
        for within in (None, window):
            found = measurements.distribution("one_way_delay", {"access": "dsl"}, within)
            answers.append((found.count, found.mean, found.max))
    assert answers[:2] == answers[2:]
    assert answers[0][0] > answers[1][0] > 0


def test_a_run_without_rows_has_no_values(run: Run) -> None:
    empty = {name: table.slice(0, 0) for name, table in run.tables.items()}
    measurements = Measurements(replace(run, tables=empty))
    assert [measurements.distribution(metric).count for metric in METRICS] == [0] * len(METRICS)
    assert measurements.by("carrier", "packet_loss") == {}


def test_unknown_names_are_refused(run: Run) -> None:
    with pytest.raises(KeyError):
        Measurements(run).distribution("no_such_metric")
    with pytest.raises(KeyError):
        Measurements(run).by("no such attribute", "packet_loss")
