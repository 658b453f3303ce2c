"""Occasions: what happens to endpoints now and then, and how long each time takes."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class WayIn:
    """What an endpoint did to join.

    It counts as having come in however it did: by another attempt to join or, where it was lost
    again before its first frame, by a reconnection.
    """

    site: str
    begin: float
    """Seconds from the meeting's start, when it set out."""
    attempts: Sequence[Mapping[str, Any]]
    """Its rows in the sessions' table, in time."""

    @property
    def connection(self) -> Mapping[str, Any] | None:
        """The attempt that was the first to come about."""
        return next((row for row in self.attempts if row["outcome"] == CONNECTED), None)

    def until(self, column: str) -> float | None:
        """Seconds from its setting out until the first of what ``column`` counts from each
        attempt's time; None: never."""
        connected = [row for row in self.attempts if row["outcome"] == CONNECTED]
        ends = [row["time"] + row[column] for row in connected if row[column] is not None]
        return min(ends) - self.begin if ends else None


def occasions(tables: Tables, kind: Occasion) -> pa.Table:
    """The occasions of a ``kind`` that a run's ``tables`` tell of.

    Returns:
        A row each, with ``time`` (s, when it began), ``site`` and a column for each metric that is
        ``per`` that kind: seconds, null where it never came to its end.
    """
    return _TABLES[kind](tables)


def ways_in(sessions: pa.Table) -> list[WayIn]:
    """The ways into the meeting of all endpoints that set out to join, by when they did."""
    rows = sessions.to_pylist()
    rows.sort(key=lambda row: (row["site"], row["time"]))
    found = []
    for site, own in itertools.groupby(rows, key=lambda row: row["site"]):
        attempts = tuple(own)
        begin = next((row["time"] for row in attempts if row["kind"] == "join"), None)
        if begin is not None:
            found.append(WayIn(site, begin, attempts))
    return sorted(found, key=lambda way: way.begin)


def joinings(sessions: pa.Table) -> pa.Table:
    """Each endpoint's way into the meeting, by JOININGS."""
    rows = [
        {
            "time": way.begin,
            "site": way.site,
            "join_time": way.until("duration"),
            "time_to_first_frame": way.until("first_frame"),
        }
        for way in ways_in(sessions)
    ]
    return pa.Table.from_pylist(rows, JOININGS)


def _interruptions(tables: Tables) -> pa.Table:
    table = tables["interruptions"]
    seconds = pc.subtract(table["back"], table["time"])
    return table.select(["time", "site"]).append_column("recovery_time", seconds)


_TABLES: Mapping[Occasion, Callable[[Tables], pa.Table]] = {
    "call": lambda tables: tables["calls"],
    "joining": lambda tables: joinings(tables["sessions"]),
    "interruption": _interruptions,
}
