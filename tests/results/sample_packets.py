"""The packets of the hand-made run, and the samples and histograms that are counted from them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from results.histograms import BUCKETS, bucket_of
from results.records import ATTRIBUTES, HISTOGRAMS, SAMPLES
from scenarios.scenario import Scenario
from scenarios.thresholds import Target
from simulations.quality import CODECS, audio_mos

BASE_DELAY = {"fibre": 0.012, "dsl": 0.024, "4g": 0.055, "satellite": 0.290}
SPREAD = {"fibre": 0.001, "dsl": 0.004, "4g": 0.015, "satellite": 0.010}
LOSS = {"fibre": 0.0002, "dsl": 0.001, "4g": 0.01, "satellite": 0.02}
AUDIO_RATE, FRAME_RATE, PACKETS_PER_FRAME = 50, 25, 3
AUDIO_BYTES, VIDEO_BYTES = 130, 1100
ENCODE, PLAYOUT = 0.0265, 0.060
"""Seconds before and after the network, of voice."""
VIDEO_ENCODE, VIDEO_PLAYOUT = 0.040, 0.080


class Packets:
    """Every packet's one-way delay in seconds, (sites, intervals, packets); NaN where lost."""

    def __init__(
        self,
        sites: list[dict[str, Any]],
        times: NDArray[np.float64],
        seconds: float,
        rng: np.random.Generator,
    ) -> None:
        access = [site["access"] for site in sites]
        self.audio_count = int(AUDIO_RATE * seconds)
        self.frames = int(FRAME_RATE * seconds)
        count = self.audio_count + self.frames * PACKETS_PER_FRAME
        shape = (len(sites), len(times), count)
        base, spread, loss = (
            np.array([figures[kind] for kind in access])[:, None, None]
            for figures in (BASE_DELAY, SPREAD, LOSS)
        )
        base = base * rng.uniform(0.8, 1.3, len(sites))[:, None, None]
        mobile = np.array([kind == "4g" for kind in access])[:, None]
        busy = (mobile & (times >= 30) & (times < 45))[:, :, None]
        dishes = [i for i, kind in enumerate(access) if kind == "satellite"]
        dead = np.zeros(shape[:2], dtype=bool)
        dead[dishes[:1]] = times >= 30
        chance = rng.random(shape)
        self.lost_on_link = (chance < loss) | dead[:, :, None]
        self.dropped = ~self.lost_on_link & busy & (rng.random(shape) < 0.04)
        delay = base + rng.gamma(1.5, spread, shape) + busy * rng.gamma(2, 0.06, shape)
        self.delay = np.where(self.lost_on_link | self.dropped, np.nan, delay)

    @property
    def audio(self) -> NDArray[np.float64]:
        """(sites, intervals, audio packets)."""
        return self.delay[:, :, : self.audio_count]

    @property
    def frame_delays(self) -> NDArray[np.float64]:
        """(sites, intervals, frames): until the last packet; NaN where one is missing."""
        shape = (*self.delay.shape[:2], self.frames, PACKETS_PER_FRAME)
        frames: NDArray[np.float64] = self.delay[:, :, self.audio_count :].reshape(shape)
        return np.asarray(frames.max(axis=3))


