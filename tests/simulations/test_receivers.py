"""What a receiver measures, against plain definitions of the same."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.histograms import BUCKETS, bucket_edges, bucket_of, quantiles
from simulations.distributions import make_histograms
from simulations.receivers import METER, STREAM
from tests.simulations.loops import accounted, counted, jittered, measured, record

MS = 1_000_000
GONE, LOST, ARRIVED = "gone", "lost", "arrived"
"""What becomes of a packet: lost before the node, lost on the way from there, or neither."""


def new_stream() -> Any:
    return record(STREAM, source=-1, number=-1)


def counts(stream: Any) -> tuple[int, int, int]:
    return int(stream["expected"]), int(stream["lost"]), int(stream["runs"])


@given(
    st.lists(st.sampled_from([GONE, LOST, ARRIVED, ARRIVED]), max_size=80),
    st.lists(st.integers(0, 80), max_size=4),
)
def test_every_number_is_expected_once_and_lost_if_it_did_not_come(
    fates: list[str], samples: list[int]
) -> None:
    numbers = [i for i, fate in enumerate(fates) if fate != GONE]
    stream, total = new_stream(), np.zeros(3, np.int64)
    # However the stream is cut into samples, each packet counts in one of them.
    edges = [0, *sorted(min(s, len(numbers)) for s in samples), len(numbers)]
    for begin, end in itertools.pairwise(edges):
        part = numbers[begin:end]
        accounted(
            stream,
            np.array(part, np.int64),
            np.array([fates[i] == ARRIVED for i in part], np.bool_),
        )
        total += counts(stream)
        stream["expected"] = stream["lost"] = stream["runs"] = 0
    known = fates[: numbers[-1] + 1] if numbers else []  # what nothing follows is not known of
    lost = [fate != ARRIVED for fate in known]
    runs = sum(1 for gone, _ in itertools.groupby(lost) if gone)
    assert total.tolist() == [len(known), sum(lost), runs]


def test_the_first_packets_count_though_they_never_came() -> None:
    stream = new_stream()
    accounted(stream, np.array([3, 4]), np.array([True, False]))
    assert counts(stream) == (5, 4, 2)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 400 * MS)), min_size=1, max_size=60))
def test_jitter_is_rfc_3550_s_and_of_one_source(came: list[tuple[int, int]]) -> None:
    stream = new_stream()
    sources, transits = (np.array(part, np.int64) for part in zip(*came, strict=True))
    jittered(stream, sources, transits)
    groups = itertools.groupby(came, key=lambda one: one[0])
    source, last = [(source, list(each)) for source, each in groups][-1]
    jitter = 0.0
    for (_, before), (_, now) in itertools.pairwise(last):
        jitter += (abs(now - before) - jitter) / 16
    assert stream["source"] == source
    assert stream["jitter"] == pytest.approx(jitter)


@given(st.lists(st.integers(0, 40_000 * MS), min_size=1, max_size=60))
def test_delays_add_up_and_are_counted(delays: list[int]) -> None:
    meter, histograms = record(METER), make_histograms(1)
    measured(meter, histograms, np.array(delays, np.int64))
    assert meter["timed"] == len(delays)
    assert (meter["delay_sum"], meter["delay_max"]) == (sum(delays), max(delays))
    expected = np.bincount(bucket_of(np.array(delays)), minlength=BUCKETS)
    assert (histograms.ravel() == expected).all()


def test_a_histograms_buckets_are_the_stores() -> None:
    edges = np.rint(bucket_edges() * 1e9).astype(np.int64)
    values = np.concatenate([edges - 1, edges, edges + 1, [-5, 0, 1, 2**62]])
    histograms = make_histograms(1)
    counted(histograms, values)
    expected = np.bincount(bucket_of(values), minlength=BUCKETS)
    assert (histograms.ravel() == expected).all()


@given(
    st.integers(0, 2**32),
    st.sampled_from([0.1, 0.5, 1.5]),
    st.sampled_from([100_000, 20 * MS, 900 * MS]),
)
def test_percentiles_are_within_one_percent(seed: int, spread: float, median: int) -> None:
    values = np.random.default_rng(seed).lognormal(np.log(median), spread, 3000).astype(np.int64)
    values = np.clip(values, 20_000, 60 * 10**9)
    histograms = make_histograms(1)
    counted(histograms, values)
    ranks = np.array([0.1, 5, 50, 95, 99, 99.9, 100])
    # the ceil(rank · n)-th smallest
    exact = np.sort(values)[[2, 149, 1499, 2849, 2969, 2996, 2999]] / 1e9
    found = quantiles(histograms.ravel().astype(np.int64), ranks)
    np.testing.assert_allclose(found, exact, rtol=0.01)
