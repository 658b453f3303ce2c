"""The search against closed forms, each simulated cheaply and noisily, and against bad ranges."""

import heapq
import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from results.search import MEETINGS, Search
from results.trials import Trial
from results.verdict import Judgement, Verdict

Holds = Callable[[float, int], bool]


def trial(replication: int, verdict: Verdict, metric: str = "packet_loss") -> Trial:
    check = Judgement(metric, "mean < 1%", 0.0, verdict)
    return Trial(replication, verdict, "", (check,), (), {}, 1, 1, 0.0)


def play(search: Search, holds: Holds) -> Search:
    for _ in range(200):
        point = search.ask()
        if point is None:
            return search
        verdict: Verdict = "pass" if holds(point.value, point.replication) else "fail"
        search.tell(point.value, trial(point.replication, verdict))
    raise AssertionError("the search does not end")


def up_to(most: NDArray[np.float64]) -> Holds:
    """What holds up to a value that each replication has of its own."""
    return lambda value, replication: bool(value <= most[replication])


def whole(value: float) -> float:
    return float(round(value))


# ---------------------------------------------------------------- known answers


def n_d_d_1_tail(sources: int, period: int, x: float) -> float:
    """P(V > x) of N·D/D/1, times in transmissions of one packet."""
    return sum(
        math.comb(sources, n)
        * ((n - x) / period) ** n
        * (1 - (n - x) / period) ** (sources - n)
        * (period - sources + x)
        / (period - n + x)
        for n in range(math.floor(x) + 1, sources + 1)
    )


PERIOD, LEVEL, BOUND = 150, 12.0, 0.01


def constant_voices(sources: float, replication: int) -> bool:
    """N voices with random phases on one link: whether the wait is seldom above the level."""
    n = int(sources)
    rng = np.random.default_rng([replication, 1])
    phases = np.sort(rng.uniform(0, PERIOD, (400, n)), axis=1)
    arrivals = np.concatenate([phases, phases + PERIOD], axis=1)
    counts = np.arange(1, 2 * n + 1)
    # Lindley, each packet takes 1: the last departure is max over arrivals of (A_i + packets left).
    left = np.maximum.accumulate(arrivals - (counts - 1), axis=1) + counts
    at = np.sort(rng.uniform(PERIOD, 2 * PERIOD, (400, 60)), axis=1)
    above = 0
    for row in range(400):
        last = np.searchsorted(arrivals[row], at[row], side="right") - 1
        above += int((left[row, last] - at[row] > LEVEL).sum())
    return above / (400 * 60) <= BOUND


def most_voices() -> float:
    return max(n for n in range(60, PERIOD) if n_d_d_1_tail(n, PERIOD, LEVEL) <= BOUND)


def nic(endpoints: float, replication: int) -> bool:
    """Endpoints of 1.2 Mb/s, each meeting's mean a little off, on a NIC of 10 Gb/s."""
    rate = 1.2e6 * (1 + 0.004 * np.random.default_rng([replication, 2]).standard_normal())
    return bool(endpoints * rate <= 10e9)


SERVERS = 20


def erlang_b(load: float) -> float:
    blocking = 1.0
    for k in range(1, SERVERS + 1):
        blocking = load * blocking / (k + load * blocking)
    return blocking


def admission(load: float, replication: int) -> bool:
    """Joins that a node has no room for, of 40,000 in an M/M/c/c: at most 5 %."""
    rng = np.random.default_rng([replication, 3])
    arrivals = np.cumsum(rng.exponential(1.0, 40_000)) / load
    stays = rng.exponential(1.0, 40_000)
    busy: list[float] = []
    blocked = 0
    for at, stay in zip(arrivals.tolist(), stays.tolist(), strict=True):
        while busy and busy[0] <= at:
            heapq.heappop(busy)
        if len(busy) < SERVERS:
            heapq.heappush(busy, at + stay)
        else:
            blocked += 1
    return blocked <= 0.05 * 40_000


def offered() -> float:
    low, high = 1.0, 40.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if erlang_b(middle) < 0.05 else (low, middle)
    return low


KNOWN = {
    "N·D/D/1": (constant_voices, 20, 148, most_voices(), True),
    "NIC": (nic, 500, 50_000, 10e9 / 1.2e6, True),
    "Erlang B": (admission, 2, 100, offered(), False),
}


