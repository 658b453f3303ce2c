"""Selection: the values of a metric for a selector and a window of the meeting."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from results.distribution import Distribution
from results.histograms import BUCKETS
from results.occasions import occasions
from results.readings import codes
from results.records import ATTRIBUTES, Run
from scenarios.meeting import COMMAND_CENTRE
from scenarios.metrics import METRICS, SELECTORS, Metric, Subject
from scenarios.thresholds import Window

_TABLES: Mapping[Subject, str] = {
    "endpoint": "samples",
    "node": "nodes",
    "link": "links",
    "generator": "generators",
}
_SLICE = 1 << 18
"""Histogram rows worked on at a time: bounds the memory for intermediate arrays."""


class Measurements:
    """A run's values by metric. Columns are converted once, when first asked for.

    The command centre's values count only where a selector names it, by `level` or by `site`;
    everything else is about endpoints.
    """

    def __init__(self, run: Run) -> None:
        self._tables = run.tables
        self._interval = run.scenario.interval
        self._duration = run.duration_s
        self._series: dict[str, _Series] = {}

    def distribution(
        self,
        metric: str,
        selector: Mapping[str, str] | None = None,
        window: Window | None = None,
    ) -> Distribution:
        """The values of ``metric``.

        Args:
            metric: a name in METRICS.
            selector: attributes that the subjects must have, as in {"access": "4g"}. Delays are
                kept for a single site only where a threshold of the scenario names it.
            window: only intervals that lie in it whole, and calls, joinings and interruptions that
                began in it; None: the meeting. Delays are kept by stretches of intervals: right
                for the windows of the scenario's thresholds.

        Raises:
            KeyError: metric or attribute is unknown.
        """
        definition = METRICS[metric]
        wanted = dict(selector or {})
        if definition.from_histogram:
            return self._histograms.distribution(metric, wanted, self._bounds(window))
        bounds = _instants(window) if definition.per else self._bounds(window)
        return self._values(definition).distribution(wanted, bounds)

    def by(self, attribute: str, metric: str) -> dict[str, Distribution]:
        """Distributions of ``metric`` by the values of ``attribute``, the whole meeting each.

        Every value that a subject has is there, in the order of the subjects' table; one without
        data has an empty distribution.

        Raises:
            KeyError: metric or attribute is unknown.
        """
        definition = METRICS[metric]
        if definition.from_histogram:
            return {
                value: self._histograms.distribution(metric, {attribute: value}, None)
                for value in self.sizes(attribute)
            }
        return self._values(definition).by(attribute)

    def sizes(self, attribute: str) -> dict[str, int]:
        """How many endpoints there are by the values of ``attribute``."""
        return self._endpoints.sizes(attribute)

    def _bounds(self, window: Window | None) -> tuple[float, float] | None:
        """Seconds between which the intervals inside ``window`` begin.

        Both lie half an interval before a beginning: whatever the precision of stored times.
        """
        if window is None:
            return None
        first, end = -(-window.begin // self._interval), window.end // self._interval
        # The last interval of a meeting may be cut short by its end.
        last = np.inf if window.end >= self._duration * 1e9 else end
        return (first - 0.5) * self._interval / 1e9, (last - 0.5) * self._interval / 1e9

    def _values(self, metric: Metric) -> "_Series":
        if metric.name not in self._series:
            per = metric.per
            table = occasions(self._tables, per) if per else self._tables[_TABLES[metric.subject]]
            values = table[metric.name].to_numpy()
            if metric.per:
                # What never came to its end has lasted longer than anything that did.
                values = np.where(np.isnan(values), np.inf, values)
                subjects, owners = self._endpoints, self._owners(table)
            elif metric.subject == "endpoint":
                subjects, owners = self._endpoints, self._sample_owners
            else:
                subjects = _Subjects(table, SELECTORS[metric.subject])
                owners = np.arange(len(table), dtype=np.int32)
            times = table["time"].to_numpy()
            self._series[metric.name] = _Series(times, values, subjects, owners)
        return self._series[metric.name]

    @cached_property
    def _endpoints(self) -> "_Subjects":
        return _Subjects(self._tables["endpoints"], ATTRIBUTES)

    @cached_property
    def _sample_owners(self) -> NDArray[np.int32]:
        return self._owners(self._tables["samples"])

    def _owners(self, table: pa.Table) -> NDArray[np.int32]:
        """Row in the endpoints' table of each row's site; -1 for a site that is not in it."""
        code, sites = codes(table, "site")
        rows = pc.index_in(pa.array(sites, pa.string()), self._tables["endpoints"]["site"])
        lookup = np.append(pc.fill_null(rows, -1).to_numpy(), -1).astype(np.int32)
        return np.asarray(lookup[code])

    @cached_property
    def _histograms(self) -> "_Histograms":
        return _Histograms(self._tables["histograms"])


class _Subjects:
    """What rows of values belong to, with their attributes as codes."""

    def __init__(self, table: pa.Table, attributes: tuple[str, ...]) -> None:
        self._count = len(table)
        self._attributes = {name: codes(table, name) for name in attributes}

    def mask(self, selector: Mapping[str, str]) -> NDArray[np.bool_]:
        """(subjects + 1,): which of them the selector takes; the last stands for 'none'."""
        mask = np.ones(self._count + 1, dtype=bool)
        mask[-1] = False
        for attribute, value in selector.items():
            code, values = self._attributes[attribute]
            mask[:-1] &= code == (values.index(value) if value in values else len(values))
        if not _names_command_centre(selector):
            mask[:-1] &= ~self._command_centre
        return mask

    def groups(self, attribute: str) -> tuple[list[str], NDArray[np.int32]]:
        """Values of ``attribute``, and the (subjects + 1,) index of each one's; -1 for none."""
        code, values = self._attributes[attribute]
        taken = np.where(self._command_centre | (code < 0), -1, code)
        present = np.unique(taken[taken >= 0])
        renumbered = np.full(len(values) + 1, -1, dtype=np.int32)
        renumbered[present] = np.arange(len(present))
        return [values[i] for i in present], np.append(renumbered[taken], np.int32(-1))

    def sizes(self, attribute: str) -> dict[str, int]:
        """Subjects by the values of ``attribute``."""
        values, group = self.groups(attribute)
        sizes = np.bincount(group[group >= 0], minlength=len(values))
        return dict(zip(values, sizes.tolist(), strict=True))

    @cached_property
    def _command_centre(self) -> NDArray[np.bool_]:
        if "level" not in self._attributes:
            return np.zeros(self._count, dtype=bool)
        code, values = self._attributes["level"]
        centre = values.index(COMMAND_CENTRE) if COMMAND_CENTRE in values else len(values)
        return np.asarray(code == centre)


