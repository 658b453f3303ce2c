import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.distribution import Distribution
from results.histograms import BUCKETS, bucket_of

RANKS = st.integers(0, 1000).map(lambda tenths: tenths / 10)


def exact(values: list[float]) -> Distribution:
    return Distribution(np.sort(np.array(values)))


@given(st.lists(st.integers(-50, 50), min_size=1), RANKS)
def test_a_percentile_is_the_order_statistic(values: list[int], rank: float) -> None:
    # Counted, not computed: the smallest value that at least rank percent do not exceed.
    needed = math.ceil(round(rank * 10) * len(values) / 1000)
    expected = next(v for v in sorted(values) if sum(x <= v for x in values) >= needed)
    assert exact([float(v) for v in values]).percentile(rank) == expected


def test_a_rank_is_not_rounded_up_by_binary_fractions() -> None:
    hundred = exact([float(n) for n in range(1, 101)])
    assert [hundred.percentile(rank) for rank in (7, 29, 57)] == [7, 29, 57]
    thousand = exact([float(n) for n in range(1, 1001)])
    assert thousand.aggregate("p99.9") == 999


def test_repeated_values_weigh_as_often_as_they_occur() -> None:
    weighed = Distribution(np.array([1.0, 2.0, 9.0]), np.array([1, 2, 7]))
    flat = exact([1.0, 2.0, 2.0, *[9.0] * 7])
    for aggregation in ("count", "mean", "min", "max", "p10", "p30", "p30.1", "p100"):
        assert weighed.aggregate(aggregation) == flat.aggregate(aggregation), aggregation


@given(st.lists(st.integers(20_000, 60_000_000_000), min_size=1), RANKS)
def test_buckets_are_within_one_percent_of_the_values(nanoseconds: list[int], rank: float) -> None:
    values = exact([n / 1e9 for n in nanoseconds])
    counts = np.bincount(bucket_of(np.array(nanoseconds)), minlength=BUCKETS)
    buckets = Distribution.of_buckets(counts)
    assert buckets.count == values.count
    for aggregation in ("mean", "min", "max", f"p{rank:g}"):
        assert buckets.aggregate(aggregation) == pytest.approx(
            values.aggregate(aggregation), rel=0.01
        )


def test_without_values_nothing_is_known() -> None:
    for nothing in (exact([]), Distribution.of_buckets(np.zeros(BUCKETS, dtype=np.int64))):
        assert nothing.count == 0
        for aggregation in ("count", "mean", "min", "max", "p95"):
            assert nothing.aggregate(aggregation) is None, aggregation


def test_single_precision_adds_no_digits() -> None:
    tenths = Distribution(np.full(3, 0.1, dtype=np.float32))
    for aggregation in ("mean", "min", "max", "p50"):
        assert tenths.aggregate(aggregation) == 0.1, aggregation


@pytest.mark.parametrize("text", ["median", "p", "p95%", ""])
def test_an_unknown_aggregation_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="none of count, mean, min, max and pN"):
        exact([1.0]).aggregate(text)


def test_a_histogram_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="1408 buckets"):
        Distribution.of_buckets(np.zeros(5, dtype=np.int64))
