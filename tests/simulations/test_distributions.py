"""Folding histograms: percentiles of each, sums over groups, and none counted twice."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from results.histograms import BUCKETS, bucket_of, quantiles
from simulations.distributions import BLOCK, count, fold, make_histograms, place_of

RANKS = np.array([1.0, 50.0, 95.0, 99.0, 100.0])


@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(1, 4), st.integers(0, 400))
def test_percentiles_and_sums_are_the_stores(
    seed: int, endpoints: int, groups: int, values: int
) -> None:
    rng = np.random.default_rng(seed)
    given = np.zeros((endpoints, BUCKETS), np.int64)
    for endpoint in range(endpoints):
        delays = rng.lognormal(17, 2, rng.integers(0, values + 1)).astype(np.int64)
        given[endpoint] = np.bincount(bucket_of(delays), minlength=BUCKETS)
    group = rng.integers(0, groups, endpoints)
    members = np.argsort(group, kind="stable")
    first = np.searchsorted(group[members], np.arange(groups + 1))
    before = rng.integers(0, 3, (groups, BUCKETS))
    sums = before.copy()
    found = np.full((endpoints, len(RANKS)), -1.0)
    histograms = make_histograms(endpoints)
    histograms[:] = given.reshape(endpoints, -1, BLOCK).transpose(1, 0, 2)
    fold(histograms, members, first, sums, RANKS, found)
    expected = [quantiles(histogram, RANKS) for histogram in given]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    for g in range(groups):
        np.testing.assert_array_equal(sums[g], before[g] + given[group == g].sum(axis=0))
    assert not histograms.any()


def test_without_ranks_only_sums_are_made() -> None:
    histograms = make_histograms(3)
    histograms[:] = 1
    sums = np.zeros((1, BUCKETS), np.int64)
    fold(histograms, np.arange(3), np.array([0, 3]), sums, RANKS[:0], np.empty((3, 0)))
    assert (sums == 3).all()


def test_blocks_divide_the_buckets() -> None:
    assert BUCKETS % BLOCK == 0


@given(st.integers(1, 5), st.lists(st.integers(-5, 2**40), min_size=1, max_size=20))
def test_values_are_counted_where_it_is_said(endpoints: int, values: list[int]) -> None:
    counted = make_histograms(endpoints)
    for value in values:
        row = value % endpoints
        before = counted.copy()
        count(counted, row, value)
        changed = np.flatnonzero(counted != before)
        expected = bucket_of(np.array([value]))[0]
        assert changed.tolist() == [int(place_of(counted, row, np.uint64(expected)))]
        block, who, bucket = np.unravel_index(changed[0], counted.shape)
        assert (who, block * BLOCK + bucket) == (row, int(expected))
