"""Backups: which endpoints a second access link would help most, from what they missed in a run."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from results.readings import codes, floats
from results.records import Run
from scenarios.meeting import COMMAND_CENTRE

OUTAGE = 0.5
"""Packet loss of an interval from which an endpoint counts as cut off."""

NONE = "none"
"""The group of those that belong to none, as a province's seat to no district."""


@dataclass(frozen=True)
class Saving:
    """What backup links would save in a group of endpoints, per meeting."""

    group: str
    links: int
    """Endpoints that were cut off at any time: each needs a link."""
    minutes: float
    """Endpoint-minutes that they were cut off."""

    @property
    def per_link(self) -> float:
        """Endpoint-minutes saved by each link, if it always worked."""
        return self.minutes / self.links


def rank_backups(run: Run, by: str = "site", spare: str | None = "4g") -> list[Saving]:
    """Groups of endpoints by what each backup link would save, the most first.

    An endpoint is cut off while it is interrupted, and in every interval in which it loses half of
    its packets or more. An upper bound: the backup is taken to work whenever the first link does
    not, and to take over at once. For whatever reason an endpoint is cut off, it counts: where a
    shared link or a node was down, a backup of the access link would not have helped. Who has one
    already needs none.

    Args:
        by: a column of the endpoints' table: site, district, province, carrier …
        spare: the kind of access link that serves as backup; who has it as the first needs none.
    """
    endpoints = {row["site"]: row for row in run.tables["endpoints"].to_pylist()}
    samples = run.tables["samples"]
    site_of, sites = codes(samples, "site")
    loss = np.nan_to_num(floats(samples, "packet_loss"))
    interrupted = np.nan_to_num(floats(samples, "interrupted_ratio"))
    begins = floats(samples, "time")
    interval = run.scenario.interval / 1e9
    lasted = np.minimum(interval, run.duration_s - begins)
    missed = np.maximum(interrupted, loss >= OUTAGE) * lasted
    cut = np.bincount(site_of, weights=missed, minlength=len(sites))
    links: dict[str, int] = defaultdict(int)
    minutes: dict[str, float] = defaultdict(float)
    for site, seconds in zip(sites, cut.tolist(), strict=True):
        row = endpoints[site]
        served = row["backup"] or row["access"] == spare or row["level"] == COMMAND_CENTRE
        if seconds > 0 and not served:
            group = row[by] or NONE
            links[group] += 1
            minutes[group] += seconds / 60
    savings = [Saving(group, links[group], minutes[group]) for group in links]
    return sorted(savings, key=lambda saving: (-saving.per_link, saving.group))
