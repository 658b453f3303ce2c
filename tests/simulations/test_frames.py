"""Assembly, decoding and key frame requests: the kernels against a plain receiver."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.frames import (
    CAPACITY,
    FRAME,
    NOTHING,
    PICTURE,
    PICTURE_COUNTS,
    WINDOW,
    assemble,
    hear,
    restart,
    show_next,
    wants_key_frame,
)
from simulations.freezes import begin, settle, stop
from tests.simulations.reference_frames import PlainPicture

MS = 1_000_000
SECOND = 1_000 * MS
TICK = 25 * MS


class Packet(NamedTuple):
    number: int
    place: int
    packets: int
    key: bool
    captured: int


class Receiver:
    """One picture's state."""

    def __init__(self, room: int = CAPACITY, wanted_from: int | None = 0) -> None:
        self.picture: Any = np.zeros(1, PICTURE)[0]
        self.frames = np.zeros(room, FRAME)
        if wanted_from is not None:
            begin(self.picture["freezes"], wanted_from)

    def take(self, packet: Packet, now: int = 0) -> list[int]:
        """When the frames were captured that are shown as the packet comes."""
        number, place, packets, key, captured = packet
        hear(self.picture, int(key), now)
        assemble(self.picture, self.frames, number, place, packets, int(key), captured)
        shown = []
        while (frame := show_next(self.picture, self.frames, now)) != NOTHING:
            shown.append(frame)
        return shown

    def take_all(self, packets: list[Packet]) -> list[int]:
        return [frame for packet in packets for frame in self.take(packet)]

    def wants(self, now: int, rtt: int = 0) -> bool:
        return bool(wants_key_frame(self.picture, now, rtt))

    @property
    def counts(self) -> tuple[int, int, int]:
        rendered, dropped, missing = (int(self.picture[name]) for name in PICTURE_COUNTS)
        return rendered, dropped, missing


def stream(frames: list[tuple[int, bool, int]], first: int = 0) -> list[list[Packet]]:
    """Frames of (packets, whether it is a key frame, packets it is cut short by). A frame is cut
    where the node changes over to another source, which begins with a key frame."""
    made: list[list[Packet]] = []
    number = first
    for frame, (packets, key, cut) in enumerate(frames):
        followed = frame + 1 < len(frames) and frames[frame + 1][1]
        sent = max(packets - cut, 1) if followed else packets
        captured = (frame + 1) * 40 * MS
        made.append([Packet(number + i, i, packets, key, captured) for i in range(sent)])
        number += sent
    return made


def plain_stream(frames: int, packets: int = 3, keys: tuple[int, ...] = (0,)) -> list[list[Packet]]:
    return stream([(packets, frame in keys, 0) for frame in range(frames)])


def flat(frames: list[list[Packet]]) -> list[Packet]:
    return [packet for frame in frames for packet in frame]


kinds = st.tuples(
    st.one_of(st.integers(1, 6), st.sampled_from([1, 2, 40, 130])),
    st.sampled_from([True, False, False, False, False]),
    st.sampled_from([0, 0, 0, 1, 2, 100]),
)


def trace(
    frames: list[tuple[int, bool, int]], seed: int, loss: float, late: float
) -> list[tuple[int, Packet]]:
    """(arrival, packet): some lost, some later than those behind them, some twice."""
    random = np.random.default_rng(seed)
    arrivals = []
    for place, packet in enumerate(flat(stream(frames, first=seed % 3 * 5))):
        fate = random.random()
        if fate < loss:
            continue
        delay = int(random.integers(1, 120)) if random.random() < late else 0
        arrivals.append((place + delay + 0.5 * (delay > 0), packet))
        if random.random() < late / 2:
            arrivals.append((place + delay + random.integers(0, 100) + 0.7, packet))
    return [
        (order * 3 * MS, packet) for order, (_, packet) in enumerate(sorted(arrivals, key=_first))
    ]


def _first(arrival: tuple[float, Packet]) -> float:
    return arrival[0]


