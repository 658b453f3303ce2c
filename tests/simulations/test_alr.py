"""Application-limited regions, against libwebrtc's interval budget written out plainly."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.alr import spend
from simulations.legs import LEG


@dataclass
class Budget:
    """Half a second's worth of 85 % of the estimate."""

    left: float = 0.0
    limited: bool = False

    def spend(self, target: int, sent: int, passed: float) -> None:
        rate = 0.85 * target / 8
        most = rate / 2
        self.left = min(self.left, most)
        self.left = max(self.left - sent, -most)
        self.left = min(self.left + rate * passed, most)
        if self.left > 0.8 * most:
            self.limited = True
        if self.left < 0.5 * most:
            self.limited = False


@given(
    st.lists(
        st.tuples(st.integers(5_000, 10**7), st.floats(0, 3), st.sampled_from([0.025, 0.1, 0.4])),
        max_size=60,
    )
)
def test_as_plain(plan: list[tuple[int, float, float]]) -> None:
    leg: Any = np.zeros(1, LEG)[0]
    budget = Budget()
    for target, share, passed in plan:
        sent = int(share * target * passed / 8)
        spend(leg, target, sent, passed)
        budget.spend(target, sent, passed)
        assert leg["budget"] == pytest.approx(budget.left)
        assert bool(leg["limited"]) == budget.limited


@pytest.mark.parametrize(("share", "limited"), [(0.2, 1), (0.8, 1), (0.9, 0), (1.0, 0)])
def test_who_sends_less_than_85_percent_is_limited(share: float, limited: int) -> None:
    leg: Any = np.zeros(1, LEG)[0]
    for _ in range(100):
        spend(leg, 1_000_000, int(share * 1_000_000 * 0.1 / 8), 0.1)
    assert leg["limited"] == limited


def test_a_key_frame_does_not_end_it() -> None:
    leg: Any = np.zeros(1, LEG)[0]
    for _ in range(100):
        spend(leg, 2_000_000, 5000, 0.1)
    spend(leg, 2_000_000, 35_000, 0.1)
    assert leg["limited"] == 1
