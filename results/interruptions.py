"""Interruptions: who lost all media, for how long, and who never got it back."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from results.ranks import order
from results.records import Run
from results.timings import endpoint_rows

NO_FAULT = "no fault"
"""What an interruption began in that no fault is to blame for."""


@dataclass(frozen=True)
class Interruption:
    """A time for which an endpoint got no media; see the metric `recovery_time`."""

    endpoint: Mapping[str, Any]
    """Its row of the endpoints' table."""
    lost: float
    """Seconds from the meeting's start."""
    detected: float | None
    """When its client noticed; None: never."""
    back: float | None
    """When media came again; None: not before the end."""
    fault: str
    """Label of the fault that it began in; empty: none was on."""
    reason: str
    """Why it did not end; empty if it did."""

    @property
    def seconds(self) -> float:
        """How long it lasted; infinite if it did not end."""
        return math.inf if self.back is None else self.back - self.lost


def read_interruptions(run: Run) -> list[Interruption]:
    """Endpoints' interruptions, in time of their beginnings."""
    rows = endpoint_rows(run)
    return [
        Interruption(
            rows[row["site"]], row["time"], row["detected"], row["back"],
            row["fault"] or "", row["reason"] or "",
        )
        for row in run.tables["interruptions"].to_pylist()
        if row["site"] in rows
    ]  # fmt: skip


def has_faults(run: Run) -> bool:
    """Whether any fault was played, whatever it did."""
    return "fault" in run.tables["events"]["kind"].to_pylist()


def lost_for_good(found: Sequence[Interruption]) -> list[Interruption]:
    """Those that did not end, in time."""
    return [each for each in found if each.back is None]


def by_attribute(found: Sequence[Interruption], attribute: str) -> dict[str, list[Interruption]]:
    """``found`` by an ``attribute`` of their endpoints, those with most of them first."""
    groups: dict[str, list[Interruption]] = {}
    for each in found:
        groups.setdefault(each.endpoint[attribute] or "", []).append(each)
    return dict(sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])))


def by_fault(found: Sequence[Interruption]) -> dict[str, list[Interruption]]:
    """``found`` by the fault that they began in, in time; NO_FAULT for those without."""
    groups: dict[str, list[Interruption]] = {}
    for each in found:
        groups.setdefault(each.fault or NO_FAULT, []).append(each)
    return groups


def has_backups(run: Run) -> bool:
    """Whether any endpoint has a backup access link."""
    return any(row["backup"] for row in endpoint_rows(run).values())


def by_backup(found: Sequence[Interruption]) -> dict[str, list[Interruption]]:
    """``found`` by whether their endpoints have a backup access link; empty groups are left out."""
    groups = {
        "with backup": [each for each in found if each.endpoint["backup"]],
        "no backup": [each for each in found if not each.endpoint["backup"]],
    }
    return {name: own for name, own in groups.items() if own}


def percentile(found: Sequence[Interruption], rank: float) -> float | None:
    """The percentile of how long they lasted; None without any."""
    return rank_of(lengths(found), rank)


def lengths(found: Sequence[Interruption]) -> NDArray[np.float64]:
    """(N,) seconds that each lasted, ascending; infinite: it did not end."""
    return np.sort(np.array([each.seconds for each in found], np.float64))


def rank_of(seconds: ArrayLike, rank: float) -> float | None:
    """The percentile of what `lengths` gave; None without any."""
    ascending = np.asarray(seconds, np.float64)
    if not len(ascending):
        return None
    return float(ascending[order(rank, len(ascending)) - 1])


def share_back(seconds: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How the endpoints came back, of what `lengths` gave: (N,) seconds since each one's loss,
    ascending, and the (N,) share of all that had media again by then."""
    found = np.asarray(seconds, np.float64)
    ended = found[np.isfinite(found)]
    return ended, np.arange(1, len(ended) + 1) / max(len(found), 1)


def describe_interruptions(run: Run) -> dict[str, Any] | None:
    """What a summary tells of interruptions; None where there was none.

    Returns:
        ``count``, ``endpoints`` (how many had any), ``for_good`` (that did not end), and by
        ``fault``: ``count``, ``for_good``, ``first_lost`` (s from the meeting's start) and
        ``last_back`` (None: nobody came back).
    """
    found = read_interruptions(run)
    if not found:
        return None
    return {
        "count": len(found),
        "endpoints": len({each.endpoint["site"] for each in found}),
        "for_good": len(lost_for_good(found)),
        "faults": {
            name: {
                "count": len(own),
                "for_good": len(lost_for_good(own)),
                "first_lost": min(each.lost for each in own),
                "last_back": max((e.back for e in own if e.back is not None), default=None),
            }
            for name, own in by_fault(found).items()
        },
    }
