"""Readings of a run's tables as arrays: delays by packet, values by endpoint and interval.

The command centre is left out of all of them: what it receives is the meeting's other direction.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from results.histograms import BUCKETS, bucket_edges
from results.records import Run
from scenarios.meeting import COMMAND_CENTRE
from scenarios.metrics import METRICS

DELAYS = tuple(name for name, metric in METRICS.items() if metric.from_histogram)
"""Metrics that are kept packet by packet."""
VALUES = tuple(
    name
    for name, metric in METRICS.items()
    if metric.subject == "endpoint" and not metric.from_histogram
)
"""Metrics of endpoints that have one value an interval."""


def codes(table: pa.Table, column: str) -> tuple[NDArray[np.int64], list[str]]:
    """A text column as indices into its names; -1 where it is null."""
    array = table[column].unify_dictionaries().combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    index = array.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return index, array.dictionary.to_pylist()


def floats(table: pa.Table, column: str) -> NDArray[np.float64]:
    """A column of numbers; NaN where it is null."""
    return np.asarray(table[column].to_numpy(), dtype=np.float64)


def _slots(run: Run, table: pa.Table) -> NDArray[np.int64]:
    return np.rint(floats(table, "time") / (run.scenario.interval / 1e9)).astype(np.int64)


@dataclass(frozen=True)
class Delays:
    """Packets by group, interval and bucket of delay."""

    groups: tuple[str, ...]
    times: NDArray[np.float64]
    """(T,) beginnings of the intervals in seconds."""
    counts: NDArray[np.int64]
    """(G, T, B) packets in consecutive buckets."""
    first: int
    """Number of the first of these buckets."""

    @property
    def edges(self) -> NDArray[np.float64]:
        """The (B + 1,) edges of these buckets in seconds."""
        return bucket_edges()[self.first : self.first + self.counts.shape[2] + 1]

    def over_time(self) -> "Delays":
        """All intervals together."""
        return Delays(self.groups, self.times[:1], self.counts.sum(1, keepdims=True), self.first)

    def over_groups(self) -> "Delays":
        """All groups together."""
        return Delays(("",), self.times, self.counts.sum(0, keepdims=True), self.first)

    def percentiles(self, *ranks: float) -> NDArray[np.float64]:
        """The (G, T, R) percentiles in seconds, as results.histograms.quantiles defines them."""
        edges = self.edges
        middles = (edges[:-1] + edges[1:]) / 2
        sums = self.counts.cumsum(axis=2)
        total = sums[:, :, -1] if len(middles) else np.zeros(sums.shape[:2], dtype=np.int64)
        result = np.full((*total.shape, len(ranks)), np.nan)
        filled = total > 0
        for i, rank in enumerate(ranks):
            order = np.clip(np.ceil(rank / 100 * total), 1, None)
            bucket = (sums < order[:, :, None]).sum(axis=2)
            result[filled, i] = middles[bucket[filled]]
        return result


def delays(run: Run, metric: str, by: str | None = None) -> Delays:
    """Packets of ``metric`` by the attribute ``by`` (all in one group, if None).

    Groups come in the order of the endpoints' table.
    """
    table = run.tables["histograms"]
    names = [] if by is None else _values_in_order(run, by)
    metric_code, metrics = codes(table, "metric")
    level_code, levels = codes(table, "level")
    keep = metric_code == metrics.index(metric) if metric in metrics else metric_code < -1
    if COMMAND_CENTRE in levels:
        keep &= level_code != levels.index(COMMAND_CENTRE)
    if by is None:
        group, count = np.zeros(len(keep), dtype=np.int64), 1
    else:
        code, found = codes(table, by)
        place = {name: i for i, name in enumerate(names)}
        # The appended -1 is where null's code, -1, looks.
        group = np.array([place.get(name, -1) for name in found] + [-1])[code]
        keep &= group >= 0
        count = len(names)
    rows = np.flatnonzero(keep)
    if not len(rows):
        return Delays(tuple(names), np.empty(0), np.empty((count, 0, 0), np.int64), 0)
    slot = _slots(run, table)[rows]
    bucket = np.asarray(table["bucket"].to_numpy())[rows].astype(np.int64)
    packets = np.asarray(table["count"].to_numpy())[rows]
    first, last = int(bucket.min()), min(int(bucket.max()), BUCKETS - 1)
    present, slot = np.unique(slot, return_inverse=True)
    shape = (count, len(present), last - first + 1)
    cell = np.ravel_multi_index((group[rows], slot, bucket - first), shape)
    sums = np.bincount(cell, weights=packets, minlength=int(np.prod(shape)))
    times = present.astype(np.float64) * (run.scenario.interval / 1e9)
    return Delays(tuple(names) or ("",), times, sums.astype(np.int64).reshape(shape), first)


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
        return Values(self.times[:1], self.values.reshape(1, -1), self.sites * len(self.times))

    def percentiles(self, *ranks: float) -> NDArray[np.float64]:
        """The (T, R) percentiles over endpoints; NaN where no endpoint has a value."""
        ordered = np.sort(self.values, axis=1)  # NaN last
        count = np.isfinite(ordered).sum(axis=1)
        result = np.full((len(self.times), len(ranks)), np.nan)
        filled = np.flatnonzero(count)
        for i, rank in enumerate(ranks):
            place = np.clip(np.ceil(rank / 100 * count[filled]).astype(np.int64), 1, None) - 1
            result[filled, i] = ordered[filled, place]
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


def values(run: Run, metric: str) -> Values:
    """A sampled metric of all endpoints, in the order of the endpoints' table."""
    table = run.tables["samples"]
    sites = [site for site in run.tables["endpoints"]["site"].to_pylist() if site != COMMAND_CENTRE]
    place = {site: i for i, site in enumerate(sites)}
    code, found = codes(table, "site")
    endpoint = np.array([place.get(site, -1) for site in found] + [-1])[code]
    rows = np.flatnonzero(endpoint >= 0)
    present, slot = np.unique(_slots(run, table)[rows], return_inverse=True)
    grid = np.full((len(present), len(sites)), np.nan)
    grid[slot, endpoint[rows]] = floats(table, metric)[rows]
    return Values(present.astype(np.float64) * (run.scenario.interval / 1e9), grid, tuple(sites))


def endpoint_groups(run: Run, attribute: str) -> tuple[NDArray[np.int64], list[str]]:
    """The group of each endpoint, in the table's order, and the groups' names."""
    table = endpoints(run)
    names = _values_in_order(run, attribute)
    code, found = codes(table, attribute)
    return np.array([names.index(name) for name in found] + [-1])[code], names


def endpoints(run: Run) -> pa.Table:
    """The endpoints' table without the command centre."""
    table = run.tables["endpoints"]
    return table.filter(pa.array([s != COMMAND_CENTRE for s in table["site"].to_pylist()]))


def _values_in_order(run: Run, attribute: str) -> list[str]:
    scenario = run.scenario
    given = {"access": list(scenario.access), "carrier": list(scenario.carriers)}
    found = dict.fromkeys(v for v in endpoints(run)[attribute].to_pylist() if v is not None)
    ordered = [name for name in given.get(attribute, []) if name in found]
    return ordered + [name for name in found if name not in ordered]
