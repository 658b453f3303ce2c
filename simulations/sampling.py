"""Sampling: at the end of every interval, what receivers have measured becomes rows of tables."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from results.histograms import BUCKETS
from results.records import ATTRIBUTES, HISTOGRAMS, SAMPLES
from scenarios.population import Population
from scenarios.scenario import Scenario
from scenarios.thresholds import Target, Window
from scenarios.units import SECOND
from simulations.distributions import fold
from simulations.packets import FIRST_TILE
from simulations.publishing import NOBODY, Publishing
from simulations.quality import audio_mos, burst_ratio
from simulations.world import World

RANKS = np.array([50.0, 95.0, 99.0])
SETTLING = 1_000_000_000
"""ns after which something of a new stream has arrived at whoever can be reached."""
HISTOGRAM_STEPS = 120
"""Histograms are kept for about this many stretches of a meeting, and at windows' edges."""


class Sampler:
    """Collects samples and histograms over a run."""

    def __init__(self, scenario: Scenario, population: Population) -> None:
        self.scenario = scenario
        self.population = population
        self.rows: list[dict[str, NDArray[Any]]] = []
        self.times: list[int] = []
        self.cells, self.cell_attributes = _cells(scenario, population)
        self.members = np.argsort(self.cells, kind="stable")
        self.first = np.searchsorted(
            self.cells[self.members], np.arange(len(self.cell_attributes) + 1)
        )
        shape = (len(self.cell_attributes), BUCKETS)
        self.sums = {name: np.zeros(shape, np.int64) for name in _HISTOGRAMS}
        self.stretches: list[tuple[int, str, NDArray[Any], NDArray[Any], NDArray[Any]]] = []
        self.stretch_begin = 0
        self.stretch_ends = self._stretch_ends()
        self.delivered = 0

    def sample(self, world: World, publishing: Publishing, begin: int, end: int) -> None:
        """Take the interval from ``begin`` to ``end`` (ns)."""
        n = len(self.population)
        meters, streams = world.meters, world.streams
        subscribed = self._subscribed(publishing, begin, end)
        expected = streams["expected_before"] + streams["highest"] + 1 - streams["base"]
        received = np.minimum(streams["received"], expected)
        silent = subscribed & (expected == 0)
        endpoint_of = np.minimum(np.arange(len(streams)) // 2, n - 1)

        def by_endpoint(values: NDArray[Any]) -> NDArray[np.int64]:
            return np.bincount(endpoint_of, values, n).astype(np.int64)

        row: dict[str, NDArray[Any]] = {}
        row["packets_expected"] = by_endpoint(expected)
        row["packets_received"] = meters["packets"].copy()
        # A subscribed stream that brings nothing has lost everything; it counts as one packet, so
        # that it shows beside others of the endpoint and makes a silent endpoint's loss 1.
        row["packet_loss"] = _ratio(
            by_endpoint(expected - received + silent), by_endpoint(expected + silent)
        )
        for kind, name in ((0, "audio"), (1, "video")):
            own = slice(kind, 2 * n, 2)
            row[f"{name}_packet_loss"] = _ratio(
                (expected - received + silent)[own], (expected + silent)[own]
            )
        quantile = np.empty((n, 3))
        fold(world.delays, self.members, self.first, self.sums["one_way_delay"], RANKS, quantile)
        for i, rank in enumerate(RANKS):
            row[f"one_way_delay_p{rank:.0f}"] = quantile[:, i]
        none = np.empty((n, 0))
        for name, counts in (
            ("mouth_to_ear_delay", world.audio_delays),
            ("glass_to_glass_delay", world.frame_delays),
        ):
            fold(counts, self.members, self.first, self.sums[name], RANKS[:0], none)
        row["one_way_delay_mean"] = _ratio(meters["delay_sum"], meters["packets"]) / SECOND
        row["one_way_delay_max"] = (
            np.where(meters["packets"] > 0, meters["delay_max"], np.nan) / SECOND
        )
        heard = _ratio(meters["audio_delay_sum"], meters["audio_packets"]) / SECOND
        row["mouth_to_ear_delay_mean"] = heard
        row["glass_to_glass_delay_mean"] = (
            _ratio(meters["frame_delay_sum"], meters["frames"]) / SECOND
        )
        voices = streams[0 : 2 * n : 2]
        row["jitter"] = np.where(voices["received"] > 0, voices["jitter"], np.nan) / SECOND
        row["bitrate"] = meters["bytes"] * 8.0 / ((end - begin) / SECOND)
        row["audio_mos"] = self._mos(heard, row["audio_packet_loss"], voices, expected[: 2 * n : 2])
        frames = streams["frames_before"] + streams["frame"] + 1 - streams["frame_base"]
        frames[0 : 2 * n : 2] = 0
        row["frames_complete"] = by_endpoint(streams["frames_complete"])
        row["frames_expected"] = by_endpoint(frames)
        for name, links in (("downlink", world.downlinks), ("uplink", world.uplinks)):
            for column in ("packets", "dropped_queue", "dropped_policer", "lost"):
                row[f"{name}_{column}"] = links[column].copy()
        self.rows.append(
            {
                name: np.asarray(v, SAMPLES.field(name).type.to_pandas_dtype())
                for name, v in row.items()
            }
        )
        self.times.append(begin)
        self.delivered += int(meters["packets"].sum())
        if end in self.stretch_ends or end == self.scenario.duration:
            self._close_stretch(end)

    def samples(self) -> pa.Table:
        """The table of samples."""
        n = len(self.population)
        columns: dict[str, Any] = {
            "time": np.repeat(np.array(self.times) / SECOND, n),
            "site": pa.DictionaryArray.from_arrays(
                np.tile(np.arange(n, dtype=np.int32), len(self.times)), list(self.population.site)
            ),
        }
        for name in SAMPLES.names[2:]:
            values = np.concatenate([row[name] for row in self.rows])
            columns[name] = pa.array(values, SAMPLES.field(name).type, from_pandas=True)
        return pa.table(columns, SAMPLES)

    def histograms(self) -> pa.Table:
        """The table of histograms."""
        metric = np.concatenate(
            [np.full(len(c), _HISTOGRAMS.index(m)) for _, m, c, _, _ in self.stretches]
        )
        cell = np.concatenate([c for _, _, c, _, _ in self.stretches])
        columns: dict[str, Any] = {
            "metric": _coded(metric, list(_HISTOGRAMS)),
            "time": np.concatenate(
                [np.full(len(c), t / SECOND) for t, _, c, _, _ in self.stretches]
            ),
        }
        for i, attribute in enumerate(ATTRIBUTES):
            named = [cell[i] for cell in self.cell_attributes]
            values = sorted({value for value in named if value is not None})
            codes = np.array([-1 if value is None else values.index(value) for value in named])
            columns[attribute] = _coded(codes[cell], values)
        columns["bucket"] = np.concatenate([b for _, _, _, b, _ in self.stretches])
        columns["count"] = np.concatenate([k for _, _, _, _, k in self.stretches])
        return pa.table(columns, HISTOGRAMS)

    def _subscribed(self, publishing: Publishing, begin: int, end: int) -> NDArray[np.bool_]:
        """Streams that something must have come from in the interval: subscribed for all of it,
        and long enough for the first packets to be there; a voice, if it has not just paused."""
        n = len(self.population)
        subscribed = np.zeros(2 * n + len(publishing.tiles), np.bool_)
        since = min(begin, end - SETTLING)
        audio = self.scenario.media.audio
        silence = audio.comfort_noise_interval if audio.dtx else audio.ptime
        if publishing.floor != NOBODY and publishing.floor_since <= since:
            subscribed[0 : 2 * n : 2] = end - begin >= 2 * silence
            subscribed[1 : 2 * n : 2] = self.population.layer >= 0
            subscribed[2 * publishing.floor : 2 * publishing.floor + 2] = False
        shown = (publishing.tiles != NOBODY) & (publishing.tiles_since <= since)
        subscribed[2 * (n - 1) + FIRST_TILE :] = shown
        return subscribed

    def _mos(
        self,
        heard: NDArray[np.float64],
        loss: NDArray[np.float64],
        voices: NDArray[Any],
        expected: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """Listening quality of the interval; 1 where a subscribed voice brought nothing."""
        lost = np.maximum(expected - voices["received"], 0)
        bursts = burst_ratio(lost, voices["bursts"], expected)
        scores = audio_mos(heard, loss, bursts, self.scenario.media.audio.codec)
        return np.where((loss == 1) & np.isnan(heard), 1.0, scores)

    def _stretch_ends(self) -> set[int]:
        interval = self.scenario.interval
        step = max(1, -(-self.scenario.duration // (interval * HISTOGRAM_STEPS))) * interval
        windows = [
            Window.parse(condition.during)
            for conditions in self.scenario.thresholds.values()
            for condition in conditions
            if condition.during is not None
        ]
        begins = {-(-window.begin // interval) * interval for window in windows}
        ends = {window.end // interval * interval for window in windows}
        return begins | ends | set(range(step, self.scenario.duration, step))

    def _close_stretch(self, end: int) -> None:
        for metric, sums in self.sums.items():
            cell, bucket = np.nonzero(sums)
            counts = sums[cell, bucket]
            self.stretches.append(
                (
                    self.stretch_begin,
                    metric,
                    cell.astype(np.int16),
                    bucket.astype(np.int16),
                    counts.astype(np.uint32),
                )
            )
            sums[:] = 0
        self.stretch_begin = end


_HISTOGRAMS = ("one_way_delay", "mouth_to_ear_delay", "glass_to_glass_delay")


Cell = tuple[str | None, ...]
"""Values of ATTRIBUTES that a group of endpoints has in common."""


def _cells(scenario: Scenario, population: Population) -> tuple[NDArray[np.int32], list[Cell]]:
    """Groups of endpoints alike in all attributes; sites that a threshold names stand alone."""
    named = {
        site
        for target in scenario.thresholds
        if (site := Target.parse(target).selector.get("site")) is not None
    }
    carriers, access = list(scenario.carriers), list(scenario.access)
    attributes: list[Cell] = [
        (
            carriers[population.carrier[e]],
            access[population.access[e]],
            population.province[e] or None,
            population.level[e],
            site if site in named else None,
        )
        for e, site in enumerate(population.site)
    ]
    distinct = list(dict.fromkeys(attributes))
    index = {cell: i for i, cell in enumerate(distinct)}
    return np.array([index[cell] for cell in attributes], np.int32), distinct


def _coded(codes: NDArray[Any], values: list[str]) -> pa.DictionaryArray:
    """A dictionary array; negative codes are null."""
    return pa.DictionaryArray.from_arrays(
        pa.array(codes.astype(np.int16), mask=codes < 0), pa.array(values, pa.string())
    )


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    """``part / whole``; NaN where there is no whole."""
    none = np.full(len(whole), np.nan)
    return np.asarray(np.divide(part, whole, out=none, where=whole > 0), np.float64)