@given(
    st.lists(kinds, max_size=60),
    st.integers(0, 2**32),
    st.sampled_from([0.0, 0.02, 0.2]),
    st.sampled_from([0.0, 0.05, 0.4]),
    st.sampled_from([4, 16, CAPACITY]),
    st.sampled_from([None, 0, 40]),
    st.data(),
)
def test_a_picture_is_the_plain_one(
    frames: list[tuple[int, bool, int]], seed: int, loss: float, late: float, room: int,
    paused_at: int | None, data: st.DataObject,
) -> None:  # fmt: skip
    receiver, plain = Receiver(room), PlainPicture(room, wanted=True)
    arrivals = trace(frames, seed, loss, late)
    rtt = data.draw(st.sampled_from([0, 90 * MS, 700 * MS]))
    tick = 0
    for step, (now, packet) in enumerate(arrivals):
        while tick < now:
            assert receiver.wants(tick, rtt) == plain.wants_key_frame(tick, rtt)
            tick += TICK
        if step == paused_at:
            restart(receiver.picture, receiver.frames, now)
            plain.restart(now)
        if step and step % 97 == 0:
            receiver.picture["lost_reference"] = plain.lost_reference = True
        plain.assemble(*packet, now=now)
        assert receiver.take(packet, now) == plain.show(now)
        assert receiver.counts == (len(plain.shown), plain.dropped, plain.missing)
        assert receiver.picture["next"] == plain.next
        assert bool(receiver.picture["lost_reference"]) == plain.lost_reference
    for _ in range(240):
        assert receiver.wants(tick, rtt) == plain.wants_key_frame(tick, rtt)
        tick += TICK


@given(
    st.lists(
        st.tuples(
            st.sampled_from([1, 2, 64, 65, 1000, 4096, WINDOW - 1, WINDOW, WINDOW + 1]),
            st.sampled_from([True, False, False]),
            st.lists(st.sampled_from([0, 1, 63, 64, -2, -1]), max_size=4),
            st.integers(0, 3),
        ),
        max_size=20,
    ),
    st.sampled_from([4, CAPACITY]),
)
def test_large_frames_are_kept_within_the_window(
    frames: list[tuple[int, bool, list[int], int]], room: int
) -> None:
    """Of each frame some packets come, and later some of those of an earlier one."""
    receiver, plain = Receiver(room), PlainPicture(room)
    made = stream([(packets, key, 0) for packets, key, _, _ in frames])
    for place, (packets, _, indices, back) in enumerate(frames):
        for frame in (made[place], made[max(place - back, 0)]):
            for index in indices:
                packet = frame[index % min(packets, len(frame))]
                plain.assemble(*packet)
                assert receiver.take(packet) == plain.show(0)
                assert receiver.counts == (len(plain.shown), plain.dropped, plain.missing)
                assert receiver.picture["next"] == plain.next


@given(
    st.lists(kinds, max_size=80),
    st.integers(0, 2**32),
    st.floats(0, 0.2),
    st.floats(0, 0.2),
    st.sampled_from([4, CAPACITY]),
)
def test_more_losses_never_show_more(
    frames: list[tuple[int, bool, int]], seed: int, loss: float, more: float, room: int
) -> None:
    packets = flat(stream(frames))
    draws = np.random.default_rng(seed).random(len(packets))
    shown = []
    for share in (loss, loss + more):
        kept = [packet for packet, draw in zip(packets, draws, strict=True) if draw >= share]
        shown.append(set(Receiver(room).take_all(kept)))
    assert shown[1] <= shown[0]


@given(
    st.lists(
        st.tuples(
            st.integers(-5, 20_000), st.integers(-5, 9000), st.integers(-2, 9000),
            st.integers(0, 1), st.booleans(),
        ),
        max_size=60,
    )
)  # fmt: skip
def test_nothing_that_comes_breaks_it(packets: list[tuple[int, int, int, int, bool]]) -> None:
    receiver = Receiver(8)
    for now, (number, place, frame_packets, key, again) in enumerate(packets):
        receiver.take(Packet(number, place, frame_packets, bool(key), now), now)
        if again:
            restart(receiver.picture, receiver.frames, now)
        assert 0 <= receiver.picture["tail"] - receiver.picture["head"] <= 8
        assert 0 <= receiver.picture["keys"] <= 8


def test_frames_are_shown_as_their_last_packet_comes() -> None:
    receiver = Receiver()
    for frame in plain_stream(4):
        assert [receiver.take(packet) for packet in frame] == [[], [], [frame[0].captured]]
    assert receiver.counts == (4, 0, 0)


