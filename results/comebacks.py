"""Comebacks: how long endpoints were without media, and how many at once tried to come back.

What a sweep keeps of runs with faults, so that policies can stand side by side.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from results.interruptions import lengths, rank_of, read_interruptions
from results.joining import rate_of, read_sessions, retries
from results.quantities import format_value
from results.records import Run

HEADINGS = ("Interruptions", "Never back", "p50", "p99", "max", "Retries", "Peak per second")
"""Of the cells of a comeback."""


@dataclass(frozen=True)
class Comeback:
    """How the endpoints of a run, or of several, came back."""

    seconds: tuple[float, ...]
    """That each interruption lasted, ascending; infinite: it was not over at the end."""
    retries: tuple[float, ...]
    """In each second from the first fault on, or from the first interruption where there is none;
    of several runs, their mean."""

    @property
    def peak(self) -> float:
        """The most retries in a second."""
        return max(self.retries, default=0.0)

    @property
    def lost(self) -> int:
        """Interruptions that were not over at the end."""
        return int(np.isinf(self.seconds).sum())

    def rank(self, rank: float) -> float | None:
        """The percentile of how long interruptions lasted, in seconds; None without any."""
        return rank_of(self.seconds, rank)

    def cells(self) -> list[str]:
        """What a table tells of it, under HEADINGS."""
        return [
            f"{len(self.seconds):,}",
            f"{self.lost:,}",
            *(format_value(self.rank(rank), "s") for rank in (50, 99, 100)),
            f"{sum(self.retries):,.0f}",
            f"{self.peak:,.0f}",
        ]

    def to_json(self) -> dict[str, Any]:
        """As plain values. An infinite length is the text `never`."""
        seconds = ["never" if each == float("inf") else each for each in self.seconds]
        return {"seconds": seconds, "retries": list(self.retries)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What `to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError: it was something else.
        """
        seconds = (float("inf") if each == "never" else float(each) for each in data["seconds"])
        return cls(tuple(seconds), tuple(float(each) for each in data["retries"]))


def comeback_of(run: Run) -> Comeback:
    """How the endpoints of ``run`` came back."""
    found = read_interruptions(run)
    events = run.tables["events"]
    columns = (events[name].to_pylist() for name in ("time", "kind"))
    faults = [time for time, kind in zip(*columns, strict=True) if kind == "fault"]
    begin = int(min(faults or [each.lost for each in found], default=0.0))
    counts = rate_of(run, retries(read_sessions(run))).counts[begin:]
    return Comeback(tuple(lengths(found).tolist()), tuple(counts.astype(float).tolist()))


def pooled(found: Sequence[Comeback]) -> Comeback:
    """Several runs' together: all of their interruptions, and their mean retries."""
    longest = max((len(each.retries) for each in found), default=0)
    counts = np.zeros((len(found), longest))
    for row, each in zip(counts, found, strict=True):
        row[: len(each.retries)] = each.retries
    mean = counts.mean(axis=0) if len(found) else counts.sum(axis=0)
    seconds = sorted(second for each in found for second in each.seconds)
    return Comeback(tuple(seconds), tuple(mean.tolist()))
