"""What changes the time to join moves it as queueing theory says, through the whole control plane.

Endpoints that set out at independent, uniform times are, seen from the server, close to a Poisson
process; loss-free links of constant delay leave the queue as the only thing that is random.
"""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scenarios.scenario import Scenario
from scenarios.units import SECOND
from tests.simulations.controlled import play, scenario_of
from tests.simulations.stand_in import stand_in
from tests.simulations.test_client import served
from tests.simulations.test_servers import erlang_c

ENDPOINTS, MINUTES = 600, 2
RATE = ENDPOINTS / (60 * MINUTES)
MEAN = 0.6
"""Seconds of service: 3 erlangs."""
SEEDS = range(12)
TRIPS = 10


def scenario(workers: int, admission: dict[str, Any] | None = None) -> Scenario:
    service = {"mean": f"{MEAN}s", "distribution": "exponential"}
    return scenario_of(
        {
            "joining": {"profile": "spread", "over": f"{MINUTES}min"},
            "signalling": served(
                concurrency=workers, service=service, queue=10_000, admission=admission or {}
            ),
            "ice": {"pairs": 1},
            "recovery": {"policy": "livekit", "timeout": "5min"},
        },
        sample=ENDPOINTS,
    )


def join_times(base: Scenario, delay: int = 10_000_000) -> NDArray[np.float64]:
    """(seeds,) mean seconds to join of the middle of the rush."""
    means = []
    for seed in SEEDS:
        seeded = base.model_copy(update={"seed": seed})
        network = stand_in(seeded, delay=delay)
        network.population.delay[:] = 0
        plane, _, _ = play(seeded, network)
        assert {s.outcome for s in plane.sessions} == {"connected"}
        middle = [s for s in plane.sessions if 15 < s.time / SECOND < 60 * MINUTES]
        means.append(np.mean([s.duration for s in middle]) / SECOND)
    return np.array(means)


def expected(workers: int, delay: float = 0.010) -> float:
    """Round trips, service, and M/M/k's wait."""
    offered = RATE * MEAN
    wait = erlang_c(workers, offered) * MEAN / (workers - offered)
    return TRIPS * 2 * delay + MEAN + wait


@pytest.mark.parametrize("workers", [4, 8])
def test_the_time_to_join_is_round_trips_service_and_erlang_c_s_wait(workers: int) -> None:
    times = join_times(scenario(workers))
    half = 3.5 * times.std(ddof=1) / np.sqrt(len(times))
    assert half < 0.35 * expected(workers)
    assert abs(times.mean() - expected(workers)) < half + 0.02


def test_twice_the_workers_take_the_wait_away() -> None:
    """Same draws: the difference is the wait's alone."""
    gained = join_times(scenario(4)) - join_times(scenario(8))
    half = 3.5 * gained.std(ddof=1) / np.sqrt(len(gained))
    assert (gained > 0).all()
    assert abs(gained.mean() - (expected(4) - expected(8))) < half


def test_twice_the_delay_costs_its_round_trips() -> None:
    base = scenario(8)
    gained = join_times(base, delay=40_000_000) - join_times(base, delay=20_000_000)
    assert gained.mean() == pytest.approx(TRIPS * 2 * 0.020, rel=0.05)


def test_waves_cost_half_a_wave_and_what_a_wave_then_queues() -> None:
    """A wave's k-th of w, with as many workers free, waits for k / workers services, about."""
    every = 4
    size = round(RATE * every * 1.5)
    admission = {"policy": "waves", "size": size, "every": f"{every}s"}
    times = join_times(scenario(8, admission))
    batch = RATE * every
    queueing = MEAN * (batch - 8) ** 2 / (2 * batch * 8)
    assert times.mean() == pytest.approx(expected(8) + every / 2 + queueing, rel=0.1)
    assert times.mean() > join_times(scenario(8)).mean() + every / 2
