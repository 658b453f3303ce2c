"""Calls to the floor, against the table of calls."""

import math
from dataclasses import replace
from statistics import median

import pytest

from results.calls import (
    by_access,
    describe_calls,
    median_parts,
    read_calls,
    reason,
    slowest,
    unanswered,
)
from results.records import CALL_BUDGET, CALLS, Run


def test_calls_are_the_tables_rows(run: Run) -> None:
    rows = run.tables["calls"].to_pylist()
    calls = read_calls(run)
    assert [(call.time, call.endpoint["site"]) for call in calls] == [
        (row["time"], row["site"]) for row in rows
    ]
    never = [row["site"] for row in rows if row["time_to_floor"] is None]
    assert [call.endpoint["site"] for call in unanswered(calls)] == never
    assert len(never) == 1
    assert all(math.isinf(call.time_to_floor) for call in unanswered(calls))


def test_kinds_come_in_the_scenarios_order_and_hold_all_calls(run: Run) -> None:
    calls = read_calls(run)
    groups = by_access(run, calls)
    assert list(groups) == ["fibre", "dsl", "4g", "satellite"]
    assert sum(map(len, groups.values())) == len(calls)
    assert by_access(run, []) == {}


def test_medians_are_over_answered_calls(run: Run) -> None:
    rows = [row for row in run.tables["calls"].to_pylist() if row["time_to_floor"] is not None]
    found = median_parts(read_calls(run))
    assert found is not None
    expected = [median(row[name] for row in rows) for name in (*CALL_BUDGET, "time_to_floor")]
    assert found.tolist() == pytest.approx(expected)
    assert median_parts(unanswered(read_calls(run))) is None


def test_the_slowest_come_first_with_the_part_to_blame(run: Run) -> None:
    calls = read_calls(run)
    found = slowest(calls, 3)
    times = sorted((c.time_to_floor for c in calls if math.isfinite(c.time_to_floor)), reverse=True)
    assert [call.time_to_floor for call in found] == times[:3]
    late = replace(found[0], parts={**found[0].parts, "uplink": 5.0})
    assert reason(late, calls).startswith("uplink took 5,000 ms, ")
    nothing = replace(late, parts=dict.fromkeys(CALL_BUDGET, math.nan))
    assert reason(nothing, calls) == "its time is not known by parts"
    usual = replace(late, parts=dict.fromkeys(CALL_BUDGET, 0.0))
    assert reason(usual, calls) == "no part took longer than is usual"


def test_the_summary_counts_and_tells_the_budget(run: Run) -> None:
    found = describe_calls(run)
    assert found is not None
    calls = read_calls(run)
    assert (found["count"], found["unanswered"]) == (len(calls), 1)
    assert list(found["budget"]["overall"]) == [*CALL_BUDGET, "time_to_floor"]
    assert set(found["budget"]["access"]) == {"fibre", "dsl", "4g", "satellite"}


def test_without_calls_there_is_nothing_to_tell(run: Run) -> None:
    silent = replace(run, tables={**run.tables, "calls": CALLS.empty_table()})
    assert describe_calls(silent) is None
