"""Readings of a run's tables as arrays: delays by packet, values by endpoint and interval.

The command centre is left out of all of them: what it receives is the meeting's other direction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from results.histograms import bucket_edges, quantiles
from results.ranks import order
from results.records import Run
from scenarios.meeting import COMMAND_CENTRE
from scenarios.metrics import METRICS

DELAYS = tuple(name for name, metric in METRICS.items() if metric.from_histogram)
"""Metrics that are kept packet by packet."""
VALUES = tuple(
    name
    for name, metric in METRICS.items()
    if metric.subject == "endpoint" and not metric.from_histogram and not metric.per
)
"""Metrics of endpoints that have one value an interval."""

SLICE = 1 << 20
"""Histogram rows worked on at a time: bounds the memory for intermediate arrays."""


def codes(table: pa.Table, column: str) -> tuple[NDArray[np.int32], list[str]]:
    """A text column as indices into its names; -1 where it is null."""
    array = table[column].unify_dictionaries().combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    index = array.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return index.astype(np.int32, copy=False), array.dictionary.to_pylist()


def floats(table: pa.Table, column: str) -> NDArray[np.float64]:
    """A column of numbers; NaN where it is null."""
    return np.asarray(table[column].to_numpy(), dtype=np.float64)


def intervals(
    run: Run, times: NDArray[np.floating[Any]]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The distinct beginnings of intervals in ``times``, ascending, and each time's place there."""
    step = run.scenario.interval / 1e9
    number = np.rint(times / step).astype(np.int64)
    present = np.bincount(number, minlength=1) > 0
    beginnings = np.flatnonzero(present).astype(np.float64) * step
    return beginnings, np.asarray(np.cumsum(present) - 1)[number]


@dataclass(frozen=True)
class Delays:
    """Packets by group, stretch of the meeting and bucket of delay."""

    groups: tuple[str, ...]
    times: NDArray[np.float64]
    """(T,) beginnings of the stretches in seconds; each lasts until the next one begins."""
    counts: NDArray[np.int64]
    """(G, T, B) packets in consecutive buckets."""
    first: int
    """Number of the first of these buckets."""

    @property
    def edges(self) -> NDArray[np.float64]:
        """The (B + 1,) edges of these buckets in seconds."""
        return bucket_edges()[self.first : self.first + self.counts.shape[2] + 1]

    def over_time(self) -> "Delays":
        """All stretches together."""
        return Delays(self.groups, self.times[:1], self.counts.sum(1, keepdims=True), self.first)

    def over_groups(self) -> "Delays":
        """All groups together."""
        return Delays(("",), self.times, self.counts.sum(0, keepdims=True), self.first)

    def percentiles(self, *ranks: float) -> NDArray[np.float64]:
        """The (G, T, R) percentiles in seconds."""
        return quantiles(self.counts, ranks, self.first)


def delays(run: Run, metric: str, by: str | None = None) -> Delays:
    """Packets of ``metric`` by the attribute ``by`` (all in one group, if None).

    Groups come in the order of the endpoints' table.
    """
    table = run.tables["histograms"]
    groups = ("",) if by is None else tuple(_values_in_order(run, by))
    metric_of, metrics = codes(table, "metric")
    level_of, levels = codes(table, "level")
    wanted = metric_of == metrics.index(metric) if metric in metrics else np.zeros(len(table), bool)
    if COMMAND_CENTRE in levels:
        wanted &= level_of != levels.index(COMMAND_CENTRE)
    if not wanted.any():
        return Delays(groups, np.empty(0), np.empty((len(groups), 0, 0), np.int64), 0)
    if by is not None:
        group_of, found = codes(table, by)
        place = _places(found, groups)
    time, bucket, count = (
        np.asarray(table[name].to_numpy()) for name in ("time", "bucket", "count")
    )
    times, _ = intervals(run, np.unique(time))
    first, last = int(bucket.min()), int(bucket.max())
    shape = (len(groups), len(times), last - first + 1)
    sums = np.zeros(shape)
    for begin in range(0, len(table), SLICE):
        rows = begin + np.flatnonzero(wanted[begin : begin + SLICE])
        group = np.zeros(len(rows), np.int64) if by is None else place[group_of[rows]]
        rows, group = rows[group >= 0], group[group >= 0]
        stretch = times.searchsorted(time[rows] - run.scenario.interval / 2e9)
        cell = np.ravel_multi_index((group, stretch, bucket[rows].astype(np.int64) - first), shape)
        # Sums in doubles are exact below 2**53 packets.
        sums += np.bincount(cell, weights=count[rows], minlength=sums.size).reshape(shape)
    return Delays(groups, times, sums.astype(np.int64), first)


