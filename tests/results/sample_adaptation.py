"""What feedback made of the hand-made run: estimates, layers, repair, freezes, calls.

Nothing here is played: figures are drawn around what congestion control is known to do. While the
4G cells are full their estimates fall behind the capacity, and pictures with them; the dead dish
freezes for good; two publishers' uplinks are what they are.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.meeting import COMMAND_CENTRE
from scenarios.scenario import Scenario
from tests.results.sample_packets import BASE_DELAY, Packets

BUSY_SHARE = 0.02
"""What full cells leave of a 4G link's rate, at the median."""
APPLICATION_LIMIT = 3e6
"""bit/s beyond which nothing is asked for, and so no estimate grows much."""
CALLED_FROM = 2.0
"""Seconds into the meeting when the chair begins to call the roll."""

Columns = dict[str, Any]


class Adaptation:
    """Columns of samples, (sites, intervals) each; NaN or None where there is no value."""

    def __init__(
        self,
        scenario: Scenario,
        sites: list[dict[str, Any]],
        times: NDArray[np.float64],
        packets: Packets,
        rng: np.random.Generator,
    ) -> None:
        access = np.array([site["access"] for site in sites])
        shape = (len(sites), len(times))
        busy = (access == "4g")[:, None] & (times >= 30) & (times < 45)
        self.dead: NDArray[np.bool_] = np.all(np.isnan(packets.delay), axis=2)
        nominal = np.array([scenario.access[kind].down.rate.p50 for kind in access], dtype=float)
        own = nominal * rng.lognormal(0, 0.5, len(sites))
        fading = np.where(np.isin(access, ("4g", "satellite")), 0.3, 0.02)[:, None]
        capacity = own[:, None] * np.exp(fading * rng.normal(size=shape))
        self.capacity = np.where(
            busy, capacity * BUSY_SHARE * rng.lognormal(0, 0.9, shape), capacity
        )
        wanted = APPLICATION_LIMIT * rng.lognormal(0, 0.1, shape)
        error = np.exp(rng.normal(-0.18, np.where(busy, 0.2, 0.05), shape))
        self.estimate = np.where(self.dead, 30e3, np.minimum(self.capacity * error, wanted))
        self.layer = _layers(scenario, self.estimate)
        self.frozen = np.where(
            self.dead,
            1.0,
            np.where(busy, rng.beta(0.4, 4, shape), 0.3 * (rng.random(shape) < 0.01)),
        )
        self.frozen[self.frozen < 0.02] = 0
        self._rng, self._sites, self._times = rng, sites, times

    def columns(self, scenario: Scenario, packets: Packets, loss: NDArray[Any]) -> Columns:
        """Columns by name; ``loss`` is packet_loss."""
        rng = self._rng
        shape = loss.shape
        seen = ~np.isnan(packets.frame_delays)
        missed = np.isnan(packets.delay[:, :, packets.audio_count :]).sum(axis=2)
        unheard = np.isnan(packets.audio).sum(axis=2)
        base = np.array([BASE_DELAY[site["access"]] for site in self._sites])[:, None]
        names = [layer.name for layer in scenario.media.video.layers]
        worth = np.array([2.4, 3.4, 4.2, 1.0])[self.layer]
        residual = np.where(self.dead, 1.0, loss * 0.12)
        starts = self.dead & ~np.roll(self.dead, 1, axis=1)
        return {
            "residual_loss": residual,
            "audio_residual_loss": np.where(self.dead, 1.0, loss * 0.3),
            "video_residual_loss": np.where(self.dead, 1.0, loss * 0.08),
            "round_trip_time": np.where(
                self.dead, np.nan, 2 * base * rng.lognormal(0.05, 0.1, shape)
            ),
            "estimate": self.estimate,
            "capacity": self.capacity,
            "layer": (self.layer, [*names, None]),
            "video_mos": np.clip(worth - 3 * self.frozen, 1, 5),
            "freeze_count": np.where(self.dead, starts, np.ceil(self.frozen * 6)).astype(int),
            "freeze_ratio": self.frozen,
            "pause_count": starts.astype(int),
            "frames_rendered": np.where(self.dead, 0, seen.sum(axis=2)),
            "frames_dropped": np.where(self.dead, 0, (~seen).sum(axis=2) // 4),
            "nack_count": np.where(self.dead, 0, missed + missed // 5),
            "pli_count": np.where(self.dead, 5, (self.frozen > 0.2) * 2),
            "retransmitted": np.where(self.dead, 0, missed),
            "fec_recovered": np.where(self.dead, 0, unheard * 2 // 3),
            **self._uplinks(scenario, shape),
        }

    def _uplinks(self, scenario: Scenario, shape: tuple[int, ...]) -> Columns:
        """Who has the floor publishes, and the command centre always does."""
        rng = self._rng
        publishes = np.zeros(shape, dtype=bool)
        places = {site["site"]: i for i, site in enumerate(self._sites)}
        publishes[places[COMMAND_CENTRE]] = True
        turns = scenario.meeting.floor
        ends = [turn.at for turn in turns[1:]] + [scenario.duration]
        for turn, end in zip(turns, ends, strict=True):
            if turn.site in places:
                publishes[places[turn.site]] |= (self._times >= turn.at / 1e9) & (
                    self._times < end / 1e9
                )
        access = [scenario.access[site["access"]] for site in self._sites]
        rate = np.array([profile.up.rate.p50 for profile in access], dtype=float)[:, None]
        delay = np.array([BASE_DELAY[site["access"]] for site in self._sites])[:, None]
        values = {
            "uplink_estimate": np.minimum(0.85 * rate, 2.9e6) * rng.lognormal(0, 0.05, shape),
            "uplink_capacity": rate * rng.lognormal(0, 0.03, shape),
            "uplink_bitrate": np.minimum(0.8 * rate, 1.95e6) * rng.lognormal(0, 0.03, shape),
            "uplink_delay_mean": delay * rng.lognormal(0, 0.05, shape),
            "uplink_delay_max": delay * rng.lognormal(0.8, 0.2, shape),
        }
        return {name: np.where(publishes, grid, np.nan) for name, grid in values.items()}


def make_calls(sites: list[dict[str, Any]], rng: np.random.Generator) -> list[dict[str, Any]]:
    """Rows of a roll call through two thirds of the endpoints; the dead dish never answers.

    The calls are no turns of the meeting's floor: marks of that many would hatch every plot.
    """
    called = [site for i, site in enumerate(sites[:-1]) if i % 3]
    dishes = [site for site in sites if site["access"] == "satellite"]
    if dishes and dishes[0] not in called:
        called.append(dishes[0])
    rows: list[dict[str, Any]] = []
    for time, site in zip(np.linspace(CALLED_FROM, 58, len(called)), called, strict=True):
        base = BASE_DELAY[site["access"]]
        slow = {"fibre": 1.0, "dsl": 4.0, "4g": 2.0, "satellite": 3.0}[site["access"]]
        parts = {
            "signalling": base + 0.02,
            "key_frame": 0.15 + rng.uniform(0, 0.1),
            "uplink": base + 0.08 * slow * rng.lognormal(0, 0.5),
            "fan_out": 0.012 + rng.exponential(0.004),
            "playout": 0.05 + rng.uniform(0, 0.04),
        }
        answered = not (dishes and site is dishes[0])
        whole = sum(parts.values())
        rows.append(
            {
                "time": float(time),
                "site": site["site"],
                "time_to_floor": whole if answered else None,
                **(parts if answered else {}),
                "audience_p50": whole + 0.03 if answered else None,
                "audience_p95": whole + 0.4 if answered and rng.random() < 0.9 else None,
            }
        )
    return rows


def _layers(scenario: Scenario, estimate: NDArray[np.float64]) -> NDArray[np.int64]:
    """The best layer below the estimate; −1: none."""
    needs = [1.1 * layer.bitrate for layer in scenario.media.video.layers]
    return np.searchsorted(needs, estimate, side="right") - 1
