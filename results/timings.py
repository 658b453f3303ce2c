"""Timings: how long something took an endpoint, part by part, or that it never came to its end."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from results.ranks import order
from results.records import Run
from scenarios.meeting import COMMAND_CENTRE


@dataclass(frozen=True)
class Timing:
    """What began once, and how long it took."""

    time: float
    """When it began, in seconds."""
    endpoint: Mapping[str, Any]
    """Whose it is: a row of the endpoints' table."""
    seconds: float
    """Infinite if it never came to its end."""
    parts: Mapping[str, float]
    """Seconds by part, in the order in which they pass; NaN where one is not known."""

    @property
    def ended(self) -> bool:
        """Whether it came to its end."""
        return math.isfinite(self.seconds)


def endpoint_rows(run: Run) -> dict[str, Mapping[str, Any]]:
    """Rows of the endpoints' table by site, the command centre left out."""
    rows = run.tables["endpoints"].to_pylist()
    return {row["site"]: row for row in rows if row["site"] != COMMAND_CENTRE}


def by_access(run: Run, timings: Sequence[Timing]) -> dict[str, list[Timing]]:
    """``timings`` by kind of access link, in the scenario's order; kinds without any are out."""
    kinds = {
        kind: [t for t in timings if t.endpoint["access"] == kind] for kind in run.scenario.access
    }
    return {kind: own for kind, own in kinds.items() if own}


def median_parts(timings: Sequence[Timing]) -> NDArray[np.float64] | None:
    """(parts + 1,) medians over what came to its end of each part and, last, of the whole.

    A median is one of the values, as any percentile here is (see results.ranks). Medians of parts
    need not add up to the whole's. None where nothing is known by its parts.
    """
    rows = [
        [*timing.parts.values(), timing.seconds]
        for timing in timings
        if timing.ended and not any(map(math.isnan, timing.parts.values()))
    ]
    return np.sort(np.array(rows), axis=0)[order(50, len(rows)) - 1] if rows else None


def describe_parts(run: Run, timings: Sequence[Timing], whole: str) -> dict[str, Any]:
    """Median seconds by part and of the ``whole``, ``overall`` and by ``access``; None for what
    never came to its end."""

    def medians(own: Sequence[Timing]) -> dict[str, float] | None:
        found = median_parts(own)
        return None if found is None else dict(zip(names, found.tolist(), strict=True))

    names = (*(timings[0].parts if timings else ()), whole)
    return {
        "overall": medians(timings),
        "access": {kind: medians(own) for kind, own in by_access(run, timings).items()},
    }


def slowest(timings: Sequence[Timing], count: int) -> list[Timing]:
    """The ``count`` that took longest of those that came to their end, the longest first."""
    ended = [timing for timing in timings if timing.ended]
    return sorted(ended, key=lambda timing: (-timing.seconds, timing.time))[:count]


def unended(timings: Sequence[Timing]) -> list[Timing]:
    """Those that never came to their end, in time."""
    return [timing for timing in timings if not timing.ended]


def reason(timing: Timing, timings: Sequence[Timing]) -> str:
    """The part of ``timing`` that most exceeds its median over all ``timings``."""
    typical = median_parts(timings)
    known = [part for part, seconds in timing.parts.items() if not math.isnan(seconds)]
    if typical is None or not known:
        return "its time is not known by parts"
    medians = dict(zip(timing.parts, typical.tolist(), strict=False))
    excess = {part: timing.parts[part] - medians[part] for part in known}
    part = max(excess, key=excess.__getitem__)
    if excess[part] <= 0:
        return "no part took longer than is usual"
    own, more = (f"{seconds * 1000:,.0f} ms" for seconds in (timing.parts[part], excess[part]))
    return f"{part.replace('_', ' ')} took {own}, {more} more than the median"