class _Series:
    """One value per row of a table, in ascending order."""

    def __init__(
        self,
        times: NDArray[np.float64],
        values: NDArray[Any],
        subjects: _Subjects,
        owners: NDArray[np.int32],
    ) -> None:
        order = np.argsort(values)[: np.count_nonzero(~np.isnan(values))].astype(np.int32)
        self._values = values[order]
        self._owners = owners[order]
        self._times = times
        self._order = order
        self._subjects = subjects

    def distribution(
        self, selector: Mapping[str, str], bounds: tuple[float, float] | None
    ) -> Distribution:
        rows = self._subjects.mask(selector)[self._owners]
        if bounds is not None:
            times = self._times[self._order]
            rows &= (times > bounds[0]) & (times < bounds[1])
        return Distribution(self._values[rows])

    def by(self, attribute: str) -> dict[str, Distribution]:
        names, group = self._subjects.groups(attribute)
        groups = group[self._owners]
        # A stable sort by group keeps the values ascending within each.
        order = np.argsort(groups, kind="stable")
        ends = np.searchsorted(groups[order], np.arange(len(names) + 1))
        values = self._values[order]
        return {
            name: Distribution(values[begin:end])
            for name, begin, end in zip(names, ends[:-1], ends[1:], strict=True)
        }


