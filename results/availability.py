"""Availability: for how much of the meeting endpoints were connected, had media, could hear."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from results.interruptions import has_faults
from results.joining import read_joinings
from results.readings import endpoint_groups, values
from results.records import Run

USABLE_MOS = 2.58
"""Least audio MOS that counts as usable: R = 50, below which ITU-T G.109 recommends no
connection at all."""


@dataclass(frozen=True)
class Availability:
    """Endpoint-seconds by endpoint, of those in which there was something to be heard."""

    wanted: NDArray[np.float64]
    """(E,) seconds since it set out to join in which it should have heard something."""
    usable: NDArray[np.float64]
    """(E,) seconds of these in which it could."""

    def share(self, members: NDArray[np.bool_] | None = None) -> float | None:
        """The share that was usable, of the endpoints that (E,) ``members`` marks; None: all."""
        chosen = slice(None) if members is None else members
        wanted = self.wanted[chosen].sum()
        return float(self.usable[chosen].sum() / wanted) if wanted > 0 else None


def read_availability(run: Run) -> Availability:
    """How much of its time each endpoint had usable audio.

    A second of an interval is usable if the endpoint was connected and its media was not
    interrupted, and if the interval's audio MOS is USABLE_MOS or more. Where the interval has no
    MOS, nothing was to be heard: only what was not connected or interrupted counts then.
    """
    mos, up, out = (
        values(run, name) for name in ("audio_mos", "connected_ratio", "interrupted_ratio")
    )
    there = np.minimum(
        np.nan_to_num(up.values, nan=1.0), 1.0 - np.nan_to_num(out.values, nan=0.0)
    ).clip(0.0, 1.0)
    lengths = np.diff(np.append(mos.times, max(run.duration_s, *mos.times[-1:], 0.0)))
    heard = np.isfinite(mos.values)
    good = heard & (np.nan_to_num(mos.values) >= USABLE_MOS)
    since = _since(run, mos.times, lengths, mos.sites)
    wanted = np.where(heard, since, np.minimum(1.0 - there, since)) * lengths[:, None]
    usable = np.where(good, np.minimum(there, since), 0.0) * lengths[:, None]
    return Availability(wanted.sum(axis=0), usable.sum(axis=0))


def _since(
    run: Run, times: NDArray[np.float64], lengths: NDArray[np.float64], sites: tuple[str, ...]
) -> NDArray[np.float64]:
    """(T, E) share of each interval that lies after the endpoint set out to join."""
    begins = {timing.endpoint["site"]: timing.time for timing in read_joinings(run)}
    # Where anyone joins, whoever has not set out within the run wants nothing.
    otherwise = np.inf if begins or run.scenario.joining is not None else 0.0
    begin = np.array([begins.get(site, otherwise) for site in sites])
    ends = (times + lengths)[:, None]
    return np.asarray(np.clip((ends - begin[None, :]) / lengths[:, None], 0.0, 1.0))


@dataclass(frozen=True)
class Presence:
    """Shares of endpoints by interval."""

    times: NDArray[np.float64]
    """(T,) beginnings in seconds."""
    connected: NDArray[np.float64]
    """(T,) mean share of the interval that they were connected; NaN where nothing is known."""
    with_media: NDArray[np.float64]
    """(T,) the same of being connected and not interrupted."""
    count: int
    """How many endpoints."""


def read_presence(run: Run, members: NDArray[np.bool_] | None = None) -> Presence:
    """How many of the endpoints that (E,) ``members`` marks (None: all) were there."""
    up, out = (values(run, name) for name in ("connected_ratio", "interrupted_ratio"))
    chosen = np.ones(len(up.sites), dtype=bool) if members is None else members
    connected, gaps = up.values[:, chosen], np.nan_to_num(out.values[:, chosen])
    media = np.minimum(connected, 1.0 - gaps)
    known = np.isfinite(connected).any(axis=1) if chosen.any() else np.zeros(len(up.times), bool)

    def mean(grid: NDArray[np.float64]) -> NDArray[np.float64]:
        share = np.full(len(grid), np.nan)
        share[known] = np.nanmean(grid[known], axis=1)
        return share

    return Presence(up.times, mean(connected), mean(media), int(chosen.sum()))


def has_outcomes(run: Run) -> bool:
    """Whether anyone joins in the run, faults are played, or anything is interrupted."""
    asked = run.scenario.joining is not None or bool(run.scenario.faults)
    found = any(len(run.tables[name]) for name in ("sessions", "interruptions"))
    return asked or found or has_faults(run)


def describe_availability(run: Run) -> dict[str, Any] | None:
    """What a summary tells of availability; None for a run without joining and faults.

    Returns:
        ``usable_mos``, ``endpoint_minutes`` in which something was to be heard, and the share of
        them with usable audio, ``overall`` and by attribute and group (None without data).
    """
    if not has_outcomes(run):
        return None
    found = read_availability(run)
    return {
        "usable_mos": USABLE_MOS,
        "endpoint_minutes": float(found.wanted.sum() / 60),
        "overall": found.share(),
        **{attribute: _shares(run, found, attribute) for attribute in ("carrier", "access")},
    }


def _shares(run: Run, found: Availability, attribute: str) -> Mapping[str, float | None]:
    group, names = endpoint_groups(run, attribute)
    return {name: found.share(group == i) for i, name in enumerate(names)}
