"""Queueing theory out of the real kernels: its values lie in the confidence intervals."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from simulations.queues import DROPPED, make_queues, serve
from tests.simulations.confidence import SEEDS, check_coverage, check_mean
from tests.simulations.test_stations import Link

BYTE_A_NANOSECOND = 8 * 10**9
MEAN_BYTES = 1_000_000  # a millisecond
PACKETS, WARM_UP, BATCHES = 220_000, 20_000, 20
BOUNDLESS = 1 << 50


def queue(
    arrivals: NDArray[np.int64], sizes: NDArray[np.int64], limit_packets: int = 1 << 16
) -> NDArray[np.int64]:
    """Departures through the kernel's queue of a byte a nanosecond."""
    queues, starts, line = make_queues(np.array([BOUNDLESS]), np.array([limit_packets]))
    departures: NDArray[np.int64] = serve(
        queues[0], starts, line, BYTE_A_NANOSECOND, arrivals, sizes
    )
    return departures


def poisson(rng: np.random.Generator, load: float) -> NDArray[np.int64]:
    """Arrivals (ns) that ask for ``load`` of the server on average."""
    return np.cumsum(rng.exponential(MEAN_BYTES / load, PACKETS)).astype(np.int64)


def sizes_of(kind: str, rng: np.random.Generator) -> tuple[NDArray[np.int64], float]:
    """Sizes in bytes with mean MEAN_BYTES, and E[S²] / E[S]²."""
    if kind == "M":
        return np.maximum(rng.exponential(MEAN_BYTES, PACKETS), 1).astype(np.int64), 2.0
    if kind == "D":
        return np.full(PACKETS, MEAN_BYTES), 1.0
    # voice among pictures: many small, few large
    small, large, share = MEAN_BYTES // 10, MEAN_BYTES * 11 // 2, 1 / 6
    sizes = np.where(rng.random(PACKETS) < share, large, small)
    return sizes, ((1 - share) * small**2 + share * large**2) / MEAN_BYTES**2


@pytest.mark.parametrize("load", [0.3, 0.7])
@pytest.mark.parametrize("kind", ["M", "D", "G"])
def test_mean_wait_is_pollaczek_khinchines(kind: str, load: float) -> None:
    # Wq = λ E[S²] / 2(1 − ρ); for M/M/1 W = 1 / (μ − λ), for M/D/1 Wq = ρ / 2μ(1 − ρ).
    batches = []
    for seed in SEEDS:
        rng = np.random.default_rng([seed, 1])
        arrivals = poisson(rng, load)
        sizes, square = sizes_of(kind, rng)
        waits = queue(arrivals, sizes) - arrivals - sizes
        assert waits.min() >= 0
        batches.append(waits[WARM_UP:].reshape(BATCHES, -1).mean(axis=1) / MEAN_BYTES)
    expected = load * square / 2 / (1 - load)
    if kind == "M":
        assert expected + 1 == pytest.approx(1 / (1 - load))
    check_mean(np.mean(batches, axis=1), expected, within=0.02)
    check_coverage(batches, expected)


def test_sojourns_of_m_m_1_are_exponential() -> None:
    # P(T > t) = exp(−(μ − λ) t)
    load, tails = 0.6, []
    for seed in SEEDS:
        rng = np.random.default_rng([seed, 2])
        arrivals = poisson(rng, load)
        sojourns = queue(arrivals, sizes_of("M", rng)[0]) - arrivals
        tails.append((sojourns[WARM_UP:] > 5 * MEAN_BYTES).mean())
    check_mean(tails, math.exp(-(1 - load) * 5), within=0.04)


@pytest.mark.parametrize(("load", "places"), [(0.8, 3), (1.5, 5), (0.9, 2)])
def test_loss_of_m_m_1_k(load: float, places: int) -> None:
    # K in the system: one in transmission, K − 1 waiting. Loss (1 − ρ) ρᴷ / (1 − ρᴷ⁺¹).
    batches = []
    for seed in SEEDS:
        rng = np.random.default_rng([seed, 3])
        departures = queue(poisson(rng, load), sizes_of("M", rng)[0], places - 1)
        batches.append((departures[WARM_UP:] == DROPPED).reshape(BATCHES, -1).mean(axis=1))
    expected = (1 - load) * load**places / (1 - load ** (places + 1))
    check_mean(np.mean(batches, axis=1), expected, within=0.02)
    check_coverage(batches, expected)


def n_d_d_1_tail(sources: int, period: float, x: float) -> float:
    """P(V > x): REFERENCE, section 7; times in transmissions of one packet."""
    first = math.floor(x) + 1
    return sum(
        math.comb(sources, n)
        * ((n - x) / period) ** n
        * (1 - (n - x) / period) ** (sources - n)
        * (period - sources + x)
        / (period - n + x)
        for n in range(first, sources + 1)
    )


@pytest.mark.parametrize(("sources", "period"), [(18, 20), (40, 50)])
@pytest.mark.parametrize("level", [0.5, 1.0, 2.5, 4.0])
def test_constant_voices_on_one_link_are_n_d_d_1(sources: int, period: int, level: float) -> None:
    service, size = 1000, 1000
    tails = []
    for seed in SEEDS:
        rng = np.random.default_rng([seed, sources])
        above = []
        for _ in range(400):
            phases = np.sort(rng.integers(0, period * service, sources))
            arrivals = np.concatenate([phases, phases + period * service])
            departures = queue(arrivals, np.full(len(arrivals), size), sources)
            # work left at instants of the second period, when the first has settled it
            at = period * service + rng.integers(0, period * service, 200)
            last = np.searchsorted(arrivals, at, side="right") - 1
            above.append((departures[last] - at > level * service).mean())
        tails.append(np.mean(above))
    check_mean(tails, n_d_d_1_tail(sources, period, level), within=0.12)


def test_d_d_1_never_waits() -> None:
    arrivals = np.arange(1000) * MEAN_BYTES
    departures = queue(arrivals, np.full(1000, MEAN_BYTES), 1)
    assert (departures == arrivals + MEAN_BYTES).all()


@pytest.mark.parametrize("share", [0.35, 0.8])
def test_a_shared_links_background_makes_packets_wait_as_m_d_1(share: float) -> None:
    # Poisson arrivals see time averages: packets of one byte, a few to a thousand bursts.
    burst, batches = 1000, []
    for seed in SEEDS:
        link: Any = Link(load=[(0, share)], burst=burst, seed=seed)
        rng = np.random.default_rng([seed, 4])
        times = np.cumsum(rng.exponential(7_000_000, 40_000)).astype(np.int64)
        waits = (link.serve(times, 1) - times - 1000) / 1e6
        batches.append(waits.reshape(BATCHES, -1).mean(axis=1))
    load = share + 1000 / 7_000_000  # the packets' own part is small, and not forgotten
    square = (share * 1.0 + (load - share) * 0.001) / load
    expected = load * square / 2 / (1 - load)
    check_mean(np.mean(batches, axis=1), expected, within=0.02)
    check_coverage(batches, expected)
