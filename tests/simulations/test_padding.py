"""Padding: with the media beside it, it makes a probe."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.padding import CLUSTER_PACKETS, CLUSTER_TIME, cluster_of

SIZE = 1250


@given(st.integers(5_000, 10**9))
def test_a_cluster_lasts_long_enough_and_has_packets_enough(rate: int) -> None:
    size, gap = cluster_of(rate, SIZE)
    assert size >= CLUSTER_PACKETS * SIZE
    assert size >= int(rate * CLUSTER_TIME / 8e9)
    assert size <= max(CLUSTER_PACKETS * SIZE, rate * CLUSTER_TIME / 8e9)
    assert gap == int(8e9 / rate)


@pytest.mark.parametrize(
    ("rate", "cluster"),
    [
        (1_000_000, (6250, 8000)),  # five packets of 10 ms each
        (10_000_000, (18_750, 800)),  # 15 ms
    ],
)
def test_by_hand(rate: int, cluster: tuple[int, int]) -> None:
    assert cluster_of(rate, SIZE) == cluster
