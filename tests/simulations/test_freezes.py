"""Freezes and pauses, against the standard's definition worked out on plain lists."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.freezes import FREEZE_COUNTS, FREEZES, begin, render, settle, stop
from tests.simulations.reference_freezes import PlainFreezes, gaps

MS = 1_000_000
SECOND = 1_000 * MS

intervals = st.one_of(
    st.integers(0, 80 * MS),
    st.sampled_from([33 * MS, 40 * MS]),
    st.integers(100 * MS, 800 * MS),
    st.sampled_from([5 * SECOND, 5 * SECOND + 1, 7 * SECOND]),
)


class Picture:
    """One picture's state."""

    def __init__(self) -> None:
        self.state: Any = np.zeros(1, FREEZES)[0]

    def begin(self, now: int) -> None:
        begin(self.state, now)

    def stop(self, now: int) -> None:
        stop(self.state, now)

    def render(self, *times: int) -> None:
        for time in times:
            render(self.state, time)

    def settle(self, since: int, until: int) -> tuple[int, int]:
        """(freezes, frozen ns) of the interval."""
        settle(self.state, since, until)
        counted = int(self.state["freeze_count"]), int(self.state["freeze_time"])
        self.state["freeze_count"] = 0
        return counted

    @property
    def counts(self) -> tuple[int, ...]:
        return tuple(int(self.state[name]) for name in FREEZE_COUNTS)


@given(st.lists(intervals, max_size=120))
def test_freezes_and_pauses_are_the_standards(durations: list[int]) -> None:
    times = list(itertools.accumulate(durations, initial=SECOND))
    picture = Picture()
    picture.begin(SECOND)
    picture.render(*times)
    settle(picture.state, 0, times[-1])
    found = gaps(times)
    frozen = sum(gap.frozen for gap in found)
    paused = sum(gap.length for gap in found if gap.pause)
    freezes, pauses = sum(gap.freeze for gap in found), sum(gap.pause for gap in found)
    assert picture.counts == (freezes, frozen, pauses, paused)


@pytest.mark.parametrize(
    ("period", "limit"),
    [
        (40 * MS, 195_172_414),  # (29 · 40 + 30 · 150) / 29 ms: mean + 150 ms
        (200 * MS, 644_444_445),  # 3 · 29 · 200 / 27 ms: 3 · mean
    ],
)
def test_limit_at_a_steady_rate(period: int, limit: int) -> None:
    for interval, freezes in ((limit - 1, 0), (limit, 1)):
        picture = Picture()
        picture.begin(0)
        times = [period * i for i in range(40)]
        picture.render(*times, times[-1] + interval)
        assert picture.settle(0, times[-1] + interval) == (freezes, freezes * limit)


@given(
    st.lists(
        st.tuples(st.sampled_from(["render"] * 30 + ["settle"] * 6 + ["begin", "stop"]), intervals),
        max_size=150,
    )
)
def test_samples_are_those_of_a_plain_account(plan: list[tuple[str, int]]) -> None:
    picture, plain = Picture(), PlainFreezes()
    picture.begin(0)
    plain.begin(0)
    now = since = 0
    frozen = 0
    for kind, later in plan:
        now += later
        if kind == "settle":
            settle(picture.state, since, now)
            share = plain.settle(since, now)
            assert picture.state["freeze_time"] == share
            assert share <= now - since
            frozen += share
            freezes, _, pauses, paused = plain.totals(now)
            assert picture.state["freeze_count"] == freezes
            assert (picture.state["pause_count"], picture.state["pause_time"]) == (pauses, paused)
            since = now
        else:
            getattr(picture, kind)(now)
            getattr(plain, kind)(now)
    settle(picture.state, 0, now)  # an interval with room for all that is owed
    assert frozen + picture.state["freeze_time"] == plain.totals(now)[1]


def test_a_long_freeze_counts_in_each_interval_and_adds_up() -> None:
    picture = Picture()
    picture.begin(0)
    picture.render(*range(0, 900 * MS + 1, 40 * MS))  # the last at 880 ms
    shares = [picture.settle(0, SECOND), picture.settle(SECOND, 2 * SECOND)]
    shares += [picture.settle(2 * SECOND, 3 * SECOND)]
    picture.render(*range(3_400 * MS, 4 * SECOND, 40 * MS))
    shares += [picture.settle(3 * SECOND, 4 * SECOND)]
    # At 1 s it was none yet: the 120 ms until then follow where there is room.
    assert shares == [(0, 0), (1, SECOND), (0, SECOND), (0, 520 * MS)]
    assert sum(share for _, share in shares) == 3_400 * MS - 880 * MS


def test_a_freeze_that_ends_within_an_interval_counts_there() -> None:
    picture = Picture()
    picture.begin(0)
    picture.render(*range(0, 481 * MS, 40 * MS))
    picture.render(780 * MS, 820 * MS)
    assert picture.settle(0, SECOND) == (1, 300 * MS)
    assert picture.settle(SECOND, SECOND) == (0, 0)


def test_a_picture_that_never_comes_is_frozen_from_when_it_was_wanted() -> None:
    picture = Picture()
    picture.begin(300 * MS)
    assert picture.settle(0, SECOND) == (0, 700 * MS)
    assert picture.settle(SECOND, 11 * SECOND) == (0, 10 * SECOND)
    picture.render(11_100 * MS, 11_140 * MS)
    assert picture.settle(11 * SECOND, 12 * SECOND) == (0, 100 * MS)
    assert picture.state["pause_count"] == 0


def test_a_picture_that_stops_after_too_few_frames_is_frozen_too() -> None:
    picture = Picture()
    picture.begin(0)
    picture.render(0, 40 * MS)
    shares = [picture.settle(at * SECOND, (at + 1) * SECOND) for at in range(8)]
    assert [freezes for freezes, _ in shares] == [0] * 8
    assert [share for _, share in shares] == [0] * 5 + [960 * MS, SECOND, SECOND]
    picture.render(10 * SECOND)
    assert picture.settle(8 * SECOND, 11 * SECOND) == (0, 2 * SECOND)
    assert picture.counts[2:] == (1, 10 * SECOND - 40 * MS)


def test_what_is_not_wanted_does_not_freeze() -> None:
    picture = Picture()
    assert picture.settle(0, SECOND) == (0, 0)
    picture.begin(SECOND)
    picture.begin(1_500 * MS)  # it is already
    picture.render(*range(SECOND, 3 * SECOND, 40 * MS))  # the last at 2.96 s
    picture.stop(3_500 * MS)
    picture.render(3_600 * MS)  # was on its way
    picture.stop(4 * SECOND)
    assert picture.settle(SECOND, 10 * SECOND) == (1, 540 * MS)
    picture.begin(20 * SECOND)
    picture.render(20_100 * MS, 20_140 * MS)
    assert picture.settle(20 * SECOND, 20_200 * MS) == (0, 100 * MS)
    assert picture.counts[2:] == (0, 0)
    # what was learnt of its rate still holds
    assert picture.settle(20_200 * MS, 20_400 * MS) == (1, 200 * MS)
