"""Calls to the floor: how long they took, where the time went, which were never answered."""

import math
from typing import Any

from results.readings import floats
from results.records import CALL_BUDGET, Run
from results.timings import Timing, describe_parts, endpoint_rows, unended


def read_calls(run: Run) -> list[Timing]:
    """The calls in time; those of sites that are no endpoint of the run are left out.

    Their seconds are the time to the floor, their parts those of CALL_BUDGET.
    """
    rows = endpoint_rows(run)
    table = run.tables["calls"]
    columns = [floats(table, part) for part in CALL_BUDGET]
    whole = floats(table, "time_to_floor")
    found = zip(table["time"].to_pylist(), table["site"].to_pylist(), whole, *columns, strict=True)
    return [
        Timing(
            time,
            rows[site],
            math.inf if math.isnan(taken) else float(taken),
            dict(zip(CALL_BUDGET, map(float, parts), strict=True)),
        )
        for time, site, taken, *parts in found
        if site in rows
    ]


def describe_calls(run: Run) -> dict[str, Any] | None:
    """What a summary tells of calls; None where nobody was called.

    Returns:
        ``count``, ``unanswered``; ``budget``: median seconds by part and of the whole, over all
        answered calls and by access link; None where there is none.
    """
    calls = read_calls(run)
    if not calls:
        return None
    return {
        "count": len(calls),
        "unanswered": len(unended(calls)),
        "budget": describe_parts(run, calls, "time_to_floor"),
    }
