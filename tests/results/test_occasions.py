"""Occasions, from tables of a few rows."""

from typing import Any

import pytest

from results.occasions import joinings, occasions
from results.records import INTERRUPTIONS, SESSIONS, TABLES, Run
from scenarios.metrics import METRICS

Row = dict[str, Any]


def attempt(time: float, kind: str = "join", site: str = "a", **rest: Any) -> Row:
    return {"time": time, "site": site, "kind": kind, "outcome": "connected", **rest}


REFUSED: Row = {"outcome": "refused", "duration": 0.5}

JOININGS: list[tuple[str, list[Row], list[Row]]] = [
    (
        "connected at once",
        [attempt(3.0, duration=0.5, first_frame=0.75)],
        [{"time": 3.0, "join_time": 0.5, "time_to_first_frame": 0.75}],
    ),
    (
        "failed attempts and the time between count",
        [attempt(3.0, **REFUSED), attempt(5.0, duration=0.5, first_frame=1.0)],
        [{"time": 3.0, "join_time": 2.5, "time_to_first_frame": 3.0}],
    ),
    (
        "never",
        [attempt(3.0, **REFUSED), attempt(5.0, outcome="on its way")],
        [{"time": 3.0, "join_time": None, "time_to_first_frame": None}],
    ),
    (
        "lost before its first frame, which comes after a reconnection",
        [attempt(1.0, duration=1.0), attempt(4.0, "reconnect", duration=1.0, first_frame=2.0)],
        [{"time": 1.0, "join_time": 1.0, "time_to_first_frame": 5.0}],
    ),
    (
        "later reconnections change nothing",
        [
            attempt(1.0, duration=1.0, first_frame=2.0),
            attempt(9.0, "reconnect", duration=1.0, first_frame=1.5),
        ],
        [{"time": 1.0, "join_time": 1.0, "time_to_first_frame": 2.0}],
    ),
    ("was there from the start", [attempt(9.0, "reconnect", duration=1.0)], []),
    ("nothing", [], []),
]


@pytest.mark.parametrize(("rows", "found"), [c[1:] for c in JOININGS], ids=[c[0] for c in JOININGS])
def test_joinings(rows: list[Row], found: list[Row]) -> None:
    table = SESSIONS.empty_table().from_pylist(rows, SESSIONS)
    assert joinings(table).to_pylist() == [{"site": "a", **row} for row in found]


def test_joinings_are_told_apart_by_site_and_come_in_time() -> None:
    rows = [
        attempt(1.0, site="b", **REFUSED),
        attempt(2.0, site="c", duration=0.25),
        attempt(0.5, site="d", duration=0.25),
        attempt(3.0, site="b", duration=0.25),
    ]
    table = SESSIONS.empty_table().from_pylist(rows, SESSIONS)
    found = [(row["site"], row["join_time"]) for row in joinings(table).to_pylist()]
    assert found == [("d", 0.25), ("b", 2.25), ("c", 0.25)]


def test_an_interruption_lasts_until_media_is_back() -> None:
    rows = [{"time": 2.0, "site": "a", "back": 7.5}, {"time": 3.0, "site": "b", "back": None}]
    table = INTERRUPTIONS.empty_table().from_pylist(rows, INTERRUPTIONS)
    found = occasions({"interruptions": table}, "interruption").to_pylist()
    assert [row["recovery_time"] for row in found] == [5.5, None]


@pytest.mark.parametrize("metric", [m for m in METRICS.values() if m.per], ids=lambda m: m.name)
def test_every_metric_of_an_occasion_is_a_column(run: Run, metric: Any) -> None:
    for tables in (run.tables, {name: schema.empty_table() for name, schema in TABLES.items()}):
        assert {"time", "site", metric.name} <= set(occasions(tables, metric.per).column_names)
