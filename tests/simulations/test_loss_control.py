"""Loss-based control, against plain rules, in both profiles."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.loss_control import (
    LEAST_PACKETS,
    LOSSES,
    REPORT_INTERVAL,
    begin,
    forget,
    regulate,
    regulate_as_drafted,
    report,
)
from tests.simulations.reference_delays import MS
from tests.simulations.reference_rates import LossControl, S

RTT = 100 * MS


class Control:
    def __init__(self, target: int, drafted: bool = False) -> None:
        self.state: Any = np.zeros(1, LOSSES)[0]
        self.drafted = drafted
        self.target = target
        self.now = 10 * S
        begin(self.state, float(target))

    def report(self, lost: int, expected: int) -> bool:
        self.state["lost"] += lost
        self.state["expected"] += expected
        if self.drafted:
            return bool(report(self.state, 0, 1, self.now))
        return bool(report(self.state, REPORT_INTERVAL, LEAST_PACKETS, self.now))

    def run(self, time: int, limit: float = 1e9, delay_based: float = 0.0) -> list[int]:
        """The target after each tick of ``time``."""
        targets = []
        for _ in range(time // (25 * MS)):
            self.now += 25 * MS
            allowed = regulate(self.state, self.target, delay_based, RTT, self.now)
            self.target = int(min(allowed, limit))
            targets.append(self.target)
        return targets


STEPS = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 200 * MS), st.sampled_from([0, S, 7 * S])),
        st.integers(0, 40),  # packets
        st.sampled_from([0.0, 0.0, 0.01, 0.05, 0.2, 1.0]),
        st.floats(0.5, 1.5),  # the other estimate, of the target
        st.integers(0, 500 * MS),
        st.booleans(),
    ),
    max_size=80,
)


@given(STEPS, st.integers(20_000, 10_000_000), st.booleans())
def test_targets(steps: list[Any], target: int, drafted: bool) -> None:
    control, plain = Control(target, drafted), LossControl(float(target), drafted)
    for passed, packets, share, other, rtt, probed in steps:
        control.now += passed
        lost = round(packets * share)
        plain.outcomes += [True] * lost + [False] * (packets - lost)
        told = control.report(lost, packets)
        assert told == plain.tell(control.now)
        assert control.state["share"] == plain.share
        if drafted:
            if told:
                regulate_as_drafted(control.state, target)
                plain.regulate_as_drafted(target)
            assert control.state["limit"] == pytest.approx(plain.limit)
            target = int(min(max(control.state["limit"], 10_000), 2**33))
            continue
        if probed and told:
            forget(control.state)
            plain.history = []
        delay_based = other * target
        allowed = regulate(control.state, target, delay_based, rtt, control.now)
        assert allowed == pytest.approx(plain.regulate(target, delay_based, rtt, control.now))
        target = int(min(max(allowed, 10_000), 2**30))


def test_a_share_takes_20_packets_and_a_second() -> None:
    control = Control(1_000_000)
    assert not control.report(1, 19)
    control.now += S
    assert not control.report(0, 1)
    control.now += 1
    assert control.report(0, 0)
    assert control.state["share"] == 0.05
    control.now += S + 1
    assert not control.report(0, 0)


def test_without_loss_it_grows_by_8_percent_of_the_least_rate_of_a_second() -> None:
    control = Control(1_000_000)
    control.report(0, 100)
    control.state["first_at"] -= 3 * S  # the start is over
    targets = control.run(3 * S)
    assert targets[0] == 1_081_000
    assert sorted(set(targets)) == [1_081_000, 1_168_480, 1_262_958]
    assert all(targets.count(target) == 40 for target in set(targets))


def test_a_little_loss_changes_nothing() -> None:
    control = Control(1_000_000)
    control.report(5, 100)
    assert set(control.run(5 * S)) == {1_000_000}


def test_much_loss_lowers_once_for_each_share_told() -> None:
    control = Control(1_000_000)
    control.report(20, 100)
    assert set(control.run(S + 25 * MS)) == {900_000}
    control.report(50, 100)
    assert set(control.run(S)) == {675_000}


def test_decreases_are_300_ms_and_a_round_trip_apart() -> None:
    control = Control(1_000_000)
    control.state["decreased_at"] = control.now
    control.report(20, 100)
    targets = control.run(S)
    assert targets.index(900_000) == 400 // 25 - 1


def test_old_reports_move_nothing() -> None:
    control = Control(1_000_000)
    control.report(0, 100)
    control.now += 6 * S
    assert set(control.run(S)) == {1_000_000}


def test_at_the_start_the_other_estimate_is_trusted() -> None:
    control = Control(300_000)
    assert control.run(100 * MS, delay_based=1_500_000)[0] == 1_500_000
    lossy = Control(300_000)
    lossy.report(1, 100)
    assert lossy.run(25 * MS, delay_based=1_500_000)[0] == 325_000


def test_the_draft_moves_at_each_report() -> None:
    for lost, factor in ((0, 1.05), (1, 1.05), (2, 1.0), (10, 1.0), (20, 0.9), (100, 0.5)):
        control = Control(1_000_000, drafted=True)
        assert control.report(lost, 100)
        regulate_as_drafted(control.state, 1_000_000)
        assert control.state["limit"] == pytest.approx(factor * 1_000_000)
