import numpy as np
import pytest

from results.crossing import Bracket, Crossing


def test_without_spread_it_is_bisection() -> None:
    runs = [(0, 0.0, True), (0, 1.0, False)]
    for _ in range(12):
        crossing = Crossing.of(runs)
        meeting, place = crossing.most_telling()
        runs.append((meeting, place, place < 0.37))
    assert Crossing.of(runs).quantiles(0.5)[0] == pytest.approx(0.37, abs=0.01)


def test_runs_of_one_meeting_close_its_bracket() -> None:
    crossing = Crossing.of([(3, 0.2, True), (3, 0.4, True), (3, 0.9, False), (3, 0.7, False)])
    assert crossing.brackets == {3: Bracket(0.4, 0.7)}
    assert Bracket(0.4, 0.7).overlap == 0
    assert Bracket(0.7, 0.4).overlap == pytest.approx(0.3)


def test_the_spread_is_learned() -> None:
    rng = np.random.default_rng(1)
    own = 0.5 + 0.1 * rng.standard_normal(40)
    runs = [(r, own[r] + side, side < 0) for r in range(40) for side in (-0.001, 0.001)]
    crossing = Crossing.of(runs)
    assert crossing.spread == pytest.approx(0.1, rel=0.5)
    low, high = crossing.interval(0.95)
    assert low < own.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * 0.1 / np.sqrt(40), rel=0.6)


def test_a_larger_share_of_meetings_holds_only_earlier() -> None:
    rng = np.random.default_rng(2)
    runs = []
    for r, own in enumerate(0.5 + 0.05 * rng.standard_normal(30)):
        runs += [(r, own - 0.002, True), (r, own + 0.002, False)]
    half, most = (Crossing.of(runs, share).quantiles(0.5)[0] for share in (0.5, 0.95))
    assert half - most == pytest.approx(1.645 * 0.05, rel=0.35)


def test_the_share_that_holds_falls_with_its_interval() -> None:
    runs = [(0, 0.45, True), (0, 0.55, False), (1, 0.4, True), (1, 0.52, False)]
    low, middle, high = Crossing.of(runs).holding(np.linspace(0, 1, 11), 0.05, 0.5, 0.95)
    assert (np.diff(middle) <= 1e-9).all()
    assert (low <= middle).all()
    assert (middle <= high).all()
    assert middle[0] > 0.95
    assert middle[-1] < 0.05


def test_intervals_cover_as_often_as_they_say() -> None:
    # Meetings' brackets are given, not chosen one after another: the posterior by itself.
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(200):
        mean, spread = rng.uniform(0.3, 0.7), 10 ** rng.uniform(-2.5, -1)
        runs = []
        for r, own in enumerate(mean + spread * rng.standard_normal(8)):
            runs += [(r, own - spread / 4, True), (r, own + spread / 4, False)]
        low, high = Crossing.of(runs).interval(0.95)
        covered += low <= mean <= high
    assert covered >= 183  # of 200 at 95 %, fewer once in 100 times
