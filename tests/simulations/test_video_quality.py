"""The pictures' score: its parts by their formulas, and what it must never do."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.video_quality import (
    coding_score,
    motion_factor,
    opinion_score,
    rating,
    size_factor,
    video_mos,
)

NAN = math.nan
bitrates = st.floats(1e4, 1e7)
rates = st.floats(0.5, 60)
heights = st.sampled_from([90, 180, 360, 480, 720, 1080, 2160])
shares = st.floats(0, 1)


@given(bitrates, rates, rates, heights, shares, shares, st.integers(0, 2), st.floats(0.01, 1))
def test_worse_is_never_better(
    bitrate: float, shown: float, full: float, height: int, frozen: float, lost: float,
    what: int, more: float,
) -> None:  # fmt: skip
    before = float(video_mos(bitrate, shown, full, height, frozen, lost))
    worse = [
        (bitrate, shown * (1 - more / 2), full, height, frozen, lost),
        (bitrate, shown, full, height, min(frozen + more, 1), lost),
        (bitrate, shown, full, height, frozen, min(lost + more, 1)),
    ][what]
    assert 1 <= float(video_mos(*worse)) <= before + 1e-9 <= 4.9 + 1e-9


@given(bitrates, st.sampled_from([15, 25, 30]), heights, st.floats(1, 4))
def test_more_bits_are_never_worse(bitrate: float, frames: int, height: int, more: float) -> None:
    few, many = video_mos([bitrate, bitrate * more], frames, frames, height, 0, 0)
    assert few <= many + 1e-9


def test_g_1070_by_hand() -> None:
    # 1 Mbit/s at 480 lines of 16:9 are 750 kbit/s at 640 × 480; the best frame rate is 15.192
    most = 3.459 - 3.459 / (1 + (750 / 178.53) ** 1.02)
    width = 1.15 + 3.55e-4 * 750
    off = math.log(30 / (5.517 + 1.29e-2 * 750))
    expected = 1 + most * math.exp(-(off**2) / (2 * width**2))
    assert coding_score(1e6, 30, 480) == pytest.approx(expected)
    assert coding_score(1e6, 10, 480) == pytest.approx(1 + most)  # fewer are counted elsewhere


def test_p_1203_by_hand() -> None:
    assert motion_factor([0, 10, 24, 60]) == pytest.approx(
        [1 - 30.98 / 64.65, 1 - (30.98 - 12.9) / 74.65, 1, 1]
    )
    left = 1 - 72.61 * math.log10(0.32 * ((1080 / 480) ** 2 - 1) + 1) / 100
    assert size_factor([480, 1080, 2160]) == pytest.approx([1, 1 / left, 1 / left])
    assert opinion_score([0, 60, 100]) == pytest.approx([1.05, 3.36, 4.9])
    moving, frozen = video_mos(2e6, 25, 25, 720, [0, 0.5], 0) - 1
    assert frozen == pytest.approx(moving * math.exp(-0.5 / 0.91890815))


@pytest.mark.parametrize(("frozen", "lost"), [(0.3, 0.1), (0.1, 0.3)])
def test_the_score_is_made_of_all_parts(frozen: float, lost: float) -> None:
    left = rating(coding_score(1e6, 25, 720)) * size_factor(720) * motion_factor(10)
    expected = 1 + (opinion_score(left) - 1) * math.exp(-0.3 / 0.91890815)
    assert video_mos(1e6, 10, 25, 720, frozen, lost) == pytest.approx(expected)


@given(st.floats(1.06, 4.89))
def test_ratings_and_scores_are_each_other_s_inverse(score: float) -> None:
    assert opinion_score(rating(score)) == pytest.approx(score, abs=1e-3)


@pytest.mark.parametrize(
    ("arguments", "score"),
    [
        ((NAN, 25, 25, 720, 0, 0), NAN),
        ((1e6, 25, 25, NAN, 0, 0), NAN),
        ((1e6, 25, 25, 720, NAN, 0), NAN),
        ((1e6, 0, 25, 720, 0, 0), 1),
        ((0, 25, 25, 720, 0, 0), 1),
    ],
)
def test_where_there_is_no_picture(arguments: tuple[float, ...], score: float) -> None:
    np.testing.assert_equal(float(video_mos(*arguments)), float(score))
