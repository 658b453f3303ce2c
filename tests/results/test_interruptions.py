"""Interruptions, against their table."""

import math
from dataclasses import replace
from typing import Any

import pytest

from results.interruptions import (
    NO_FAULT,
    by_attribute,
    by_backup,
    by_fault,
    describe_interruptions,
    has_backups,
    lengths,
    lost_for_good,
    percentile,
    read_interruptions,
    share_back,
)
from results.records import INTERRUPTIONS, Run
from scenarios.meeting import COMMAND_CENTRE
from tests.results.sample_outcomes import CUT_OFF, DIED, FAULT, GAVE_UP, NOTICED
from tests.results.sample_run import with_backups


def with_interruptions(run: Run, rows: list[dict[str, Any]]) -> Run:
    table = INTERRUPTIONS.empty_table().from_pylist(rows, INTERRUPTIONS)
    return replace(run, tables={**run.tables, "interruptions": table})


def test_interruptions_are_the_tables_rows(run: Run) -> None:
    rows = run.tables["interruptions"].to_pylist()
    found = read_interruptions(run)
    assert [(each.endpoint["site"], each.lost) for each in found] == [
        (row["site"], row["time"]) for row in rows
    ]
    for each, row in zip(found, rows, strict=True):
        expected = math.inf if row["back"] is None else row["back"] - row["time"]
        assert each.seconds == expected


def test_who_never_came_back_has_a_reason(run: Run) -> None:
    lost = lost_for_good(read_interruptions(run))
    assert [each.reason for each in lost] == [CUT_OFF, GAVE_UP, GAVE_UP]
    assert [each.detected for each in lost] == [None, NOTICED, NOTICED]
    assert all(math.isinf(each.seconds) for each in lost)


def test_groups_hold_all_and_the_largest_comes_first(run: Run) -> None:
    found = read_interruptions(run)
    for attribute in ("carrier", "access", "province"):
        sizes = [len(own) for own in by_attribute(found, attribute).values()]
        assert sum(sizes) == len(found)
        assert sizes == sorted(sizes, reverse=True)
    assert [(name, len(own)) for name, own in by_fault(found).items()] == [
        (NO_FAULT, 1),
        (FAULT, len(found) - 1),
    ]


def test_groups_with_and_without_a_backup_link_are_apart(run: Run) -> None:
    found = read_interruptions(run)
    assert not has_backups(run)
    assert list(by_backup(found)) == ["no backup"]
    other = with_backups(run, {found[-1].endpoint["site"]})
    assert has_backups(other)
    groups = by_backup(read_interruptions(other))
    assert [(name, len(own)) for name, own in groups.items()] == [
        ("with backup", 1),
        ("no backup", len(found) - 1),
    ]


def test_percentiles_are_never_where_too_few_came_back(run: Run) -> None:
    found = read_interruptions(run)
    ended = sorted(each.seconds for each in found if each.back is not None)
    assert percentile(found, 50) == ended[math.ceil(0.5 * len(found)) - 1]
    assert percentile(found, 100) == math.inf
    assert percentile([], 50) is None


def test_the_share_that_is_back_ends_below_one(run: Run) -> None:
    found = read_interruptions(run)
    times, shares = share_back(lengths(found))
    assert times.tolist() == sorted(each.seconds for each in found if each.back is not None)
    assert shares[-1] == pytest.approx(1 - 3 / len(found))
    assert [len(part) for part in share_back([])] == [0, 0]


def test_the_summary_tells_of_each_fault(run: Run) -> None:
    found = describe_interruptions(run)
    assert found is not None
    rows = read_interruptions(run)
    assert (found["count"], found["for_good"]) == (len(rows), 3)
    own = found["faults"][FAULT]
    assert (own["count"], own["for_good"], own["first_lost"]) == (len(rows) - 1, 2, DIED)
    assert own["last_back"] == max(each.back for each in rows if each.back is not None)
    assert found["faults"][NO_FAULT]["last_back"] is None


def test_the_command_centres_own_are_left_out(run: Run) -> None:
    alone = with_interruptions(run, [{"time": 1.0, "site": COMMAND_CENTRE, "back": 2.0}])
    assert describe_interruptions(alone) is None
