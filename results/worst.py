"""What is worst, where, and why: the first thing to look at after a verdict."""

from collections.abc import Collection, Mapping, Sequence
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

    received = column("packets_received")
    lost = {name: total(column(name)) for name in _DOWNLINK}
    # Packets in flight when an interval ends count in the next one: hence at least 0.
    before = total(column("packets_expected")) - total(received) - sum(lost.values())
    return _Endpoints(
        rows=table.select(["site", "name", *GROUPS]).to_pylist(),
        values={metric: mean(column(name)) for metric, name in METRICS.items()},
        residual_loss=mean(column("residual_loss")),
        interrupted=mean(column("interrupted_ratio")),
        budget={part: table[f"budget_{part}"].to_numpy().astype(np.float64) for part in BUDGET},
        lost={**lost, "before": np.maximum(before, 0)},
        intervals=total(np.ones(len(owners))),
        # Who has the floor is sent nothing, and so misses nothing: its loss is null.
        silent=total((received == 0) & ~np.isnan(column("packet_loss"))),
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
            paths = {(endpoints.rows[i]["carrier"], endpoints.rows[i]["province"]) for i in indices}
            reasons += [f"most drops at {link}" for link in upstream.largest(paths)]
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
    """Packets that shared links and media nodes dropped on the way to endpoints."""

    def __init__(self, run: Run) -> None:
        links, nodes = run.tables["links"], run.tables["nodes"]
        self._drops = [
            (row["link"], row["carrier"], row["province"], row["packets_dropped_sum"] or 0)
            for row in _sum_by(links, ("link", "carrier", "province", "direction"))
            if row["direction"] != "up"
        ]
        self._drops += [
            (f"node {row['node']}", None, None, row["copies_dropped_sum"] or 0)
            for row in _sum_by(nodes, ("node",))
        ]

    def largest(self, paths: Collection[tuple[str, str]]) -> list[str]:
        """The link or node that dropped most on the way to (carrier, province) pairs, if any."""
        carriers = {None, *(carrier for carrier, _ in paths)}
        theirs = {
            name: drops
            for name, carrier, province, drops in self._drops
            if drops > 0 and ((carrier, province) in paths if province else carrier in carriers)
        }
        return sorted(theirs, key=theirs.__getitem__)[-1:]


def _sum_by(table: pa.Table, keys: tuple[str, ...]) -> list[dict[str, Any]]:
    """Packets and copies dropped by ``keys``."""
    dropped = [name for name in table.column_names if name.endswith("_dropped")]
    # As plain text: grouping wants one dictionary over all of a column's chunks.
    columns = {key: table[key].cast(pa.string()) for key in keys}
    plain = pa.table({**columns, **{name: table[name] for name in dropped}})
    sums = plain.group_by(list(keys)).aggregate([(name, "sum") for name in dropped])
    rows: list[dict[str, Any]] = sums.to_pylist()
    return rows
