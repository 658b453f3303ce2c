"""Coverage is tested against closed forms: 95 % intervals must cover in 93–97 % of cases."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from results.intervals import (
    Estimate,
    benjamini_hochberg,
    estimate,
    holm,
    independent_difference,
    mean_interval,
    paired_difference,
    proportion_interval,
    quantile_interval,
)

CASES = 4000
"""Repetitions of each experiment: chance moves a coverage by 0.7 points (2 sigma)."""

Draw = Callable[[np.random.Generator], NDArray[np.float64]]


def check_coverage(low: Any, high: Any, truth: float) -> None:
    covered = float(np.mean((np.asarray(low) <= truth) & (truth <= np.asarray(high))))
    assert len(low) >= 500
    assert 0.93 <= covered <= 0.97


def second_waits(rng: np.random.Generator) -> NDArray[np.float64]:
    """Mean waiting times of 100 second customers of M/M/1 queues that begin empty."""
    shape = (CASES, 20, 100)
    waits = np.maximum(rng.exponential(1.0, shape) - rng.exponential(1.25, shape), 0)
    means: NDArray[np.float64] = waits.mean(axis=-1)
    return means


MEANS: dict[str, tuple[Draw, float]] = {
    "normal, 2 values": (lambda rng: rng.normal(3, 2, (CASES, 2)), 3.0),
    "normal, 10 values": (lambda rng: rng.normal(-1, 5, (CASES, 10)), -1.0),
    "uniform, 15 values": (lambda rng: rng.uniform(0, 1, (CASES, 15)), 0.5),
    "means of exponentials": (lambda rng: rng.gamma(200, 1 / 200, (CASES, 10)), 1.0),
    # E[max(S − A, 0)] = 1/μ × λ/(λ + μ), here with μ = 1, λ = 0.8.
    "M/M/1, second customers": (second_waits, 0.8 / 1.8),
    "binomial shares": (lambda rng: rng.binomial(2594, 0.1, (CASES, 10)) / 2594, 0.1),
}


@pytest.mark.parametrize("name", MEANS)
def test_intervals_cover_means(name: str) -> None:
    draw, truth = MEANS[name]
    check_coverage(*mean_interval(draw(np.random.default_rng(1))), truth)


@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.99])
def test_intervals_keep_other_promises(confidence: float) -> None:
    low, high = mean_interval(np.random.default_rng(2).normal(0, 1, (CASES, 8)), confidence)
    assert np.mean((low <= 0) & (high >= 0)) == pytest.approx(confidence, abs=0.02)


@pytest.mark.parametrize(
    ("share", "count", "truth"),
    [(0.5, 41, math.log(2)), (0.9, 150, math.log(10)), (0.25, 60, math.log(4 / 3))],
)
def test_intervals_cover_quantiles(share: float, count: int, truth: float) -> None:
    draws = np.random.default_rng(3).exponential(1.0, (600, count))
    low, high = zip(*(quantile_interval(row, share) for row in draws), strict=True)
    check_coverage(low, high, truth)


def test_order_statistics_ask_nothing_of_the_distribution() -> None:
    values = np.random.default_rng(4).normal(size=30)
    ends = quantile_interval(values, 0.5)
    assert set(ends) <= set(values)
    assert quantile_interval(np.exp(values), 0.5) == pytest.approx(tuple(np.exp(ends)))


@pytest.mark.parametrize(("count", "known"), [(5, False), (6, True)])
def test_the_median_of_too_few_has_no_ends(count: int, known: bool) -> None:
    low, high = quantile_interval(np.arange(count), 0.5)
    assert (math.isfinite(low), math.isfinite(high)) == (known, known)


@pytest.mark.parametrize(("count", "truth"), [(40, 0.3), (100, 0.9), (500, 0.05)])
def test_intervals_cover_proportions(count: int, truth: float) -> None:
    found = np.array([proportion_interval(k, count) for k in range(count + 1)])
    drawn = np.random.default_rng(5).binomial(count, truth, CASES)
    low, high = found[drawn].T
    check_coverage(low, high, truth)


def test_a_proportion_of_none_or_all_is_not_certain() -> None:
    assert proportion_interval(0, 10) == pytest.approx((0, 0.2775), abs=1e-4)
    assert proportion_interval(10, 10)[1] == pytest.approx(1)


def test_pairs_share_what_they_share() -> None:
    rng = np.random.default_rng(6)
    common = rng.normal(0, 10, (CASES, 10))
    before, after = common + rng.normal(0, 1, common.shape), common + rng.normal(1, 1, common.shape)
    paired = paired_difference(before, after)
    check_coverage(paired.low, paired.high, 1.0)
    apart = independent_difference(before, rng.permuted(after, axis=0))
    assert (paired.high - paired.low).mean() < 0.2 * (apart.high - apart.low).mean()


@pytest.mark.parametrize(("m", "n", "spread"), [(10, 10, 1), (5, 20, 3), (30, 1, 1), (1, 12, 1)])
def test_intervals_cover_differences_of_independent_means(m: int, n: int, spread: float) -> None:
    rng = np.random.default_rng(7)
    found = independent_difference(rng.normal(5, 1, (CASES, m)), rng.normal(6, spread, (CASES, n)))
    check_coverage(found.low, found.high, 1.0)


def test_differences_agree_with_scipy() -> None:
    rng = np.random.default_rng(8)
    a, b = rng.normal(0, 1, 9), rng.normal(0.5, 2, 9)
    for ours, theirs in (
        (paired_difference(a, b), stats.ttest_rel(b, a)),
        (independent_difference(a, b), stats.ttest_ind(b, a, equal_var=False)),
    ):
        ends = theirs.confidence_interval(0.95)
        assert (ours.low, ours.high) == pytest.approx((ends.low, ends.high))
        assert ours.p == pytest.approx(theirs.pvalue)


def test_no_difference_is_rejected_as_often_as_promised() -> None:
    rng = np.random.default_rng(9)
    p = paired_difference(*rng.normal(0, 1, (2, CASES, 10))).p
    assert np.mean(p <= 0.05) == pytest.approx(0.05, abs=0.01)


def test_repetitions_that_agree_leave_no_doubt() -> None:
    found = paired_difference(np.array([[1.0, 2, 3], [1, 2, 3]]), [[1.0, 2, 3], [2.0, 3, 4]])
    assert found.value.tolist() == found.low.tolist() == found.high.tolist() == [0, 1]
    assert found.p.tolist() == [1, 0]
    same = independent_difference([2.0, 2.0], [2.0, 2.0, 2.0])
    assert (float(same.low), float(same.high), float(same.p)) == (0, 0, 1)


def test_corrections_by_the_book() -> None:
    p = [0.01, 0.04, 0.03, 0.005]
    assert holm(p) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert benjamini_hochberg(p) == pytest.approx([0.02, 0.04, 0.04, 0.02])
    assert holm([]).tolist() == benjamini_hochberg([]).tolist() == []
    assert holm([0.9, 0.8]).tolist() == [1, 1]


@pytest.mark.parametrize("correlation", [0.0, 0.9])
def test_holm_errs_anywhere_as_seldom_as_promised(correlation: float) -> None:
    rng = np.random.default_rng(10)
    shared = rng.normal(size=(2000, 1)) * math.sqrt(correlation)
    z = shared + rng.normal(size=(2000, 12)) * math.sqrt(1 - correlation)
    alarms = [(holm(2 * stats.norm.sf(np.abs(row))) <= 0.05).any() for row in z]
    assert np.mean(alarms) <= 0.06
    assert np.mean(alarms) >= 0.01


def test_an_estimate_of_what_is_known() -> None:
    found = estimate([1.0, None, 3.0, 2.0])
    assert (found.value, found.count) == (2.0, 3)
    assert (found.low, found.high) == pytest.approx((2 - 2.48414, 2 + 2.48414), abs=1e-4)
    assert found.relative_half_width == pytest.approx(1.24207, abs=1e-4)


@pytest.mark.parametrize(
    ("values", "expected", "relative"),
    [
        ([], Estimate(None, None, None, 0), None),
        ([None], Estimate(None, None, None, 0), None),
        ([0.1], Estimate(0.1, None, None, 1), None),
        ([0.1, math.inf], Estimate(math.inf, None, None, 2), None),
        ([0.1, 0.1, 0.1], Estimate(0.1, 0.1, 0.1, 3), 0.0),
        ([0.0, 0.0], Estimate(0.0, 0.0, 0.0, 2), 0.0),
    ],
)
def test_estimates_at_the_edges(
    values: list[float | None], expected: Estimate, relative: float | None
) -> None:
    assert estimate(values) == expected
    assert estimate(values).relative_half_width == relative


def test_around_zero_nothing_is_precise() -> None:
    assert estimate([-1.0, 1.0]).relative_half_width == math.inf
