"""Shared links: bursts of others join in true order, and everything is counted."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from scenarios import randomness
from scenarios.randomness import stream_key
from simulations.packets import EDGE, ITEM, push
from simulations.queues import DROPPED, make_queues
from simulations.rates import FOREVER
from simulations.stations import next_edge, schedule_burst, serve_bursts
from simulations.world import STATION
from tests.simulations.confidence import SEEDS, check_mean
from tests.simulations.loops import profiles, record, served
from tests.simulations.reference_queue import plain_departures

SECOND = 10**9
MS = 1_000_000
IDLE = [(0, 0.0)]


class Link:
    """A shared link of 8 Mbit/s unless said: a byte a microsecond."""

    def __init__(
        self,
        *,
        rate: int = 8_000_000,
        load: list[tuple[int, float]] = IDLE,
        steps: list[tuple[int, float]] = IDLE,
        burst: int = 1000,
        limit_bytes: int = 10**9,
        limit_packets: int = 1 << 14,
        seed: int = 1,
    ) -> None:
        queues, starts, line = make_queues(np.array([limit_bytes]), np.array([limit_packets]))
        self.state = record(
            STATION,
            queue=queues[0],
            rate=rate,
            current=rate,
            steps=1,
            burst_at=FOREVER,
            burst_bytes=burst,
            key=stream_key(seed, 0, "background"),
        )
        self.times, self.shares = profiles(load, steps)
        self.shared = (starts, line, self.times, self.shares)
        schedule_burst(self.state, self.times, self.shares, 0)

    def serve(self, times: Any, size: int) -> NDArray[np.int64]:
        departures: NDArray[np.int64] = served(
            self.state, self.shared, np.array(times, np.int64), size
        )
        return departures

    def finish(self, until: int) -> None:
        serve_bursts(self.state, self.shared, until)


@given(
    st.lists(st.sampled_from([0, 1, 100_000, 900_000, 5 * MS]), max_size=60),
    st.sampled_from([40, 1000, 1500]),
    st.sampled_from([1500, 4000]),
)
def test_an_idle_link_is_a_queue(gaps: list[int], size: int, limit: int) -> None:
    times = np.cumsum(gaps, dtype=np.int64).tolist()
    link = Link(limit_bytes=limit, limit_packets=3)
    departures = link.serve(times, size)
    expected = plain_departures(times, [size] * len(times), 8_000_000, limit, 3)
    assert departures.tolist() == [DROPPED if left is None else left for left in expected]
    delays = [left - at for left, at in zip(expected, times, strict=True) if left is not None]
    state = link.state
    assert state["packets"] == len(times)
    assert state["dropped"] == len(times) - len(delays)
    assert state["bytes"] == size * len(delays)
    assert state["work"] == 1000 * size * len(delays)
    assert state["delay_sum"] == sum(delays)
    assert state["delay_max"] == max(delays, default=0)


def test_sizes_that_change_take_their_own_time() -> None:
    link = Link()
    ends = [int(link.serve([at], size)[0]) for at, size in ((0, 10), (0, 10), (0, 7), (0, 10))]
    assert ends == [10_000, 20_000, 27_000, 37_000]


def test_a_link_without_a_rate_lets_pass_at_once() -> None:
    link = Link(rate=8_000_000)
    link.state["rate"] = 0
    assert link.serve([0, 0, 5], 1500).tolist() == [0, 0, 5]
    assert link.state["packets"] == 3
    assert link.state["bytes"] == 4500


@pytest.mark.parametrize(
    ("steps", "at", "departure"),  # 10 kB; a negative share is a rate, and 1 stands for none
    [
        ([(0, -8e6)], 0, 10 * MS),
        ([(0, -8e6), (20 * MS, -4e6)], 15 * MS, 25 * MS),  # a transmission that has begun goes on
        ([(0, -8e6), (20 * MS, -4e6)], 20 * MS, 40 * MS),
        ([(0, -8e6), (20 * MS, 1.0), (70 * MS, -8e6)], 30 * MS, 80 * MS),
        ([(0, 1.0), (20 * MS, 1.0), (70 * MS, -4e6)], 0, 90 * MS),
    ],
)
def test_the_rate_goes_in_steps(steps: list[tuple[int, float]], at: int, departure: int) -> None:
    link = Link(steps=steps)
    assert link.serve([at], 10_000).tolist() == [departure]
    assert link.state["delay_max"] == departure - at


def test_a_link_that_never_moves_again_keeps_what_it_has() -> None:
    link = Link(steps=[(0, -8e6), (20 * MS, 1.0)], limit_bytes=3000)
    departures = link.serve([30 * MS] * 5, 1000)  # one in service, three that wait
    assert (departures[:4] > 10**17).all()
    assert departures[4] == DROPPED


def plain_bursts(seed: int, load: list[tuple[int, float]], burst: int, until: int) -> list[int]:
    """When bursts arrive on a link of 8 Mbit/s: a Poisson process in steps."""
    key = stream_key(seed, 0, "background")
    ends = [at for at, _ in load[1:]] + [FOREVER]
    times: list[int] = []
    now, draws = 0, 0
    for end, (_, share) in zip(ends, load, strict=True):
        while share > 0:
            draw = float(randomness.uniforms(np.array([key]), draws)[0])
            draws += 1
            gap = -(burst * 8e9 / (8_000_000 * share)) * math.log(draw)
            if now + gap >= end:
                break
            now += 1 + int(gap)
            if now >= until:
                return times
            times.append(now)
        now = end
        if now >= until:
            return times
    return times


@given(
    st.lists(st.sampled_from([0, 1, 100_000, 900_000, 5 * MS]), max_size=60),
    st.integers(0, 999),
    st.sampled_from([[(0, 0.8)], [(0, 0.0), (20 * MS, 1.0), (50 * MS, 0.3)]]),
    st.sampled_from([1000, 3300]),
)
def test_bursts_join_the_queue_in_true_order(
    gaps: list[int], seed: int, load: list[tuple[int, float]], burst: int
) -> None:
    times = np.cumsum(gaps, dtype=np.int64).tolist()
    until = times[-1] + 1 if times else 1
    limit = 10**9
    link = Link(load=load, burst=burst, limit_bytes=limit, seed=seed)
    departures = link.serve(times, 700)
    bursts = plain_bursts(seed, load, burst, until)
    # At one instant, a burst comes before a packet.
    events = sorted(
        [(at, 0, burst, -1) for at in bursts] + [(at, 1, 700, i) for i, at in enumerate(times)]
    )
    expected = plain_departures(
        [e[0] for e in events], [e[2] for e in events], 8_000_000, limit, 1 << 14
    )
    own = [left for left, event in zip(expected, events, strict=True) if event[1] == 1]
    assert departures.tolist() == own
    link.finish(until)
    assert link.state["burst_served"] == burst * len(bursts)
    assert link.state["work"] == 1000 * (burst * len(bursts) + 700 * len(times))


def test_of_a_burst_that_finds_too_little_room_what_fits_is_taken() -> None:
    link = Link(load=[(0, 1.0)], burst=1000, limit_bytes=1500)
    state = link.state
    assert link.serve([0, 0, 0], 500).tolist() == [500_000, 1_000_000, 1_500_000]
    state["burst_at"] = 0
    link.finish(1)
    assert state["burst_served"] == 500
    state["burst_at"] = 0
    link.finish(1)
    assert state["burst_served"] == 500  # full
    assert state["queue"]["waiting"] == 1500
    assert link.serve([0], 1).tolist() == [DROPPED]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_bursts_ask_for_their_share(share: float) -> None:
    shares = []
    for seed in SEEDS:
        link = Link(load=[(0, share)], seed=seed)
        link.finish(60 * SECOND)
        shares.append(link.state["burst_served"] * 8 / 60 / 8e6)
    check_mean(shares, share, within=0.02)


def test_the_load_steps() -> None:
    served = []
    for seed in SEEDS:
        link = Link(load=[(0, 0.6), (20 * SECOND, 0.0), (40 * SECOND, 0.2)], seed=seed)
        row = []
        for until in (20, 40, 60):
            link.finish(until * SECOND)
            row.append(int(link.state["burst_served"]))
        served.append(np.diff([0, *row]) / 20e6)
    steps = np.array(served)
    check_mean(steps[:, 0], 0.6, within=0.02)
    assert not steps[:, 1].any()
    check_mean(steps[:, 2], 0.2, within=0.03)


def test_a_load_that_ends_asks_for_no_more() -> None:
    link = Link(load=[(0, 0.5), (SECOND, 0.0)])
    link.finish(10 * SECOND)
    assert link.state["burst_at"] == FOREVER


def test_a_burst_comes_before_a_packet_of_the_same_instant() -> None:
    link = Link()
    link.state["burst_at"] = 700
    assert link.serve([700], 10).tolist() == [700 + 1_000_000 + 10_000]
    link = Link()
    link.state["burst_at"] = 701
    assert link.serve([700], 10).tolist() == [700 + 10_000]


def test_of_copies_that_arrive_at_once_the_first_edges_is_served_first() -> None:
    edges, items = np.zeros(4, EDGE), np.zeros(64, ITEM)
    edges["base"] = [0, 16, 32, 48]
    edges["mask"] = 15
    for e, times in enumerate([[1], [7, 9], [5, 9], [5, 8]]):
        for number, time in enumerate(times):
            push(edges[e], items, time, number, e, 0)
    state = record(STATION, first_edge=1, edges=3)
    order = []
    while (e := next_edge(state, edges, items, 9)) >= 0:
        order.append(e)
        edges[e]["head"] += 1
    assert order == [2, 3, 1, 3]  # at 5, 5, 7, 8: and no other station's, and none at 9
    assert next_edge(state, edges, items, 10) == 1