def test_a_frame_waits_for_the_one_before() -> None:
    receiver = Receiver()
    frames = plain_stream(4)
    receiver.take_all(frames[0])
    assert receiver.take_all([*frames[1][:2], *frames[2], *frames[3]]) == []
    assert receiver.take(frames[1][2]) == [frame[0].captured for frame in frames[1:]]
    assert receiver.counts == (4, 0, 0)


def test_a_key_frame_does_not_wait() -> None:
    receiver = Receiver()
    frames = plain_stream(5, keys=(0, 3))
    receiver.take_all(frames[0])
    came = [frames[1][1], *frames[2], *frames[3], *frames[4]]
    assert receiver.take_all(came) == [frames[3][0].captured, frames[4][0].captured]
    assert receiver.counts == (3, 2, 2)
    assert receiver.take_all(frames[1]) == []  # too late
    assert receiver.counts == (3, 2, 2)


def test_frames_of_which_nothing_came_count_by_their_packets() -> None:
    receiver = Receiver()
    frames = plain_stream(5, keys=(0, 4))
    receiver.take_all([*frames[0], *frames[3], *frames[4]])
    assert receiver.counts == (2, 1, 6)


def test_nothing_is_shown_before_a_key_frame() -> None:
    receiver = Receiver()
    frames = plain_stream(4, keys=(2,))
    assert receiver.take_all(flat(frames)) == [frames[2][0].captured, frames[3][0].captured]
    assert receiver.counts == (2, 2, 0)


@pytest.mark.parametrize("packets", [1, 2, 63, 64, 65, 200, WINDOW])
def test_a_packet_that_comes_twice_counts_once(packets: int) -> None:
    (frame,) = plain_stream(1, packets)
    receiver = Receiver()
    assert receiver.take_all([*frame[:-1], *frame[:-1], *frame[1:-1]]) == []
    assert receiver.take_all(frame[-1:]) == [frame[0].captured]
    backwards = Receiver()
    twice = [packet for packet in reversed(frame[1:]) for _ in range(2)]
    assert backwards.take_all(twice) == []
    backwards.take(frame[0])
    assert backwards.counts[0] == 1


def test_no_frame_has_more_packets_than_the_window() -> None:
    large, small = stream([(WINDOW + 1, True, 0), (1, True, 0)])
    receiver = Receiver()
    assert receiver.take_all(large) == []
    assert receiver.take_all(small) == [small[0].captured]
    assert receiver.counts == (1, 0, WINDOW + 1)


def test_when_the_ring_is_full_only_a_key_frame_helps() -> None:
    frames = plain_stream(2 * CAPACITY, keys=(0, CAPACITY + 2))
    receiver = Receiver()
    receiver.take_all(frames[0])
    waiting = frames[1][1:] + flat(frames[2 : CAPACITY + 1])
    assert receiver.take_all(waiting) == []
    assert not receiver.picture["lost_reference"]
    assert receiver.counts[1] == 0
    receiver.take(frames[CAPACITY + 1][0])
    assert receiver.picture["lost_reference"]
    assert receiver.counts == (1, CAPACITY, 1)
    assert receiver.take(frames[1][0]) == []  # came too late
    receiver.take_all(frames[CAPACITY + 1][1:])
    shown = receiver.take_all(flat(frames[CAPACITY + 2 :]))
    assert shown == [frame[0].captured for frame in frames[CAPACITY + 2 :]]
    assert not receiver.picture["lost_reference"]


def test_a_full_ring_keeps_a_key_frame_that_is_coming() -> None:
    frames = plain_stream(40, keys=(0, 5, 12))
    receiver = Receiver(16)
    receiver.take_all(frames[0])
    # of both key frames a packet is missing, and of the frame that all wait for
    receiver.take_all(frames[1][1:] + flat(frames[2:5]) + frames[5][1:] + flat(frames[6:12]))
    receiver.take_all(frames[12][1:] + flat(frames[13:17]))
    assert receiver.take(frames[17][0]) == []
    assert not receiver.picture["lost_reference"]
    assert receiver.take(frames[5][0]) == [frame[0].captured for frame in frames[5:12]]
    receiver.take_all(frames[17][1:])
    assert receiver.take(frames[12][0]) == [frame[0].captured for frame in frames[12:18]]


