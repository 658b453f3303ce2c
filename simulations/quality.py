"""Speech quality: the E-model (ITU-T G.107), elementwise.

R = 93.2 − Idd − Ie,eff with every other parameter at its default. Echo is taken to be cancelled
wholly (Idte = Idle = 0): each endpoint is one room with its own canceller, and nothing in a
scenario says how well it works. The scale is the narrowband one: its best score is 4.41.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scenarios.scenario import Scenario

BEST_RATING = 93.2
"""R with all parameters at their defaults (G.107, table 3)."""
BURST_RANGE = (1.0, 2.0)
"""Burst ratios that Ie,eff is valid for (G.107, 3.5).

Beyond 2 it holds only below 2 % loss, where it moves R by less than 2 points: clamping always
costs less than a score that would rise with the loss at that border.
"""


@dataclass(frozen=True)
class Codec:
    """What a codec with its loss concealment takes from the rating."""

    impairment: float
    """Ie: rating points lost without any packet loss."""
    robustness: float
    """Bpl: percentage of random loss that takes half of what is left."""


CODECS: Mapping[str, Codec] = {
    "opus": Codec(impairment=0.0, robustness=15.0),
    "g711": Codec(impairment=0.0, robustness=25.1),
}
"""Codecs by their name in scenarios, unless the scenario has values of its own (`codec_of`).

G.711 with concealment is ITU-T G.113's. Opus has no value from the ITU: published estimates lie
at Ie 0–7 and Bpl 10–20, which at 2 % loss is R 71–85 before delay; ours give R 82 there.
"""


def codec_of(scenario: Scenario) -> Codec:
    """The codec of a scenario's voices."""
    audio = scenario.media.audio
    usual = CODECS[audio.codec]
    return Codec(
        impairment=usual.impairment if audio.impairment is None else audio.impairment,
        robustness=usual.robustness if audio.robustness is None else audio.robustness,
    )


def audio_mos(
    mouth_to_ear_s: ArrayLike, loss_ratio: ArrayLike, burst_ratio: ArrayLike, codec: Codec
) -> NDArray[np.float64]:
    """Mean opinion scores, 1 to 4.41.

    Args:
        mouth_to_ear_s: mean mouth-to-ear delay in seconds.
        loss_ratio: share of audio packets lost, 0 to 1.
        burst_ratio: mean length of loss runs over that of as much random loss; see `burst_ratio`.
        codec: what was spoken through; see `codec_of`.

    All arrays are broadcast together; NaN gives NaN.
    """
    rating = (
        BEST_RATING
        - delay_impairment(mouth_to_ear_s)
        - loss_impairment(loss_ratio, burst_ratio, codec)
    )
    return opinion_score(rating)


def delay_impairment(mouth_to_ear_s: ArrayLike) -> NDArray[np.float64]:
    """Idd in rating points of absolute delays in seconds (G.107, 3.4)."""
    delay = np.asarray(mouth_to_ear_s, dtype=np.float64)
    # At and below 100 ms X is 0, and so is the whole expression.
    x = np.log2(np.maximum(delay / 0.1, 1.0))
    points = (1 + x**6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2
    return np.asarray(25 * points, dtype=np.float64)


def loss_impairment(
    loss_ratio: ArrayLike, burst_ratio: ArrayLike, codec: Codec
) -> NDArray[np.float64]:
    """Ie,eff in rating points (G.107, 3.5); burst ratios are clamped to BURST_RANGE."""
    percent = 100 * np.asarray(loss_ratio, dtype=np.float64)
    burst = np.clip(np.asarray(burst_ratio, dtype=np.float64), *BURST_RANGE)
    share = percent / (percent / burst + codec.robustness)
    return np.asarray(codec.impairment + (95 - codec.impairment) * share, dtype=np.float64)


def opinion_score(rating: ArrayLike) -> NDArray[np.float64]:
    """MOS of ratings R (G.107, annex B): 1 at and below 0, 4.5 at and above 100."""
    r = np.clip(np.asarray(rating, dtype=np.float64), 0, 100)
    score = 1 + 0.035 * r + 7e-6 * r * (r - 60) * (100 - r)
    # Between 0 and 6.5 the cubic dips below 1, the worst score that there is.
    return np.asarray(np.maximum(score, 1.0), dtype=np.float64)


def burst_ratio(lost: ArrayLike, loss_runs: ArrayLike, expected: ArrayLike) -> NDArray[np.float64]:
    """Mean length of loss runs over what random loss of the same ratio would give (G.107, 3.5).

    Args:
        lost: packets lost.
        loss_runs: runs of consecutive losses that they formed.
        expected: packets sent, lost ones included.

    All are broadcast together. Random loss of ratio p has runs of 1 / (1 − p). The ratio is 1
    without loss and where nothing arrived.
    """
    losses, runs, packets = np.broadcast_arrays(
        *(np.asarray(x, dtype=np.float64) for x in (lost, loss_runs, expected))
    )
    usable = (losses > 0) & (runs > 0) & (losses < packets)
    ratio = np.ones(losses.shape)
    np.divide(losses * (packets - losses), runs * packets, out=ratio, where=usable)
    return ratio
