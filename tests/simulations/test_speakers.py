"""Who has the floor changes, and whoever waits is sent nothing for a while: what must not come of
it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from results.records import Run
from scenarios.loading import parse_scenario
from simulations import simulate

LINK = {"rate": "50Mbps", "buffer": "300ms", "steps": []}
PAIR: dict[str, Any] = {
    "extends": "rfc8867-variable-capacity-two-flows",
    "interval": "2s",
    "thresholds": None,
    "carriers": {"lab": {"aggregation": {"capacity": "1Gbps", "steps": [], "buffer": "20ms"}}},
}
"""Two endpoints and the command centre on links of their own."""


def hole(rate: str) -> dict[str, Any]:
    """A link that has next to nothing from 20 s to 30 s."""
    steps = [{"at": "20s", "rate": "60kbps"}, {"at": "30s", "rate": rate}]
    return {"rate": rate, "buffer": "300ms", "steps": steps}


def series(run: Run, site: str, *names: str) -> list[Mapping[str, Any]]:
    """The site's samples, in time."""
    columns = run.tables["samples"].select(["time", "site", *names]).to_pylist()
    return [row for row in columns if row["site"] == site]


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_picture_that_is_paused_comes_back_though_nothing_else_is_sent(direction: str) -> None:
    """What feedback said last, before all was paused, holds no longer."""
    links = {"up": LINK, "down": {**LINK, "rate": "4Mbps"}} | {direction: hole("4Mbps")}
    layer = {"name": "full", "height": 720, "bitrate": "1500kbps", "min_bitrate": "150kbps"}
    run = simulate(
        parse_scenario(
            {
                **PAIR,
                "duration": "80s",
                "access": {"path": links},
                "media": {"video": {"key_frame_interval": "4s", "layers": [layer]}},
            }
        )
    )
    name = {"up": "uplink_bitrate", "down": "bitrate"}[direction]
    for site in ("flow-1", "flow-2"):
        late = [row[name] for row in series(run, site, name) if row["time"] >= 70]
        assert min(late) > 1_000_000, site


def test_an_estimate_outlives_a_time_in_which_nothing_is_sent() -> None:
    floor = [{"at": "0s", "site": "p79"}, {"at": "15s", "site": "command-centre"}]
    run = simulate(
        parse_scenario(
            {
                "extends": "smoke",
                "duration": "30s",
                "interval": "1s",
                "thresholds": None,
                "endpoints": {"sample": 20},
                "meeting": {"floor": floor, "wall": None},
            }
        )
    )
    rows = series(run, "command-centre", "estimate")
    (before,) = [row["estimate"] for row in rows if row["time"] == 14]
    assert min(row["estimate"] for row in rows if row["time"] >= 16) > 0.8 * before


def test_another_speaker_s_way_is_no_jitter() -> None:
    floor = [{"at": "0s", "site": "command-centre"}, {"at": "20s", "site": "flow-1"}]
    run = simulate(
        parse_scenario(
            {
                **PAIR,
                "duration": "50s",
                "interval": "1s",
                "access": {"path": {"up": LINK, "down": LINK, "delay": "280ms"}},
                "meeting": {"wall": None, "floor": floor},
            }
        )
    )
    name = "mouth_to_ear_delay_mean"
    delays = {row["time"]: row[name] for row in series(run, "flow-2", name)}
    assert delays[19] < 0.45 < delays[45]
    assert max(delays[time] for time in range(22, 40)) < delays[45] + 0.03


def test_whoever_has_the_floor_sees_the_chair_as_well_as_it_comes() -> None:
    floor = [{"at": "0s", "site": "command-centre"}, {"at": "10s", "site": "flow-1"}]
    thin = {**LINK, "rate": "400kbps"}
    run = simulate(
        parse_scenario(
            {
                **PAIR,
                "duration": "40s",
                "access": {"path": {"up": thin, "down": LINK}},
                "meeting": {"wall": None, "floor": floor},
            }
        )
    )
    own, other = (
        [row["video_mos"] for row in series(run, site, "video_mos") if row["time"] >= 24]
        for site in ("flow-1", "flow-2")
    )
    # The one sees the chair, whose uplink has all it needs; the other sees the thin uplink.
    assert min(own) > max(other) + 0.3


def test_where_nothing_is_lost_nobody_misses_anything() -> None:
    """Voices and pictures come and go in streams: what was never addressed to someone, as its own
    voice, is no loss."""
    rules = {"carrier": {"vnpt": "50%", "viettel": "50%"}, "node": "hanoi", "access": "fibre"}
    run = simulate(
        parse_scenario(
            {
                "extends": "district-discussion",
                "duration": "100s",
                "endpoints": {"rules": [rules]},
                "meeting": {
                    "discussion": {
                        "begin": "5s", "end": "95s", "speakers": 6, "voices": 3, "hold": "2s",
                    },
                    "screen": [],
                },
                "thresholds": None,
            }
        ),
        threads=1,
    )  # fmt: skip
    assert sum(run.accounting.lost.values()) == 0
    lost = run.tables["samples"]["packet_loss"].to_numpy()
    assert np.nanmax(lost) == 0
