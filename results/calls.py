"""Calls to the floor: how long they took, where the time went, which were never answered."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow.compute as pc

from results.occasions import ways_in
from results.readings import Values, floats, values
from results.records import CALL_BUDGET, CONNECTED, Run
from results.timings import Timing, describe_parts, endpoint_rows, unended

Unanswered = Sequence[tuple[Timing, str]]
"""Calls that were never answered, in time, each with why."""


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
        ``count``, ``unanswered``; ``reasons``: of the unanswered, how many by why, most first;
        ``budget``: median seconds by part and of the whole, over all answered calls and by access
        link; None where there is none.
    """
    calls = read_calls(run)
    if not calls:
        return None
    silent = unanswered(run)
    return {
        "count": len(calls),
        "unanswered": len(silent),
        "reasons": count_reasons(silent),
        "budget": describe_parts(run, calls, "time_to_floor"),
    }


def count_reasons(silent: Unanswered) -> dict[str, int]:
    """How many calls were never answered by each reason, the most frequent first."""
    counts = Counter(reason for _, reason in silent)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def unanswered(run: Run) -> Unanswered:
    """The calls that were never answered, and why as far as the run's tables tell."""
    silent = unended(read_calls(run))
    if not silent:
        return []
    measured = {name: values(run, name) for name in _TELLING}
    return [(call, _why(run, call, measured)) for call in silent]


_TELLING = ("connected_ratio", "capacity", "uplink_capacity", "uplink_bitrate")
"""Columns of samples that tell why a call was never answered."""


def _why(run: Run, call: Timing, measured: Mapping[str, Values]) -> str:
    end, last = _given_up(run, call)
    times, sites = measured["capacity"].times, measured["capacity"].sites
    meanwhile = (times > call.time - run.scenario.interval / 1e9) & (times < end)
    endpoint = sites.index(call.endpoint["site"])
    during = {name: each.values[meanwhile, endpoint] for name, each in measured.items()}
    connected = during["connected_ratio"]
    if len(connected) and (connected == 0).all():
        return _why_away(run, call)
    # Live clients tell no parts.
    knew = run.mode == "live" or not math.isnan(call.parts["signalling"])
    dead = (during["uplink_capacity" if knew else "capacity"] == 0).any()
    cut_off = _cut_off(run, call, end)
    # The first that holds: what comes earlier explains what comes later.
    causes = (
        (dead, f"its {'uplink' if knew else 'downlink'} was dead"),
        (bool(cut_off), cut_off),
        (last, "the meeting ended first"),
        (not knew, "the call did not reach it"),
        (not (during["uplink_bitrate"] > 0).any(), "it sent nothing"),
    )
    return next(
        (cause for holds, cause in causes if holds),
        "no picture had come whole when the floor moved on",
    )


def _cut_off(run: Run, call: Timing, end: float) -> str:
    """What cut who was called off from all media before ``end``; empty if nothing did."""
    for gap in run.tables["interruptions"].to_pylist():
        mine = gap["site"] == call.endpoint["site"] and gap["time"] < end
        if mine and (gap["back"] is None or gap["back"] > call.time):
            cause = gap["reason"] or gap["fault"]
            return f"it was cut off: {cause}" if cause else "it was cut off"
    return ""


def _given_up(run: Run, call: Timing) -> tuple[float, bool]:
    """Seconds from the meeting's start until the floor moved on from a call, and whether that was
    the meeting's end."""
    site, events = call.endpoint["site"], run.tables["events"].to_pylist()
    moves = [
        event["time"]
        for event in events
        if event["kind"] in ("floor", "call")
        and event["time"] > call.time
        and event["subject"] != site
    ]
    return min(moves, default=run.duration_s), not moves


def _why_away(run: Run, call: Timing) -> str:
    """Why who was called was not connected."""
    sessions = run.tables["sessions"]
    own = sessions.filter(pc.equal(sessions["site"], call.endpoint["site"]))
    begun = [row for way in ways_in(own) for row in way.attempts if row["time"] <= call.time]
    if any(row["outcome"] == CONNECTED for row in begun):
        return "it had lost its connection"
    # An attempt that is under way has no outcome.
    cause = begun[-1]["outcome"] if begun else None
    return f"it had not joined: {cause}" if cause else "it had not joined"
