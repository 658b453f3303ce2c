"""Trains: served together as one after another; on edges, nothing gets lost or mixed up."""

from typing import Any

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulations.compiled import array_kernel
from simulations.outages import change_delay, cut_short
from simulations.packets import EDGE, ITEM
from simulations.queues import make_queues
from simulations.rates import FOREVER
from simulations.stations import rewind, schedule_burst, serve
from simulations.trains import (
    RIDER,
    board,
    depart,
    follow,
    forward,
    lengthen,
    serve_train,
    unravel,
)
from simulations.world import STATION
from tests.simulations.loops import record

Train = tuple[int, int, int, int]
"""Arrival of the first (ns), step (ns), count, size (bytes)."""
NOT_TELLING = ("queue", "last_size", "last_work")
"""Fields of a station that only remember what it has worked out already."""


@array_kernel
def together(station: Any, shared: Any, trains: Any, limit: int) -> Any:
    """Departures of all copies, and how many of them were served together."""
    departures = np.empty(trains[:, 2].sum(), np.int64)
    served, joined = 0, 0
    for i in range(len(trains)):
        first, step, left, size = trains[i]
        while left > 0:
            count, close, departure, work = serve_train(
                station, shared, first, step, left, size, limit
            )
            if count == 0:
                count = close = 1
                departure = serve(station, shared, first, size)
            else:
                joined += count
            for j in range(count):
                if j == close:
                    departure = first + close * step + work
                departures[served] = departure
                departure += work if j < close else step
                served += 1
            first += count * step
            left -= count
    return departures, joined


@array_kernel
def one_by_one(station: Any, shared: Any, trains: Any) -> Any:
    departures = np.empty(trains[:, 2].sum(), np.int64)
    served = 0
    for i in range(len(trains)):
        first, step, count, size = trains[i]
        for j in range(count):
            departures[served] = serve(station, shared, first + j * step, size)
            served += 1
    return departures


def make_station(rate: int, limit: int, packets: int, load: float) -> tuple[Any, Any]:
    """A link, and the arrays that it shares; its rate halves after 2 ms."""
    queues, starts, sizes = make_queues(np.array([limit]), np.array([packets]))
    stations = np.zeros(1, STATION)
    stations["queue"], stations["rate"], stations["current"] = queues, rate, rate
    stations["burst_at"], stations["burst_bytes"], stations["key"] = FOREVER, 20_000, 7
    stations["steps"] = 1
    times = np.array([[0, FOREVER, FOREVER], [0, 2_000_000, FOREVER]])
    shares = np.array([[load, load, load], [0.0, -rate / 2, -rate / 2]])
    station = stations[0]
    if load > 0:
        schedule_burst(station, times, shares, 0)
    return station, (starts, sizes, times, shares)


trains_in_order = st.lists(
    st.tuples(
        st.integers(0, 400_000), st.integers(0, 30_000), st.integers(1, 60),
        st.sampled_from((80, 700, 1200)),
    ),
    min_size=1, max_size=12,
)  # fmt: skip


@given(
    trains_in_order,
    st.sampled_from((0, 10**7, 10**9, 10**10)),
    st.sampled_from((2_000, 30_000, 10**6)),
    st.sampled_from((4, 10_000)),
    st.sampled_from((0.0, 0.3)),
)
@example([(0, 10_000, 60, 1200)] * 3, 10**9, 10**6, 10_000, 0.0)
def test_what_is_served_together_leaves_as_one_after_another(
    trains: list[Train], rate: int, limit: int, packets: int, load: float
) -> None:
    now, timed = 0, []
    for gap, step, count, size in trains:
        timed.append((now + gap, step, count, size))
        now += gap + (count - 1) * step
    given = np.array(timed)
    load = load if rate else 0.0
    together_station, shared = make_station(rate, limit, packets, load)
    departures, _ = together(together_station, shared, given, FOREVER)
    station, shared = make_station(rate, limit, packets, load)
    np.testing.assert_array_equal(departures, one_by_one(station, shared, given))
    assert together_station["queue"]["free_at"] == station["queue"]["free_at"]
    for name in STATION.names or ():
        if name not in NOT_TELLING:
            assert together_station[name] == station[name], name


