"""Sampling: at the end of every interval, what a process's receivers have measured becomes rows.

Columns and definitions are those of `simulations.sampling`, from the same counts.
"""

from collections.abc import Mapping, Sequence
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
from simulations.compiled import kernel
from simulations.distributions import fold
from simulations.frames import PICTURE_COUNTS
from simulations.freezes import FREEZE_COUNTS, settle
from simulations.jitter_buffer import BUFFER_COUNTS
from simulations.nack import NACK_COUNTS
from simulations.quality import audio_mos, burst_ratio, codec_of
from simulations.receivers import STREAM_COUNTS
from simulations.residual import Residual
from simulations.video_quality import video_mos
from synthetic_clients.publishing import Publisher
from synthetic_clients.state import State

RANKS = np.array([50.0, 95.0, 99.0])
STRETCHES = 120
"""Histograms are kept for about this many stretches of a meeting, and at windows' edges."""
DELAYS = ("one_way_delay", "mouth_to_ear_delay", "glass_to_glass_delay")
ENDPOINT_COUNTS = ("nack_count", "pli_count", "retransmitted", "strays")
LINK_COUNTS = ("packets", "dropped_policer", "dropped_queue", "lost", "cut", "bytes")


@kernel
def _settle_pictures(screens: Any, begin: int, end: int) -> None:
    for k in range(len(screens)):
        settle(screens[k].freezes, begin, end)


