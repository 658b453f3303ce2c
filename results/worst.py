"""What is worst, where, and why: the first thing to look at after a verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from results.records import BUDGET, Run
from scenarios.meeting import COMMAND_CENTRE

METRICS = {
    "packet_loss": "packet_loss",
    "mouth_to_ear_delay": "mouth_to_ear_delay_mean",
    "freeze_ratio": "freeze_ratio",
    "audio_mos": "audio_mos",
}
"""What endpoints and groups are ranked by, and the column of samples that it is taken from."""
GROUPS = ("carrier", "access", "province", "level")
"""Attributes whose worst value is told."""
LOSSES = ("packet_loss", "freeze_ratio")
"""Metrics of which there may be none at all, and then there is no worst."""
ROWS = 5
"""Endpoints told for each metric."""
CONSIDERABLE = 0.01
"""Share of the time without any media from which on it is a reason."""

_DOWNLINK = {
    "downlink_dropped_queue": "in the queue of the access link",
    "downlink_dropped_policer": "at the policer of the access link",
    "downlink_lost": "on the access link itself",
}
"""Columns of samples that say where packets were lost, and how a reason calls the place."""


@dataclass(frozen=True)
class _Endpoints:
    """One entry per endpoint, the command centre left out; NaN where there is no data."""

    rows: Sequence[Mapping[str, Any]]
    """The endpoints table."""
    values: Mapping[str, NDArray[np.float64]]
    """Means over intervals, by METRICS."""
    residual_loss: NDArray[np.float64]
    """Means over intervals."""
    interrupted: NDArray[np.float64]
    """Share of the time without any media."""
    budget: Mapping[str, NDArray[np.float64]]
    """Mean seconds by part of the mouth-to-ear delay."""
    lost: Mapping[str, NDArray[np.float64]]
    """Packets by place."""
    intervals: NDArray[np.float64]
    silent: NDArray[np.float64]
    """Intervals in which something was to arrive and nothing did."""


def find_worst(run: Run) -> dict[str, list[dict[str, Any]]]:
    """The worst endpoints and groups of ``run``, the worst first within each metric.

    Returns:
        ``endpoints``: rows of metric, value, reason, site, name, province, carrier, access;
        ``groups``: rows of metric, value, reason, attribute, group, endpoints (how many).
        Values are means over intervals, for groups over their endpoints' means. Without loss
        there is no worst loss, without freezes none of these, and an attribute that all endpoints
        share has no worst group.
    """
    endpoints = _measure(run)
    upstream = _UpstreamLosses(run)
    found: dict[str, list[dict[str, Any]]] = {"endpoints": [], "groups": []}
    for metric in METRICS:
        values = endpoints.values[metric]
        badness = -values if metric == "audio_mos" else values
        ranked = np.argsort(-badness, kind="stable")  # NaN last
        for index in (int(i) for i in ranked[:ROWS] if not np.isnan(values[i])):
            if metric in LOSSES and values[index] == 0:
                break
            row = endpoints.rows[index]
            found["endpoints"].append(
                {
                    "metric": metric,
                    "value": _round(values[index]),
                    "reason": _reason(metric, endpoints, [index], upstream),
                    **{key: row[key] for key in ("site", "name", "province", "carrier", "access")},
                }
            )
        for attribute in GROUPS:
            found["groups"] += _worst_group(metric, attribute, endpoints, upstream)
    return found


def _worst_group(
    metric: str, attribute: str, endpoints: _Endpoints, upstream: "_UpstreamLosses"
) -> list[dict[str, Any]]:
    members: dict[str, list[int]] = {}
    for index, row in enumerate(endpoints.rows):
        if row[attribute] is not None:
            members.setdefault(row[attribute], []).append(index)
    values = {group: _mean(endpoints.values[metric][rows]) for group, rows in members.items()}
    known = {group: value for group, value in values.items() if not np.isnan(value)}
    if len(known) < 2:
        return []
    worst = (min if metric == "audio_mos" else max)(known, key=known.__getitem__)
    if metric in LOSSES and known[worst] == 0:
        return []
    return [
        {
            "metric": metric,
            "value": _round(known[worst]),
            "reason": _reason(metric, endpoints, members[worst], upstream),
            "attribute": attribute,
            "group": worst,
            "endpoints": len(members[worst]),
        }
    ]


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _round(value: float) -> float:
    return float(f"{value:.7g}")  # the digits that single precision has


def _measure(run: Run) -> _Endpoints:
    table, samples = run.tables["endpoints"], run.tables["samples"]
    table = table.filter(pc.not_equal(table["level"].cast(pa.string()), COMMAND_CENTRE))
    owner = pc.index_in(samples["site"].cast(pa.string()), table["site"])
    known = pc.is_valid(owner).to_numpy()
    owners = pc.fill_null(owner, 0).to_numpy()[known]

    def total(values: NDArray[Any], of: Any = slice(None)) -> NDArray[np.float64]:
        sums = np.bincount(owners[of], weights=values[of], minlength=len(table))
        return sums.astype(np.float64)  # of no rows at all they are integers

    def column(name: str) -> NDArray[Any]:
        values: NDArray[Any] = samples[name].to_numpy()[known]
        return values

    def mean(values: NDArray[Any]) -> NDArray[np.float64]:
        valid = ~np.isnan(values)
        return _ratio(total(values, valid), total(valid))

    received, loss = column("packets_received"), column("packet_loss")
    lost = {name: total(column(name)) for name in _DOWNLINK}
    # What was lost to begin with, whatever was repaired later. Downlinks also lose what is sent
    # again: hence at least 0.
    first = total(np.nan_to_num(loss) * column("packets_expected"))
    before = np.rint(first) - sum(lost.values())
    return _Endpoints(
        rows=table.select(["site", "name", *GROUPS]).to_pylist(),
        values={metric: mean(column(name)) for metric, name in METRICS.items()},
        residual_loss=mean(column("residual_loss")),
        interrupted=mean(column("interrupted_ratio")),
        budget={part: table[f"budget_{part}"].to_numpy().astype(np.float64) for part in BUDGET},
        lost={**lost, "before": np.maximum(before, 0)},
        intervals=total(np.ones(len(owners))),
        # Who has the floor is sent nothing, and so misses nothing: its loss is null.
        silent=total((received == 0) & ~np.isnan(loss)),
    )


def _ratio(sums: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    ratio = np.full(len(sums), np.nan)
    np.divide(sums, counts, out=ratio, where=counts > 0)
    return ratio


def _reason(
    metric: str, endpoints: _Endpoints, indices: list[int], upstream: "_UpstreamLosses"
) -> str:
    if metric == "packet_loss":
        return _loss_reason(endpoints, indices, upstream)
    if metric == "mouth_to_ear_delay":
        return _delay_reason(endpoints, indices)
    reason = (_freeze_reason if metric == "freeze_ratio" else _score_reason)(endpoints, indices)
    # Packets that nobody sent are not lost: losses alone would say that all was well.
    out = _mean(endpoints.interrupted[indices])
    return f"no media for {out:.0%} of the time, {reason}" if out >= CONSIDERABLE else reason


def _loss_reason(endpoints: _Endpoints, indices: list[int], upstream: "_UpstreamLosses") -> str:
    places = {place: float(lost[indices].sum()) for place, lost in endpoints.lost.items()}
    place, most = max(places.items(), key=lambda item: item[1])
    reasons = []
    if most > 0:
        where = _DOWNLINK.get(place, "before the access link")
        reasons.append(f"{most / sum(places.values()):.0%} of the losses {where}")
        if place not in _DOWNLINK:
            reasons += upstream.largest([endpoints.rows[i] for i in indices])
    silent, intervals = endpoints.silent[indices].sum(), endpoints.intervals[indices].sum()
    if silent:
        reasons.append(f"nothing arrived in {silent / intervals:.0%} of the intervals")
    return ", ".join(reasons) or "no place of loss is known"


def _freeze_reason(endpoints: _Endpoints, indices: list[int]) -> str:
    lost, missing = (
        _mean(values[indices])
        for values in (endpoints.values["packet_loss"], endpoints.residual_loss)
    )
    if np.isnan(lost) or np.isnan(missing):
        return "its losses are not known"
    return f"{lost:.1%} of packets lost, {missing:.1%} still missing after repair"


def _score_reason(endpoints: _Endpoints, indices: list[int]) -> str:
    delay, loss = (
        _mean(endpoints.values[cause][indices]) for cause in ("mouth_to_ear_delay", "packet_loss")
    )
    heard = f"{delay * 1000:.0f} ms mouth to ear" if not np.isnan(delay) else "nothing is heard"
    return f"{heard}, {loss:.1%} of packets lost" if not np.isnan(loss) else heard


def _delay_reason(endpoints: _Endpoints, indices: list[int]) -> str:
    """The part that most exceeds what it takes on average, for most parts take what they must."""
    theirs = {part: _mean(seconds[indices]) for part, seconds in endpoints.budget.items()}
    excess = {part: theirs[part] - _mean(seconds) for part, seconds in endpoints.budget.items()}
    known = [part for part in excess if not np.isnan(excess[part])]
    if not known:
        return "its delay is not known by parts"
    part = max(known, key=excess.__getitem__)
    own, total, more = (
        f"{seconds * 1000:.0f} ms"
        for seconds in (theirs[part], sum(theirs[part] for part in known), excess[part])
    )
    return f"{part} takes {own} of {total}, {more} more than on average"


class _UpstreamLosses:
    """Packets that publishers' uplinks, shared links and media nodes lost on the way to
    endpoints."""

    def __init__(self, run: Run) -> None:
        links, nodes = run.tables["links"], run.tables["nodes"]
        self._endpoints = run.tables["endpoints"].to_pylist()
        self._drops = [
            (row["drops"], row["link"], {k: row[k] for k in ("carrier", "province") if row[k]})
            for row in _sum_by(links, ("link", "carrier", "province", "direction"))
            if row["direction"] != "up"
        ]
        self._drops += [
            (row["drops"], f"node {row['node']}", {}) for row in _sum_by(nodes, ("node",))
        ]
        self._uplinks = _uplink_losses(run)

    def largest(self, receivers: Sequence[Mapping[str, Any]]) -> list[str]:
        """Where most was lost on the way to ``receivers``, rows of the endpoints' table; empty if
        that is not known."""
        crossed = [
            found for found in self._drops if any(found[2].items() <= r.items() for r in receivers)
        ]
        drops, name, where = max(crossed, key=lambda found: found[:2], default=(0, "", {}))
        behind = sum(where.items() <= row.items() for row in self._endpoints)
        sites = {row["site"] for row in receivers}
        uplinks = [(n, site) for site, n in self._uplinks.items() if sites != {site}]
        lost, publisher = max(uplinks, default=(0, ""))
        # What is lost on an uplink all miss, what a shared link drops one of those behind it.
        if lost * behind > drops:
            (named,) = (row["name"] for row in self._endpoints if row["site"] == publisher)
            return [f"most on the uplink of {named or publisher} ({publisher})"]
        return [f"most drops at {name}"] if drops else []


def _uplink_losses(run: Run) -> dict[str, int]:
    """Packets that publishers lost on their way to the media node, by site, while everyone was to
    see or hear them."""
    names = ("uplink_dropped_queue", "uplink_dropped_policer", "uplink_lost")
    samples = run.tables["samples"].select(["time", "site", "uplink_bitrate", *names])
    publishing = samples.filter(pc.is_valid(samples["uplink_bitrate"])).to_pylist()
    meeting = run.scenario.meeting
    turns = [e for e in run.tables["events"].to_pylist() if e["kind"] == "floor"]
    found: dict[str, int] = {}
    for row in publishing:
        # The command centre alone sees the wall.
        if (
            meeting.wall is None
            or meeting.discussion
            or _floor_at(turns, row["time"]) == row["site"]
        ):
            found[row["site"]] = found.get(row["site"], 0) + sum(row[name] or 0 for name in names)
    return {site: lost for site, lost in found.items() if lost}


def _floor_at(turns: Sequence[Mapping[str, Any]], time: float) -> str:
    """The site that had the floor at a ``time``."""
    before = [turn["subject"] for turn in turns if turn["time"] <= time]
    return before[-1] if before else ""


def _sum_by(table: pa.Table, keys: tuple[str, ...]) -> list[dict[str, Any]]:
    """Packets or copies dropped, as ``drops``, by ``keys``."""
    (dropped,) = (name for name in table.column_names if name.endswith("_dropped"))
    # As plain text: grouping wants one dictionary over all of a column's chunks.
    columns = {key: table[key].cast(pa.string()) for key in keys}
    plain = pa.table({**columns, "dropped": table[dropped]})
    sums = plain.group_by(list(keys)).aggregate([("dropped", "sum")]).to_pylist()
    return [row | {"drops": row["dropped_sum"] or 0} for row in sums]
