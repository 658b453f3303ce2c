import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from results.histograms import BUCKETS, bucket_edges, bucket_of, quantiles


@given(st.integers(2**14, 2**36 - 1))
@example(31_232)  # an edge, which in seconds is rounded
def test_a_value_lies_between_its_buckets_edges(nanoseconds: int) -> None:
    edges = np.rint(bucket_edges() * 1e9)  # they are whole nanoseconds
    (bucket,) = bucket_of(np.array([nanoseconds]))
    assert edges[bucket] <= nanoseconds < edges[bucket + 1]


def test_a_bucket_is_a_64th_of_its_lower_edge_wide_at_most() -> None:
    edges = bucket_edges()
    assert len(edges) == BUCKETS + 1
    widths = np.diff(edges) / edges[:-1]
    assert widths.max() <= 1 / 64 * (1 + 1e-12)
    assert widths.min() > 1 / 128


def test_values_out_of_range_count_in_the_outermost_buckets() -> None:
    outside = np.array([-5, 0, 1, 2**14 - 1, 2**36, 2**60])
    assert bucket_of(outside).tolist() == [0, 0, 0, 0, BUCKETS - 1, BUCKETS - 1]


def test_quantiles_are_order_statistics() -> None:
    counts = np.ones(100, dtype=np.int64)
    counts.resize(BUCKETS)
    edges = bucket_edges()
    middles = (edges[:-1] + edges[1:]) / 2
    found = quantiles(counts, np.array([0, 1, 7, 7.5, 50, 99.1, 100]))
    assert found.tolist() == middles[[0, 0, 6, 7, 49, 99, 99]].tolist()


def test_without_values_there_are_no_quantiles() -> None:
    assert np.isnan(quantiles(np.zeros(BUCKETS, dtype=np.int64), np.array([50.0, 95.0]))).all()