class Sampler:
    """Turns the counts of a process's endpoints into rows."""

    def __init__(self, scenario: Scenario, population: Population) -> None:
        """
        Args:
            population: the process's endpoints alone, in the order of its state.
        """
        self.scenario, self.population = scenario, population
        self.residual = Residual()
        self.cell, self.cells = _cells(scenario, population)
        self.members = np.argsort(self.cell, kind="stable")
        self.first = np.searchsorted(self.cell[self.members], np.arange(len(self.cells) + 1))
        self.sums = {name: np.zeros((len(self.cells), BUCKETS), np.int64) for name in DELAYS}
        self.ends = stretch_ends(scenario)
        self.stretch_begin = 0

    def sample(
        self,
        state: State,
        publishers: Mapping[int, Publisher],
        presence: Mapping[str, NDArray[np.float64]],
        span: tuple[int, int],
        clock_span: tuple[int, int],
    ) -> tuple[pa.Table, pa.Table]:
        """The rows of one interval: SAMPLES, and HISTOGRAMS where a stretch ends with it.

        Args:
            publishers: by endpoint.
            presence: `connected_ratio` and `interrupted_ratio`.
            span: the interval, ns from the meeting's start.
            clock_span: the same on the run's clock.
        """
        begin, end = span
        _settle_pictures(state.screens, *clock_span)
        row: dict[str, Any] = dict(presence)
        self._take_delays(state, row)
        self._take_streams(state, row, *clock_span)
        self._take_links(state, row)
        self._take_publishers(publishers, row, end - begin)
        samples = self._table(row, begin)
        restart_counts(state)
        for publisher in publishers.values():
            publisher.restart_counts()
        last = end in self.ends or end >= self.scenario.duration
        return samples, self.close_stretch(end) if last else HISTOGRAMS.empty_table()

    def _take_delays(self, state: State, row: dict[str, Any]) -> None:
        n = len(state.endpoints)
        quantile, none = np.empty((n, 3)), np.empty((n, 0))
        ranks = (RANKS, RANKS[:0], RANKS[:0])
        counts = (state.delays, state.audio_delays, state.frame_delays)
        for name, histograms, wanted in zip(DELAYS, counts, ranks, strict=True):
            values = quantile if len(wanted) else none
            fold(histograms, self.members, self.first, self.sums[name], wanted, values)
        for i, rank in enumerate(RANKS):
            row[f"one_way_delay_p{rank:.0f}"] = quantile[:, i]
        meters = state.meters
        row["packets_received"] = meters["packets"].copy()
        timed = meters["timed"]
        row["one_way_delay_mean"] = _ratio(meters["delay_sum"], timed) / SECOND
        row["one_way_delay_max"] = np.where(timed > 0, meters["delay_max"], np.nan) / SECOND
        row["mouth_to_ear_delay_mean"] = _ratio(meters["heard_sum"], meters["played"]) / SECOND
        row["glass_to_glass_delay_mean"] = _ratio(meters["seen_sum"], meters["frames"]) / SECOND

    def _take_streams(self, state: State, row: dict[str, Any], begin: int, end: int) -> None:
        length = end - begin
        n, views = len(state.endpoints), state.views
        of_voice = views["endpoint"][views["audio"] == 1]
        of_picture = views["endpoint"][views["audio"] == 0]

        def voices(values: NDArray[Any]) -> NDArray[np.float64]:
            return np.bincount(of_voice, values, n).astype(np.float64)

        def pictures(values: NDArray[Any]) -> NDArray[np.float64]:
            return np.bincount(of_picture, values, n).astype(np.float64)

        heard, lost = voices(state.voices["expected"]), voices(state.voices["lost"])
        watched, missed = pictures(state.pictures["expected"]), pictures(state.pictures["lost"])
        row["packets_expected"] = heard + watched
        row["packet_loss"] = _ratio(lost + missed, heard + watched)
        row["audio_packet_loss"] = _ratio(lost, heard)
        row["video_packet_loss"] = _ratio(missed, watched)
        buffers, screens = state.buffers, state.screens
        recovered = voices(buffers["recovered"])
        played = voices(buffers["played"]) + recovered
        concealed = voices(self.residual.audio(buffers, state.voices["lost"], end))
        rendered = pictures(screens["frames_rendered"])
        spoiled = pictures(self.residual.video(screens, state.pictures["lost"]))
        row["audio_residual_loss"] = _ratio(concealed, played + concealed)
        row["video_residual_loss"] = np.minimum(_ratio(spoiled, watched), 1.0)
        row["residual_loss"] = np.minimum(
            _ratio(concealed + spoiled, np.maximum(played + concealed, heard) + watched), 1.0
        )
        row["fec_recovered"] = recovered
        freezes = screens["freezes"]
        moved = (screens["frames_rendered"] > 0) | (freezes["freeze_time"] > 0)
        wanted = pictures(moved | (freezes["wanted"] > 0)) * length
        row["freeze_count"] = pictures(freezes["freeze_count"])
        row["freeze_ratio"] = _ratio(pictures(freezes["freeze_time"]), wanted)
        row["pause_count"] = pictures(freezes["pause_count"])
        row["frames_rendered"] = rendered
        row["frames_dropped"] = pictures(screens["frames_dropped"])
        first = np.searchsorted(of_voice, np.arange(n))
        source = state.voices["source"][np.minimum(first, len(state.voices) - 1)]
        jitter = state.voices["jitter"][np.minimum(first, len(state.voices) - 1)]
        row["jitter"] = np.where(source >= 0, jitter, np.nan) / SECOND
        row["bitrate"] = state.meters["bytes"] * 8.0 / (length / SECOND)
        runs = voices(buffers["runs"])
        bursts = burst_ratio(concealed, runs, concealed + played)
        delay = row["mouth_to_ear_delay_mean"]
        scores = audio_mos(delay, row["audio_residual_loss"], bursts, codec_of(self.scenario))
        mute = (played == 0) & np.isnan(delay) & (row["audio_residual_loss"] > 0)
        row["audio_mos"] = np.where(mute, 1.0, scores)
        self._score_pictures(state, row, length, of_picture)

    def _score_pictures(
        self, state: State, row: dict[str, Any], length: int, of_picture: NDArray[Any]
    ) -> None:
        """Score each endpoint's first picture; its encoding is told by the bitrate that came."""
        n, video = len(state.endpoints), self.scenario.media.video
        first = np.minimum(np.searchsorted(of_picture, np.arange(n)), max(len(of_picture) - 1, 0))
        if len(of_picture) == 0:
            row["video_mos"], row["layer"] = np.full(n, np.nan), np.full(n, None, object)
            return
        screens = state.screens[first]
        mine = of_picture[first] == np.arange(n)
        rendered = np.where(mine, screens["frames_rendered"], 0)
        wanted = mine & ((rendered > 0) | (screens["freezes"]["wanted"] > 0))
        views = np.flatnonzero(state.views["audio"] == 0)[first]
        rates = state.view_bytes[views] * 8.0 * SECOND / length
        edges = [
            (a.bitrate * b.bitrate) ** 0.5
            for a, b in zip(video.layers[:-1], video.layers[1:], strict=True)
        ]
        layer = np.searchsorted(edges, rates)
        heights = np.array([each.height for each in video.layers], np.float64)
        names = np.array([each.name for each in video.layers], object)
        row["layer"] = names[layer]
        row["layer"][rendered == 0] = None
        frozen = _ratio(screens["freezes"]["freeze_time"], np.where(wanted, length, 0))
        shown = np.minimum(rendered / (length / SECOND), video.frame_rate)
        scores = video_mos(
            np.where(rendered > 0, rates, np.nan), shown, video.frame_rate, heights[layer],
            np.nan_to_num(frozen), np.nan_to_num(row["video_residual_loss"]),
        )  # fmt: skip
        row["video_mos"] = np.where(wanted, np.where(np.isnan(scores), 1.0, scores), np.nan)

    def _take_links(self, state: State, row: dict[str, Any]) -> None:
        places = state.endpoints
        row["estimate"] = np.where(places["online"] > 0, places["estimate"], np.nan)
        trip = places["round_trip"]
        row["round_trip_time"] = np.where(trip > 0, trip, np.nan) / SECOND
        for name in ENDPOINT_COUNTS[:3]:
            row[name] = places[name].copy()
        for name, links in (("downlink", state.downlinks), ("uplink", state.uplinks)):
            for column in ("packets", "dropped_queue", "dropped_policer", "lost"):
                row[f"{name}_{column}"] = links[column].copy()
            policed = links["policer"]["rate"]
            rate = links["rate"]["current"].astype(np.float64)
            capacity = np.where(policed > 0, np.minimum(rate, policed), rate)
            row["capacity" if name == "downlink" else "uplink_capacity"] = capacity

    def _take_publishers(
        self, publishers: Mapping[int, Publisher], row: dict[str, Any], length: int
    ) -> None:
        n = len(self.population)
        for name in ("estimate", "bitrate", "delay_mean", "delay_max"):
            row[f"uplink_{name}"] = np.full(n, np.nan)
        for e, publisher in publishers.items():
            if publisher.packets == 0:
                continue
            if publisher.estimate is not None:
                row["uplink_estimate"][e] = publisher.estimate
            row["uplink_bitrate"][e] = publisher.bytes * 8.0 / (length / SECOND)
            if publisher.delayed:
                row["uplink_delay_mean"][e] = publisher.delay_sum / publisher.delayed / SECOND
                row["uplink_delay_max"][e] = publisher.delay_max / SECOND

    def _table(self, row: Mapping[str, Any], begin: int) -> pa.Table:
        n = len(self.population)
        columns: list[pa.Array] = []
        for field in SAMPLES:
            if field.name == "time":
                columns.append(pa.array(np.full(n, begin / SECOND)))
            elif field.name == "site":
                columns.append(pa.array(self.population.site).cast(field.type))
            elif field.name not in row:
                columns.append(pa.nulls(n, field.type))
            else:
                values = np.asarray(row[field.name])
                array = pa.array(values, from_pandas=True)
                columns.append(array.cast(field.type, safe=False))
        return pa.table(columns, SAMPLES)

    def close_stretch(self, end: int) -> pa.Table:
        """The histograms of the stretch that ends at ``end`` (ns), which empties them."""
        rows: dict[str, list[Any]] = {name: [] for name in HISTOGRAMS.names}
        for metric, sums in self.sums.items():
            cell, bucket = np.nonzero(sums)
            rows["metric"] += [metric] * len(cell)
            rows["time"] += [self.stretch_begin / SECOND] * len(cell)
            for i, attribute in enumerate(ATTRIBUTES):
                rows[attribute] += [self.cells[c][i] for c in cell]
            rows["bucket"] += bucket.tolist()
            rows["count"] += sums[cell, bucket].tolist()
            sums[:] = 0
        self.stretch_begin = end
        return pa.table(
            [pa.array(rows[field.name]).cast(field.type) for field in HISTOGRAMS], HISTOGRAMS
        )


