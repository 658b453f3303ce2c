"""Gilbert–Elliott loss: its stationary share, its runs, its edges."""

import numpy as np
import pytest
from numpy.typing import NDArray

from scenarios.randomness import stream_key
from simulations.losses import LOSS, losses
from tests.simulations.confidence import SEEDS, check_mean
from tests.simulations.loops import record


def process(
    seed: int, to_bad: float, to_good: float, in_bad: float = 1.0, in_good: float = 0.0
) -> object:
    return record(
        LOSS,
        to_bad=to_bad,
        to_good=to_good,
        loss_in_bad=in_bad,
        loss_in_good=in_good,
        state_key=stream_key(seed, 0, "state"),
        loss_key=stream_key(seed, 0, "loss"),
    )


def mean_run(lost: NDArray[np.bool_]) -> float:
    """Mean length of runs of losses."""
    begins = np.count_nonzero(lost[1:] & ~lost[:-1]) + lost[0]
    return float(lost.sum() / begins)


@pytest.mark.parametrize(
    ("to_bad", "to_good", "in_bad", "in_good"),
    [(0.01, 0.1, 1.0, 0.0), (0.02, 0.3, 0.5, 0.01), (0.3, 0.9, 0.8, 0.1), (1.0, 0.5, 1.0, 0.0)],
)
def test_stationary_loss(to_bad: float, to_good: float, in_bad: float, in_good: float) -> None:
    # [p(1 − h) + r(1 − k)] / (p + r), with h, k the chances to pass: REFERENCE, section 2.
    expected = (to_bad * in_bad + to_good * in_good) / (to_bad + to_good)
    shares = [
        losses(process(seed, to_bad, to_good, in_bad, in_good), 200_000).mean() for seed in SEEDS
    ]
    check_mean(shares, expected, within=0.02)


@pytest.mark.parametrize(("to_bad", "to_good"), [(0.01, 0.1), (0.05, 0.5), (0.2, 1.0)])
def test_mean_run_of_losses(to_bad: float, to_good: float) -> None:
    runs = [mean_run(losses(process(seed, to_bad, to_good), 200_000)) for seed in SEEDS]
    if to_good == 1.0:
        assert runs == [1.0] * len(runs)
    else:
        check_mean(runs, 1 / to_good, within=0.02)


def test_the_share_of_losses_after_a_loss_tells_of_bursts() -> None:
    # In the simple model a loss follows a loss with probability 1 − r.
    lost = [losses(process(seed, 0.01, 0.2), 200_000) for seed in SEEDS]
    check_mean([each[1:][each[:-1]].mean() for each in lost], 0.8, within=0.02)


def test_the_first_packet_is_as_likely_lost_as_any() -> None:
    first = [losses(process(seed, 0.1, 0.3), 1)[0] for seed in range(4000)]
    assert abs(np.mean(first) - 0.25) < 4 * np.sqrt(0.25 * 0.75 / len(first))


def test_an_empty_record_loses_nothing() -> None:
    assert not losses(record(LOSS), 1000).any()


@pytest.mark.parametrize(
    ("parameters", "share"),
    [
        ((0.0, 0.5), 0),  # never bad
        ((1.0, 1.0, 1.0, 1.0), 1),
        ((0.0, 1.0, 1.0, 1.0), 1),  # never bad, and all is lost while good
        ((1.0, 0.0), 1),  # never good again
    ],
)
def test_certain_losses(parameters: tuple[float, ...], share: float) -> None:
    assert losses(process(1, *parameters), 1000).mean() == share


def test_certain_changes_alternate() -> None:
    lost = losses(process(3, 1.0, 1.0), 100)
    assert (lost[1:] != lost[:-1]).all()


def test_in_parts_it_loses_the_same() -> None:
    whole = losses(process(5, 0.1, 0.2, 0.7, 0.1), 1000)
    loss = process(5, 0.1, 0.2, 0.7, 0.1)
    parts = [losses(loss, packets) for packets in (1, 0, 499, 500)]
    assert np.concatenate(parts).tolist() == whole.tolist()
