"""From packets to pictures: assembling frames, decoding them in order, asking for key frames.

A stream's numbers are contiguous, so the number of its first packet tells a frame, and where the
next one begins. Each frame refers to the one before it but for key frames. It is decoded and
rendered at the arrival that makes it possible: if it is complete and the next in order, or a key
frame beyond, for which all that lies between is dropped. As in libwebrtc (PacketBuffer, FrameBuffer
and VideoReceiveStream2), but that a playout delay, where there is one, is the caller's to add.
"""

from typing import Any

import numpy as np

from simulations.compiled import inlined, seldom
from simulations.freezes import FREEZES, begin, render, stop
from simulations.layout import in_lines

FRAME = np.dtype(
    [
        ("captured", np.int64),  # ns
        ("first", np.int32),  # number of its first packet
        ("packets", np.int32),
        ("left", np.int32),  # of them, those still to come
        ("key", np.int16),
        ("holes", np.int16),  # 1: not in order; `PICTURE.arrived` tells which packets have come
    ],
    align=True,
)
"""A frame in assembly."""

CAPACITY = 128
"""Room for a stream's frames in assembly: 5 s at 25 a second."""
WINDOW = 8192
"""Numbers from the oldest packet to the newest of the frames in assembly at most; no frame has
more packets."""

