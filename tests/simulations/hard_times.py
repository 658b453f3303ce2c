"""A meeting in which much goes wrong, and whether two worlds came out of it the same."""

from typing import Any

import numpy as np

from scenarios.scenario import Scenario
from simulations.queues import begin_due
from simulations.world import World
from tests.simulations.networks import CLOSED, deal, make_scenario, merged

LOSSY = {"to_bad": "2%", "to_good": "30%", "loss_in_bad": "60%"}
HARDSHIP: dict[str, Any] = {
    "endpoints": {
        "rules": [
            deal("s1", "red", "lossy", "north"),
            deal("s2", "red", "thin", "south"),
            deal("s3", "blue", "lossy", "north"),
            deal("s4", "red", "mobile", "south"),
            deal("s5", "blue", "mobile", "north"),
            {"carrier": "red", "access": "fibre", "node": "north"},
        ]
    },
    "access": {
        "lossy": {
            "label": "Lossy", "delay": "7ms", "loss": LOSSY,
            "down": {"rate": "2Mbps", "buffer": "80ms"}, "up": {"rate": "1Mbps"},
        },
        "mobile": {
            "label": "Mobile", "delay": "40ms", "down": {"rate": "1200kbps"},
            "up": {"rate": "800kbps"}, "loss": {"to_bad": "0.3%", "to_good": "10%",
            "loss_in_bad": "50%"}, "jitter": {"median": "4ms", "spread": 0.7,
            "correlation": "20ms", "step": "5ms"},
            "fading": {"spread": 0.4, "correlation": "1s", "hole_every": "4s",
            "hole_length": "200ms"},
        },
    },
    "carriers": {"red": {"aggregation": {"capacity": "9Mbps", "buffer": "5ms"}}},
    "media": {"video": {"key_frame_interval": "10s"}},
    "meeting": {"wall": {"tiles": 3, "layer": "low", "dwell": "1500ms"}},
}  # fmt: skip


def hard_times(seed: int, speaker: str = "fibre") -> Scenario:
    """Eight endpoints, most of them on links that lose packets, fade, or are too narrow."""
    changes = merged(CLOSED, HARDSHIP)
    changes["command_centre"] = {"access": speaker}
    return make_scenario(changes, endpoints=8, seed=seed)


def compare(one: World, other: World) -> None:
    """All that has happened is the same in both, once their queues have been looked at."""
    for world in (one, other):
        for links, starts, sizes in (
            (world.downlinks, world.downlink_starts, world.downlink_sizes),
            (world.uplinks, world.uplink_starts, world.uplink_sizes),
        ):
            for link in links:
                begin_due(link["queue"], starts, sizes, int(world.clock[0]))
    for name in ("legs", "meters", "nacks", "voice_buffers", "voices", "pictures", "screens",
                 "controllers", "senders", "downlinks", "uplinks", "stations", "nodes",
                 "delays", "audio_delays", "frame_delays", "outs", "asked",
                 "mails"):  # fmt: skip
        assert not differing(getattr(one, name), getattr(other, name), name)


def differing(one: Any, other: Any, name: str) -> set[str]:
    """Fields of a table that are not the same."""
    if one.dtype.names is None:
        return set() if np.array_equal(one, other, equal_nan=one.dtype.kind == "f") else {name}
    return set().union(*(differing(one[f], other[f], f"{name}.{f}") for f in one.dtype.names))
