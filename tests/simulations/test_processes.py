"""The correlated process: standard normal at any time, less alike the further apart."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from scenarios.randomness import stream_key
from simulations.compiled import array_kernel
from simulations.processes import PROCESS, advance
from tests.simulations.confidence import SEEDS, check_mean
from tests.simulations.loops import record

STEP, CORRELATION = 10, 80


@array_kernel
def states(process: Any, times: Any) -> Any:
    values = np.empty(len(times))
    for i in range(len(times)):
        advance(process, times[i])
        values[i] = process.state
    return values


def make_process(seed: int) -> Any:
    return record(
        np.dtype(PROCESS),
        key=stream_key(seed, 0, "process"),
        step=STEP,
        decay=math.exp(-STEP / CORRELATION),
    )


@pytest.fixture(scope="module")
def paths() -> NDArray[np.float64]:
    times = np.arange(20_000) * STEP
    return np.array([states(make_process(seed), times) for seed in SEEDS])


@pytest.mark.parametrize("steps", [1, 4, 8, 20])
def test_correlation_falls_exponentially(paths: NDArray[np.float64], steps: int) -> None:
    products = (paths[:, steps:] * paths[:, :-steps]).mean(axis=1)
    check_mean(products, math.exp(-steps * STEP / CORRELATION), within=0.25)


def test_values_are_standard_normal(paths: NDArray[np.float64]) -> None:
    check_mean((paths**2).mean(axis=1), 1.0, within=0.03)
    apart = paths[:, :: 10 * CORRELATION // STEP].ravel()  # as good as independent
    assert stats.kstest(apart, "norm").pvalue > 0.001


def test_the_first_value_is_as_wide_as_any() -> None:
    first = [states(make_process(seed), np.array([0]))[0] for seed in range(2000)]
    assert stats.kstest(first, "norm").pvalue > 0.001


def test_values_hold_for_a_step_whoever_looks_and_when() -> None:
    grid = np.arange(200) * STEP
    whole = states(make_process(1), grid)
    assert (states(make_process(1), grid + STEP - 1) == whole).all()
    assert (states(make_process(1), grid[::7]) == whole[::7]).all()
    assert len(set(whole.tolist())) == 200
