"""Timings, on the calls to the floor of the hand-made run."""

import math
from dataclasses import replace
from statistics import median_low

import pytest

from results.calls import read_calls
from results.records import CALL_BUDGET, Run
from results.timings import by_access, median_parts, reason, slowest, unended


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
    expected = [median_low(row[name] for row in rows) for name in (*CALL_BUDGET, "time_to_floor")]
    assert found.tolist() == pytest.approx(expected)
    assert median_parts(unended(read_calls(run))) is None


def test_a_median_is_one_of_the_values_as_every_percentile_is(run: Run) -> None:
    first, second = slowest(read_calls(run), 2)
    found = median_parts([first, second])
    assert found is not None
    assert found[-1] == second.seconds < first.seconds
    assert list(found[:-1]) == [min(first.parts[p], second.parts[p]) for p in CALL_BUDGET]


def test_the_slowest_come_first_with_the_part_to_blame(run: Run) -> None:
    calls = read_calls(run)
    found = slowest(calls, 3)
    times = sorted((c.seconds for c in calls if math.isfinite(c.seconds)), reverse=True)
    assert [call.seconds for call in found] == times[:3]
    late = replace(found[0], parts={**found[0].parts, "uplink": 5.0})
    assert reason(late, calls).startswith("uplink took 5,000 ms, ")
    nothing = replace(late, parts=dict.fromkeys(CALL_BUDGET, math.nan))
    assert reason(nothing, calls) == "its time is not known by parts"
    usual = replace(late, parts=dict.fromkeys(CALL_BUDGET, 0.0))
    assert reason(usual, calls) == "no part took longer than is usual"
