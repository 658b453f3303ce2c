"""Joining: how long endpoints took to come in, where the time went, and what attempts failed of."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from results.occasions import WayIn, ways_in
from results.records import CONNECTED, PHASES, Run
from results.timings import Timing, describe_parts, endpoint_rows, unended

EARLIER = "earlier_attempts"
"""Part of a join time before the attempt that came about: failed ones, and what lay between."""
PARTS = (EARLIER, *PHASES)

Session = Mapping[str, Any]
"""A row of the sessions' table."""


def read_sessions(run: Run) -> list[Session]:
    """The endpoints' attempts to connect, in time; the command centre's are left out."""
    rows = endpoint_rows(run)
    return [row for row in run.tables["sessions"].to_pylist() if row["site"] in rows]


def read_joinings(run: Run) -> list[Timing]:
    """Endpoints' ways into the meeting, by when they set out.

    Their seconds are the join time, their parts those of PARTS.
    """
    rows = endpoint_rows(run)
    return [
        Timing(way.begin, rows[way.site], _join_time(way), _parts(way))
        for way in ways_in(run.tables["sessions"])
        if way.site in rows
    ]


def _join_time(way: WayIn) -> float:
    taken = way.until("duration")
    return math.inf if taken is None else taken


def _parts(way: WayIn) -> Mapping[str, float]:
    row = way.connection
    if row is None:
        return dict.fromkeys(PARTS, math.nan)
    # One that came about had no need of the phases that it did not reach.
    phases = {phase: row[phase] or 0.0 for phase in PHASES}
    return {EARLIER: row["time"] - way.begin, **phases}


def failures(sessions: Sequence[Session]) -> dict[str, int]:
    """Attempts that failed, by what of: the most frequent cause first."""
    counts = Counter(row["outcome"] for row in sessions if row["outcome"] != CONNECTED)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def retries(sessions: Sequence[Session]) -> list[Session]:
    """The attempts that are not an endpoint's first to join: further ones, and all to come back."""
    return [row for row in sessions if row["kind"] != "join" or row["attempt"] > 1]


@dataclass(frozen=True)
class Rate:
    """Events by second."""

    times: NDArray[np.float64]
    """(T,) beginnings of the seconds."""
    counts: NDArray[np.int64]
    """(T,)."""

    @property
    def peak(self) -> tuple[float, int] | None:
        """The second with most events, and how many; None without any."""
        if not self.counts.any():
            return None
        at = int(self.counts.argmax())
        return float(self.times[at]), int(self.counts[at])


def rate_of(run: Run, sessions: Sequence[Session]) -> Rate:
    """How many of the ``sessions`` begin in each second of the run."""
    seconds = max(math.ceil(run.duration_s), 1)
    times = np.array([row["time"] for row in sessions], dtype=np.float64)
    inside = times[(times >= 0) & (times < seconds)].astype(np.int64)
    return Rate(np.arange(seconds, dtype=np.float64), np.bincount(inside, minlength=seconds))


def describe_joining(run: Run) -> dict[str, Any] | None:
    """What a summary tells of attempts to connect; None where there was none.

    Returns:
        ``count`` (endpoints that set out to join), ``never`` (of these, not connected),
        ``attempts`` and ``retries`` of any kind, ``peak_retries_per_second`` with ``at`` (its
        second; None without any), ``failures`` (attempts by cause), and ``budget``: median seconds
        by part of the join time, overall and by access link.
    """
    sessions = read_sessions(run)
    if not sessions:
        return None
    joinings = read_joinings(run)
    again = retries(sessions)
    peak = rate_of(run, again).peak
    return {
        "count": len(joinings),
        "never": len(unended(joinings)),
        "attempts": len(sessions),
        "retries": len(again),
        "peak_retries_per_second": peak[1] if peak else 0,
        "peak_at": peak[0] if peak else None,
        "failures": failures(sessions),
        "budget": describe_parts(run, joinings, "join_time"),
    }
