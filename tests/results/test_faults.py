"""Faults, against the run's events."""

from dataclasses import replace
from typing import Any

import pytest

from results.faults import Fault, blamed_on, read_faults
from results.interruptions import read_interruptions
from results.records import EVENTS, Run
from tests.results.sample_outcomes import DIED, FAULT, NOTICED, REPAIRED
from tests.results.test_interruptions import with_interruptions


def with_events(run: Run, rows: list[dict[str, Any]]) -> Run:
    events = EVENTS.empty_table().from_pylist(rows, EVENTS)
    return replace(run, tables={**run.tables, "events": events})


def spans_of(run: Run) -> list[tuple[float, float | None]]:
    return [(fault.begin, fault.end) for fault in read_faults(run)]


def test_a_fault_has_its_times_and_what_it_befell(run: Run) -> None:
    assert read_faults(run) == [Fault(FAULT, "node hcmc dies", DIED, REPAIRED, NOTICED)]


def test_faults_last_until_their_repair_or_the_end(run: Run) -> None:
    assert spans_of(run) == [(DIED, REPAIRED)]
    rows = [
        {"time": 1.0, "kind": "fault", "subject": "a", "detail": ""},
        {"time": 2.0, "kind": "fault", "subject": "b", "detail": ""},
        {"time": 3.0, "kind": "repair", "subject": "a", "detail": ""},
        {"time": 4.0, "kind": "fault", "subject": "a", "detail": ""},
        {"time": 5.0, "kind": "repair", "subject": "c", "detail": ""},
    ]
    assert spans_of(with_events(run, rows)) == [(1, 3), (2, None), (4, None)]


@pytest.mark.parametrize(
    ("faults", "repairs", "spans"),
    [
        ([10.0, 15.0], [15.0, 20.0], [(10, 15), (15, 20)]),
        ([10.0, 15.0], [20.0, 25.0], [(10, 20), (15, 25)]),
        ([10.0], [10.0], [(10, 10)]),
        ([10.0, 15.0], [15.0, 15.0], [(10, 15), (15, 15)]),
    ],
    ids=["back to back", "overlapping", "over at once", "over at once, back to back"],
)
def test_faults_of_one_name_end_in_turn(
    run: Run, faults: list[float], repairs: list[float], spans: list[tuple[float, float]]
) -> None:
    rows = [{"time": t, "kind": "fault", "subject": "a", "detail": "cut"} for t in faults]
    rows += [{"time": t, "kind": "repair", "subject": "a", "detail": "cut"} for t in repairs]
    assert spans_of(with_events(run, rows)) == spans


def test_interruptions_are_blamed_on_the_last_of_the_name_that_had_begun(run: Run) -> None:
    row = {"site": run.tables["endpoints"]["site"][0].as_py(), "fault": "a"}
    times = (9.5, 14.0, 15.0, 19.5, 21.0)
    found = read_interruptions(with_interruptions(run, [{**row, "time": t} for t in times]))
    faults = [Fault("a", "", 10.0, 12.0), Fault("b", "", 14.0), Fault("a", "", 20.0)]
    blamed = [[each.lost for each in blamed_on(fault, faults, found)] for fault in faults]
    assert blamed == [[9.5, 14.0, 15.0], [], [19.5, 21.0]]