PICTURE = in_lines(
    [
        ("next", np.int64),  # number that the next frame to be decoded begins with, if in order
        ("head", np.int64),  # frames in assembly: a ring, in ascending order of number
        ("tail", np.int64),
        ("keys", np.int64),  # complete key frames among them
        ("started", np.int8),
        ("decoding", np.int8),  # 0: the next frame has to be a key frame
        ("lost_reference", np.int8),  # 1: what the next frame refers to will not come
        ("wish", np.int8),  # of the node: BEGIN or STOP, to be granted; 0: none
        ("waits_from", np.int64),  # of patience with the next frame, ns
        ("active_until", np.int64),  # for want of packets the stream is not active after, ns
        ("key_until", np.int64),  # until when a key frame is taken to be coming in, ns
        ("ask_after", np.int64),  # no key frame is asked for before, ns
        # since the last sample
        ("frames_rendered", np.int64),
        ("frames_dropped", np.int64),  # of which packets came, and which were not decoded
        ("packets_missing", np.int64),  # that had not come when they were passed over
        ("freezes", FREEZES),
        ("arrived", np.uint64, (WINDOW // 64,)),  # bits of the numbers of frames with holes
    ]
)
"""State of one received picture; all zeros before its first packet."""

PICTURE_COUNTS = ("frames_rendered", "frames_dropped", "packets_missing")

NOTHING = -1

BEGIN, STOP = 1, 2
"""`PICTURE.wish`: from now on the picture is to be shown, or is not."""

WAIT_FOR_KEY_FRAME = 200_000_000
"""ns without a frame before a key frame is asked for where only that will do, and again; for so
long after one of its packets a key frame is taken to be coming in (kMaxWaitForKeyFrame)."""
WAIT_FOR_FRAME = 3_000_000_000
"""The same where the next frame in order will do (kMaxWaitForFrame)."""
INACTIVE = 5_000_000_000
"""ns without a packet after which nothing is asked for (VideoReceiveStream2's
HandleFrameBufferTimeout)."""


@inlined
def _slot(frames: Any, position: int) -> Any:
    return np.uint64(position & (len(frames) - 1))


@inlined
def assemble(
    picture: Any, frames: Any, number: int, index: int, frame_packets: int, key: int, captured: int
) -> None:
    """Add a packet that came to its frame; what came before, or too late, changes nothing.

    Args:
        frames: the stream's ring, (CAPACITY,) FRAME or another power of two.
        number: the packet's, in the stream.
        index: its place in its frame of ``frame_packets``.
        key: 1: the frame is a key frame.
        captured: ns.
    """
    slot = _slot(frames, picture.tail - 1)
    if picture.head == picture.tail or frames[slot].first != number - index:
        place = _find(picture, frames, number - index, frame_packets, key, captured)
        if place < 0:
            return
        slot = np.uint64(place)
    frame = frames[slot]
    in_order = frame.left > 0 and not frame.holes and index == frame.packets - frame.left
    if in_order or _mark(picture, frame, index):
        frame.left -= 1
        if frame.left == 0:
            picture.keys += frame.key


@inlined
def rest_of(picture: Any, frames: Any, number: int, index: int) -> int:
    """How many packets of the newest frame are still to come, if ``number``, the last that came, is
    its packet ``index``, and all before it came in order; 0 otherwise."""
    frame = frames[_slot(frames, picture.tail - 1)]
    in_assembly = picture.head < picture.tail and frame.first == number - index
    return frame.left if in_assembly and not frame.holes else 0


@inlined
def assemble_next(picture: Any, frames: Any, packets: int) -> None:
    """Add to the newest frame the next ``packets`` that are still to come."""
    frame = frames[_slot(frames, picture.tail - 1)]
    frame.left -= packets
    if frame.left == 0:
        picture.keys += frame.key


@inlined
def _find(picture: Any, frames: Any, first: int, packets: int, key: int, captured: int) -> int:
    """Slot of the frame that begins with number ``first``, made if it is new; or NOTHING."""
    if not picture.started:
        picture.started = 1
        picture.next = first
    if first < picture.next or not 0 < packets <= WINDOW:
        return NOTHING
    if picture.head == picture.tail:  # begin anew in memory that has just been used
        picture.head = picture.tail = 0
    position = picture.tail
    while position > picture.head and frames[_slot(frames, position - 1)].first > first:
        position -= 1
    if position > picture.head and frames[_slot(frames, position - 1)].first == first:
        return np.int64(_slot(frames, position - 1))  # type: ignore[return-value]
    if picture.tail > picture.head:
        newest = frames[_slot(frames, picture.tail - 1)]
        end = max(first + packets, newest.first + newest.packets)
        while picture.tail > picture.head:
            oldest = min(first, frames[_slot(frames, picture.head)].first)
            if picture.tail - picture.head < len(frames) and end - oldest <= WINDOW:
                break
            if oldest == first:
                return NOTHING
            _give_up(picture, frames, first)
    for above in range(picture.tail, position, -1):
        frames[_slot(frames, above)] = frames[_slot(frames, above - 1)]
    picture.tail += 1
    slot = _slot(frames, position)
    frame = frames[slot]
    frame.first = first
    frame.packets = frame.left = packets
    frame.key = 1 if key else 0
    frame.captured = captured
    frame.holes = 0
    return np.int64(slot)  # type: ignore[return-value]


@seldom
def _mark(picture: Any, frame: Any, index: int) -> bool:
    """Mark a packet that did not come in order; whether it is new.

    While packets come in order their count tells which have come. Bits take over at the first hole.
    """
    if index < 0 or index >= frame.packets or frame.left == 0:
        return False
    if not frame.holes:
        came = frame.packets - frame.left
        if index < came:
            return False
        frame.holes = 1
        for i in range(frame.packets):
            number = frame.first + i
            word, bit = np.uint64((number >> 6) & (WINDOW // 64 - 1)), np.uint64(number & 63)
            picture.arrived[word] &= ~(np.uint64(1) << bit)
            picture.arrived[word] |= np.uint64(i < came) << bit
    number = frame.first + index
    word, bit = np.uint64((number >> 6) & (WINDOW // 64 - 1)), np.uint64(number & 63)
    if (picture.arrived[word] >> bit) & np.uint64(1):
        return False
    picture.arrived[word] |= np.uint64(1) << bit
    return True


@seldom
def _skip_to(picture: Any, frames: Any, number: int) -> None:
    """Drop all frames that begin before ``number``, which the next one is to begin with."""
    missing = number - picture.next
    while picture.head < picture.tail:
        frame = frames[_slot(frames, picture.head)]
        if frame.first >= number:
            break
        missing -= frame.packets - frame.left
        if frame.left == 0:
            picture.keys -= frame.key
        picture.frames_dropped += 1
        picture.head += 1
    picture.packets_missing += missing
    picture.next = number


@seldom
def _give_up(picture: Any, frames: Any, number: int) -> None:
    """Make room for the frame that begins with ``number``: wait no longer for the oldest frame, so
    that only a key frame can come next, and drop what comes before one."""
    picture.decoding = 0
    picture.lost_reference = 1
    for position in range(picture.head + 1, picture.tail):
        frame = frames[_slot(frames, position)]
        if frame.key and frame.first < number:
            picture.lost_reference = 0
            number = frame.first
    _skip_to(picture, frames, number)


@inlined
def can_show(picture: Any, frames: Any) -> bool:
    """Whether a frame can be decoded."""
    if picture.head == picture.tail:
        return False
    frame = frames[_slot(frames, picture.head)]
    in_order = picture.decoding and frame.first == picture.next
    return bool(picture.keys > 0 or (frame.left == 0 and in_order))


@inlined
def show_next(picture: Any, frames: Any, now: int) -> int:
    """Decode and render the next frame, if it can be, at the arrival ``now`` (ns) that made it
    possible. Frames that waited for it follow: call until there are none.

    Returns:
        When it was captured (ns), or NOTHING.
    """
    if not can_show(picture, frames):
        return NOTHING
    return _show(picture, frames, now)


@inlined
def _show(picture: Any, frames: Any, now: int) -> int:
    """Decode the first frame that can be: there is one."""
    frame = frames[_slot(frames, picture.head)]
    if frame.left > 0 or not picture.decoding or frame.first != picture.next:
        for position in range(picture.head, picture.tail):
            frame = frames[_slot(frames, position)]
            if frame.key and frame.left == 0:
                break
        _skip_to(picture, frames, frame.first)
    if frame.key:
        picture.keys -= 1
        picture.decoding = 1
        picture.lost_reference = 0
    picture.next = frame.first + frame.packets
    picture.head += 1
    picture.waits_from = now
    picture.frames_rendered += 1
    render(picture.freezes, now)
    return frame.captured  # type: ignore[no-any-return]


@inlined
def wants_key_frame(picture: Any, now: int, rtt: int) -> bool:
    """Whether to ask for a key frame ``now`` (ns); to be called at every tick.

    After too long without a frame that can be decoded, and at once when `PICTURE.lost_reference`
    says that the next one never will be; but not while packets of a key frame come in, nor from a
    stream that has stopped. libwebrtc has no reason to ask again before the wait is over another
    time; here it is not asked again within a round trip either, nor for a picture that is not
    wanted.

    Args:
        rtt: the round trip, ns; 0: not known.
    """
    wait = WAIT_FOR_FRAME if picture.decoding else WAIT_FOR_KEY_FRAME
    if not picture.lost_reference and now - picture.waits_from < wait:
        return False
    return _ask(picture, now, rtt)


@inlined
def is_content(picture: Any, until: int) -> bool:
    """Whether no key frame will be asked for up to the tick before ``until`` (ns), whatever comes,
    as long as all packets do."""
    if not picture.freezes.wanted:
        return True
    patient = until - picture.waits_from < WAIT_FOR_FRAME
    return bool(picture.decoding and not picture.lost_reference and patient)


@inlined
def is_crowded(picture: Any, end: int) -> bool:
    """Whether the frames in assembly, which numbers before ``end`` are of, take so much room that
    one that waits may soon have to be given up."""
    frames = picture.tail - picture.head
    return bool(frames > CAPACITY // 2 or end - picture.next > WINDOW // 2)


@inlined
def hear(picture: Any, key: int, now: int) -> None:
    """A packet comes ``now`` (ns), whichever it is; ``key``: of a key frame."""
    picture.active_until = now + INACTIVE
    if key:
        picture.key_until = now + WAIT_FOR_KEY_FRAME


@seldom
def _ask(picture: Any, now: int, rtt: int) -> bool:
    if not picture.freezes.wanted:
        return False
    if not picture.lost_reference:
        picture.waits_from = now
    if now >= picture.active_until or now < picture.key_until or now < picture.ask_after:
        return False
    picture.ask_after = now + max(rtt, WAIT_FOR_KEY_FRAME)
    picture.waits_from = now
    return True


@seldom
def restart(picture: Any, frames: Any, now: int) -> None:
    """The node sends the picture again from ``now`` (ns) on after it had not: the time between is
    no freeze, and the next frame has to be a key frame. What was in assembly is dropped."""
    if picture.head < picture.tail:
        newest = frames[_slot(frames, picture.tail - 1)]
        # as many numbers as came of it are behind us, whichever they were
        _skip_to(picture, frames, newest.first + newest.packets - newest.left)
    picture.decoding = 0
    picture.lost_reference = 0
    picture.waits_from = now
    if picture.freezes.wanted:
        stop(picture.freezes, now)
        begin(picture.freezes, now)
