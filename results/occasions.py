"""Occasions: what happens to endpoints now and then, and how long each time takes."""

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from results.records import CONNECTED
from scenarios.metrics import Occasion

JOININGS = pa.schema(
    [
        ("time", pa.float64()),  # when it set out
        ("site", pa.string()),
        ("join_time", pa.float64()),  # s, null: never
        ("time_to_first_frame", pa.float64()),  # s, null: never
    ]
)

Tables = Mapping[str, pa.Table]


def occasions(tables: Tables, kind: Occasion) -> pa.Table:
    """The occasions of a ``kind`` that a run's ``tables`` tell of.

    Returns:
        A row each, with ``time`` (s, when it began), ``site`` and a column for each metric that is
        ``per`` that kind: seconds, null where it never came to its end.
    """
    return _TABLES[kind](tables)


def joinings(sessions: pa.Table) -> pa.Table:
    """Each endpoint's way into the meeting, from its first attempt to join on, by JOININGS.

    It counts as having come in however it did: by another attempt to join or, where it was lost
    again before its first frame, by a reconnection.
    """
    columns = ("site", "time", "kind", "outcome", "duration", "first_frame")
    rows = sessions.select(columns).to_pylist()
    rows.sort(key=lambda row: (row["site"], row["time"]))
    found = []
    for site, own in itertools.groupby(rows, key=lambda row: row["site"]):
        attempts = list(own)
        begin = next((row["time"] for row in attempts if row["kind"] == "join"), None)
        if begin is None:
            continue
        connected = [row for row in attempts if row["outcome"] == CONNECTED]
        found.append(
            {
                "time": begin,
                "site": site,
                "join_time": _first(connected, "duration", begin),
                "time_to_first_frame": _first(connected, "first_frame", begin),
            }
        )
    found.sort(key=lambda row: row["time"])
    return pa.Table.from_pylist(found, JOININGS)


def _first(rows: list[dict[str, Any]], column: str, begin: float) -> float | None:
    """Seconds from ``begin`` to the earliest of what ``column`` counts from each row's time."""
    ends = [row["time"] + row[column] for row in rows if row[column] is not None]
    return min(ends) - begin if ends else None


def _interruptions(tables: Tables) -> pa.Table:
    table = tables["interruptions"]
    seconds = pc.subtract(table["back"], table["time"])
    return table.select(["time", "site"]).append_column("recovery_time", seconds)


_TABLES: Mapping[Occasion, Callable[[Tables], pa.Table]] = {
    "call": lambda tables: tables["calls"],
    "joining": lambda tables: joinings(tables["sessions"]),
    "interruption": _interruptions,
}
