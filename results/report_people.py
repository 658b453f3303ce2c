"""Rows of the report's tables of people: whom the floor took long to reach, who had audio alone."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from results.adaptation import Deprived, audio_only_endpoints, read_layers
from results.calls import Call, by_access, median_parts, read_calls, reason, slowest, unanswered
from results.plots.style import label_for
from results.quantities import format_clock, format_value
from results.ranks import order
from results.records import CALL_BUDGET, Run

RANKS = (50, 95, 99)
LONGEST_LIST = 10
"""Endpoints told by name in each list."""


def floor_section(run: Run) -> dict[str, Any] | None:
    """The calls by access link, the slowest and those never answered; None where none was made."""
    calls = read_calls(run)
    if not calls:
        return None
    groups = by_access(run, calls)
    rows = [("All", calls)] if len(groups) != 1 else []
    rows += [(label_for(run, "access", kind), own) for kind, own in groups.items()]
    silent = unanswered(calls)
    return {
        "count": len(calls),
        "unanswered": len(silent),
        "ranks": [f"p{rank}" for rank in RANKS],
        "parts": [part.replace("_", "-" if part == "fan_out" else " ") for part in CALL_BUDGET],
        "rows": [_access_row(name, own) for name, own in rows],
        "slowest": [
            {
                **_who(run, call.endpoint),
                "at": format_clock(call.time),
                "value": format_value(call.time_to_floor, "s"),
                "reason": reason(call, calls),
            }
            for call in slowest(calls, LONGEST_LIST // 2)
        ],
        "silent": [
            {**_who(run, call.endpoint), "at": format_clock(call.time)}
            for call in silent[:LONGEST_LIST]
        ],
    }


def _access_row(name: str, calls: Sequence[Call]) -> dict[str, Any]:
    times = np.sort([call.time_to_floor for call in calls])
    medians = median_parts(calls)
    parts = [None] * len(CALL_BUDGET) if medians is None else medians[:-1].tolist()
    return {
        "name": name,
        "calls": len(calls),
        "unanswered": sum(map(math.isinf, times)),
        "percentiles": [
            format_value(float(times[order(rank, len(times)) - 1]), "s") for rank in RANKS
        ],
        "parts": [format_value(part, "s") for part in parts],
    }


def audio_only_section(run: Run) -> dict[str, Any] | None:
    """Who had audio alone, and when it was for want of room; None where no layer is known."""
    if not read_layers(run).known:
        return None
    found = audio_only_endpoints(run)
    return {
        "count": len(found),
        "rows": [_deprived_row(run, each) for each in found[:LONGEST_LIST]],
    }


def _deprived_row(run: Run, each: Deprived) -> dict[str, str]:
    return {
        **_who(run, each.row),
        "share": format_value(each.share, "ratio"),
        "estimate": format_value(each.estimate, "bit/s"),
        "capacity": format_value(each.capacity, "bit/s"),
    }


def _who(run: Run, row: Mapping[str, Any]) -> dict[str, str]:
    place = [row["site"], row["province"]]
    place += [label_for(run, key, row[key]) for key in ("carrier", "access") if row[key]]
    return {
        "name": row["name"] or row["site"],
        "about": " · ".join(part for part in place if part),
    }
