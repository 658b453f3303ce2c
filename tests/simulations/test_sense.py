"""Monotone sense: what is worse is not measured as better.

Runs that are compared have the same random numbers (same seeds), so that they differ by nothing but
what is changed. Congestion control is chaotic: single runs may go either way, means over seeds do
not. Statements that hold of every run are checked of every run.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from simulations.conference import simulate
from tests.simulations.networks import make_scenario
from tests.simulations.test_conference import check_run, column

SEEDS = range(6)
LISTENERS = 8
DURATION = 12
LAYERS = ("low", "mid", "high")
VIDEO: Mapping[str, Any] = {
    "layers": [
        {"name": "low", "height": 180, "bitrate": "150kbps"},
        {"name": "mid", "height": 360, "bitrate": "500kbps"},
        {"name": "high", "height": 720, "bitrate": "1500kbps"},
    ]
}


def loss(share: float) -> dict[str, str]:
    """Losses that come singly, ``share`` of all packets."""
    return {"to_bad": f"{100 * share}%", "to_good": f"{100 * (1 - share)}%", "loss_in_bad": "100%"}


@cache
def means(
    names: tuple[str, ...],
    seed: int,
    *,
    lost: float = 0.0,
    delay: str = "10ms",
    rate: str = "3Mbps",
    fec: bool = True,
    profile: str = "libwebrtc",
    warm: int = 2,
) -> dict[str, Any]:
    """Means over all listeners, and over time from ``warm`` seconds on, of samples' columns."""
    link = {"rate": rate, "buffer": "200ms"}
    changes = {
        "duration": f"{DURATION}s",
        "endpoints": {"rules": [{"carrier": "red", "access": "thin", "node": "south"}]},
        "access": {"thin": {"delay": delay, "down": link, "up": {"rate": "5Mbps"}}},
        "media": {
            "audio": {"dtx": False, "fec": fec},
            "video": VIDEO,
            "congestion_control": {"profile": profile},
        },
    }
    if lost > 0:
        changes["access"]["thin"]["loss"] = loss(lost)  # type: ignore[index]
    run = simulate(make_scenario(changes, endpoints=LISTENERS, seed=seed), threads=1)
    check_run(run)
    found = {}
    for name in names:
        if name == "layer":
            codes = [LAYERS.index(v) if v else -1 for v in run.tables["samples"][name].to_pylist()]
            values = np.array(codes, float)
        else:
            values = column(run, "samples", name)
        mine = values.reshape(DURATION, LISTENERS + 1)[warm:, :LISTENERS]
        found[name] = float(np.nanmean(mine)) if not np.isnan(mine).all() else np.nan
    return found


FELT = ("freeze_count", "freeze_ratio", "audio_mos", "layer", "audio_residual_loss")


def over_seeds(name: str, plans: Sequence[Mapping[str, Any]]) -> list[float]:
    """The mean over seeds of a column, for every plan."""
    return [float(np.mean([means(FELT, seed, **plan)[name] for seed in SEEDS])) for plan in plans]


LOSSES = [{"lost": share} for share in (0.0, 0.02, 0.08, 0.25)]
DELAYS = [{"delay": delay} for delay in ("10ms", "60ms", "200ms", "400ms")]
RATES = [{"rate": f"{rate}kbps"} for rate in (100, 300, 1000, 10_000)]
NEAR_RATES = [{"rate": f"{rate}kbps"} for rate in (300, 400, 500, 600, 700, 800, 1000)]


def test_without_loss_nothing_freezes_when_layers_or_the_floor_change() -> None:
    """What was seen goes on until a key frame of what is to be seen has come."""
    wide = {"delay": "10ms", "down": {"rate": "3Mbps"}, "up": {"rate": "5Mbps"}}
    changes = {
        "duration": "16s",
        "endpoints": {"rules": [{"carrier": "red", "access": "thin", "node": "south"}]},
        "access": {"thin": wide},
        "meeting": {"floor": [{"at": "0s", "site": "s1"}, {"at": "10s", "site": "s2"}]},
        "media": {"video": VIDEO, "congestion_control": {"profile": "libwebrtc"}},
    }
    for seed in SEEDS:
        run = simulate(make_scenario(changes, endpoints=LISTENERS, seed=seed), threads=1)
        layers = np.array(run.tables["samples"]["layer"].to_pylist()).reshape(-1, LISTENERS + 1)
        assert all(len(set(listener)) > 1 for listener in layers.T)
        frozen = column(run, "samples", "freeze_ratio").reshape(-1, LISTENERS + 1)
        assert np.nanmax(frozen[1:]) < 0.2, seed  # pictures wait for the first ones


def test_more_loss_never_gives_fewer_freezes() -> None:
    freezes = over_seeds("freeze_ratio", LOSSES)
    assert all(few <= many for few, many in pairwise(freezes)), freezes
    counts = over_seeds("freeze_count", LOSSES[:3])  # beyond, freezes run into one another
    assert all(few <= many for few, many in pairwise(counts)), counts
    assert freezes[0] < 0.05 < freezes[-1]


def test_more_loss_never_raises_the_audio_score() -> None:
    scores = over_seeds("audio_mos", LOSSES)
    assert all(better >= worse for better, worse in pairwise(scores)), scores
    assert scores[0] > scores[-1] + 0.3


def test_more_delay_never_raises_the_audio_score() -> None:
    scores = over_seeds("audio_mos", DELAYS)
    assert all(better >= worse for better, worse in pairwise(scores)), scores
    assert scores[0] > scores[-1] + 0.5


def test_more_delay_never_raises_anyone_s_score_where_nothing_adapts() -> None:
    for seed in SEEDS:
        scores = [
            means(("audio_mos",), seed, profile="none", **plan)["audio_mos"] for plan in DELAYS
        ]
        assert all(better >= worse for better, worse in pairwise(scores)), (seed, scores)


def test_a_wider_link_never_lowers_the_layer() -> None:
    for seed in SEEDS:
        layers = [means(FELT, seed, **plan)["layer"] for plan in RATES]
        assert all(narrow <= wide for narrow, wide in pairwise(layers)), (seed, layers)
        assert layers[0] == -1
        assert layers[-1] > 1.3


def test_a_slightly_wider_link_does_not_lower_it_on_average() -> None:
    """The layers need some 240 and 600 kbit/s, the voice included."""
    layers = over_seeds("layer", NEAR_RATES)
    assert all(narrow <= wide for narrow, wide in pairwise(layers)), layers
    assert layers[0] > -0.1
    assert layers[-1] > 0.8


@pytest.mark.parametrize("lost", [0.02, 0.08, 0.25])
def test_error_correction_never_raises_residual_audio_loss(lost: float) -> None:
    for seed in SEEDS:
        without, with_it = (
            means(FELT, seed, lost=lost, fec=fec)["audio_residual_loss"] for fec in (False, True)
        )
        assert with_it < without
