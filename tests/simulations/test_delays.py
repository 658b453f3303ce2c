"""Delay in time: jitter's distribution and correlation, paths that change and lose."""

import math
from typing import Any

import numpy as np
import pytest

from scenarios.randomness import stream_key
from simulations.delays import JITTER, PATH
from tests.simulations.confidence import SEEDS, check_mean
from tests.simulations.loops import jitters, path_delays, path_losses, record

MS = 1_000_000
SECOND = 10**9
STEP, CORRELATION = 20 * MS, 200 * MS
MEDIAN, SPREAD = 3 * MS, 0.7


def make_jitter(seed: int = 1, median: float = MEDIAN, spread: float = SPREAD) -> Any:
    return record(
        JITTER,
        median=median,
        spread=spread,
        step=STEP,
        decay=math.exp(-STEP / CORRELATION),
        key=stream_key(seed, 0, "jitter"),
    )


def make_path(seed: int = 1, loss: float = 0.0, loss_time: int = 0) -> Any:
    low, middle, high = (math.log(ms * MS) for ms in (2, 8, 24))
    return record(
        PATH,
        every=15 * SECOND,
        log_p5=low,
        log_p50=middle,
        log_p95=high,
        loss=loss,
        loss_time=loss_time,
        key=stream_key(seed, 0, "path"),
        loss_key=stream_key(seed, 0, "path loss"),
    )


def test_jitter_has_its_median_its_spread_and_its_correlation() -> None:
    times = np.arange(0, 600 * SECOND, STEP)
    lag = CORRELATION // STEP
    logs = [np.log(jitters(make_jitter(seed), times) / MEDIAN) for seed in SEEDS]
    check_mean([1 + x.mean() for x in logs], 1.0, within=0.02)
    check_mean([(x**2).mean() for x in logs], SPREAD**2, within=0.03)
    check_mean([(x[lag:] * x[:-lag]).mean() for x in logs], SPREAD**2 / math.e, within=0.06)


def test_jitter_is_stationary_from_the_beginning() -> None:
    first = [jitters(make_jitter(seed), np.array([0]))[0] / MEDIAN for seed in range(2000)]
    assert np.log(first).std() == pytest.approx(SPREAD, rel=0.07)


def test_jitter_holds_for_a_step_and_skipped_steps_change_nothing() -> None:
    times = np.arange(0, 100 * STEP, STEP)
    whole = jitters(make_jitter(), times)
    assert len(set(whole.tolist())) == len(times)
    assert (jitters(make_jitter(), times + STEP - 1) == whole).all()
    assert (jitters(make_jitter(), times[::7]) == whole[::7]).all()


def test_no_median_is_no_jitter() -> None:
    assert not jitters(record(JITTER), np.arange(10) * SECOND).any()


def test_no_spread_is_the_median() -> None:
    assert set(jitters(make_jitter(spread=0.0), np.arange(10) * SECOND).tolist()) == {MEDIAN}


def test_a_path_holds_until_it_is_chosen_anew() -> None:
    times = np.arange(0, 150 * SECOND, SECOND)
    delays = path_delays(make_path(), times).reshape(10, 15)
    assert (delays == delays[:, :1]).all()
    assert len(set(delays[:, 0].tolist())) == 10


def test_paths_delays_have_their_percentiles() -> None:
    times = np.arange(20_000) * 15 * SECOND
    delays = np.concatenate([path_delays(make_path(seed), times) for seed in range(5)]) / MS
    for share, delay in ((0.05, 2), (0.5, 8), (0.95, 24)):
        # int() cuts a fraction of a nanosecond off
        assert (delays <= delay).mean() == pytest.approx(share, abs=0.005)


def test_a_change_of_path_loses_packets_for_its_time_only() -> None:
    every, loss_time = 15 * SECOND, 150 * MS
    times = np.arange(0, 3000 * SECOND, MS)
    after = times % every
    lost = np.array([path_losses(make_path(seed, 0.3, loss_time), times) for seed in SEEDS])
    assert not lost[:, after >= loss_time].any()
    check_mean(lost[:, after < loss_time].mean(axis=1), 0.3, within=0.02)


def test_an_empty_record_is_no_path() -> None:
    times = np.arange(10) * SECOND
    assert not path_delays(record(PATH), times).any()
    assert not path_losses(record(PATH), times).any()
