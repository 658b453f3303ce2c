"""Rows of the report's tables of people: whom the floor took long to reach, who had audio alone."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from results.adaptation import (
    Deprived,
    audio_only_endpoints,
    read_layers,
    voice_rate,
    voiceless_links,
)
from results.calls import count_reasons, read_calls, unanswered
from results.plots.style import label_for
from results.quantities import format_clock, format_value
from results.ranks import order
from results.records import CALL_BUDGET, Run
from results.timings import Timing, by_access, median_parts, reason, slowest

RANKS = (50, 95, 99)
LONGEST_LIST = 10
"""Endpoints told by name in each list."""
NAMED = 5
"""Links told by name in a sentence."""


def floor_section(run: Run) -> dict[str, Any] | None:
    """The calls by access link, the slowest and those never answered; None where none was made."""
    calls = read_calls(run)
    if not calls:
        return None
    groups = by_access(run, calls)
    rows = [("All", calls)] if len(groups) != 1 else []
    rows += [(label_for(run, "access", kind), own) for kind, own in groups.items()]
    silent = unanswered(run)
    return {
        "count": len(calls),
        "unanswered": len(silent),
        "reasons": list(count_reasons(silent).items()),
        "ranks": [f"p{rank}" for rank in RANKS],
        "parts": [part.replace("_", "-" if part == "fan_out" else " ") for part in CALL_BUDGET],
        "rows": [access_row(name, own, len(CALL_BUDGET)) for name, own in rows],
        "slowest": [
            {
                **who(run, call.endpoint),
                "at": format_clock(call.time),
                "value": format_value(call.seconds, "s"),
                "reason": reason(call, calls),
            }
            for call in slowest(calls, LONGEST_LIST // 2)
        ],
        "silent": [
            {**who(run, call.endpoint), "at": format_clock(call.time), "reason": why}
            for call, why in silent[:LONGEST_LIST]
        ],
    }


def access_row(name: str, timings: Sequence[Timing], parts: int) -> dict[str, Any]:
    """A line of the table of ``timings`` by access link; they have so many ``parts``."""
    times = np.sort([timing.seconds for timing in timings])
    medians = median_parts(timings)
    shown = [None] * parts if medians is None else medians[:-1].tolist()
    return {
        "name": name,
        "count": len(timings),
        "never": sum(map(math.isinf, times)),
        "percentiles": [
            format_value(float(times[order(rank, len(times)) - 1]), "s") for rank in RANKS
        ],
        "parts": [format_value(part, "s") for part in shown],
    }


def audio_only_section(run: Run) -> dict[str, Any] | None:
    """Who had audio alone, and how long; None where no layer is known."""
    if not read_layers(run).known:
        return None
    found = audio_only_endpoints(run)
    return {
        "count": len(found),
        "rows": [_deprived_row(run, each) for each in found[:LONGEST_LIST]],
    }


def _deprived_row(run: Run, each: Deprived) -> dict[str, str]:
    return {
        **who(run, each.row),
        "share": format_value(each.share, "ratio"),
        "estimate": format_value(each.estimate, "bit/s"),
        "capacity": format_value(each.capacity, "bit/s"),
        "reason": each.reason,
    }


def voiceless_caveat(run: Run) -> list[str]:
    """Where not even the voice fitted a link, as a sentence; empty where it fitted all."""
    found = voiceless_links(run)
    if not found:
        return []
    longest = ", ".join(
        f"{each.row['name'] or each.row['site']} ({each.row['site']}, {each.direction}, "
        f"{format_value(each.share, 'ratio')} of its intervals)"
        for each in found[:NAMED]
    )
    more = f" and {len(found) - NAMED:,} more" if len(found) > NAMED else ""
    needed = format_value(voice_rate(run), "bit/s")
    return [
        f"Not even the voice, {needed} while it talks, fitted these links at the end of some "
        f"intervals: {longest}{more}. What was lost there no congestion control could save."
    ]


def who(run: Run, row: Mapping[str, Any]) -> dict[str, str]:
    """Name of an endpoint, a ``row`` of the endpoints' table, and where and on what it is."""
    place = [row["site"], row["province"]]
    place += [label_for(run, key, row[key]) for key in ("carrier", "access") if row[key]]
    return {
        "name": row["name"] or row["site"],
        "about": " · ".join(part for part in place if part),
    }
