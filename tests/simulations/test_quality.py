"""The E-model against G.107's own figures and values worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.quality import (
    BEST_RATING,
    CODECS,
    Codec,
    audio_mos,
    burst_ratio,
    codec_of,
    delay_impairment,
    loss_impairment,
    opinion_score,
)
from tests.simulations.networks import make_scenario

CODEC = st.sampled_from(sorted(CODECS))
DELAY = st.floats(0, 5)
LOSS = st.floats(0, 1)
BURST = st.floats(0.5, 10)


@pytest.mark.parametrize(
    ("rating", "score"),
    # G.107, table B.1: the lower limits of R for user satisfaction; 4.03 is 4.024 by the formula.
    [(90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58), (BEST_RATING, 4.41)],
)
def test_scores_of_ratings(rating: float, score: float) -> None:
    assert float(opinion_score(rating)) == pytest.approx(score, abs=0.007)


def test_ratings_out_of_range_have_the_outermost_scores() -> None:
    assert opinion_score([-1e9, -1, 0, 100, 101, 1e9]).tolist() == [1, 1, 1, 4.5, 4.5, 4.5]


@pytest.mark.parametrize(
    ("delay", "points"),
    [
        (0.0, 0),
        (0.1, 0),
        # X = 1: 25 (2^(1/6) - 3 (1 + 3^-6)^(1/6) + 2)
        (0.2, 25 * (1.12246205 - 3 * 1.00022849 + 2)),
        # X = 2: 25 (65^(1/6) - 3 (1 + (2/3)^6)^(1/6) + 2)
        (0.4, 25 * (2.00517475 - 3 * 1.01412373 + 2)),
        # X = 3: 25 (730^(1/6) - 3 · 2^(1/6) + 2)
        (0.8, 25 * (3.00068548 - 3 * 1.12246205 + 2)),
    ],
)
def test_impairment_by_delay(delay: float, points: float) -> None:
    assert float(delay_impairment(delay)) == pytest.approx(points, abs=1e-6)


def test_long_delay_costs_less_than_the_linear_shortcut_says() -> None:
    # At 400 ms the full formula takes 24 points where 0.024 d + 0.11 (d - 177.3) takes 34.
    assert float(delay_impairment(0.4)) == pytest.approx(24.07, abs=0.01)


@pytest.mark.parametrize(
    ("loss", "burst", "points"),
    [
        (0, 1, 0),
        (0.01, 1, 95 / (1 + 25.1)),
        (0.05, 1, 95 * 5 / (5 + 25.1)),
        (0.05, 2, 95 * 5 / (2.5 + 25.1)),
        (0.05, 9, 95 * 5 / (2.5 + 25.1)),  # beyond the formula's range
        (0.05, 0.1, 95 * 5 / (5 + 25.1)),
    ],
)
def test_impairment_by_loss(loss: float, burst: float, points: float) -> None:
    assert float(loss_impairment(loss, burst, CODECS["g711"])) == pytest.approx(points)


def test_a_codecs_own_impairment_is_there_without_loss() -> None:
    assert float(loss_impairment(0, 1, CODECS["opus"])) == CODECS["opus"].impairment


def test_score_of_a_good_and_of_a_bad_line() -> None:
    good, bad = audio_mos([0.08, 0.4], [0, 0.05], 1, CODECS["g711"])
    assert good == pytest.approx(4.41, abs=0.005)
    # R = 93.2 - 24.07 - 15.78 = 53.35
    assert bad == pytest.approx(1 + 0.035 * 53.35 + 7e-6 * 53.35 * -6.65 * 46.65, abs=0.001)


@given(DELAY, DELAY, LOSS, BURST, CODEC)
def test_more_delay_is_never_better(
    one: float, other: float, loss: float, burst: float, codec: str
) -> None:
    less, more = sorted([one, other])
    scores = audio_mos([less, more], loss, burst, CODECS[codec])
    assert scores[1] <= scores[0] + 1e-9


@given(DELAY, LOSS, LOSS, BURST, CODEC)
def test_more_loss_is_never_better(
    delay: float, one: float, other: float, burst: float, codec: str
) -> None:
    less, more = sorted([one, other])
    scores = audio_mos(delay, [less, more], burst, CODECS[codec])
    assert scores[1] <= scores[0] + 1e-9


@given(DELAY, LOSS, BURST, BURST, CODEC)
def test_loss_in_bursts_is_never_better(
    delay: float, loss: float, one: float, other: float, codec: str
) -> None:
    less, more = sorted([one, other])
    scores = audio_mos(delay, loss, [less, more], CODECS[codec])
    assert scores[1] <= scores[0] + 1e-9


@given(DELAY, LOSS, BURST, CODEC)
def test_scores_stay_on_their_scale(delay: float, loss: float, burst: float, codec: str) -> None:
    assert 1 <= float(audio_mos(delay, loss, burst, CODECS[codec])) <= 4.41


def test_what_is_not_known_has_no_score() -> None:
    scores = audio_mos([np.nan, 0.1, 0.1], [0, np.nan, 0], [1, 1, np.nan], CODECS["opus"])
    assert np.isnan(scores).all()


def test_opus_stays_inside_the_published_estimates() -> None:
    opus = CODECS["opus"]
    assert 0 <= opus.impairment <= 7
    assert 10 <= opus.robustness <= 20


@pytest.mark.parametrize(
    ("audio", "codec"),
    [
        ({}, CODECS["opus"]),
        ({"codec": "g711"}, CODECS["g711"]),
        ({"impairment": 11}, Codec(11, CODECS["opus"].robustness)),
        ({"codec": "g711", "impairment": 0, "robustness": 4.3}, Codec(0, 4.3)),
    ],
)
def test_a_scenario_s_codec_may_have_values_of_its_own(
    audio: dict[str, object], codec: Codec
) -> None:
    assert codec_of(make_scenario({"media": {"audio": audio}})) == codec


@pytest.mark.parametrize(
    ("lost", "runs", "expected", "ratio"),
    [
        (10, 5, 100, 2 * 0.9),
        (10, 10, 100, 0.9),
        (0, 0, 100, 1),
        (100, 1, 100, 1),  # nothing arrived
        (0, 0, 0, 1),
        (3, 0, 100, 1),  # losses that no run was seen of
    ],
)
def test_burst_ratio(lost: int, runs: int, expected: int, ratio: float) -> None:
    assert float(burst_ratio(lost, runs, expected)) == pytest.approx(ratio)


@given(st.floats(0.001, 1), st.floats(0.001, 1))
def test_burst_ratio_of_simple_gilbert_loss(to_bad: float, to_good: float) -> None:
    # G.107, 3.5: BurstR = 1 / (p + q).
    packets = 1e6
    lost = packets * to_bad / (to_bad + to_good)
    assert float(burst_ratio(lost, lost * to_good, packets)) == pytest.approx(
        1 / (to_bad + to_good)
    )


def test_burst_ratios_broadcast() -> None:
    assert burst_ratio([[10], [0]], [5, 10], 100).shape == (2, 2)