@dataclass(frozen=True)
class Values:
    """A metric's values by interval and endpoint."""

    times: NDArray[np.float64]
    """(T,) beginnings of the intervals in seconds."""
    values: NDArray[np.float64]
    """(T, E); NaN where there is no value."""
    sites: tuple[str, ...]

    def whole(self) -> "Values":
        """All intervals as one, endpoints repeated."""
        return Values(np.zeros(1), self.values.reshape(1, -1), self.sites * len(self.times))

    def percentiles(self, *ranks: float) -> NDArray[np.float64]:
        """The (T, R) percentiles over endpoints; NaN where no endpoint has a value."""
        ordered = np.sort(self.values, axis=1)  # NaN last
        count = np.isfinite(ordered).sum(axis=1)
        result = np.full((len(self.times), len(ranks)), np.nan)
        filled = np.flatnonzero(count)
        for i, rank in enumerate(ranks):
            result[filled, i] = ordered[filled, order(rank, count[filled]) - 1]
        return result

    def means(self, group: NDArray[np.int64], groups: int) -> NDArray[np.float64]:
        """The (groups, T) means over the endpoints whose ``group`` it is."""
        known = np.isfinite(self.values)
        cell = np.arange(len(self.times))[:, None] * groups + group[None, :]
        size = len(self.times) * groups
        count = np.bincount(cell[known], minlength=size).astype(np.float64)
        total = np.bincount(cell[known], weights=self.values[known], minlength=size)
        mean = np.divide(total, count, out=np.full(size, np.nan), where=count > 0)
        return np.asarray(mean.reshape(len(self.times), groups).T)


def values(run: Run, column: str) -> Values:
    """A column of samples of all endpoints, in the order of the endpoints' table."""
    times, sites, place, known = _sample_places(run)
    grid = np.full((len(times), len(sites)), np.nan)
    grid[place] = floats(run.tables["samples"], column)[known]
    return Values(times, grid, sites)


def texts(run: Run, column: str) -> tuple[NDArray[np.int32], list[str]]:
    """A text column of samples as (T, E) indices into its names; -1: null, -2: there is no sample.

    Intervals and endpoints are those of ``values``.
    """
    times, sites, place, known = _sample_places(run)
    code, names = codes(run.tables["samples"], column)
    grid = np.full((len(times), len(sites)), -2, dtype=np.int32)
    grid[place] = code[known]
    return grid, names


def _sample_places(
    run: Run,
) -> tuple[
    NDArray[np.float64],
    tuple[str, ...],
    tuple[NDArray[np.int64], NDArray[np.int64]],
    NDArray[np.bool_],
]:
    """Intervals, sites, and interval and endpoint of each sample that is an endpoint's (known)."""
    table = run.tables["samples"]
    sites = endpoints(run)["site"].to_pylist()
    code, found = codes(table, "site")
    endpoint = _places(found, sites)[code]
    known = endpoint >= 0
    times, interval = intervals(run, floats(table, "time")[known])
    return times, tuple(sites), (interval, endpoint[known]), known


def endpoint_groups(run: Run, attribute: str) -> tuple[NDArray[np.int64], list[str]]:
    """The group of each endpoint, in the table's order, and the groups' names."""
    table = endpoints(run)
    names = _values_in_order(run, attribute)
    code, found = codes(table, attribute)
    return _places(found, names)[code], names


def endpoints(run: Run) -> pa.Table:
    """The endpoints' table without the command centre."""
    table = run.tables["endpoints"]
    others = [site != COMMAND_CENTRE for site in table["site"].to_pylist()]
    return table.filter(pa.array(others, pa.bool_()))


def _places(found: Sequence[str], names: Sequence[str]) -> NDArray[np.int64]:
    """For each code of ``found`` its place in ``names``, or -1; at the end -1, for null's code."""
    place = {name: i for i, name in enumerate(names)}
    return np.array([*(place.get(name, -1) for name in found), -1], dtype=np.int64)


def _values_in_order(run: Run, attribute: str) -> list[str]:
    scenario = run.scenario
    given = {"access": list(scenario.access), "carrier": list(scenario.carriers)}
    found = dict.fromkeys(v for v in endpoints(run)[attribute].to_pylist() if v is not None)
    ordered = [name for name in given.get(attribute, []) if name in found]
    return ordered + [name for name in found if name not in ordered]
