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
from simulations.allocation import seat_shown
from simulations.compiled import kernel
from simulations.distributions import fold
from simulations.freezes import settle
from simulations.gaps import Gaps
from simulations.membership import ABSENT
from simulations.presence import settle as settle_presences
from simulations.quality import audio_mos, burst_ratio, codec_of
from simulations.rates import refresh
from simulations.residual import Residual
from simulations.video_quality import video_mos
from simulations.world import World

RANKS = np.array([50.0, 95.0, 99.0])
HISTOGRAM_STEPS = 120
"""Histograms are kept for about this many stretches of a meeting, and at windows' edges."""


class Sampler:
    """Collects samples and histograms over a run."""

    def __init__(self, scenario: Scenario, population: Population) -> None:
        self.scenario = scenario
        self.population = population
        self.residual = Residual()
        self.gaps = Gaps()
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
        self.used = dict.fromkeys(_HISTOGRAMS, (BUCKETS, 0))
        """The first bucket of the sums that may have been counted, and the one behind the last."""
        self.stretch_begin = 0
        self.stretch_ends = self._stretch_ends()
        self.delivered = 0

    def sample(self, world: World, begin: int, end: int) -> None:
        """Take the interval from ``begin`` to ``end`` (ns)."""
        settle_pictures(world.screens, begin, end)
        settle_presences(world, begin, end)
        self.gaps.collect(world)
        refresh_links(world, end)
        row: dict[str, NDArray[Any]] = {}
        self._take_delays(world, row)
        heard = self._take_streams(world, row, begin, end)
        self._take_control(world, row, begin, end)
        row["audio_mos"] = self._audio_mos(world, row, heard)
        row["video_mos"] = self._video_mos(world, row, end - begin)
        self.rows.append(
            {
                name: v if v.dtype == object else np.asarray(v, _numpy_type(name))
                for name, v in row.items()
                if name in SAMPLES.names
            }
        )
        self.times.append(begin)
        self.delivered += int(world.meters["packets"].sum())
        if end in self.stretch_ends or end == self.scenario.duration:
            self._close_stretch(end)

    def _take_delays(self, world: World, row: dict[str, NDArray[Any]]) -> None:
        """Delays of packets and frames."""
        meters = world.meters
        quantile = np.empty((len(meters), 3))
        self._fold("one_way_delay", world.delays, RANKS, quantile)
        for i, rank in enumerate(RANKS):
            row[f"one_way_delay_p{rank:.0f}"] = quantile[:, i]
        none = np.empty((len(meters), 0))
        for name, counts in (
            ("mouth_to_ear_delay", world.audio_delays),
            ("glass_to_glass_delay", world.frame_delays),
        ):
            self._fold(name, counts, RANKS[:0], none)
        row["packets_received"] = meters["packets"].copy()
        arrived = meters["timed"]
        row["one_way_delay_mean"] = _ratio(meters["delay_sum"], arrived) / SECOND
        row["one_way_delay_max"] = np.where(arrived > 0, meters["delay_max"], np.nan) / SECOND
        row["mouth_to_ear_delay_mean"] = _ratio(meters["heard_sum"], meters["played"]) / SECOND
        row["glass_to_glass_delay_mean"] = _ratio(meters["seen_sum"], meters["frames"]) / SECOND

    def _fold(
        self, name: str, counts: NDArray[Any], ranks: NDArray[Any], values: NDArray[Any]
    ) -> None:
        """Add the interval's histograms of a metric up."""
        first, end = fold(counts, self.members, self.first, self.sums[name], ranks, values)
        self.used[name] = min(self.used[name][0], first), max(self.used[name][1], end)

    def _take_streams(
        self, world: World, row: dict[str, NDArray[Any]], begin: int, end: int
    ) -> NDArray[np.bool_]:
        """What became of voices and pictures; who was to hear something."""
        length = end - begin
        settings, n = world.settings.view(np.recarray)[0], len(self.population)
        voices, pictures = world.voices, world.pictures
        whose_voice = np.arange(len(voices)) // settings.voices
        whose_picture = np.minimum(np.arange(len(pictures)) // settings.pictures, n - 1)

        def of_voices(values: NDArray[Any]) -> NDArray[np.float64]:
            return np.bincount(whose_voice, values, n).astype(np.float64)

        def of_pictures(values: NDArray[Any]) -> NDArray[np.float64]:
            return np.bincount(whose_picture, values, n).astype(np.float64)

        heard, lost = of_voices(voices["expected"]), of_voices(voices["lost"])
        watched, missed = of_pictures(pictures["expected"]), of_pictures(pictures["lost"])
        row["packets_expected"] = heard + watched
        row["packet_loss"] = _ratio(lost + missed, heard + watched)
        row["audio_packet_loss"] = _ratio(lost, heard)
        row["video_packet_loss"] = _ratio(missed, watched)

        buffers, screens = world.voice_buffers, world.screens
        recovered = of_voices(buffers["recovered"])
        played = of_voices(buffers["played"]) + recovered
        concealed = of_voices(self.residual.audio(buffers, voices["lost"], end))
        rendered = of_pictures(screens["frames_rendered"])
        spoiled = of_pictures(self.residual.video(screens, pictures["lost"]))
        row["audio_residual_loss"] = _ratio(concealed, played + concealed)
        row["video_residual_loss"] = np.minimum(_ratio(spoiled, watched), 1.0)
        row["residual_loss"] = np.minimum(
            _ratio(concealed + spoiled, np.maximum(played + concealed, heard) + watched), 1.0
        )
        row["fec_recovered"] = recovered
        freezes = screens["freezes"]
        wanted = of_pictures(_wanted(screens)) * length
        row["freeze_count"] = of_pictures(freezes["freeze_count"])
        row["freeze_ratio"] = _ratio(of_pictures(freezes["freeze_time"]), wanted)
        row["pause_count"] = of_pictures(freezes["pause_count"])
        row["frames_rendered"] = rendered
        row["frames_dropped"] = of_pictures(screens["frames_dropped"])
        first = voices[:: settings.voices]
        row["jitter"] = np.where(first["source"] >= 0, first["jitter"], np.nan) / SECOND
        row["bitrate"] = world.meters["bytes"] * 8.0 / (length / SECOND)
        return np.asarray(heard > 0)

    def _take_control(
        self, world: World, row: dict[str, NDArray[Any]], begin: int, end: int
    ) -> None:
        """Estimates beside what the links really carry, layers, repair, and links' counts."""
        length = end - begin
        settings, n = world.settings.view(np.recarray)[0], len(self.population)
        outs = world.outs[settings.voices * n : (settings.voices + 1) * n]
        names = np.array([layer.name for layer in self.scenario.media.video.layers] + [None])
        row["layer"] = names[outs["layer"]]
        none = np.full(n, np.nan)
        controllers, legs = world.controllers, world.legs
        there = world.endpoints["served"] != ABSENT
        row["estimate"] = (
            np.where(there, controllers["target"], np.nan) if settings.adapts else none
        )
        row["round_trip_time"] = (
            np.where(controllers["rtt"] > 0, controllers["rtt"] / SECOND, np.nan)
            if settings.adapts
            else none
        )
        row["nack_count"], row["pli_count"] = legs["nack_count"].copy(), legs["pli_count"].copy()
        row["retransmitted"] = legs["retransmitted"].copy()
        row["connected_ratio"] = world.presences["connected"] / length
        row["interrupted_ratio"] = world.presences["interrupted"] / length
        for name in ("estimate", "bitrate", "delay_mean", "delay_max"):
            row[f"uplink_{name}"] = none.copy()
        for s in np.flatnonzero(world.seats["publisher"] >= 0):
            seat = world.seats[s]
            e = int(seat["publisher"])
            if settings.adapts:
                row["uplink_estimate"][e] = world.seat_controllers["target"][s]
            row["uplink_bitrate"][e] = seat["bytes"] * 8.0 / (length / SECOND)
            if seat["delay_packets"] > 0:
                row["uplink_delay_mean"][e] = seat["delay_sum"] / seat["delay_packets"] / SECOND
                row["uplink_delay_max"][e] = seat["delay_max"] / SECOND
        for name, links in (("downlink", world.downlinks), ("uplink", world.uplinks)):
            for column in ("packets", "dropped_queue", "dropped_policer", "lost"):
                row[f"{name}_{column}"] = links[column].copy()
            policed = links["policer"]["rate"]
            rate = rate_at(links["rate"], end).astype(np.float64)
            capacity = np.where(policed > 0, np.minimum(rate, policed), rate)
            row["capacity" if name == "downlink" else "uplink_capacity"] = capacity

    def _audio_mos(
        self, world: World, row: dict[str, NDArray[Any]], heard: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Quality of the voices of the interval; 1 where one was to be heard and nothing came."""
        voices = world.settings.view(np.recarray)[0].voices
        concealed = world.voice_buffers["concealed"].reshape(-1, voices).sum(axis=1)
        runs = world.voice_buffers["runs"].reshape(-1, voices).sum(axis=1)
        played = world.meters["played"]
        bursts = burst_ratio(concealed, runs, concealed + played)
        delay = row["mouth_to_ear_delay_mean"]
        scores = audio_mos(delay, row["audio_residual_loss"], bursts, codec_of(self.scenario))
        mute = heard & np.isnan(delay) & (row["audio_residual_loss"] > 0)
        return np.where(mute, 1.0, scores)

    def _video_mos(
        self, world: World, row: dict[str, NDArray[Any]], length: int
    ) -> NDArray[np.float64]:
        """Quality of the first picture; 1 where one was to be seen and nothing came."""
        settings, n = world.settings.view(np.recarray)[0], len(self.population)
        video = self.scenario.media.video
        outs = world.outs[settings.voices * n : (settings.voices + 1) * n]
        heights = np.array([layer.height for layer in video.layers] + [np.nan])[outs["layer"]]
        shown = max(int(world.slot_seats[settings.voices]), 0)
        seats = np.full(n, shown)
        if (own := int(world.seats["publisher"][shown])) >= 0:  # it is shown somebody else
            seats[own] = max(seat_shown(world, settings.voices, own), 0)
        rates = np.pad(
            world.layer_rates[:, : settings.layers].astype(np.float64),
            ((0, 0), (0, 1)),
            constant_values=np.nan,
        )
        first = world.screens[: n * settings.pictures : settings.pictures]
        frames = first["frames_rendered"] / (length / SECOND)
        wanted = _wanted(first) * length
        scores = video_mos(
            rates[seats, outs["layer"]], np.minimum(frames, video.frame_rate), video.frame_rate,
            heights,
            _ratio(first["freezes"]["freeze_time"], wanted), row["video_residual_loss"],
        )  # fmt: skip
        return np.where(wanted > 0, np.where(np.isnan(scores), 1.0, scores), np.nan)

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
            if name == "layer":
                columns[name] = pa.array(values, pa.string()).dictionary_encode()
            else:
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
            low, high = self.used[metric]
            used = sums[:, low:high]
            cell, bucket = np.nonzero(used)
            counts = used[cell, bucket]
            self.stretches.append(
                (
                    self.stretch_begin,
                    metric,
                    cell.astype(np.int16),
                    (low + bucket).astype(np.int16),
                    counts.astype(np.uint32),
                )
            )
            used[:] = 0
            self.used[metric] = BUCKETS, 0
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


def _numpy_type(name: str) -> Any:
    return SAMPLES.field(name).type.to_pandas_dtype()


def _wanted(screens: NDArray[Any]) -> NDArray[np.bool_]:
    """Pictures that somebody wanted to see in the interval, or at its end."""
    freezes = screens["freezes"]
    moved = (screens["frames_rendered"] > 0) | (freezes["freeze_time"] > 0)
    return np.asarray(moved | (freezes["wanted"] > 0))


@kernel
def settle_pictures(screens: Any, begin: int, end: int) -> None:
    """Bring the freezes of all pictures to the end of an interval."""
    for k in range(len(screens)):
        settle(screens[k].freezes, begin, end)


@kernel
def refresh_links(world: Any, now: int) -> None:
    """Bring the rates of all access links to ``now``, where nothing has done so lately."""
    for links in (world.downlinks, world.uplinks):
        for i in range(len(links)):
            rate = links[i].rate
            if rate.until <= now:
                refresh(rate, world.load_times, world.load_shares, now)


def rate_at(rates: NDArray[Any], now: int) -> NDArray[np.int64]:
    """bit/s that links have ``now`` (ns), though their state may be ahead by a transmission."""
    return np.where(rates["since"] > now, rates["before"], rates["current"])


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    """``part / whole``; NaN where there is no whole."""
    none = np.full(len(whole), np.nan)
    return np.asarray(np.divide(part, whole, out=none, where=whole > 0), np.float64)
