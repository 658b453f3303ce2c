"""The jitter buffer's target, against a plain one and by hand."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.delay_manager import (
    BUCKETS,
    FORGET,
    MANAGER,
    ONE,
    add,
    forget_transits,
    forgetting,
    observe,
    quantile,
)
from tests.simulations.reference_jitter import Histogram, PlainDelayManager

MS = 1_000_000
PTIME = 20 * MS


def make() -> Any:
    return np.zeros(1, MANAGER)[0]


@given(
    st.lists(
        st.tuples(
            st.one_of(st.just(PTIME), st.integers(-3000, 3000).map(lambda ms: ms * MS)),
            st.one_of(st.integers(0, 40 * MS), st.integers(0, 2500 * MS)),
            st.booleans(),
            st.sampled_from([False] * 30 + [True]),
        ),
        max_size=200,
    ),
    st.sampled_from([PTIME, 2_500_000]),
)
def test_the_target_is_the_plain_one(
    plan: list[tuple[int, int, bool, bool]], duration: int
) -> None:
    manager, plain = make(), PlainDelayManager()
    captured = now = 0
    for on, delay, reordered, another in plan:
        if another:
            forget_transits(manager)
            plain.forget()
        captured, now = captured + on, max(now + 1, captured + on + delay)
        target = observe(manager, captured, now, duration, reordered)
        assert target == plain.observe(captured, now, duration, reordered)
        assert manager["low"] == min(plain.recent)
        assert manager["high"] == max(plain.recent)
    assert manager["delays"].tolist() == plain.delays.shares
    assert bool(manager["reordering"]) == plain.reordering


@given(st.lists(st.integers(0, BUCKETS - 1), min_size=1, max_size=300))
def test_a_histogram_s_shares_are_one(buckets: list[int]) -> None:
    shares, plain = np.zeros(BUCKETS, np.int32), Histogram(BUCKETS, 0.983)
    for count, bucket in enumerate(buckets):
        add(shares, bucket, forgetting(count, FORGET))
        plain.add(bucket * 20 * MS)
        assert shares.sum() == ONE
    assert shares.tolist() == plain.shares
    found = quantile(shares)
    assert shares[found + 1 :].sum() <= 0.05 * ONE + 1 < shares[found:].sum() + 2


@pytest.mark.parametrize(
    ("jitter", "target"),  # ms: delays over the least, and what they ask for
    [([0], 20), ([0, 19], 20), ([0, 20], 40), ([0, 0, 0, 70], 80), ([0, 150], 160)],
)
def test_the_target_covers_the_delays_there_are(jitter: list[int], target: int) -> None:
    manager = make()
    targets = [
        observe(manager, i * PTIME, i * PTIME + (50 + jitter[i % len(jitter)]) * MS, PTIME, False)
        for i in range(1000)
    ]
    assert targets[0] == 80 * MS  # until the first half second is over
    assert targets[-1] == target * MS


def test_the_target_is_three_quarters_of_a_full_buffer_at_most() -> None:
    manager = make()
    for i in range(200):
        delay = (0, 1500)[i % 2] * MS
        target = observe(manager, i * PTIME, i * PTIME + delay, 2_500_000, False)
    assert target == 150 * 2_500_000


def test_what_is_overtaken_often_is_waited_for() -> None:
    manager, other = make(), make()
    for i in range(1000):
        overtaken = i % 5 == 0  # a fifth of the packets, by 110 ms
        delay = (50 + 110 * overtaken) * MS
        waits = observe(manager, i * PTIME, i * PTIME + delay, PTIME, overtaken)
        rarely = observe(other, i * PTIME, i * PTIME + 50 * MS, PTIME, i == 10)
    assert waits == 120 * MS
    assert rarely == 20 * MS


def test_a_route_that_has_become_faster_or_slower_is_known_within_two_seconds() -> None:
    manager = make()
    for i in range(300):
        observe(manager, i * PTIME, i * PTIME + (50 if i < 150 else 90) * MS, PTIME, False)
        if i in (149, 150):
            assert manager["low"] == 50 * MS
    assert manager["low"] == manager["high"] == 90 * MS