def test_nearly_all_of_a_large_meeting_is_served_together() -> None:
    station, shared = make_station(10**9, 10**6, 10_000, 0.1)
    trains = np.array([(2 * i * 10**6, 1_000, 60, 1200) for i in range(50)])
    _, joined = together(station, shared, trains, FOREVER)
    assert joined > 0.9 * 50 * 60


def test_what_may_come_behind_others_waits_for_them() -> None:
    station, shared = make_station(10**9, 10**6, 10_000, 0.0)
    assert serve(station, shared, 0, 80) == 640  # and the link's rate is known
    assert serve_train(station, shared, 100, 10, 5, 80, 130)[0] == 3
    assert serve_train(station, shared, 130, 10, 5, 80, 130)[0] == 0


def test_what_a_fault_may_hit_is_served_one_by_one() -> None:
    station, shared = make_station(10**9, 10**6, 10_000, 0.0)
    assert serve(station, shared, 0, 80) == 640
    station["fault"] = 1
    assert serve_train(station, shared, 700, 10, 5, 80, FOREVER)[0] == 0


Copies = list[tuple[int, int, int, int]]
"""(time, packet, endpoint, entry)"""


def make_edges(room: int = 64) -> tuple[Any, NDArray[Any], NDArray[Any]]:
    """Two edges, their items and riders; their rings have turned."""
    edges = np.zeros(2, EDGE)
    edges["mask"], edges["base"], edges["delay"] = room - 1, [0, room], [5, 7]
    edges["head"] = edges["tail"] = room - 3
    return edges, np.zeros(2 * room, ITEM), np.zeros(2 * room, RIDER)


def on(edge: Any, items: NDArray[Any], riders: NDArray[Any]) -> Copies:
    """What is on an edge, copy by copy."""
    unravel(edge, items, riders)
    places = edge["base"] + (np.arange(edge["head"], edge["tail"]) & edge["mask"])
    return [
        (int(i["time"]), int(i["packet"]), int(i["endpoint"]), int(i["entry"]))
        for i in items[places]
    ]


copies_in_order = st.lists(
    st.tuples(st.sampled_from((0, 10, 10, 10, 11)), st.integers(1, 2)), min_size=1, max_size=40
)


def board_all(edge: Any, items: Any, riders: Any, copies: list[tuple[int, int]]) -> Copies:
    now, boarded = 100, []
    for i, (gap, packet) in enumerate(copies):
        now += gap
        board(edge, items, riders, now, packet, 1000 + i, 2000 + i)
        boarded.append((now + int(edge["delay"]), packet, 1000 + i, 2000 + i))
    return boarded


@given(copies_in_order)
def test_copies_that_board_are_what_was_sent(copies: list[tuple[int, int]]) -> None:
    edges, items, riders = make_edges()
    boarded = board_all(edges[0], items, riders, copies)
    assert on(edges[0], items, riders) == boarded


@given(copies_in_order, st.lists(st.integers(1, 5), max_size=50))
def test_copies_go_on_in_parts_of_trains(copies: list[tuple[int, int]], parts: list[int]) -> None:
    edges, items, riders = make_edges()
    boarded = board_all(edges[0], items, riders, copies)
    gone: Copies = []
    for part in parts:
        if edges[0]["head"] == edges[0]["tail"]:
            break
        train = items[edges[0]["base"] + (edges[0]["head"] & edges[0]["mask"])]
        count, step = min(part, int(train["count"])), int(train["step"])
        time = int(train["time"])
        skipped = count // 2
        if skipped > 0:
            forward(edges[0], items, riders, edges[1], 0, skipped, time, step)
        begin = time + skipped * step
        forward(edges[0], items, riders, edges[1], skipped, count - skipped, begin, step)
        depart(edges[0], items, riders, count)
        gone += boarded[len(gone) : len(gone) + count]
    assert on(edges[1], items, riders) == [(time + 7, *rest) for time, *rest in gone]
    assert on(edges[0], items, riders) == boarded[len(gone) :]


