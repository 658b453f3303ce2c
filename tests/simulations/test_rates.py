"""The rate of a link in time: its pieces, their integration, fading and holes."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.randomness import stream_key
from simulations.rates import FOREVER, LIFETIME, RATE, STALLED, refresh
from tests.simulations.confidence import SEEDS, check_mean
from tests.simulations.loops import NO_LOAD, profiles, rates, record, transmissions

MS = 1_000_000
SECOND = 10**9
STEP = 100 * MS


def make_rate(
    nominal: float = 1e6,
    *,
    seed: int = 1,
    spread: float = 0.0,
    correlation: int = 2 * SECOND,
    hole_every: float = 0.0,
    hole_length: float = 0.0,
) -> Any:
    return record(
        RATE,
        nominal=nominal,
        step=STEP if spread else 0,
        decay=math.exp(-STEP / correlation),
        spread=spread,
        key=stream_key(seed, 0, "fading"),
        hole_every=hole_every,
        hole_length=hole_length,
        hole_key=stream_key(seed, 0, "holes"),
    )


def pieces(rate: Any, loads: Any, until: int) -> list[tuple[int, int]]:
    """(begin, bit/s) of the pieces up to ``until``."""
    now, found = 0, []
    while now < until:
        refresh(rate, loads[0], loads[1], now)
        assert rate["until"] > now
        found.append((now, int(rate["current"])))
        now = int(rate["until"])
    return found


def plain_end(parts: list[tuple[int, int]], start: int, size: int) -> Fraction | None:
    """When ``size`` bytes begun at ``start`` have gone through a rate in pieces."""
    left = Fraction(8 * size)
    for (begin, rate), (end, _) in zip(parts, [*parts[1:], (10**18, 0)], strict=True):
        begins = max(begin, start)
        if begins >= end or rate == 0:
            continue
        need = left * SECOND / rate
        if begins + need <= end:
            return begins + need
        left -= Fraction(rate * (end - begins), SECOND)
    return None


@given(
    seed=st.integers(0, 10**6),
    sends=st.lists(st.tuples(st.integers(0, 3 * SECOND), st.integers(1, 9000)), max_size=30),
    nominal=st.sampled_from([20e3, 1e6, 50e6]),
    fading=st.sampled_from([0.0, 0.8]),
    hole=st.sampled_from([(0.0, 0.0), (1.5e9, 0.4e9)]),
    load=st.sampled_from([[(0, 0.0)], [(0, 0.3), (700 * MS, 0.0), (701 * MS, 0.9)]]),
)
def test_a_transmission_takes_what_its_bits_take_through_the_pieces(
    seed: int,
    sends: list[tuple[int, int]],
    nominal: float,
    fading: float,
    hole: tuple[float, float],
    load: list[tuple[int, float]],
) -> None:
    def fresh() -> Any:
        return make_rate(nominal, seed=seed, spread=fading, hole_every=hole[0], hole_length=hole[1])

    loads = profiles(load)
    parts = pieces(fresh(), loads, 400 * SECOND)
    rate, free = fresh(), 0
    for gap, size in sends:
        start = free + gap
        (end,) = transmissions(rate, *loads, np.array([start]), np.array([size]))
        exact = plain_end(parts, start, size)
        assert exact is not None
        if exact - start > LIFETIME:
            assert end == STALLED
            free = start + LIFETIME
        else:
            assert abs(end - exact) <= 2  # floats' share of it
            free = max(int(end), start)


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 9000)), min_size=1, max_size=20))
def test_at_one_rate_every_transmission_is_to_the_nearest_nanosecond(
    sends: list[tuple[int, int]],
) -> None:
    rate = make_rate(7_777_777)
    start = 0
    for gap, size in sends:
        start += gap
        (end,) = transmissions(rate, *NO_LOAD, np.array([start]), np.array([size]))
        assert abs(Fraction(8 * size * SECOND, 7_777_777) - (end - start)) <= Fraction(1, 2)
        start = end


def test_load_steps_take_their_share() -> None:
    loads = profiles([(0, 0.25), (10, 1.0), (20, 0.0)], [(0, 0.5)])
    rate = make_rate(1000)
    assert rates(rate, *loads, np.array([0, 9, 10, 19, 20, 10**15])).tolist() == [
        [750, 10], [750, 10], [0, 20], [0, 20], [1000, FOREVER], [1000, FOREVER]
    ]  # fmt: skip
    rate = make_rate(1000)
    rate["load"] = 1
    assert rates(rate, *loads, np.array([0])).tolist() == [[500, FOREVER]]


def test_a_transmission_waits_for_the_load_to_go() -> None:
    loads = profiles([(0, 0.5), (4 * MS, 1.0), (10 * MS, 0.0)])
    # 1,000 bits: half of them at half the rate in 1 ms, and so on
    (end,) = transmissions(make_rate(1e6), *loads, np.array([3 * MS]), np.array([125]))
    assert end == 10 * MS + 500_000


def test_a_link_that_gives_no_room_stalls() -> None:
    loads = profiles([(0, 1.0), (LIFETIME - 1 * MS, 0.0)], [(0, 1.0)])
    in_time, too_late = 125, 126
    for size, expected in ((in_time, LIFETIME), (too_late, STALLED)):
        ends = transmissions(make_rate(1e6), *loads, np.array([0]), np.array([size]))
        assert ends.tolist() == [expected]
    dead = make_rate(1e6)
    dead["load"] = 1
    times = np.array([0, LIFETIME, 2 * LIFETIME])
    assert transmissions(dead, *loads, times, np.full(3, 1)).tolist() == [STALLED] * 3


def test_a_link_too_slow_for_a_packet_stalls_and_is_free_for_a_smaller_one() -> None:
    rate = make_rate(100)
    times = np.array([0, LIFETIME, 2 * LIFETIME])
    ends = transmissions(rate, *NO_LOAD, times, np.array([376, 375, 1]))
    assert ends.tolist() == [STALLED, 2 * LIFETIME, 2 * LIFETIME + 80 * MS]


@pytest.mark.parametrize("spread", [0.3, 0.8])
def test_fading_has_mean_one_and_the_spread_and_the_correlation_that_are_asked_for(
    spread: float,
) -> None:
    times = np.arange(0, 4000 * SECOND, STEP)
    lag = 2 * SECOND // STEP
    logs, means = [], []
    for seed in SEEDS:
        values = rates(make_rate(1e9, seed=seed, spread=spread), *NO_LOAD, times)[:, 0] / 1e9
        means.append(values.mean())
        logs.append(np.log(values) + spread**2 / 2)
    check_mean(means, 1.0, within=0.02)
    check_mean([x.var() + x.mean() ** 2 for x in logs], spread**2, within=0.05)
    products = [np.mean(x[lag:] * x[:-lag]) for x in logs]
    check_mean(products, spread**2 / math.e, within=0.08)


def test_fading_is_stationary_from_the_beginning() -> None:
    first = [
        rates(make_rate(1e9, seed=seed, spread=0.5), *NO_LOAD, np.array([0]))[0, 0] / 1e9
        for seed in range(2000)
    ]
    assert np.log(first).std() == pytest.approx(0.5, rel=0.07)


def test_fading_holds_for_a_step() -> None:
    rate = make_rate(1e9, spread=0.5)
    values = rates(rate, *NO_LOAD, np.array([0, 1, STEP - 1, STEP, 2 * STEP - 1, 2 * STEP]))
    assert values[:, 1].tolist() == [STEP] * 3 + [2 * STEP] * 2 + [3 * STEP]
    assert len(set(values[:, 0].tolist())) == 3


def test_holes_come_as_often_and_last_as_long_as_asked_for() -> None:
    every, length = 3 * SECOND, 400 * MS
    lengths, distances = [], []
    for seed in SEEDS:
        rate = make_rate(seed=seed, hole_every=every, hole_length=length)
        parts = np.array(pieces(rate, NO_LOAD, 2000 * SECOND))
        begins, values = parts[:, 0], parts[:, 1]
        holes = np.flatnonzero(values[:-1] == 0)
        assert set(values.tolist()) == {0, 1_000_000}
        lengths.append((begins[holes + 1] - begins[holes]).mean())
        distances.append(np.diff(begins[holes]).mean())
    check_mean(lengths, length, within=0.04)
    check_mean(distances, every, within=0.04)
