"""Picture quality: an estimate of the opinion on a conference's pictures, elementwise.

No recommendation scores a conference whose encoder, resolution and losses change by the second.
This score puts parts of three together, on the rating scale of 0 to 100 that they share with G.107:

- Coding: ITU-T G.1070 (06/2018, clause 11.3 and annex B), made for video telephony, from the
  bitrate and the frame rate that are encoded. Its coefficients are for H.264 at 640 × 480 and
  400 kbit/s to 2 Mbit/s; other sizes are taken to need as many bits per pixel. Bits too few for the
  frame rate take from the score as it says; frames fewer than bits would allow do not, as that is
  counted next.
- Size and motion: ITU-T P.1203.1 (10/2017, clause 8.1), what scaling up to a full HD screen and a
  low frame rate leave of it; G.1070's size is the measure of scaling. Its own function of the
  bitrate is not used: it hardly falls below the bitrates that were tested, 1 Mbit/s for 720 lines.
- Freezing: ITU-T P.1203.3 (10/2017, clause 8.1), by the share of time that the picture stands
  still. Receivers here show no frame with a packet missing, so packets that never came are frozen
  time too, if more of them are missing than time is frozen.

Scores below 8 frames a second, or outside G.1070's bitrates, are extrapolated.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

SCORE_NOTE = (
    "Video scores take coding from ITU-T G.1070 (H.264 at 480 lines, other heights by bits per "
    "pixel), scaling to a full HD screen and frame rate from ITU-T P.1203.1, and freezing from "
    "ITU-T P.1203.3. No viewers have validated this combination: at bitrates that P.1203.1 was "
    "made for it lies up to 1.3 points above that model, so scores compare runs with one another, "
    "and differences below half a point say little."
)
"""Model, source and uncertainty, for reports."""

REFERENCE_HEIGHT = 480
"""Lines that the coefficients of coding are for."""
REFERENCE_PIXELS = 640 * 480
ASPECT = 16 / 9
"""Of pictures and of the screen."""
SCREEN_HEIGHT = 1080
"""Lines of the screen."""

_V1, _V2, _V3, _V4, _V5, _V6, _V7 = 5.517, 1.29e-2, 3.459, 178.53, 1.02, 1.15, 3.55e-4
"""G.1070, table B.2, column 5: H.264, VGA, 9.2-inch screen; bitrates in kbit/s."""
_U1, _U2 = 72.61, 0.32
_T1, _T2, _T3 = 30.98, 1.29, 64.65
"""P.1203.1, table 3."""
_S2 = 0.91890815
"""P.1203.3, table 4."""
_SMOOTH = 24
"""Frames a second from which on more do not matter."""


def video_mos(
    bitrate: ArrayLike,
    frame_rate: ArrayLike,
    full_frame_rate: ArrayLike,
    height: ArrayLike,
    freeze_ratio: ArrayLike,
    loss_ratio: ArrayLike,
) -> NDArray[np.float64]:
    """Mean opinion scores, 1 to 4.9.

    Args:
        bitrate: that the picture is coded with, payload bit/s.
        frame_rate: frames shown per second of the interval.
        full_frame_rate: frames that the bitrate is coded for, per second.
        height: lines of the coded picture.
        freeze_ratio: share of the time that it stood still, 0 to 1.
        loss_ratio: share of its packets that never came, 0 to 1.

    All are broadcast together; NaN (no picture wanted) gives NaN, and no frame shown gives 1.
    """
    rate, shown, full, lines, frozen, lost = np.broadcast_arrays(
        *(
            np.asarray(x, dtype=np.float64)
            for x in (bitrate, frame_rate, full_frame_rate, height, freeze_ratio, loss_ratio)
        )
    )
    coded = rating(coding_score(rate, full, lines))
    left = coded * size_factor(lines) * motion_factor(shown)
    still = np.clip(np.maximum(frozen, lost), 0.0, 1.0)
    scores = 1 + (opinion_score(left) - 1) * np.exp(-still / _S2)
    known = ~np.isnan(rate + shown + full + lines + frozen + lost)
    seen = (shown > 0) & (rate > 0) & (lines > 0) & (full > 0)
    return np.where(known, np.where(seen, scores, 1.0), np.nan)


def coding_score(
    bitrate: ArrayLike, frame_rate: ArrayLike, height: ArrayLike
) -> NDArray[np.float64]:
    """Score (1 to 4.459) of pictures coded with ``bitrate`` (bit/s), by G.1070's equations 11-17 to
    11-20, in which the frame rate counts as far as it exceeds the best one."""
    lines = np.maximum(np.asarray(height, dtype=np.float64), 1.0)
    rate = np.maximum(np.asarray(bitrate, dtype=np.float64), 0.0) / 1000
    rate = rate * REFERENCE_PIXELS / (lines * lines * ASPECT)
    frames = np.maximum(np.asarray(frame_rate, dtype=np.float64), 1e-3)
    best = _V1 + _V2 * rate
    most = _V3 - _V3 / (1 + (rate / _V4) ** _V5)
    robustness = _V6 + _V7 * rate
    excess = np.log(np.maximum(frames / best, 1.0))
    return np.asarray(1 + most * np.exp(-(excess**2) / (2 * robustness**2)), np.float64)


def size_factor(height: ArrayLike) -> NDArray[np.float64]:
    """What scaling pictures up to the screen leaves of their rating, over what it leaves at
    REFERENCE_HEIGHT (P.1203.1, equations 10 and 11)."""
    return np.asarray(_left_by_scaling(height) / _left_by_scaling(REFERENCE_HEIGHT), np.float64)


def _left_by_scaling(height: ArrayLike) -> NDArray[np.float64]:
    lines = np.maximum(np.asarray(height, dtype=np.float64), 1.0)
    factor = np.maximum((SCREEN_HEIGHT / lines) ** 2, 1.0)
    taken = np.clip(_U1 * np.log10(_U2 * (factor - 1) + 1), 0, 100)
    return np.asarray(1 - taken / 100, np.float64)


def motion_factor(frame_rate: ArrayLike) -> NDArray[np.float64]:
    """What a low frame rate leaves of the rating (P.1203.1, equation 12)."""
    frames = np.maximum(np.asarray(frame_rate, dtype=np.float64), 0.0)
    taken = np.maximum(_T1 - _T2 * frames, 0.0) / (_T3 + frames)
    return np.asarray(np.where(frames < _SMOOTH, 1 - taken, 1.0), np.float64)


def opinion_score(ratings: ArrayLike) -> NDArray[np.float64]:
    """Score (1.05 to 4.9) of ratings of 0 to 100 (P.1203.1, annex E)."""
    q = np.clip(np.asarray(ratings, dtype=np.float64), 0, 100)
    score = 1.05 + (4.9 - 1.05) * q / 100 + 7e-6 * q * (q - 60) * (100 - q)
    # The cubic dips below its value at 0 first.
    return np.asarray(np.clip(score, 1.05, 4.9), np.float64)


_RATINGS = np.concatenate(([0.0], np.arange(3.4, 100.05, 0.1)))
_SCORES = opinion_score(_RATINGS)


def rating(scores: ArrayLike) -> NDArray[np.float64]:
    """The rating of ``scores``: the inverse of `opinion_score`."""
    return np.asarray(np.interp(np.asarray(scores, np.float64), _SCORES, _RATINGS), np.float64)
