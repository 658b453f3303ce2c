"""Calls to the floor, against the table of calls."""

import math
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from results.calls import describe_calls, read_calls, unanswered
from results.plots import PLOTS
from results.records import CALL_BUDGET, CALLS, TABLES, Run
from results.timings import unended

Rows = list[dict[str, Any]]


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
    assert found["reasons"] == {"it was cut off: its access link carried nothing": 1}
    assert list(found["budget"]["overall"]) == [*CALL_BUDGET, "time_to_floor"]
    assert set(found["budget"]["access"]) == {"fibre", "dsl", "4g", "satellite"}


def test_without_calls_there_is_nothing_to_tell(run: Run) -> None:
    silent = replace(run, tables={**run.tables, "calls": CALLS.empty_table()})
    assert describe_calls(silent) is None


def called(run: Run, time: float, *, knew: bool, events: Rows, **tables: Rows) -> Run:
    """``run`` with one call, which was never answered, and all other tables' rows given."""
    row = {"time": time, "site": "p79", "signalling": 0.1 if knew else None}
    given: dict[str, Rows] = {
        "calls": [row], "events": events, "interruptions": [], "sessions": [], **tables,
    }  # fmt: skip
    changed = {name: pa.Table.from_pylist(rows, TABLES[name]) for name, rows in given.items()}
    return replace(run, tables={**run.tables, **changed})


MOVED_ON: Rows = [{"time": 45.0, "kind": "floor", "subject": "command-centre", "detail": ""}]
GAP = {"time": 41.0, "site": "p79", "fault": "Node fails", "detected": None, "back": 44.0}
SESSION = {"time": 1.0, "site": "p79", "kind": "join", "attempt": 1, "outcome": "ice timeout"}


@pytest.mark.parametrize(
    ("knew", "events", "values", "tables", "reason"),
    [
        (False, MOVED_ON, {}, {}, "the call did not reach it"),
        (False, MOVED_ON, {"capacity": 0.0}, {}, "its downlink was dead"),
        (True, MOVED_ON, {"uplink_capacity": 0.0}, {}, "its uplink was dead"),
        (True, MOVED_ON, {"uplink_bitrate": 0.0}, {}, "it sent nothing"),
        (True, MOVED_ON, {}, {}, "no picture had come whole when the floor moved on"),
        (True, [], {}, {}, "the meeting ended first"),
        (True, MOVED_ON, {}, {"interruptions": [GAP]}, "it was cut off: Node fails"),
        (
            True, MOVED_ON, {}, {"interruptions": [GAP | {"time": 10.0, "back": 20.0}]},
            "no picture had come whole when the floor moved on",
        ),
        (False, MOVED_ON, {"connected_ratio": 0.0}, {}, "it had not joined"),
        (
            False, MOVED_ON, {"connected_ratio": 0.0}, {"sessions": [SESSION]},
            "it had not joined: ice timeout",
        ),
        (
            False, MOVED_ON, {"connected_ratio": 0.0},
            {"sessions": [SESSION | {"outcome": "connected"}]}, "it had lost its connection",
        ),
    ],
)  # fmt: skip
def test_why_a_call_was_never_answered(
    run: Run,
    knew: bool,
    events: Rows,
    values: dict[str, float],
    tables: dict[str, Rows],
    reason: str,
) -> None:
    usual = {"connected_ratio": 1.0, "capacity": 1e6, "uplink_capacity": 1e6, "uplink_bitrate": 1e6}
    samples = [row | usual | values for row in run.tables["samples"].to_pylist()]
    silent = called(run, 40.0, knew=knew, events=events, samples=samples, **tables)
    ((call, why),) = unanswered(silent)
    assert (call.time, why) == (40.0, reason)
    caption = PLOTS["time-to-floor-budget"].caption(silent)
    assert caption.endswith(f"Never answered: 1, {reason}.")
