"""Calls to the floor, against the table of calls."""

import math
from dataclasses import replace

from results.calls import describe_calls, read_calls
from results.records import CALL_BUDGET, CALLS, Run
from results.timings import unended


def test_calls_are_the_tables_rows(run: Run) -> None:
    rows = run.tables["calls"].to_pylist()
    calls = read_calls(run)
    assert [(call.time, call.endpoint["site"]) for call in calls] == [
        (row["time"], row["site"]) for row in rows
    ]
    never = [row["site"] for row in rows if row["time_to_floor"] is None]
    assert [call.endpoint["site"] for call in unended(calls)] == never
    assert len(never) == 1
    assert all(math.isinf(call.seconds) for call in unended(calls))


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
