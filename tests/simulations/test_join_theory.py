"""What changes the time to join moves it as queueing theory says, through the whole control plane.

Endpoints that set out at independent, uniform times are, seen from the server, close to a Poisson
process; loss-free links of constant delay leave the queue as the only thing that is random.
"""

from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from scenarios.scenario import Scenario
from scenarios.units import SECOND
from tests.simulations.controlled import play, scenario_of, served
from tests.simulations.stand_in import stand_in
from tests.simulations.test_servers import erlang_c

ENDPOINTS, MINUTES = 600, 2
RATE = ENDPOINTS / (60 * MINUTES)
MEAN = 0.48
"""Seconds of service: 2.4 erlangs, so that the queue forgets within a tenth of the time."""
SEEDS = range(10)
TRIPS = 10
WAVE = 4
"""Seconds between waves."""


def scenario(workers: int, admission: dict[str, Any]) -> Scenario:
    service = {"mean": f"{MEAN}s", "distribution": "exponential"}
    return scenario_of(
        {
            "joining": {"profile": "spread", "over": f"{MINUTES}min"},
            "signalling": served(
                concurrency=workers, service=service, queue=10_000, admission=admission
            ),
            "ice": {"pairs": 1},
            "recovery": {"policy": "livekit", "timeout": "5min"},
        },
        sample=ENDPOINTS,
    )


@cache
def join_times(workers: int, delay: float = 0.010, waves: bool = False) -> NDArray[np.float64]:
    """(seeds,) mean seconds to join of those who set out when the queue has settled."""
    waving = {"policy": "waves", "size": round(RATE * WAVE * 1.5), "every": f"{WAVE}s"}
    base = scenario(workers, waving if waves else {})
    means = []
    for seed in SEEDS:
        seeded = base.model_copy(update={"seed": seed})
        network = stand_in(seeded, delay=round(delay * SECOND))
        network.population.delay[:] = 0
        plane, _, _ = play(seeded, network)
        assert {s.outcome for s in plane.sessions} == {"connected"}
        settled = [s for s in plane.sessions if 15 < s.time / SECOND < 60 * MINUTES]
        means.append(np.mean([s.duration for s in settled]) / SECOND)
    return np.array(means)


def expected(workers: int, delay: float = 0.010) -> float:
    """Round trips, service, and M/M/k's wait."""
    offered = RATE * MEAN
    wait = erlang_c(workers, offered) * MEAN / (workers - offered)
    return TRIPS * 2 * delay + MEAN + wait


def half_width(values: NDArray[np.float64]) -> float:
    """Of the mean's 99 % confidence interval."""
    quantile = stats.t.ppf(0.995, len(values) - 1)
    return float(quantile * values.std(ddof=1) / np.sqrt(len(values)))


@pytest.mark.parametrize("workers", [4, 8])
def test_the_time_to_join_is_round_trips_service_and_erlang_c_s_wait(workers: int) -> None:
    times = join_times(workers)
    assert half_width(times) < 0.1 * expected(workers)
    assert abs(times.mean() - expected(workers)) < half_width(times)


def test_twice_the_workers_take_the_wait_away() -> None:
    """The same draws: the difference is the wait's alone."""
    gained = join_times(4) - join_times(8)
    assert (gained > 0).all()
    assert abs(gained.mean() - (expected(4) - expected(8))) < half_width(gained)


def test_twice_the_delay_costs_its_round_trips() -> None:
    gained = join_times(8, delay=0.020) - join_times(8, delay=0.010)
    assert gained.mean() == pytest.approx(TRIPS * 2 * 0.010, rel=0.05)


def test_waves_cost_half_a_wave_and_what_a_wave_then_queues() -> None:
    """Of the n that come together, those beyond the 8 workers wait for their turns."""
    times = join_times(8, waves=True)
    together = RATE * WAVE
    queueing = MEAN * (together - 8) ** 2 / (2 * together * 8)
    longer = times.mean() - join_times(8).mean()
    assert longer == pytest.approx(WAVE / 2 + queueing, rel=0.1)
