import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pyarrow as pa
import pytest

import results
from results.records import BUDGET, Run
from results.summary import format_summary, summarize
from scenarios.meeting import COMMAND_CENTRE
from scenarios.metrics import METRICS

SCHEMA = json.loads(
    (Path(results.__file__).parent / "summary.schema.json").read_text(encoding="utf-8")
)


@pytest.fixture(scope="module")
def summary(run: Run) -> dict[str, Any]:
    return summarize(run)


def check(summary: dict[str, Any]) -> None:
    jsonschema.validate(json.loads(format_summary(summary)), SCHEMA)


def test_the_summary_fits_its_schema(summary: dict[str, Any]) -> None:
    check(summary)
    assert set(summary["metrics"]) == set(METRICS)
    assert json.loads(format_summary(summary)) == summary


def test_the_schema_notices_what_is_missing(summary: dict[str, Any]) -> None:
    for key in SCHEMA["required"]:
        with pytest.raises(jsonschema.ValidationError):
            check({k: v for k, v in summary.items() if k != key})


def test_a_run_without_rows_has_nulls_and_no_verdict(run: Run) -> None:
    tables = {name: table.slice(0, 0) for name, table in run.tables.items()}
    tables["endpoints"] = run.tables["endpoints"]
    summary = summarize(replace(run, tables=tables))
    check(summary)
    assert summary["verdict"] == "inconclusive"
    for name, entry in summary["metrics"].items():
        nulls = dict.fromkeys(["mean", "p50", "p95", "p99", "min", "max"])
        calls = {"unanswered": 0} if METRICS[name].per else {}
        assert entry == {"unit": METRICS[name].unit, "count": 0, **nulls, **calls}
    assert summary["worst"] == {"endpoints": [], "groups": []}
    assert {threshold["value"] for threshold in summary["thresholds"]} == {None}


def test_what_is_no_number_is_refused(summary: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        format_summary({**summary, "duration_s": float("nan")})


def test_endpoints_are_those_of_the_table(summary: dict[str, Any]) -> None:
    assert summary["endpoints"] == 60
    for sizes in summary["group_sizes"].values():
        assert sum(sizes.values()) == 60


def test_groups_hold_every_endpoint_metric_and_no_command_centre(
    run: Run, summary: dict[str, Any]
) -> None:
    names = {name for name, metric in METRICS.items() if metric.subject == "endpoint"}
    rows = run.tables["endpoints"].to_pylist()[:-1]
    for attribute, groups in summary["groups"].items():
        assert set(groups) == {row[attribute] for row in rows}, attribute
        for metrics in groups.values():
            assert set(metrics) == names
    for name in names:
        counts = [group[name]["count"] for group in summary["groups"]["access"].values()]
        assert sum(counts) == summary["metrics"][name]["count"]


def test_the_command_centre_stands_apart(run: Run, summary: dict[str, Any]) -> None:
    rows = [r for r in run.tables["samples"].to_pylist() if r["site"] == COMMAND_CENTRE]
    bitrate = summary["command_centre"]["bitrate"]
    assert bitrate["count"] == len(rows) == 12
    assert bitrate["mean"] == pytest.approx(np.mean([row["bitrate"] for row in rows]))
    assert summary["command_centre"]["one_way_delay"]["count"] == sum(
        row["packets_received"] for row in rows
    )


def test_a_delays_figures_are_its_packets(run: Run, summary: dict[str, Any]) -> None:
    rows = [r for r in run.tables["samples"].to_pylist() if r["site"] != COMMAND_CENTRE]
    delay = summary["metrics"]["one_way_delay"]
    assert delay["count"] == sum(row["packets_received"] for row in rows)
    weighed = sum(
        row["packets_received"] * row["one_way_delay_mean"]
        for row in rows
        if row["one_way_delay_mean"] is not None
    )
    assert delay["mean"] == pytest.approx(weighed / delay["count"], rel=0.01)
    largest = max(r["one_way_delay_max"] for r in rows if r["one_way_delay_max"] is not None)
    assert delay["max"] == pytest.approx(largest, rel=0.01)


def test_the_budget_adds_up_to_the_delay(run: Run, summary: dict[str, Any]) -> None:
    assert tuple(summary["budget"]["overall"]) == BUDGET
    for access, parts in summary["budget"]["access"].items():
        heard = summary["groups"]["access"][access]["mouth_to_ear_delay"]["mean"]
        # The budget weighs endpoints alike, the metric packets.
        assert sum(parts.values()) == pytest.approx(heard, rel=0.05), access
    rows = run.tables["endpoints"].to_pylist()[:-1]
    mean = np.mean([row["budget_access"] for row in rows])
    assert summary["budget"]["overall"]["access"] == pytest.approx(mean, rel=1e-6)


def test_a_budget_without_data_is_null(run: Run) -> None:
    endpoints = run.tables["endpoints"]
    nothing = pa.nulls(len(endpoints), pa.float32())
    column = endpoints.column_names.index("budget_uplink")
    endpoints = endpoints.set_column(column, endpoints.schema.field(column), nothing)
    summary = summarize(replace(run, tables={**run.tables, "endpoints": endpoints}))
    check(summary)
    assert summary["budget"]["overall"]["uplink"] is None


def test_accounting_says_whether_it_balances(run: Run, summary: dict[str, Any]) -> None:
    accounting = summary["accounting"]
    assert accounting["balanced"] is True
    assert accounting["sent"] == (
        accounting["delivered"] + accounting["in_flight"] + sum(accounting["lost"].values())
    )
