"""The delay's slope, against the standard library's regression."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simulations.trendline import TREND, WINDOW, fit, restart
from tests.simulations.reference_delays import MS, Delta, Trendline

APART = st.integers(0, 80 * MS) | st.integers(0, 5)
DELTAS = st.lists(st.tuples(st.integers(1, 60 * MS), APART), min_size=1, max_size=90)


def made() -> Any:
    trend = np.zeros(1, TREND)[0]
    restart(trend)
    return trend


@given(DELTAS, st.integers(0, 2**45))
def test_slopes(deltas: list[tuple[int, int]], arrival: int) -> None:
    trend, plain = made(), Trendline()
    for sent, came in deltas:
        arrival += came
        scaled = fit(trend, sent, came, arrival)
        expected = plain.take(Delta(sent, came, arrival))
        # A few nanoseconds between arrivals leave few digits.
        assert scaled == pytest.approx(expected, rel=1e-6, abs=1e-6 * (1 + abs(expected)))
        assert trend["slope"] == pytest.approx(plain.slope, rel=1e-6, abs=1e-6)
    assert trend["count"] == plain.count


def test_a_steady_rise_is_found_whole() -> None:
    """The link carries 4/5 of what is sent: every 10 ms the delay grows by 2.5 ms."""
    trend = made()
    for i in range(200):
        scaled = fit(trend, 10 * MS, 12_500_000, 12_500_000 * (i + 1))
        if i < WINDOW - 1:
            assert scaled == 0
    assert trend["slope"] == pytest.approx(0.2, rel=1e-6)
    assert scaled == pytest.approx(60 * 4 * 0.2, rel=1e-6)


@given(st.integers(1, 40), st.lists(st.integers(0, 3), min_size=WINDOW, max_size=50))
@example(27, [0, 0, 0, 0, 1, 1, *12 * [0], 1, 0])
def test_what_was_far_apart_leaves_no_trace(wide: int, close: list[int]) -> None:
    """Sums that have been large say little about points a few nanoseconds apart."""
    trend, plain, arrival = made(), Trendline(), 0
    for came in [80 * MS] * wide + close:
        arrival += came
        fit(trend, 30 * MS, came, arrival)
        plain.take(Delta(30 * MS, came, arrival))
    assert trend["slope"] == pytest.approx(plain.slope, rel=1e-6, abs=1e-6)


def test_arrivals_at_one_instant_keep_the_slope() -> None:
    trend = made()
    for i in range(40):
        fit(trend, 10 * MS, 11 * MS, 11 * MS * (i + 1))
    slope = float(trend["slope"])
    assert slope > 0
    for _ in range(WINDOW):
        fit(trend, 10 * MS, 0, 440 * MS)
    before = float(trend["slope"])
    fit(trend, 10 * MS, 0, 440 * MS)
    assert trend["slope"] == before
