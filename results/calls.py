"""Calls to the floor: how long they took, where the time went, which were never answered."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from results.readings import floats
from results.records import CALL_BUDGET, Run
from scenarios.meeting import COMMAND_CENTRE


@dataclass(frozen=True)
class Call:
    """One call."""

    time: float
    """When, in seconds."""
    endpoint: Mapping[str, Any]
    """The called endpoint's row in the endpoints' table."""
    time_to_floor: float
    """Seconds; infinite if its picture never got there."""
    parts: Mapping[str, float]
    """Seconds by CALL_BUDGET; NaN where it is not known."""


def read_calls(run: Run) -> list[Call]:
    """The calls in time; those of sites that are no endpoint of the run are left out."""
    rows = {row["site"]: row for row in run.tables["endpoints"].to_pylist()}
    table = run.tables["calls"]
    columns = [floats(table, part) for part in CALL_BUDGET]
    whole = floats(table, "time_to_floor")
    found = zip(table["time"].to_pylist(), table["site"].to_pylist(), whole, *columns, strict=True)
    return [
        Call(
            time,
            rows[site],
            math.inf if math.isnan(taken) else float(taken),
            dict(zip(CALL_BUDGET, map(float, parts), strict=True)),
        )
        for time, site, taken, *parts in found
        if site in rows and site != COMMAND_CENTRE
    ]


def by_access(run: Run, calls: Sequence[Call]) -> dict[str, list[Call]]:
    """The ``calls`` by kind of access link, in the scenario's order; kinds without any are out."""
    kinds = {
        kind: [c for c in calls if c.endpoint["access"] == kind] for kind in run.scenario.access
    }
    return {kind: own for kind, own in kinds.items() if own}


def median_parts(calls: Sequence[Call]) -> NDArray[np.float64] | None:
    """(CALL_BUDGET + 1,) medians over answered calls of each part and, last, of the whole.

    Medians of parts need not add up to the whole's. None where no call is known by its parts.
    """
    rows = [
        [*call.parts.values(), call.time_to_floor]
        for call in calls
        if math.isfinite(call.time_to_floor) and not any(map(math.isnan, call.parts.values()))
    ]
    return np.median(np.array(rows), axis=0) if rows else None


def describe_calls(run: Run) -> dict[str, Any] | None:
    """What a summary tells of calls; None where nobody was called.

    Returns:
        ``count``, ``unanswered``; ``budget``: median seconds by part and of the whole, over all
        answered calls and by access link; None where there is none.
    """
    calls = read_calls(run)
    if not calls:
        return None

    def medians(own: Sequence[Call]) -> dict[str, float] | None:
        found = median_parts(own)
        names = (*CALL_BUDGET, "time_to_floor")
        return None if found is None else dict(zip(names, found.tolist(), strict=True))

    return {
        "count": len(calls),
        "unanswered": sum(math.isinf(call.time_to_floor) for call in calls),
        "budget": {
            "overall": medians(calls),
            "access": {kind: medians(own) for kind, own in by_access(run, calls).items()},
        },
    }


def slowest(calls: Sequence[Call], count: int) -> list[Call]:
    """The ``count`` answered calls that took longest, the longest first."""
    answered = [call for call in calls if math.isfinite(call.time_to_floor)]
    return sorted(answered, key=lambda call: (-call.time_to_floor, call.time))[:count]


def unanswered(calls: Sequence[Call]) -> list[Call]:
    """The calls that were never answered, in time."""
    return [call for call in calls if math.isinf(call.time_to_floor)]


def reason(call: Call, calls: Sequence[Call]) -> str:
    """The part of ``call`` that most exceeds its median over all ``calls``."""
    typical = median_parts(calls)
    known = [part for part in CALL_BUDGET if not math.isnan(call.parts[part])]
    if typical is None or not known:
        return "its time is not known by parts"
    excess = {part: call.parts[part] - float(typical[CALL_BUDGET.index(part)]) for part in known}
    part = max(excess, key=excess.__getitem__)
    if excess[part] <= 0:
        return "no part took longer than is usual"
    own, more = (f"{seconds * 1000:,.0f} ms" for seconds in (call.parts[part], excess[part]))
    return f"{part.replace('_', ' ')} took {own}, {more} more than the median"
