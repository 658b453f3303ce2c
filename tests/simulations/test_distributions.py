"""Folding histograms: percentiles of each, sums over groups, and none counted twice."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from results.histograms import BUCKETS, bucket_of, quantiles
from simulations.distributions import BLOCK, fold

RANKS = np.array([1.0, 50.0, 95.0, 99.0, 100.0])


@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(1, 4), st.integers(0, 400))
def test_percentiles_and_sums_are_the_stores(
    seed: int, endpoints: int, groups: int, values: int
) -> None:
    rng = np.random.default_rng(seed)
    histograms = np.zeros((endpoints, BUCKETS), np.uint32)
    for endpoint in range(endpoints):
        delays = rng.lognormal(17, 2, rng.integers(0, values + 1)).astype(np.int64)
        histograms[endpoint] = np.bincount(bucket_of(delays), minlength=BUCKETS)
    group = rng.integers(0, groups, endpoints)
    members = np.argsort(group, kind="stable")
    first = np.searchsorted(group[members], np.arange(groups + 1))
    before = rng.integers(0, 3, (groups, BUCKETS))
    sums = before.copy()
    found = np.full((endpoints, len(RANKS)), -1.0)
    given = histograms.copy().astype(np.int64)
    fold(histograms, members, first, sums, RANKS, found)
    expected = [quantiles(histogram, RANKS) for histogram in given]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    for g in range(groups):
        np.testing.assert_array_equal(sums[g], before[g] + given[group == g].sum(axis=0))
    assert not histograms.any()


def test_without_ranks_only_sums_are_made() -> None:
    histograms = np.ones((3, BUCKETS), np.uint32)
    sums = np.zeros((1, BUCKETS), np.int64)
    fold(histograms, np.arange(3), np.array([0, 3]), sums, RANKS[:0], np.empty((3, 0)))
    assert (sums == 3).all()


def test_blocks_divide_the_buckets() -> None:
    assert BUCKETS % BLOCK == 0