class _Histograms:
    """The histograms' table: the whole meeting's counts by group, and the rows for windows."""

    def __init__(self, table: pa.Table) -> None:
        self._buckets = table["bucket"].to_numpy()
        self._counts = table["count"].to_numpy()
        self._times = table["time"].to_numpy()
        self._groups, self._group_of = _combine(table)
        self._totals = np.zeros((len(self._groups), BUCKETS), dtype=np.int64)
        for part in _slices(len(table)):
            cells = self._group_of[part].astype(np.int64) * BUCKETS + self._buckets[part]
            self._totals += self._tally(cells, part, self._totals.size).reshape(-1, BUCKETS)

    def distribution(
        self, metric: str, selector: Mapping[str, str], bounds: tuple[float, float] | None
    ) -> Distribution:
        wanted = {**selector}
        if wanted.get("site") == COMMAND_CENTRE:  # its level says as much, and is always there
            del wanted["site"]
            if wanted.setdefault("level", COMMAND_CENTRE) != COMMAND_CENTRE:
                return Distribution.of_buckets(np.zeros(BUCKETS, dtype=np.int64))
        every = _names_command_centre(wanted)
        groups = np.array(
            [
                group["metric"] == metric
                and (every or group["level"] != COMMAND_CENTRE)
                and all(group[attribute] == value for attribute, value in wanted.items())
                for group in self._groups
            ],
            dtype=bool,
        )
        if bounds is None:
            return Distribution.of_buckets(self._totals[groups].sum(axis=0))
        counts = np.zeros(BUCKETS, dtype=np.int64)
        for part in _slices(len(self._times)):
            times = self._times[part]
            inside = (times > bounds[0]) & (times < bounds[1]) & groups[self._group_of[part]]
            rows = np.flatnonzero(inside) + part.start
            counts += self._tally(self._buckets[rows], rows, BUCKETS)
        return Distribution.of_buckets(counts)

    def _tally(self, cells: NDArray[Any], rows: Any, size: int) -> NDArray[np.int64]:
        # Sums in doubles are exact below 2**53 packets.
        sums = np.bincount(cells, weights=self._counts[rows], minlength=size)
        return sums.astype(np.int64)


def _instants(window: Window | None) -> tuple[float, float] | None:
    """Seconds between which instants inside ``window`` lie: its begin included, its end not."""
    return None if window is None else ((window.begin - 0.5) / 1e9, (window.end - 0.5) / 1e9)


def _names_command_centre(selector: Mapping[str, str]) -> bool:
    return COMMAND_CENTRE in (selector.get("level"), selector.get("site"))


def _slices(length: int) -> Iterator[slice]:
    return (slice(begin, min(begin + _SLICE, length)) for begin in range(0, length, _SLICE))


def _combine(table: pa.Table) -> tuple[list[dict[str, str | None]], NDArray[np.int32]]:
    """The distinct rows of metric and ATTRIBUTES, and the index of each row's."""
    groups: list[dict[str, str | None]] = [{}]
    group_of = np.zeros(len(table), dtype=np.int32)
    for name in ("metric", *ATTRIBUTES):
        code, values = codes(table, name)
        choices: list[str | None] = [*values, None]
        seen = np.zeros(len(groups) * len(choices), dtype=bool)
        for part in _slices(len(table)):
            # A remainder makes the code -1, no value, the last choice.
            group_of[part] = group_of[part] * len(choices) + code[part] % len(choices)
            seen[group_of[part]] = True
        # Only rows that occur get a number, so that these stay small however many sites exist.
        numbers = np.cumsum(seen, dtype=np.int32) - 1
        groups = [
            {**groups[cell // len(choices)], name: choices[cell % len(choices)]}
            for cell in np.flatnonzero(seen)
        ]
        for part in _slices(len(table)):
            group_of[part] = numbers[group_of[part]]
    return groups, group_of
