"""Random numbers inside kernels: those of the scenarios, bit for bit, and their distributions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import ndtri

from scenarios import randomness as scenarios
from simulations.field import message_draw
from tests.simulations.confidence import SEEDS, check_mean
from tests.simulations.loops import exponentials, normals, quantiles, uniforms


@given(st.integers(0, 2**64 - 1))
def test_uniform_draws_are_the_scenarios_draws(key: int) -> None:
    keys = np.uint64(key)
    expected = scenarios.uniforms(np.array([keys]), np.arange(50))
    assert uniforms(keys, 50).tobytes() == expected.tobytes()


@given(st.integers(0, 2**64 - 1), st.integers(1, 2**40))
def test_draws_for_messages_are_the_scenarios_draws(key: int, number: int) -> None:
    keys = scenarios.mix_keys(np.uint64(key), np.array([number], np.uint64))
    assert message_draw(np.uint64(key), number) == scenarios.uniforms(keys)[0]


def test_normal_quantiles_are_right_to_seven_digits() -> None:
    tails = np.logspace(-15, -1, 200)
    probabilities = np.concatenate([tails, np.linspace(0.01, 0.99, 999), 1 - tails[60:]])
    np.testing.assert_allclose(quantiles(probabilities), ndtri(probabilities), rtol=2e-7, atol=1e-7)


@pytest.mark.parametrize("mean", [1.0, 2.5e9])
def test_exponential_draws(mean: float) -> None:
    keys = [scenarios.stream_key(seed, 0, "exponential") for seed in SEEDS]
    drawn = np.array([exponentials(key, 20_000, mean) for key in keys])
    check_mean(drawn.mean(axis=1), mean, within=0.01)
    check_mean((drawn**2).mean(axis=1), 2 * mean**2, within=0.02)
    assert stats.kstest(drawn.ravel(), "expon", args=(0, mean)).pvalue > 0.001


def test_normal_draws() -> None:
    keys = [scenarios.stream_key(seed, 0, "normal") for seed in SEEDS]
    drawn = np.array([normals(key, 20_000) for key in keys])
    assert stats.kstest(drawn.ravel(), "norm").pvalue > 0.001
    check_mean((drawn**2).mean(axis=1), 1.0, within=0.01)
    check_mean(1 + drawn.mean(axis=1), 1.0, within=0.01)


def test_neighbouring_keys_and_counters_are_independent() -> None:
    one = uniforms(np.uint64(7), 100_000)
    for other in (uniforms(np.uint64(8), 100_000), np.roll(one, 1)):
        assert abs(np.corrcoef(one, other)[0, 1]) < 4 / np.sqrt(len(one))