def make_samples(
    sites: list[dict[str, Any]],
    times: NDArray[np.float64],
    seconds: float,
    packets: Packets,
    adapted: Callable[[NDArray[Any]], dict[str, Any]],
) -> pa.Table:
    """Samples; ``adapted`` gives further columns for the packet loss, (sites, intervals) each."""
    delay, audio, frames = packets.delay, packets.audio, packets.frame_delays
    received = (~np.isnan(delay)).sum(axis=2)
    expected = np.full_like(received, delay.shape[2])
    audio_received = (~np.isnan(audio)).sum(axis=2)
    video_received = received - audio_received
    audio_loss = 1 - audio_received / audio.shape[2]
    ordered = np.sort(delay, axis=2)  # NaN last

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        count = (~np.isnan(values)).sum(axis=2)
        return np.where(count, np.nansum(values, axis=2) / np.maximum(count, 1), np.nan)

    def percentile(rank: float) -> NDArray[np.float64]:
        index = np.maximum(np.ceil(rank / 100 * received).astype(int) - 1, 0)
        return np.take_along_axis(ordered, index[:, :, None], axis=2)[:, :, 0]

    ear = mean(audio) + ENCODE + PLAYOUT
    bits = 8 * (AUDIO_BYTES * audio_received + VIDEO_BYTES * video_received)
    steps = np.abs(np.diff(audio, axis=2, append=np.nan))
    columns = {
        "packets_expected": expected,
        "packets_received": received,
        "packet_loss": 1 - received / expected,
        "audio_packet_loss": audio_loss,
        "video_packet_loss": 1 - video_received / (expected - audio.shape[2]),
        "one_way_delay_mean": mean(delay),
        "one_way_delay_p50": percentile(50),
        "one_way_delay_p95": percentile(95),
        "one_way_delay_p99": percentile(99),
        "one_way_delay_max": percentile(100),
        "mouth_to_ear_delay_mean": ear,
        "glass_to_glass_delay_mean": mean(frames) + VIDEO_ENCODE + VIDEO_PLAYOUT,
        "jitter": mean(steps),
        "bitrate": bits / seconds,
        # Silence is the worst there is to hear, not a gap in the data.
        "audio_mos": np.where(
            audio_received, audio_mos(np.nan_to_num(ear), audio_loss, 1.0, CODECS["opus"]), 1.0
        ),
        "downlink_packets": expected,
        "downlink_dropped_queue": packets.dropped.sum(axis=2),
        "downlink_lost": packets.lost_on_link.sum(axis=2),
        **adapted(1 - received / expected),
    }
    arrays = {"time": np.repeat(times, len(sites))}
    arrays["site"] = texts([s["site"] for s in sites], np.tile(np.arange(len(sites)), len(times)))
    for field in SAMPLES:
        if field.name not in arrays:
            grid = columns.get(field.name, np.zeros_like(received))
            if isinstance(grid, tuple):  # codes and what they stand for
                arrays[field.name] = texts(grid[1], grid[0].T.ravel() % len(grid[1]))
            else:
                arrays[field.name] = pa.array(grid.T.ravel(), from_pandas=True).cast(field.type)
    return pa.table(arrays, schema=SAMPLES)


def make_histograms(
    scenario: Scenario, sites: list[dict[str, Any]], times: NDArray[np.float64], packets: Packets
) -> pa.Table:
    delays = {
        "one_way_delay": packets.delay,
        "mouth_to_ear_delay": packets.audio + ENCODE + PLAYOUT,
        "glass_to_glass_delay": packets.frame_delays + VIDEO_ENCODE + VIDEO_PLAYOUT,
    }
    selectors = [Target.parse(text).selector for text in scenario.thresholds]
    named = {selector["site"] for selector in selectors if "site" in selector}
    keys = [
        tuple(site.get(a) if a != "site" or site[a] in named else None for a in ATTRIBUTES)
        for site in sites
    ]
    groups = list(dict.fromkeys(keys))
    group = np.array([groups.index(key) for key in keys])[:, None, None]
    parts = []
    for index, values in enumerate(delays.values()):
        interval = np.arange(len(times))[None, :, None]
        cell = np.broadcast_to(interval * len(groups) + group, values.shape)[~np.isnan(values)]
        nanoseconds = np.rint(values[~np.isnan(values)] * 1e9).astype(np.int64)
        cells, counts = np.unique(cell * BUCKETS + bucket_of(nanoseconds), return_counts=True)
        rows = cells // BUCKETS
        columns: dict[str, Any] = {
            "metric": texts(list(delays), np.full(len(cells), index)),
            "time": times[rows // len(groups)],
            "bucket": (cells % BUCKETS).astype(np.int16),
            "count": counts.astype(np.int64),
        }
        for position, attribute in enumerate(ATTRIBUTES):
            columns[attribute] = texts([g[position] for g in groups], rows % len(groups))
        parts.append(pa.table(columns).select(HISTOGRAMS.names).cast(HISTOGRAMS))
    return pa.concat_tables(parts).unify_dictionaries().combine_chunks()


def texts(values: list[str | None], rows: NDArray[np.int64]) -> pa.Array:
    return pa.array(values, type=pa.string()).dictionary_encode().take(pa.array(rows))
