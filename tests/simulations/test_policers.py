"""The token bucket: what it lets through at once, in the long run, and against plain fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.policers import POLICER
from tests.simulations.loops import policed, record

RATE, BURST = 1_000_000, 10_000


def bucket(rate: int = RATE, burst: int = BURST) -> object:
    return record(POLICER, rate=rate, depth=8 * burst, tokens=8 * burst)


def test_a_full_bucket_passes_its_depth_at_once_and_no_more() -> None:
    passed = policed(bucket(), np.zeros(12, np.int64), np.full(12, 1000))
    assert passed.tolist() == [True] * 10 + [False] * 2


def test_what_does_not_conform_takes_no_tokens() -> None:
    passed = policed(bucket(), np.zeros(3, np.int64), np.array([9000, 1001, 1000]))
    assert passed.tolist() == [True, False, True]


def test_in_the_long_run_it_passes_its_rate() -> None:
    times = np.arange(100_000) * 1_000_000  # 8 Mbit/s for 100 s
    passed = policed(bucket(), times, np.full(len(times), 1000))
    assert passed.sum() * 8000 == pytest.approx(RATE * 100 + 8 * BURST, abs=8000)


def test_traffic_below_the_rate_passes_whole() -> None:
    times = np.arange(10_000) * 8_000_000  # 1 Mbit/s
    assert policed(bucket(), times, np.full(len(times), 1000)).all()


def test_tokens_do_not_pile_up_beyond_the_depth() -> None:
    passed = policed(bucket(), np.array([3600 * 10**9] * 11), np.full(11, 1000))
    assert passed.sum() == 10


def test_no_policer_passes_all() -> None:
    assert policed(record(POLICER), np.zeros(100, np.int64), np.full(100, 1500)).all()


@given(
    st.lists(st.tuples(st.integers(0, 30_000_000), st.integers(1, 1500)), max_size=50),
    st.sampled_from([64_000, 1_000_000, 7_777_777]),
    st.sampled_from([1500, 4000]),
)
def test_the_plain_bucket_says_the_same(
    packets: list[tuple[int, int]], rate: int, burst: int
) -> None:
    times = np.cumsum([gap for gap, _ in packets], dtype=np.int64)
    sizes = np.array([size for _, size in packets], np.int64)
    passed = policed(bucket(rate, burst), times, sizes)
    tokens, before = Fraction(8 * burst), 0
    for now, size, conforms in zip(times.tolist(), sizes.tolist(), passed, strict=True):
        tokens = min(Fraction(8 * burst), tokens + Fraction(now - before) * rate / 10**9)
        before = now
        if abs(tokens - 8 * size) > Fraction(1, 10**6):  # at the edge, rounding decides
            assert conforms == (tokens >= 8 * size)
        tokens -= 8 * size if conforms else 0
