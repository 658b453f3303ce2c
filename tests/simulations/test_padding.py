"""Padding: with the media beside it, it makes a probe."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.padding import CLUSTER_PACKETS, CLUSTER_TIME, LEAST, padding_for

SIZE = 1250


@given(st.integers(30_000, 10**8), st.floats(0, 2))
def test_padding_and_media_make_the_rate(rate: int, share: float) -> None:
    packets, gap = padding_for(rate, share * rate, SIZE)
    padded = SIZE * 8e9 / gap
    wanted = max(1 - share, LEAST) * rate
    assert padded == pytest.approx(wanted, rel=1e-3)
    # what is sent while the padding is, is a whole cluster
    length = packets * gap
    assert length >= 0.999 * CLUSTER_TIME
    assert length * (padded + min(share, 1 - LEAST) * rate) / 8e9 >= CLUSTER_PACKETS * SIZE * 0.999


def test_by_hand() -> None:
    # 1 Mbit/s: a packet every 10 ms; five of them take 50 ms, half as long again to be sure
    assert padding_for(1_000_000, 0.0, SIZE) == (1 + 7, 10_000_000)
    assert padding_for(1_000_000, 500_000.0, SIZE) == (1 + 3, 20_000_000)
    # no faster than it must last: 22.5 ms
    assert padding_for(100_000_000, 0.0, SIZE) == (1 + 225, 100_000)
    # a quarter of the probe is padding, however much media there is
    assert padding_for(1_000_000, 2_000_000.0, SIZE) == (1 + 1, 40_000_000)