def test_a_restart_takes_a_key_frame() -> None:
    frames = plain_stream(6, keys=(0, 4))
    receiver = Receiver()
    receiver.take_all([*frames[0], *frames[1], frames[2][0], frames[2][2]])
    restart(receiver.picture, receiver.frames, 10 * SECOND)
    assert receiver.take(frames[2][1]) == []
    assert receiver.take_all(frames[3]) == []
    assert receiver.take_all(frames[4] + frames[5]) == [200 * MS, 240 * MS]
    assert receiver.counts == (4, 2, 1)  # that of frame 2 came too late


def test_the_time_before_a_restart_is_no_freeze() -> None:
    receiver = Receiver()
    frames = plain_stream(60, keys=(0, 30))
    for frame in frames[:30]:
        for packet in frame:
            receiver.take(packet, packet.captured)
    stop(receiver.picture["freezes"], 1300 * MS)
    begin(receiver.picture["freezes"], 20 * SECOND)
    restart(receiver.picture, receiver.frames, 21 * SECOND)
    for frame in frames[30:]:
        for packet in frame:
            receiver.take(packet, 20 * SECOND + packet.captured)
    freezes = receiver.picture["freezes"]
    settle(freezes, 0, 20 * SECOND + 60 * 40 * MS)
    assert freezes["freeze_count"] == 0
    # until the first frame, from when it was wanted; the wait before began anew
    assert freezes["freeze_time"] == 40 * MS + 1000 * MS + 240 * MS


def test_freezes_are_those_of_the_frames_shown() -> None:
    receiver = Receiver()
    for frame in plain_stream(50):
        late = 400 * MS if frame[0].captured == 1600 * MS else 0
        for packet in frame:
            receiver.take(packet, packet.captured + late)
    freezes = receiver.picture["freezes"]
    settle(freezes, 0, 2000 * MS)
    assert (freezes["freeze_count"], freezes["freeze_time"]) == (1, 40 * MS + 440 * MS)


def asked(receiver: Receiver, ticks: int, start: int = 0, rtt: int = 0) -> list[int]:
    """Ticks (ms from ``start``) at which it asks for a key frame."""
    return [
        tick * 25 for tick in range(ticks) if receiver.wants(start + tick * TICK, rtt)
    ]  # fmt: skip


def test_nothing_is_asked_of_a_stream_that_is_silent_or_not_wanted() -> None:
    assert asked(Receiver(), 400) == []
    unwanted = Receiver(wanted_from=None)
    unwanted.take(plain_stream(1)[0][1])
    assert asked(unwanted, 400) == []


def test_a_key_frame_is_asked_for_every_200_ms_at_the_start_and_until_5_s_of_silence() -> None:
    receiver = Receiver()
    receiver.take(plain_stream(1, keys=())[0][0])
    assert asked(receiver, 400) == list(range(200, 5000, 200))


def test_no_key_frame_is_asked_for_while_one_is_coming() -> None:
    receiver = Receiver()
    receiver.take(plain_stream(1)[0][1])  # its first packet is lost
    wants = asked(receiver, 40)
    assert wants == [200, 400, 600, 800]
    receiver.take(plain_stream(1)[0][2], SECOND)
    assert asked(receiver, 40, start=SECOND) == [200, 400, 600, 800]


def test_requests_are_a_round_trip_apart() -> None:
    receiver = Receiver()
    receiver.take(plain_stream(1, keys=())[0][0])
    assert asked(receiver, 100, rtt=550 * MS) == [200, 800, 1400, 2000]


def test_a_frame_in_order_is_waited_for_3_s() -> None:
    receiver = Receiver()
    frames = plain_stream(200)
    for packet in frames[0]:
        receiver.take(packet, 0)
    wants = []
    for tick in range(300):
        receiver.take(frames[2 + tick % 100][0], tick * TICK)  # frame 1 is lost
        if receiver.wants(tick * TICK):
            wants.append(tick * 25)
    assert wants == [3000, 6000]


def test_a_lost_reference_is_asked_for_at_once_and_again() -> None:
    receiver = Receiver()
    frames = plain_stream(20, keys=(0, 10))
    for packet in frames[0]:
        receiver.take(packet, 0)
    receiver.wants(0)
    receiver.take(frames[2][0], SECOND)
    receiver.picture["lost_reference"] = 1
    assert asked(receiver, 20, start=SECOND, rtt=90 * MS) == [0, 200, 400]
    for packet in frames[10]:
        receiver.take(packet, 1500 * MS)
    assert not receiver.picture["lost_reference"]
    assert asked(receiver, 100, start=1500 * MS) == []
