"""Additive increase and multiplicative decrease, against plain rules, in both profiles."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.acknowledged import UNKNOWN
from simulations.overuse import NORMAL, OVERUSING, UNDERUSING
from simulations.rate_control import (
    DECREASE,
    HOLD,
    INCREASE,
    RATE,
    begin,
    capacity_bound,
    control,
    control_as_drafted,
    learn_capacity,
)
from tests.simulations.reference_delays import MS
from tests.simulations.reference_rates import RateControl, S

RTT = 100 * MS
MINIMUM = 10_000.0


class Control:
    """Rate control that is told a feedback message every so often."""

    def __init__(self, drafted: bool, estimate: float = 1e6) -> None:
        self.state: Any = np.zeros(1, RATE)[0]
        self.drafted = drafted
        self.now = 10 * S
        begin(self.state, estimate)

    def tell(
        self,
        usage: int,
        arrived: float | None,
        after: int = 100 * MS,
        probed: float | None = None,
        rtt: int = RTT,
    ) -> float:
        self.now += after
        rate = UNKNOWN if arrived is None else arrived
        if self.drafted:
            control_as_drafted(self.state, usage, rate, rtt, MINIMUM, self.now)
        else:
            found = UNKNOWN if probed is None else probed
            control(self.state, usage, rate, found, rtt, MINIMUM, self.now)
        return float(self.state["estimate"])


MESSAGES = st.lists(
    st.tuples(
        st.sampled_from([NORMAL, NORMAL, OVERUSING, UNDERUSING]),
        st.one_of(st.none(), st.floats(0, 3), st.just(1.0)),  # of the estimate, arrives
        st.one_of(st.integers(0, 300 * MS), st.just(3 * S)),
        st.one_of(st.none(), st.floats(1e3, 1e7)),
        st.integers(0, 800 * MS),
    ),
    max_size=60,
)


@given(MESSAGES, st.floats(2e4, 5e6), st.booleans())
def test_estimates(messages: list[Any], estimate: float, drafted: bool) -> None:
    control = Control(drafted, estimate)
    plain = RateControl(estimate, drafted, MINIMUM)
    for usage, share, after, probed, rtt in messages:
        arrived = None if share is None else share * plain.estimate
        control.tell(usage, arrived, after, probed, rtt)
        plain.update(usage, arrived, probed, rtt, control.now)
        assert control.state["estimate"] == pytest.approx(plain.estimate)
        assert control.state["state"] == plain.state
        mean = plain.capacity.mean
        assert control.state["capacity"] == pytest.approx(UNKNOWN if mean is None else mean)
        assert control.state["summit"] == pytest.approx(plain.capacity.summit)


@pytest.mark.parametrize("drafted", [False, True])
def test_far_from_convergence_it_grows_by_8_percent_a_second(drafted: bool) -> None:
    control = Control(drafted)
    control.tell(NORMAL, 1e6)
    first = control.tell(NORMAL, 1e6)
    for _ in range(20):
        last = control.tell(NORMAL, float(control.state["estimate"]))
    assert control.state["state"] == INCREASE
    assert last / first == pytest.approx(1.08**2)


@pytest.mark.parametrize(
    ("drafted", "each_second"),
    [
        # 1 Mbit/s is 30 frames of 4 packets: 8,333 bits each; half a response is 100 ms of 200.
        (False, 1e6 / 30 / 4 / 0.4),
        (True, 0.5 * 1e6 / 30 / 4 / 0.2),
    ],
)
def test_near_convergence_it_grows_by_packets(drafted: bool, each_second: float) -> None:
    control = Control(drafted, 1.05e6)
    control.tell(OVERUSING, 1e6 / 0.85)
    control.state["summit"] = 1e6  # it is there
    for _ in range(3):
        control.tell(NORMAL, 1.16e6)
    before = float(control.state["estimate"])
    assert before == pytest.approx(1e6, rel=0.01)
    after = control.tell(NORMAL, 1.16e6)
    assert after - before == pytest.approx(each_second / 10, rel=0.01)


def test_half_of_what_a_decrease_took_comes_back_in_each_response_time() -> None:
    control = Control(drafted=False)
    low = control.tell(OVERUSING, 1e6)
    control.tell(NORMAL, 1e6)
    assert control.tell(NORMAL, 1e6, after=200 * MS) - low == pytest.approx(0.5 * 150_000)
    assert control.tell(NORMAL, 1e6, after=200 * MS) - low == pytest.approx(0.75 * 150_000)
    assert control.tell(NORMAL, 1e6, after=S) == pytest.approx(1e6)  # and not beyond it


def test_as_drafted_it_comes_back_by_packets() -> None:
    control = Control(drafted=True)
    control.tell(OVERUSING, 1e6)
    for _ in range(2):
        before = control.tell(NORMAL, 1e6)
    packet = before / 30 / 3
    assert control.tell(NORMAL, 1e6) - before == pytest.approx(0.5 * packet / 2, rel=0.01)


def test_who_met_less_than_before_leaves_a_part_of_it_to_others() -> None:
    control = Control(drafted=False)
    for arrived, summit in [(1e6, 1e6), (0.96e6, 0.888e6), (0.95e6, 0.95e6), (0.97e6, 0.97e6)]:
        control.tell(OVERUSING, arrived, after=S)
        assert control.state["summit"] == pytest.approx(summit)
    control.tell(NORMAL, 0.97e6)
    for _ in range(3):
        estimate = control.tell(NORMAL, 0.97e6, after=400 * MS)
    assert 0.97e6 <= estimate < 1e6


@pytest.mark.parametrize(
    ("found", "full", "capacity"),
    [(1.05e6, False, 1000), (1.07e6, False, UNKNOWN), (1.07e6, True, 1070), (0.9e6, True, 900)],
)
def test_what_a_probe_says_of_the_capacity(found: float, full: bool, capacity: float) -> None:
    control = Control(drafted=False)
    control.tell(OVERUSING, 1e6)
    learn_capacity(control.state, found, full)
    assert control.state["capacity"] == capacity
    assert control.state["summit"] == (found if full else 1e6)


@pytest.mark.parametrize("drafted", [False, True])
def test_near_convergence_low_rates_grow_slowly_but_grow(drafted: bool) -> None:
    control = Control(drafted, 30_000)
    control.tell(OVERUSING, 24_000)
    for _ in range(9):
        before = control.tell(NORMAL, 24_000)
    # At the least: 4 kbit/s each second, or 1 kbit/s each update.
    assert control.tell(NORMAL, 24_000) - before == pytest.approx(1000 if drafted else 400)


@pytest.mark.parametrize("drafted", [False, True])
def test_overuse_lowers_to_85_percent_of_what_arrives(drafted: bool) -> None:
    control = Control(drafted)
    assert control.tell(OVERUSING, 800_000) == 0.85 * 800_000
    assert control.state["state"] == DECREASE
    assert capacity_bound(control.state, 3.0) == pytest.approx(
        800_000 + 3 * 1000 * (0.4 * 800) ** 0.5
    )


def test_overuse_never_raises() -> None:
    for drafted in (False, True):
        assert Control(drafted).tell(OVERUSING, 5e6) == 1e6


def test_it_lowers_once_in_a_round_trip() -> None:
    control = Control(drafted=False)
    control.tell(OVERUSING, 900_000, rtt=150 * MS)
    assert control.tell(OVERUSING, 700_000, rtt=150 * MS) == 0.85 * 900_000
    assert control.tell(OVERUSING, 700_000, after=50 * MS, rtt=150 * MS) == 0.85 * 700_000
    # But at once where less than half of it arrives.
    assert control.tell(OVERUSING, 200_000, after=MS, rtt=150 * MS) == 0.85 * 200_000


def test_overuse_before_anything_was_measured_halves() -> None:
    control = Control(drafted=False, estimate=300_000)
    assert control.tell(OVERUSING, None) == 150_000
    assert control.tell(OVERUSING, None, after=50 * MS) == 150_000
    assert control.tell(OVERUSING, None, after=50 * MS) == 75_000
    assert Control(drafted=True).tell(OVERUSING, None) == 1e6


def test_queues_that_empty_are_waited_for() -> None:
    for drafted in (False, True):
        control = Control(drafted)
        low = control.tell(OVERUSING, 900_000)
        for _ in range(5):
            assert control.tell(UNDERUSING, 900_000) == low
            assert control.state["state"] == HOLD
        control.tell(NORMAL, 900_000)
        assert control.state["state"] == INCREASE
        assert control.tell(NORMAL, 900_000) > low


def test_the_draft_holds_once_after_a_decrease() -> None:
    control = Control(drafted=True)
    control.tell(OVERUSING, 900_000)
    control.tell(NORMAL, 900_000)
    assert control.state["state"] == HOLD
    control.tell(NORMAL, 900_000)
    assert control.state["state"] == INCREASE


@pytest.mark.parametrize(("drafted", "bound"), [(False, 310_000), (True, 300_000)])
def test_what_arrives_bounds_increases_only(drafted: bool, bound: float) -> None:
    control = Control(drafted, 250_000)
    for _ in range(100):
        estimate = control.tell(NORMAL, 200_000)
    assert estimate == bound
    assert control.tell(NORMAL, 100_000) == bound


def test_a_probe_sets_it_unless_there_is_overuse() -> None:
    control = Control(drafted=False)
    assert control.tell(NORMAL, 1e6, probed=3e6) == 3e6
    assert control.tell(OVERUSING, 1e6, after=S, probed=5e6) == 850_000
    assert control.tell(NORMAL, 1e6, probed=1.0) == MINIMUM


@pytest.mark.parametrize("drafted", [False, True])
def test_a_capacity_that_is_exceeded_was_another(drafted: bool) -> None:
    control = Control(drafted)
    control.tell(OVERUSING, 1e6)
    for _ in range(3):
        control.tell(NORMAL, 1.05e6)
    assert control.state["capacity"] > 0
    control.tell(NORMAL, 1.07e6)
    assert control.state["capacity"] == UNKNOWN


def test_a_capacity_far_below_was_another_but_in_the_draft() -> None:
    for drafted in (False, True):
        control = Control(drafted)
        control.tell(OVERUSING, 1e6)
        control.tell(OVERUSING, 400_000, after=S)
        expected = 0.95 * 1000 + 0.05 * 400 if drafted else 400
        assert control.state["capacity"] == pytest.approx(expected)
