"""The detector of overuse, against plain rules, in both profiles."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.overuse import (
    DETECTOR,
    NORMAL,
    OVERUSING,
    UNDERUSING,
    detect,
    detect_as_drafted,
    restart,
)  # fmt: skip
from tests.simulations.reference_delays import MS, Delta, Detector

GROUPS = st.lists(
    st.tuples(
        st.one_of(st.floats(-60, 60), st.sampled_from([6.0, 12.5, 27.5, -12.5, 0.0])),
        st.floats(-1, 1),
        st.integers(0, 200 * MS),
    ),
    max_size=80,
)


class Judge:
    def __init__(self, drafted: bool) -> None:
        self.state: Any = np.zeros(1, DETECTOR)[0]
        self.judge = detect_as_drafted if drafted else detect
        self.now = 0
        restart(self.state)

    def take(self, scaled: float, trend: float, delta: int = 6 * MS) -> int:
        self.now += delta
        self.judge(self.state, scaled, trend, delta, self.now)
        return int(self.state["usage"])


@given(GROUPS, st.booleans())
def test_states(groups: list[tuple[float, float, int]], drafted: bool) -> None:
    judge, plain = Judge(drafted), Detector(drafted)
    for scaled, trend, delta in groups:
        judge.take(scaled, trend, delta)
        plain.take(scaled, trend, Delta(delta, 0, judge.now))
        assert judge.state["usage"] == plain.usage
        assert judge.state["threshold"] == pytest.approx(plain.threshold)


def test_overuse_takes_10_ms_and_two_groups() -> None:
    judge = Judge(drafted=False)
    assert [judge.take(20, 0.1 * i) for i in range(3)] == [NORMAL, NORMAL, OVERUSING]  # 3, 9, 15
    slow = Judge(drafted=False)
    assert [slow.take(20, 0.1 * i, 50 * MS) for i in range(2)] == [NORMAL, OVERUSING]


def test_overuse_takes_10_ms_in_the_draft() -> None:
    judge = Judge(drafted=True)
    assert [judge.take(20, 0.1 * i) for i in range(3)] == [NORMAL, NORMAL, OVERUSING]  # 0, 6, 12


@pytest.mark.parametrize("drafted", [False, True])
def test_a_trend_that_falls_is_no_overuse(drafted: bool) -> None:
    judge = Judge(drafted)
    assert {judge.take(30, 1 - 0.1 * i) for i in range(10)} == {NORMAL}


def test_what_is_neither_confirmed_nor_over_stays_but_in_the_draft() -> None:
    for drafted, after in ((False, OVERUSING), (True, NORMAL)):
        judge = Judge(drafted)
        for i in range(3):
            judge.take(26, 0.1 * i)
        assert judge.take(26, 0.1) == after  # it falls


@pytest.mark.parametrize("drafted", [False, True])
def test_underuse_and_back(drafted: bool) -> None:
    judge = Judge(drafted)
    assert [judge.take(-20, -0.1), judge.take(-1, 0)] == [UNDERUSING, NORMAL]


@pytest.mark.parametrize(
    ("drafted", "scaled", "delta", "threshold"),
    [
        (False, 20.5, 10 * MS, 12.5 + 0.0087 * 8 * 10),
        (False, 2.5, 10 * MS, 12.5 - 0.039 * 10 * 10),
        (False, 13.5, 1000 * MS, 12.5 + 0.0087 * 100),  # 100 ms at most
        (False, 27.5, 10 * MS, 12.5 + 0.0087 * 15 * 10),
        (False, 27.6, 10 * MS, 12.5),  # a spike
        (False, 0.0, 100 * MS, 6.0),
        (True, 20.5, 10 * MS, 12.5 + 0.01 * 8 * 10),
        (True, 2.5, 10 * MS, 12.5 - 0.00018 * 10 * 10),
        (True, 13.5, 1000 * MS, 12.5 + 0.01 * 1000),
    ],
)
def test_the_threshold_follows_the_trend(
    drafted: bool, scaled: float, delta: int, threshold: float
) -> None:
    judge = Judge(drafted)
    judge.take(12.5, 0, 0)
    judge.take(scaled, 0, delta)
    assert judge.state["threshold"] == pytest.approx(threshold)