@pytest.mark.parametrize("name", KNOWN)
def test_it_finds_known_answers_in_a_third_of_a_grids_runs(name: str) -> None:
    holds, low, high, answer, counts = KNOWN[name]
    rounded = whole if counts else float
    search = play(Search(low, high, rounded=rounded, step=float(counts)), holds)
    assert search.kind == "found"
    assert search.interval[1] == pytest.approx(answer, rel=0.02)
    # A grid with steps as wide as the interval may be, as many meetings at each as the search met.
    grid = (high - low) / (2 * search.tolerance * answer) * MEETINGS
    assert len(search.played) <= grid / 3


@pytest.mark.parametrize("spread", [0.0, 0.01])
def test_the_answer_lies_in_the_interval(spread: float) -> None:
    covered, runs = 0, 0
    for seed in range(6):
        rng = np.random.default_rng([seed, 9])
        answer = rng.uniform(3000, 12000)
        own = answer * (1 + spread * rng.standard_normal(100))
        search = play(Search(500, 20000), up_to(own))
        low, _, high = search.interval
        covered += low <= answer <= high
        runs += len(search.played)
        assert search.quoted == pytest.approx(answer, rel=0.04 + 2 * spread)
    assert covered >= 5
    assert runs / 6 <= 27


def test_the_smallest_value_is_found_where_that_is_what_holds() -> None:
    search = play(Search(1e9, 40e9), lambda value, _: value >= 7e9)
    assert not search.rising
    assert search.interval[1] == pytest.approx(7e9, rel=0.02)
    assert 7e9 <= search.quoted <= 7e9 * 1.03


def test_whole_numbers_are_told_to_the_last() -> None:
    search = play(Search(4, 49, rounded=whole, step=1.0), lambda tiles, _: tiles <= 17)
    assert search.kind == "found"
    assert search.quoted == 17


# ---------------------------------------------------------------- no answer


@pytest.mark.parametrize(
    ("holds", "kind"),
    [
        (lambda *_: True, "always"),
        (lambda *_: False, "never"),
        (lambda value, _: 3 < value < 9, "not monotone"),
        (lambda value, _: not 3 < value < 9, "not monotone"),
    ],
)
def test_a_range_without_a_crossing_is_said(holds: Holds, kind: str) -> None:
    search = play(Search(1, 13), holds)
    assert search.kind == kind
    assert not search.has_crossing
    assert len(search.played) <= 5


def test_a_hole_far_from_the_crossing_is_found() -> None:
    search = play(Search(500, 20000), lambda value, _: value < 8000 and not 900 < value < 2000)
    assert search.kind == "not monotone"
    assert search.contradiction is not None
    failed, held = search.contradiction
    assert 900 < failed < 2000
    assert held == pytest.approx(8000, rel=0.05)


def test_a_single_bad_meeting_is_no_contradiction() -> None:
    search = play(Search(500, 20000), lambda value, r: value < 8000 and (r != 0 or value < 600))
    assert search.kind in ("found", "imprecise")


def test_a_meeting_that_fails_below_where_it_held_contradicts() -> None:
    search = Search(0, 10)
    for value, holds in ((0, True), (10, False), (8, True), (3, False)):
        search.tell(value, trial(0, "pass" if holds else "fail"))
    assert search.kind == "not monotone"
    assert search.contradiction == pytest.approx((3, 8))


def test_it_stops_after_the_most_runs_and_says_so() -> None:
    rng = np.random.default_rng(1)
    own = 8000 * (1 + 0.3 * rng.standard_normal(100))
    search = play(Search(500, 20000, most_runs=15), lambda value, r: value < own[r])
    assert len(search.played) == 15
    assert search.kind == "imprecise"


def test_a_run_without_data_ends_the_search() -> None:
    search = Search(1, 10)
    search.tell(1, trial(0, "inconclusive"))
    assert search.ask() is None
    assert search.kind == "no data"


def test_each_threshold_has_a_crossing_of_its_own() -> None:
    search = Search(100, 10000)
    for _ in range(60):
        point = search.ask()
        if point is None:
            break
        limits = {"packet_loss": 3000, "audio_mos": 5000}
        checks = tuple(
            Judgement(m, "mean < 1", 0.0, "pass" if point.value < at else "fail")
            for m, at in limits.items()
        )
        verdict: Verdict = "pass" if point.value < 3000 else "fail"
        search.tell(point.value, Trial(point.replication, verdict, "", checks, (), {}, 1, 1, 0.0))
    first, second = search.breaks()
    assert first.threshold[0] == "packet_loss"
    assert first.value == pytest.approx(3000, rel=0.02)
    assert second.low < 5000 < second.high
