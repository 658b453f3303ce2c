"""The queue against one that is played event by event."""

import itertools

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simulations.queues import DROPPED, make_queues, serve, transmission
from tests.simulations.reference_queue import plain_departures

PACKETS = st.lists(
    st.tuples(st.sampled_from([0, 0, 1, 7, 80_000, 400_000, 3_000_000]), st.integers(1, 1500)),
    max_size=60,
)
"""(gap to the one before in ns, size in bytes): many at the same instant."""


def departures(
    arrivals: list[int], sizes: list[int], rate: int, limit_bytes: int, limit_packets: int
) -> list[int | None]:
    queues, starts, line = make_queues(np.array([limit_bytes]), np.array([limit_packets]))
    served = serve(
        queues[0], starts, line, rate, np.array(arrivals, np.int64), np.array(sizes, np.int64)
    )
    return [None if time == DROPPED else int(time) for time in served]


@given(
    packets=PACKETS,
    rate=st.sampled_from([1, 9_999, 64_000, 10**6, 10**7 + 3, 10**9, 10**14]),
    limit_bytes=st.sampled_from([0, 1, 1499, 1500, 4000, 10**9]),
    limit_packets=st.sampled_from([1, 2, 3, 5, 1000]),
)
def test_every_departure_and_every_drop_is_the_plain_queues(
    packets: list[tuple[int, int]], rate: int, limit_bytes: int, limit_packets: int
) -> None:
    arrivals = np.cumsum([gap for gap, _ in packets], dtype=np.int64).tolist()
    sizes = [size for _, size in packets]
    assert departures(arrivals, sizes, rate, limit_bytes, limit_packets) == plain_departures(
        arrivals, sizes, rate, limit_bytes, limit_packets
    )


@given(packets=PACKETS, parts=st.lists(st.integers(0, 60), max_size=5))
def test_served_in_parts_it_is_served_the_same(
    packets: list[tuple[int, int]], parts: list[int]
) -> None:
    arrivals = np.cumsum([gap for gap, _ in packets], dtype=np.int64)
    sizes = np.array([size for _, size in packets], np.int64)
    limits = np.array([4000]), np.array([5])
    queues, starts, line = make_queues(*limits)
    whole = serve(queues[0], starts, line, 10**6, arrivals, sizes)
    queues, starts, line = make_queues(*limits)
    cuts = [0, *sorted(min(part, len(packets)) for part in parts), len(packets)]
    pieces = [
        serve(queues[0], starts, line, 10**6, arrivals[a:b], sizes[a:b])
        for a, b in itertools.pairwise(cuts)
    ]
    assert np.concatenate(pieces).tolist() == whole.tolist()


def test_what_waits_counts_and_what_is_sent_does_not() -> None:
    # 8 kbit/s: a byte a millisecond. The first is in transmission at once, 100 bytes may wait.
    ms = 1_000_000
    at = [0, 0, 0, 10 * ms, 10 * ms]
    sizes = [10, 100, 1, 1, 1]
    assert departures(at, sizes, 8000, 100, 9) == [10 * ms, 110 * ms, None, 111 * ms, 112 * ms]


def test_an_idle_link_takes_any_packet() -> None:
    assert departures([0, 5], [1000, 1], 8 * 10**9, 0, 1) == [1000, None]
    assert departures([0, 1000], [1000, 1], 8 * 10**9, 0, 1) == [1000, 1001]


def test_a_queue_that_has_been_idle_has_all_of_its_room_again() -> None:
    arrivals = [second * 10**9 for second in range(5) for _ in range(4)]
    # in each second one is sent, two wait, and one too many comes
    served = departures(arrivals, [1500] * 20, 10**9, 3000, 10)
    assert [time is None for time in served] == [False, False, False, True] * 5


def test_a_packet_that_does_not_fit_leaves_room_for_one_that_does() -> None:
    assert departures([0, 0, 0], [10, 101, 100], 8 * 10**9, 100, 9) == [10, None, 110]


@pytest.mark.parametrize(
    ("size", "rate", "time"),
    [(125, 10**9, 1000), (1, 8 * 10**9, 1), (1, 16 * 10**9, 1), (1, 17 * 10**9, 0),
     (1500, 1, 12 * 10**12), (10**9, 1, 8 * 10**18), (1, 3, 2_666_666_667)],
)  # fmt: skip
def test_transmission_is_to_the_nearest_nanosecond(size: int, rate: int, time: int) -> None:
    assert transmission(size, rate) == time


@given(size=st.integers(0, 2_000_000), rate=st.one_of(st.integers(1, 1000), st.integers(1, 10**15)))
@example(size=1_131_994, rate=3)  # floating point would be off by one
def test_transmission_is_exact(size: int, rate: int) -> None:
    assert transmission(size, rate) == (size * 8_000_000_000 + rate // 2) // rate


@given(rate=st.integers(1, 2 * 10**9), time=st.integers(1, 10**6), off=st.sampled_from([-1, 0, 1]))
def test_transmission_is_exact_where_it_is_hardest_to_tell(rate: int, time: int, off: int) -> None:
    # close to where the nearest nanosecond becomes another
    size = max(((2 * time - 1) * rate // 2) // 8_000_000_000 + off, 0)
    assert transmission(size, rate) == (size * 8_000_000_000 + rate // 2) // rate


def test_queues_share_a_backlog_without_meeting() -> None:
    queues, starts, line = make_queues(np.array([10**6] * 3), np.array([3, 1, 5]))
    assert len(starts) == len(line) == 4 + 1 + 8
    at, size = np.zeros(10, np.int64), np.full(10, 1000)
    taken = []
    for queue in queues:
        taken.append(serve(queue, starts, line, 8 * 10**9, at, size).tolist())
    ends = [1000 * (i + 1) for i in range(10)]
    for kept, times in zip([4, 2, 6], taken, strict=True):
        assert times == ends[:kept] + [DROPPED] * (10 - kept)
