"""The draft's arrival-time filter, against its formulas in the draft's words."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.kalman import KALMAN, restart, track
from tests.simulations.reference_delays import MS, Delta, Kalman

DELTAS = st.lists(
    st.tuples(st.integers(-MS, 200 * MS), st.integers(0, 300 * MS)), min_size=1, max_size=90
)


def made() -> Any:
    state = np.zeros(1, KALMAN)[0]
    restart(state)
    return state


@given(DELTAS)
def test_estimates(deltas: list[tuple[int, int]]) -> None:
    state, plain = made(), Kalman()
    for sent, came in deltas:
        scaled = track(state, sent, came)
        assert scaled == pytest.approx(plain.take(Delta(sent, came, 0)), rel=1e-9, abs=1e-9)
    for field in ("estimate", "error", "variance", "count"):
        assert state[field] == pytest.approx(getattr(plain, field), rel=1e-9)


def test_a_steady_rise_is_found() -> None:
    state = made()
    for _ in range(500):
        scaled = track(state, 10 * MS, 12 * MS)
    assert state["estimate"] == pytest.approx(2.0, rel=0.01)
    assert scaled == 60 * state["estimate"]


def test_noise_makes_it_careful() -> None:
    """The same change counts for less where delays vary anyway."""
    generator = np.random.default_rng(1)
    quiet, noisy = made(), made()
    for _ in range(2000):
        track(quiet, 20 * MS, 20 * MS)
        track(noisy, 20 * MS, 20 * MS + int(generator.normal(0, 8 * MS)))
    before = float(noisy["estimate"])
    track(quiet, 20 * MS, 30 * MS)
    track(noisy, 20 * MS, 30 * MS)
    assert quiet["variance"] < 1.1
    assert noisy["variance"] > 20
    assert noisy["estimate"] - before < 0.4 * quiet["estimate"]


def test_an_outlier_counts_as_three_deviations() -> None:
    state, other = made(), made()
    track(state, 5 * MS, 8 * MS)
    track(other, 5 * MS, 1000 * MS)
    assert state["variance"] == other["variance"]