def test_one_packet_at_equal_steps_is_one_train() -> None:
    edges, items, riders = make_edges()
    board_all(edges[0], items, riders, [(10, 1)] * 9)
    assert items[edges[0]["head"] & 63]["count"] == 9
    depart(edges[0], items, riders, 4)
    assert items[edges[0]["head"] & 63]["count"] == 5


@given(copies_in_order, st.integers(1, 12), st.integers(0, 3))
def test_copies_that_follow_are_as_if_each_had_boarded(
    copies: list[tuple[int, int]], more: int, step: int
) -> None:
    edges, items, riders = make_edges()
    boarded = board_all(edges[0], items, riders, copies)
    now = boarded[-1][0] - int(edges[0]["delay"])
    train = items[edges[0]["base"] + (edges[0]["last"] & 63)]
    if train["count"] > 1:
        step = int(train["step"])
    for i in range(more):
        follow(edges[0], riders, i, 7, i)
    lengthen(edges[0], items, more, step)
    packet = copies[-1][1]
    late = [(now + (i + 1) * step + 5, packet, 7, i) for i in range(more)]
    board(edges[0], items, riders, now + (more + 1) * step, packet, 8, 9)
    assert items[edges[0]["base"] + (edges[0]["last"] & 63)]["count"] > more
    late.append((now + (more + 1) * step + 5, packet, 8, 9))
    assert on(edges[0], items, riders) == boarded + late


def test_a_train_that_has_been_served_in_part_takes_nobody_in() -> None:
    edges, items, riders = make_edges()
    boarded = board_all(edges[0], items, riders, [(10, 1)] * 9)
    depart(edges[0], items, riders, 4)
    board(edges[0], items, riders, 200, 1, 7, 8)  # a step behind the last one
    assert items[edges[0]["head"] & 63]["count"] == 5
    assert on(edges[0], items, riders) == [*boarded[4:], (205, 1, 7, 8)]


def test_a_train_that_has_gone_on_may_take_others_in() -> None:
    edges, items, riders = make_edges()
    boarded = board_all(edges[0], items, riders, [(10, 1)] * 3)
    forward(edges[0], items, riders, edges[1], 0, 3, 500, 10)
    for time in (530, 550):
        board(edges[1], items, riders, time, 1, 7, 8)
    begin = edges[1]["base"] + (edges[1]["head"] & 63)
    assert items[begin]["count"] == 4
    gone = [(500 + 10 * i + 7, *rest) for i, (_, *rest) in enumerate(boarded)]
    assert on(edges[1], items, riders) == [*gone, (537, 1, 7, 8), (557, 1, 7, 8)]


def test_an_edge_that_is_empty_begins_anew_and_takes_nobody_for_the_last() -> None:
    edges, items, riders = make_edges()
    board_all(edges[0], items, riders, [(10, 1)] * 3)
    boarded = board_all(edges[1], items, riders, [(10, 1)] * 3)
    depart(edges[0], items, riders, 3)
    depart(edges[1], items, riders, 2)
    rewind(record(STATION, first_edge=0, edges=2), edges)
    assert edges["head"].tolist() == [0, 63]
    assert edges["tail"].tolist() == [0, 64]
    assert on(edges[1], items, riders) == boarded[2:]
    # A step behind those that have departed, and on beyond where they stood.
    later = board_all(edges[0], items, riders, [(40, 1), *[(10, 1)] * 62])
    assert items[0]["count"] == 63
    assert on(edges[0], items, riders) == later


def test_what_leaves_a_station_late_is_cut_out_of_a_train() -> None:
    edges, items, riders = make_edges()
    boarded = board_all(edges[0], items, riders, [(10, 1)] * 9)  # leaving at 110, 120, …
    assert cut_short(edges, items, riders, 0, 150) == 4
    assert on(edges[0], items, riders) == boarded[:5]


def test_a_train_takes_a_longer_way_from_the_middle_on() -> None:
    edges, items, riders = make_edges()
    boarded = board_all(edges[0], items, riders, [(10, 1)] * 4)
    change_delay(edges, items, riders, 0, 105, 120)
    late = [(time + 100, *rest) for time, *rest in boarded[2:]]
    assert on(edges[0], items, riders) == boarded[:2] + late
