"""NACK: the kernels against a plain list, and libwebrtc's numbers."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.nack import CAPACITY, MISSING, NACK, NACK_COUNTS, clear_to, due, note
from tests.simulations.reference_nack import PlainNack

MS = 1_000_000


class Stream:
    """One stream's state, and the room to ask."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.nack: Any = np.zeros(1, NACK)[0]
        self.missing = np.zeros(capacity, MISSING)
        self.numbers = np.zeros(2048, np.int32)

    def note(self, number: int, key: bool = False) -> bool:
        return bool(note(self.nack, self.missing, number, int(key)))

    def due(self, now: int, rtt: int = 0, room: int = 2048) -> list[int]:
        chosen = due(self.nack, self.missing, now, rtt, self.numbers, room)
        return list(map(int, self.numbers[:chosen]))

    def clear_to(self, number: int) -> None:
        clear_to(self.nack, self.missing, number)

    @property
    def wanted(self) -> list[int]:
        return list(map(int, self.missing["number"][: self.nack["count"]]))

    @property
    def counts(self) -> tuple[int, int, int]:
        asked, recovered, abandoned = (int(self.nack[name]) for name in NACK_COUNTS)
        return asked, recovered, abandoned


steps = st.one_of(
    st.tuples(st.just("next"), st.integers(1, 4), st.booleans()),  # so many numbers on
    st.tuples(st.just("next"), st.integers(1, 20), st.just(False)),
    st.tuples(st.just("jump"), st.sampled_from([60, 900, 999, 1000, 1001, 5000, 9999, 10_001])),
    st.tuples(st.just("late"), st.integers(0, 100), st.booleans()),  # the i-th of what is missing
    st.tuples(st.just("again"), st.integers(0, 12_000)),  # so far back
    st.tuples(
        st.just("due"),
        st.sampled_from([0, 1 * MS, 25 * MS, 99 * MS, 100 * MS]),  # later than the last
        st.sampled_from([0, 40 * MS, 300 * MS]),
        st.sampled_from([0, 1, 5, 2048, 5000]),
    ),
    st.tuples(st.just("clear"), st.integers(-3, 30)),  # from the oldest that is missing
)


@given(st.integers(0, 20), st.booleans(), st.sampled_from([16, CAPACITY]), st.lists(steps))
def test_the_list_is_the_plain_one(
    first: int, key: bool, capacity: int, plan: list[tuple[Any, ...]]
) -> None:
    stream, plain = Stream(capacity), PlainNack(min(capacity, 1000))
    assert stream.note(first, key) == plain.note(first, key)
    now, highest = 0, first
    for kind, size, *more in plan:
        if kind in ("next", "jump"):
            highest += size
            last = bool(more and more[0])
            assert stream.note(highest, last) == plain.note(highest, last)
        elif kind == "late" and plain.missing:
            number = sorted(plain.missing)[size % len(plain.missing)]
            assert stream.note(number, more[0]) == plain.note(number, more[0])
        elif kind == "again":
            number = max(highest - size, 0)
            assert stream.note(number) == plain.note(number, False)
        elif kind == "due":
            now += size
            rtt, room = more
            assert stream.due(now, rtt, room) == plain.due(now, rtt, min(room, 2048))
        elif kind == "clear":
            number = min(plain.missing, default=highest) + size
            stream.clear_to(number)
            plain.clear_to(number)
        assert stream.wanted == sorted(plain.missing)
        assert stream.counts == (plain.asked, plain.recovered, plain.abandoned)
        assert bool(stream.nack["gave_up"]) == plain.gave_up


def test_a_gap_is_asked_for_at_once_and_again_after_a_round_trip() -> None:
    stream = Stream()
    for number in (0, 1, 4, 6):
        assert not stream.note(number)
    assert stream.due(0) == [2, 3, 5]
    assert stream.due(99 * MS) == []
    assert stream.due(100 * MS) == [2, 3, 5]  # until a round trip is known
    assert stream.due(139 * MS, rtt=40 * MS) == []
    stream.note(3)
    assert stream.due(140 * MS, rtt=40 * MS) == [2, 5]
    assert stream.counts == (8, 1, 0)


def test_a_packet_is_asked_for_ten_times() -> None:
    stream = Stream()
    stream.note(0)
    stream.note(2)
    asked = [stream.due(tick * 25 * MS) for tick in range(60)]
    assert [tick for tick, numbers in enumerate(asked) if numbers] == list(range(0, 40, 4))
    assert stream.counts == (10, 0, 1)
    assert stream.nack["gave_up"]


def test_the_last_try_counts_too() -> None:
    stream = Stream()
    stream.note(0)
    stream.note(2)
    for tick in range(10):
        stream.due(tick * 100 * MS)
    stream.note(1)
    assert stream.due(1000 * MS) == []
    assert stream.counts == (10, 1, 0)


def test_what_has_no_room_waits() -> None:
    stream = Stream()
    stream.note(0)
    stream.note(6)
    assert stream.due(0, room=3) == [1, 2, 3]
    assert stream.due(25 * MS, room=3) == [4, 5]
    assert stream.due(100 * MS, room=3) == [1, 2, 3]


@pytest.mark.parametrize(("gap", "full"), [(1000, False), (1001, True)])
def test_a_thousand_packets_may_be_missing(gap: int, full: bool) -> None:
    stream = Stream()
    stream.note(0)
    assert stream.note(gap + 1) == full
    assert len(stream.wanted) == (0 if full else 1000)
    assert stream.counts == (0, 0, 1001 if full else 0)
    assert not stream.note(gap + 2)  # goes on from there
    assert stream.note(gap + 4) == (not full)
    assert bool(stream.nack["gave_up"])


def test_a_full_list_drops_what_lies_before_a_key_frame_first() -> None:
    stream = Stream()
    stream.note(0)
    stream.note(601)  # 600 are missing
    stream.note(604, key=True)  # those between may be the key frame's
    assert not stream.note(1010)  # 1,007 would be missing
    assert stream.wanted == [602, 603, *range(605, 1010)]
    assert stream.counts == (0, 0, 600)
    assert not stream.nack["gave_up"]
    assert stream.note(1611)  # and the key frame's own are too many
    assert stream.wanted == []


def test_packets_are_given_up_ten_thousand_numbers_behind() -> None:
    stream = Stream()
    stream.note(0)
    stream.note(2)
    for number in range(3, 10_002):
        stream.note(number)
    assert stream.wanted == [1]
    stream.note(10_002)
    assert stream.wanted == []
    assert stream.counts == (0, 0, 1)
    assert stream.nack["gave_up"]


def test_the_sequence_begins_with_the_first_packet() -> None:
    stream = Stream()
    assert not stream.note(5000)
    stream.note(4999)
    assert stream.wanted == []
    stream.note(5002)
    assert stream.wanted == [5001]


def test_what_is_decoded_or_skipped_is_no_longer_wanted() -> None:
    stream = Stream()
    for number in (0, 3, 6):
        stream.note(number)
    stream.clear_to(4)
    assert stream.wanted == [4, 5]
    assert stream.counts == (0, 0, 2)
    assert not stream.nack["gave_up"]
