"""Probes, against plain rules."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.acknowledged import UNKNOWN
from simulations.probing import PROBING, begin, look, measure, note, recover, start_cluster
from tests.simulations.reference_delays import MS
from tests.simulations.reference_probing import Probing
from tests.simulations.reference_rates import S

MAXIMUM = 5_000_000


class Prober:
    """Looks every 25 ms for what to send."""

    def __init__(self, estimate: int, maximum: int = MAXIMUM) -> None:
        self.state: Any = np.zeros(1, PROBING)[0]
        self.maximum = maximum
        self.now = 10 * S
        self.number = 0
        begin(self.state, estimate)

    def note(self, estimate: int, barred: bool = False) -> None:
        note(self.state, estimate, self.maximum, barred, self.now)

    def run(
        self, time: int, wanted: int = 0, limited: bool = False, barred: bool = False
    ) -> list[tuple[int, int]]:
        """What is begun in ``time``: (ms, rate)."""
        begun = []
        for passed in range(0, time, 25 * MS):
            look(self.state, wanted, limited, self.maximum, barred, self.now)
            if rate := start_cluster(self.state, self.number + 1, self.now):
                begun.append((passed // MS, rate))
                self.number += 1
            self.now += 25 * MS
        return begun

    def result(self, rate: int, packets: list[tuple[int, int, int]]) -> float:
        """What a cluster at ``rate`` shows whose packets (sent, arrival, size) are reported."""
        self.state["rates"][0] = rate
        self.state["waiting"] = 1
        self.state["busy_until"] = 0
        self.number += 1
        assert start_cluster(self.state, self.number, self.now) == rate
        self.state["result"] = UNKNOWN
        for packet in packets:
            measure(self.state, self.number, *packet)
        return float(self.state["result"])


RATES = st.one_of(st.integers(10_000, 6_000_000), st.sampled_from([300_000, MAXIMUM]))
PACKET = st.tuples(
    st.integers(0, 3), st.integers(0, 40 * MS), st.integers(0, 80 * MS), st.integers(40, 1500)
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("note"), RATES, st.booleans()),
        st.tuples(st.just("recover")),
        st.tuples(st.just("look"), st.one_of(st.just(0), RATES), st.booleans(), st.booleans()),
        st.tuples(st.just("start")),
        st.tuples(st.just("take"), st.lists(PACKET, max_size=12)),
        st.tuples(st.just("wait"), st.sampled_from([20 * MS, 60 * MS, S, S + 1, 2 * S, 5 * S])),
    ),
    max_size=60,
)


@given(STEPS, RATES)
def test_clusters(steps: list[Any], estimate: int) -> None:
    prober, plain = Prober(estimate), Probing(estimate, MAXIMUM)
    number, sent = 0, prober.now
    for step, *told in steps:
        now = prober.now
        match step:
            case "note":
                rate, barred = told
                prober.note(rate, barred)
                plain.note(rate, barred, now)
            case "recover":
                recover(prober.state, MAXIMUM, now)
                plain.recover(now)
            case "look":
                wanted, limited, barred = told
                look(prober.state, wanted, limited, MAXIMUM, barred, now)
                plain.look(wanted, limited, barred, now)
            case "start":
                rate = plain.start(number + 1, now)
                assert start_cluster(prober.state, number + 1, now) == rate
                number += rate > 0
            case "take":
                for back, gap, delay, size in told[0]:
                    sent += gap
                    if number > back:
                        measure(prober.state, number - back, sent, sent + delay, size)
                        plain.take(number - back, sent, sent + delay, size)
            case "wait":
                prober.now += told[0]
        assert prober.state["waiting"] == len(plain.planned)
        expected = UNKNOWN if plain.result is None else plain.result
        assert prober.state["result"] == pytest.approx(expected)
        assert prober.state["full"] == plain.full


def test_the_first_probes_are_3_and_6_times_the_start() -> None:
    # The second waits until five packets are sent: 50 kbit at 900 kbit/s.
    assert Prober(300_000).run(S) == [(0, 900_000), (75, 1_800_000)]
    assert Prober(300_000, 1_000_000).run(S) == [(0, 900_000), (75, 1_000_000)]
    assert Prober(300_000, 800_000).run(S) == [(0, 800_000)]
    assert Prober(800_000, 800_000).run(S) == []


def test_the_first_probes_wait_until_there_is_a_use_for_them() -> None:
    prober = Prober(300_000)
    assert not prober.run(S, wanted=150_000)
    assert [rate for _, rate in prober.run(S, wanted=600_000)] == [900_000, 1_200_000]


def test_results_lead_on_by_twos_up_to_the_maximum() -> None:
    prober = Prober(300_000)
    prober.run(200 * MS)
    for result, following in ((1_700_000, [3_400_000]), (3_200_000, [MAXIMUM]), (MAXIMUM, [])):
        prober.note(result)
        assert [rate for _, rate in prober.run(200 * MS)] == following


@pytest.mark.parametrize(("result", "following"), [(1_260_000, 0), (1_260_001, 1)])
def test_a_result_of_70_percent_leads_on(result: int, following: int) -> None:
    prober = Prober(300_000)
    prober.run(200 * MS)
    prober.note(result)
    assert len(prober.run(S)) == following


def test_a_result_is_waited_for_a_second() -> None:
    prober = Prober(300_000)
    prober.run(1100 * MS)
    prober.note(1_700_000)
    assert not prober.run(S)


def test_a_full_path_is_not_probed() -> None:
    prober = Prober(300_000)
    assert not prober.run(S, barred=True)
    assert len(prober.run(S)) == 2
    prober = Prober(300_000)
    prober.run(200 * MS)
    prober.note(1_700_000, barred=True)
    assert not prober.run(S)


def test_a_sender_that_its_application_limits_probes_every_5_s() -> None:
    prober = Prober(300_000)
    prober.run(10 * S)
    begun = prober.run(12 * S, limited=True)
    assert begun == [(5000, 600_000), (10_000, 600_000)]


@pytest.mark.parametrize(
    ("limited", "fall", "waits"),
    [(False, 0.94, 2000), (False, 0.96, 0), (True, 0.94, 0)],
)
def test_a_sender_that_the_estimate_limits_does_not_probe_for_2_s_after_a_fall(
    limited: bool, fall: float, waits: int
) -> None:
    prober = Prober(300_000)
    prober.run(5 * S, limited=limited)
    prober.note(int(fall * 300_000))
    step = 2 if limited else 1.5
    assert prober.run(4 * S, limited=limited)[0] == (waits, int(fall * 300_000 * step))


@pytest.mark.parametrize(
    ("limited", "rate", "following"), [(True, 1_200_000, [2_400_000]), (False, 900_000, [])]
)
def test_only_where_the_application_limits_do_periodic_probes_lead_on(
    limited: bool, rate: int, following: list[int]
) -> None:
    prober = Prober(600_000)
    prober.run(5 * S, limited=limited)
    assert prober.run(200 * MS, limited=limited) == [(0, rate)]
    prober.note(rate)
    assert [rate for _, rate in prober.run(S, limited=limited)] == following


def test_it_does_not_probe_for_what_it_cannot_use() -> None:
    prober = Prober(300_000)
    prober.run(10 * S)
    assert prober.run(6 * S, wanted=200_000, limited=True) == [(5000, 400_000)]
    assert not prober.run(6 * S, wanted=150_000, limited=True)


def test_wanting_more_is_a_request() -> None:
    prober = Prober(1_000_000)
    prober.run(2 * S)
    prober.run(S, wanted=500_000, limited=True)
    assert prober.run(S, wanted=1_200_000, limited=True) == [(0, 1_200_000), (50, 2_000_000)]
    # Once; and a little more than that is none.
    prober.run(2 * S, wanted=1_200_000, limited=True)
    assert not prober.run(S, wanted=1_400_000, limited=True)
    assert prober.run(S, wanted=2_500_000, limited=True) == [(0, 2_000_000)]


def test_after_a_large_drop_what_was_is_tried_again() -> None:
    for limited, fall, tried in (
        (True, 600_000, [1_700_000]),
        (True, 1_400_000, []),
        (False, 600_000, [1_700_000]),
    ):
        prober = Prober(2_000_000)
        prober.run(3 * S, limited=limited)
        prober.note(fall)
        prober.run(S, limited=limited)
        recover(prober.state, MAXIMUM, prober.now)
        assert [rate for _, rate in prober.run(S, limited=limited)] == tried
    recover(prober.state, MAXIMUM, prober.now + 5 * S)
    assert not prober.state["waiting"]


def evenly(send_rate: int, receive_rate: int, packets: int = 6) -> list[tuple[int, int, int]]:
    return [
        (i * 1200 * 8 * S // send_rate, S + i * 1200 * 8 * S // receive_rate, 1200)
        for i in range(packets)
    ]


@pytest.mark.parametrize(
    ("receive_rate", "result"),
    [
        (1_000_000, 1_000_000),
        (900_100, 900_100),
        (890_000, 0.95 * 890_000),
        (300_000, 0.95 * 300_000),
        (1_900_000, 1_000_000),
        (2_100_000, UNKNOWN),  # a queue released them
    ],
)
def test_what_a_cluster_shows(receive_rate: int, result: float) -> None:
    found = Prober(300_000).result(1_000_000, evenly(1_000_000, receive_rate))
    assert found == pytest.approx(result, rel=1e-4)


def test_a_result_takes_four_fifths_of_packets_and_bytes() -> None:
    whole = evenly(1_000_000, 1_000_000)
    prober = Prober(300_000)
    assert prober.result(1_000_000, whole[:4]) > 0
    assert prober.result(1_000_000, whole[:3]) == UNKNOWN
    assert prober.result(5_000_000, evenly(5_000_000, 5_000_000, 6)) == UNKNOWN  # 7,500 bytes
    assert prober.result(5_000_000, evenly(5_000_000, 5_000_000, 7)) > 0


def test_other_clusters_are_not_taken() -> None:
    prober = Prober(300_000)
    prober.run(200 * MS)
    for packet in evenly(900_000, 900_000):
        measure(prober.state, 3, *packet)
    assert prober.state["result"] == UNKNOWN
    for packet in evenly(900_000, 900_000):
        measure(prober.state, 1, *packet)
    assert prober.state["result"] == pytest.approx(900_000, rel=1e-4)