def stretch_ends(scenario: Scenario) -> set[int]:
    """When stretches of histograms end (ns): see `simulations.sampling`."""
    interval = scenario.interval
    step = max(1, -(-scenario.duration // (interval * STRETCHES))) * interval
    windows = [
        Window.parse(condition.during)
        for conditions in scenario.thresholds.values()
        for condition in conditions
        if condition.during is not None
    ]
    begins = {-(-window.begin // interval) * interval for window in windows}
    ends = {window.end // interval * interval for window in windows}
    return begins | ends | set(range(step, scenario.duration, step))


def restart_counts(state: State) -> None:
    """Empty the counts of an interval that has been sampled."""
    state.meters[:] = 0
    state.view_bytes[:] = 0
    state.freeze_totals[:] += state.screens["freezes"]["freeze_count"]
    records: Sequence[tuple[Any, Sequence[str]]] = (
        (state.voices, STREAM_COUNTS),
        (state.pictures, STREAM_COUNTS),
        (state.buffers, BUFFER_COUNTS),
        (state.screens, PICTURE_COUNTS),
        (state.screens["freezes"], FREEZE_COUNTS),
        (state.nacks, NACK_COUNTS),
        (state.endpoints, ENDPOINT_COUNTS),
        (state.downlinks, LINK_COUNTS),
        (state.uplinks, LINK_COUNTS),
    )
    for array, names in records:
        for name in names:
            array[name] = 0


def _cells(
    scenario: Scenario, population: Population
) -> tuple[NDArray[np.int32], list[tuple[str | None, ...]]]:
    """Groups of endpoints alike in all attributes; sites that a threshold names stand alone."""
    named = {
        site
        for target in scenario.thresholds
        if (site := Target.parse(target).selector.get("site")) is not None
    }
    carriers, access = list(scenario.carriers), list(scenario.access)
    attributes: list[tuple[str | None, ...]] = [
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


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    """``part / whole``; NaN where there is no whole."""
    none = np.full(len(whole), np.nan)
    return np.asarray(np.divide(part, whole, out=none, where=whole > 0), np.float64)
