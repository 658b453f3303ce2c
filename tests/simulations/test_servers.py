import math

import numpy as np
import pytest
from numpy.typing import NDArray

from scenarios.signalling import Admission, ServiceTime, SignallingServer
from scenarios.units import SECOND
from simulations.draws import service_time
from simulations.servers import Gate, Server
from tests.simulations.confidence import SEEDS, check_mean

REQUESTS, WARM_UP = 40_000, 4_000
MS = 10**6


def server(**changes: object) -> Server:
    record = {"label": "S", "latitude": 0, "longitude": 0, "carriers": ("red",), **changes}
    return Server(SignallingServer.model_validate(record))


def erlang_c(workers: int, offered: float) -> float:
    """Probability to wait in M/M/k (Erlang 1917), ``offered`` erlangs."""
    last = offered**workers / math.factorial(workers) * workers / (workers - offered)
    return last / (sum(offered**n / math.factorial(n) for n in range(workers)) + last)


def mean_wait(workers: int, load: float, service: ServiceTime, seed: int) -> float:
    """Mean wait in units of the mean service time, after a warm-up."""
    rng = np.random.default_rng(seed)
    gaps = rng.exponential(service.mean / (load * workers), REQUESTS)
    queue = server(concurrency=workers, queue=10**6)
    times: NDArray[np.int64] = np.cumsum(gaps).astype(np.int64)
    waits = np.empty(REQUESTS)
    for i, (now, draw) in enumerate(zip(times.tolist(), rng.random(REQUESTS), strict=True)):
        asked = queue.ask(now, service_time(service, float(draw)))
        assert asked is not None
        waits[i] = (asked[0] - now) / service.mean
    return float(waits[WARM_UP:].mean())


@pytest.mark.parametrize(("workers", "load"), [(1, 0.6), (4, 0.7), (16, 0.8)])
def test_the_wait_is_erlang_c_s(workers: int, load: float) -> None:
    service = ServiceTime(mean="10ms", distribution="exponential")
    expected = erlang_c(workers, load * workers) / (workers * (1 - load))
    means = [mean_wait(workers, load, service, seed) for seed in SEEDS]
    check_mean(means, expected, within=0.1)


@pytest.mark.parametrize(
    "service",
    [
        ServiceTime(mean="10ms", distribution="constant"),
        ServiceTime(mean="10ms", distribution="lognormal", variation=0.7),
    ],
    ids=["constant", "lognormal"],
)
def test_one_worker_s_wait_is_pollaczek_khinchine_s(service: ServiceTime) -> None:
    load = 0.6
    expected = load * (1 + service.squared_variation) / (2 * (1 - load))
    check_mean([mean_wait(1, load, service, s) for s in SEEDS], expected, within=0.1)


def test_several_workers_wait_is_about_lee_and_longton_s() -> None:
    """M/G/k has no closed form; half of (1 + c²) times M/M/k's wait is within some per cent."""
    service = ServiceTime(mean="10ms", distribution="constant")
    expected = erlang_c(4, 0.8 * 4) / (4 * (1 - 0.8)) / 2
    mean = np.mean([mean_wait(4, 0.8, service, seed) for seed in SEEDS])
    assert mean == pytest.approx(expected, rel=0.08)


def test_who_finds_the_queue_full_is_refused() -> None:
    queue = server(concurrency=2, queue=1)
    assert [queue.ask(0, 10) for _ in range(4)] == [(0, 10), (0, 10), (10, 20), None]
    assert queue.refused == 1
    assert queue.ask(10, 10) == (10, 20)  # the one that waited is being served


def test_death_forgets_all_requests() -> None:
    queue = server(concurrency=1, queue=5)
    queue.ask(0, 1000)
    queue.ask(1, 1000)
    queue.die()
    assert (queue.alive, queue.life) == (False, 1)
    queue.revive()
    assert queue.ask(5, 10) == (5, 15)


@pytest.mark.parametrize(
    ("policy", "asked", "slots"),
    [
        ("none", [1, 1, 5], [1, 1, 5]),
        # two a second, in time
        ("rate", [100, 100, 100, 5000], [100, 600, 1100, 5000]),
        # two together at each full second
        ("waves", [100, 100, 100, 2000, 2100], [1000, 1000, 2000, 2000, 3000]),
    ],
)
def test_the_gate(policy: str, asked: list[int], slots: list[int]) -> None:
    gate = Gate(Admission.model_validate({"policy": policy, "size": 2, "every": "1s"}))
    assert [gate.slot(at * MS) for at in asked] == [at * MS for at in slots]


def test_service_times_have_their_moments() -> None:
    draws = np.random.default_rng(3).random(100_000)
    for service in (
        ServiceTime(mean="20ms", distribution="exponential"),
        ServiceTime(mean="20ms", distribution="lognormal", variation=0.5),
        ServiceTime(mean="20ms", distribution="constant"),
    ):
        times = np.array([service_time(service, float(u)) for u in draws]) / SECOND
        assert times.mean() == pytest.approx(0.020, rel=0.02)
        squared = times.var() / times.mean() ** 2
        assert squared == pytest.approx(service.squared_variation, rel=0.05, abs=1e-9)
