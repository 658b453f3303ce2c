"""An access link: its parts in their order, packets in theirs, and every one accounted for."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.randomness import stream_key
from simulations.links import DROPPED_POLICER, DROPPED_QUEUE, LINK, LOST, carry, is_safe
from simulations.losses import keep
from simulations.queues import make_queues
from simulations.rates import LIFETIME
from tests.simulations.loops import NO_LOAD, carried, profiles, record
from tests.simulations.reference_queue import plain_departures

MS = 1_000_000
SECOND = 10**9
PACKETS = st.lists(
    st.tuples(st.sampled_from([0, 1, 90_000, 2_000_000]), st.integers(40, 1500)), max_size=80
)


class Link:
    """A link with a backlog of its own."""

    def __init__(
        self, rate: float = 1e6, limit_bytes: int = 4000, limit_packets: int = 9, **parts: Any
    ) -> None:
        queues, self.starts, self.line = make_queues(
            np.array([limit_bytes]), np.array([limit_packets])
        )
        keys = {
            f"{part}__{key}": stream_key(1, 0, f"{part} {key}")
            for part, key in (
                ("rate", "key"), ("rate", "hole_key"), ("loss", "state_key"), ("loss", "loss_key"),
                ("jitter", "key"), ("path", "key"), ("path", "loss_key"),
            )
        }  # fmt: skip
        self.state = record(LINK, queue=queues[0], rate__nominal=rate, **keys | parts)

    def carry(self, times: Any, sizes: Any, loads: Any = NO_LOAD) -> Any:
        times, sizes = np.array(times, np.int64), np.array(sizes, np.int64)
        return carried(self.state, self.starts, self.line, loads[0], loads[1], times, sizes)


@given(PACKETS, st.sampled_from([64_000, 1_000_003, 10**9]), st.sampled_from([0, 3 * MS]))
def test_a_plain_link_is_a_queue_and_a_delay(
    packets: list[tuple[int, int]], rate: int, delay: int
) -> None:
    times = np.cumsum([gap for gap, _ in packets], dtype=np.int64).tolist()
    sizes = [size for _, size in packets]
    arrivals = Link(rate, delay=delay).carry(times, sizes)
    expected = [
        DROPPED_QUEUE if left is None else left + delay
        for left in plain_departures(times, sizes, rate, 4000, 9)
    ]
    assert arrivals.tolist() == expected


WILD = {
    "jitter__median": 4 * MS, "jitter__spread": 1.0, "jitter__step": 20 * MS,
    "jitter__decay": 0.9, "path__every": 100 * MS, "path__log_p5": 14.0, "path__log_p50": 15.0,
    "path__log_p95": 17.0, "path__loss": 0.5, "path__loss_time": 20 * MS, "loss__to_bad": 0.1,
    "loss__to_good": 0.4, "loss__loss_in_bad": 0.5, "policer__rate": 2e6,
    "policer__depth": 8 * 6000, "policer__tokens": 8 * 6000, "rate__spread": 0.6,
    "rate__step": 10 * MS, "rate__decay": 0.8, "rate__hole_every": 0.3e9,
    "rate__hole_length": 0.05e9,
}  # fmt: skip
"""Everything that may happen on a link, often."""


@given(PACKETS, st.integers(0, 2**60), st.sets(st.sampled_from(sorted(WILD)), max_size=20))
def test_packets_keep_their_order_and_each_is_somewhere(
    packets: list[tuple[int, int]], key: int, without: set[str]
) -> None:
    times = np.cumsum([gap for gap, _ in packets], dtype=np.int64)
    sizes = np.array([size for _, size in packets], np.int64)
    steps = {"jitter__step", "path__every", "rate__step"}  # a process needs its grid
    parts: dict[str, Any] = {k: v for k, v in WILD.items() if k not in without - steps}
    link = Link(2e6, delay=5 * MS, **parts)
    link.state["loss"]["state_key"] = key
    link.state["rate"]["hole_key"] = key
    arrivals = link.carry(times, sizes)
    there = arrivals >= 0
    assert (np.diff(arrivals[there]) >= 0).all()
    assert (arrivals[there] > times[there] + 5 * MS).all()
    counts = link.state
    assert counts["packets"] == len(packets)
    for name, code in (
        ("dropped_policer", DROPPED_POLICER), ("dropped_queue", DROPPED_QUEUE), ("lost", LOST),
    ):  # fmt: skip
        assert counts[name] == (arrivals == code).sum(), name
    sent = there | (arrivals == LOST)
    assert counts["bytes"] == sizes[sent].sum()


def test_the_policer_stands_before_the_queue() -> None:
    link = Link(policer__rate=1.0, policer__depth=800.0, policer__tokens=800.0)
    arrivals = link.carry([0, 0, 0], [100, 100, 1])
    assert arrivals.tolist() == [800_000, DROPPED_POLICER, DROPPED_POLICER]
    assert link.state["queue"]["free_at"] == 800_000


def test_what_is_lost_has_taken_its_time_on_the_link() -> None:
    link = Link(loss__to_bad=1.0, loss__to_good=1.0, loss__loss_in_bad=1.0)
    arrivals = link.carry([0, 0, 0, 0], [125, 125, 125, 125])  # a millisecond each
    assert sorted(arrivals.tolist()) in ([LOST, LOST, 1 * MS, 3 * MS], [LOST, LOST, 2 * MS, 4 * MS])


@given(
    packets=PACKETS, to_bad=st.floats(0, 0.3), in_bad=st.sampled_from([0.0, 0.7, 1.0]),
    fault=st.sampled_from(["", "down", "fault", "policer", "path"]),
    jitter=st.sampled_from([0, MS]),
)  # fmt: skip
def test_a_link_that_is_safe_carries_alike_whoever_knows_it(
    packets: list[tuple[int, int]], to_bad: float, in_bad: float, fault: str, jitter: int
) -> None:
    faults: dict[str, dict[str, Any]] = {
        "down": {"down": 1}, "fault": {"fault": 1, "extra_loss": 0.5},
        "policer": {"policer__rate": 1e5, "policer__depth": 8000.0},
        "path": {"path__every": 5 * MS, "path__log_p5": 1.0, "path__log_p50": 9.0,
                 "path__log_p95": 12.0},
        "": {},
    }  # fmt: skip
    parts = faults[fault] | {
        "loss__to_bad": to_bad, "loss__to_good": 0.3, "loss__loss_in_bad": in_bad,
        "jitter__median": jitter, "jitter__spread": 1.0, "jitter__step": 2 * MS,
        "jitter__decay": 0.5,
    }  # fmt: skip
    one, other, now = Link(**parts), Link(**parts), 0
    for gap, size in packets:
        now += gap
        loss = one.state["loss"]
        safe = is_safe(one.state) and loss["left"] >= 1
        assert not (safe and fault)
        arrival = carry(one.state, one.starts, one.line, *NO_LOAD, now, size, safe)
        if safe:
            assert arrival >= 0 or arrival == DROPPED_QUEUE
            keep(loss, int(arrival >= 0))
        assert arrival == carry(other.state, other.starts, other.line, *NO_LOAD, now, size)
    assert one.state == other.state


def test_jitter_holds_back_and_never_overtakes() -> None:
    link = Link(
        1e9, jitter__median=30 * MS, jitter__spread=1.5, jitter__step=1 * MS, jitter__decay=0.1
    )
    times = np.arange(2000) * MS
    arrivals = link.carry(times, np.full(2000, 100))
    assert (np.diff(arrivals) >= 0).all()
    assert (np.diff(arrivals) == 0).any()  # some waited for the one before them


def test_a_dead_link_drops_all_of_it() -> None:
    link = Link(1e6)
    dead = profiles([(0, 1.0)])
    times = np.arange(200) * 500 * MS
    arrivals = link.carry(times, np.full(200, 100), dead)
    assert (arrivals == DROPPED_QUEUE).all()
    assert link.state["bytes"] == 0


def test_a_link_comes_back_after_a_long_hole() -> None:
    hole = 50 * SECOND
    loads = profiles([(0, 0.0), (1 * SECOND, 1.0), (1 * SECOND + hole, 0.0)])
    times = np.arange(0, 90 * SECOND, 100 * MS)
    arrivals = Link(1e6, 10**6, 1000).carry(times, np.full(len(times), 100), loads)
    before, after = times < 1 * SECOND, times > 1 * SECOND + hole
    assert (arrivals[before] == times[before] + 800_000).all()
    assert (arrivals[after] > 0).all()
    assert arrivals[-1] == times[-1] + 800_000  # what piled up is gone
    waited = arrivals - times
    assert waited[arrivals > 0].max() <= 2 * LIFETIME
    assert (arrivals[(times > 1 * SECOND) & (times < 20 * SECOND)] == DROPPED_QUEUE).any()


@pytest.mark.parametrize("rate", [1, 10, 25])
def test_a_link_too_slow_for_its_packets_loses_all(rate: int) -> None:
    times = np.arange(1000) * 200 * MS
    arrivals = Link(rate).carry(times, np.full(1000, 100))
    assert (arrivals == DROPPED_QUEUE).all()


def test_a_slow_link_carries_what_it_can() -> None:
    # 80 s for 1,000 bytes at 100 bit/s, 8 s for 100
    # What would wait longer than the link's patience is not taken.
    arrivals = Link(100).carry([0, 0, 0, 8 * SECOND], [1000, 100, 100, 100])
    first, second = LIFETIME + 8 * SECOND, LIFETIME + 16 * SECOND
    assert arrivals.tolist() == [DROPPED_QUEUE, first, DROPPED_QUEUE, second]


def test_a_change_of_path_loses_what_is_on_it() -> None:
    link = Link(path__every=100 * MS, path__loss=1.0, path__loss_time=10 * MS)
    times = np.arange(0, 300, 5) * MS
    arrivals = link.carry(times, np.full(len(times), 40))
    assert ((arrivals == LOST) == (times % (100 * MS) < 9 * MS)).all()
    assert link.state["lost"] == (arrivals == LOST).sum() == 6
