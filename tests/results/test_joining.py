"""Joining, against the table of sessions."""

import math
from dataclasses import replace
from statistics import median
from typing import Any

import numpy as np
import pytest

from results.joining import (
    EARLIER,
    PARTS,
    describe_joining,
    failures,
    rate_of,
    read_joinings,
    read_sessions,
    retries,
)
from results.records import PHASES, SESSIONS, Run
from results.timings import median_parts
from tests.results.sample_outcomes import NOTICED, REFUSED


def with_sessions(run: Run, rows: list[dict[str, Any]]) -> Run:
    table = SESSIONS.empty_table().from_pylist(rows, SESSIONS)
    return replace(run, tables={**run.tables, "sessions": table})


def test_parts_of_a_join_time_add_up_to_it(run: Run) -> None:
    found = read_joinings(run)
    assert len(found) == 60
    assert [timing.time for timing in found] == sorted(timing.time for timing in found)
    for timing in found:
        assert tuple(timing.parts) == PARTS
        if timing.ended:
            assert sum(timing.parts.values()) == pytest.approx(timing.seconds)
        else:
            assert all(map(math.isnan, timing.parts.values()))
    assert sum(not timing.ended for timing in found) == 1
    assert sum(timing.parts[EARLIER] > 0 for timing in found) > 5


def test_a_phase_that_was_not_needed_took_no_time(run: Run) -> None:
    site = run.tables["endpoints"]["site"][0].as_py()
    row = {"time": 1.0, "site": site, "kind": "join", "attempt": 1, "outcome": "connected"}
    known = dict.fromkeys(PHASES, 0.5) | {"dns": None, "duration": 3.0}
    (timing,) = read_joinings(with_sessions(run, [row | known]))
    assert timing.parts["dns"] == 0
    assert sum(timing.parts.values()) == timing.seconds == 3


def test_failures_are_counted_by_cause(run: Run) -> None:
    rows = run.tables["sessions"].to_pylist()
    found = failures(rows)
    assert found[REFUSED] == sum(row["outcome"] == REFUSED for row in rows)
    assert sum(found.values()) == sum(row["outcome"] != "connected" for row in rows)
    assert list(found.values()) == sorted(found.values(), reverse=True)


def test_retries_are_all_but_first_attempts_to_join(run: Run) -> None:
    sessions = read_sessions(run)
    assert len(sessions) - len(retries(sessions)) == len(read_joinings(run))


def test_rates_count_beginnings_in_each_second(run: Run) -> None:
    sessions = read_sessions(run)
    rate = rate_of(run, sessions)
    times = np.array([row["time"] for row in sessions])
    assert len(rate.counts) == 60
    assert rate.counts.sum() == len(sessions)
    assert rate.counts[41] == ((times >= 41) & (times < 42)).sum()
    assert rate.peak == (NOTICED, int(rate.counts.max()))
    assert rate_of(run, []).peak is None


def test_the_summary_tells_of_joining(run: Run) -> None:
    found = describe_joining(run)
    assert found is not None
    sessions = read_sessions(run)
    assert (found["count"], found["never"]) == (60, 1)
    assert (found["attempts"], found["retries"]) == (len(sessions), len(retries(sessions)))
    again = rate_of(run, retries(sessions))
    assert (found["peak_at"], found["peak_retries_per_second"]) == again.peak
    medians = median_parts(read_joinings(run))
    assert medians is not None
    assert list(found["budget"]["overall"].values()) == medians.tolist()
    whole = [timing.seconds for timing in read_joinings(run) if timing.ended]
    assert found["budget"]["overall"]["join_time"] == median(whole)


def test_without_sessions_there_is_nothing_to_tell(run: Run) -> None:
    assert describe_joining(with_sessions(run, [])) is None
