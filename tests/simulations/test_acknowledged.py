"""Rates that arrive, against plain windows of packets."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.acknowledged import (
    THROUGHPUT,
    UNKNOWN,
    WINDOWED,
    measure,
    measure_window,
    restart,
    start_window,
    window_rate,
)  # fmt: skip
from tests.simulations.reference_delays import MS
from tests.simulations.reference_rates import Throughput, Window

GAP = st.one_of(st.integers(-5 * MS, 60 * MS), st.sampled_from([0, 150 * MS, 400 * MS, 2000 * MS]))
PACKETS = st.lists(st.tuples(GAP, st.integers(1, 1500)), max_size=150)


def made() -> Any:
    throughput = np.zeros(1, THROUGHPUT)[0]
    restart(throughput)
    return throughput


def windowed() -> Any:
    state = np.zeros(1, WINDOWED)[0]
    start_window(state)
    return state


@given(PACKETS, st.one_of(st.none(), st.integers(0, 3000 * MS)))
def test_throughput(packets: list[tuple[int, int]], free_at: int | None) -> None:
    throughput, plain = made(), Throughput(free_at=free_at)
    if free_at is not None:
        throughput["free_at"] = free_at
    arrival = 10 * MS
    for gap, size in packets:
        arrival = max(arrival + gap, 0)
        measure(throughput, arrival, arrival + 30 * MS, size)
        plain.take(arrival, arrival + 30 * MS, size)
        assert throughput["rate"] == pytest.approx(UNKNOWN if plain.rate is None else plain.rate)
        assert throughput["variance"] == pytest.approx(plain.variance)


@given(PACKETS)
def test_windows(packets: list[tuple[int, int]]) -> None:
    state, plain = windowed(), Window()
    arrival = 10 * MS
    for gap, size in packets:
        arrival = max(arrival + gap, 0)
        measure_window(state, arrival, size)
        plain.take(arrival, size)
        assert window_rate(state) == pytest.approx(UNKNOWN if plain.rate is None else plain.rate)


def test_a_constant_rate_is_found_after_half_a_second() -> None:
    throughput, state = made(), windowed()
    for i in range(200):
        measure(throughput, 0, 10 * MS * i, 1250)
        measure_window(state, 10 * MS * i, 1250)
        if i < 50:
            assert throughput["rate"] == window_rate(state) == UNKNOWN
        else:
            assert throughput["rate"] == pytest.approx(1e6)
            assert window_rate(state) == pytest.approx(1e6, rel=0.05)


def test_the_estimate_falls_as_fast_as_it_rises_when_a_change_is_expected() -> None:
    """It follows slowly (a surprise counts for less), unless the application had been the limit."""
    rates = []
    for expected in (False, True):
        throughput = made()
        for i in range(100):
            measure(throughput, 10 * MS * i, 10 * MS * i, 1250)
        if expected:
            throughput["free_at"] = 999 * MS
        for i in range(100, 135):
            measure(throughput, 10 * MS * i, 10 * MS * i, 3750)
        rates.append(float(throughput["rate"]))
    assert 1e6 < rates[0] < 0.8 * rates[1] < 3e6
