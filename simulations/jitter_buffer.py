"""The jitter buffer of a voice: when each packet is played, and what becomes of those missing.

After libwebrtc's NetEQ (DecisionLogic, NetEqImpl), in exact time in place of its 10 ms blocks. Each
packet is played at its media time plus the playout delay. That follows a target
(`simulations.delay_manager`):

- In speech, sound is shortened or stretched, by 100 ms a second at most (kMinTimescaleInterval). It
  is stretched below the target. It is shortened from the target plus the greatest delay of the last
  2 s plus 20 ms on (kDelayAdjustmentGranularityMs); from four times that on without a pause between
  two cuts (Accelerate: a pitch period, here 7.5 ms, of every 30 ms).
- Across a pause in the media time (discontinuous transmission), and when a stream begins, the delay
  is free: at least half of the target (kPostponeDecodingLevel), at most 50 ms above
  (kTargetLevelWindowMs). In between it stays as it was.

A number that is missing when its time has come, though a later one is there, is concealed for its
length, and discarded if it comes after all; unless the next packet has come by then and carries a
copy (RFC 6716, 2.1.7). Missing packets lie right before the one that came, where that copy would,
and a pause before them. If nothing is there at all, sound is extrapolated until the next packet
comes, late, which is then played at once: the delay has grown.

Extrapolated sound fades. After MUTE of it nothing is heard: what is missing beyond counts as
concealed at once, without any time. A buffer that is full is emptied (PacketBuffer), and begins
anew. So it does with another speaker's media clock (`restart`), without emptying. Where a media
time lies before the end of what was played, the packet follows that, and the delay has grown.

Not modelled: blocks of 10 ms; that NetEQ cuts concealment short where the delay is above the target
already; that in an underrun it takes even the copy in a packet that comes late.
"""

from typing import Any

import numpy as np

from simulations.compiled import inlined, kernel, seldom
from simulations.delay_manager import CAPACITY, MANAGER, forget_transits, observe

SLOT = np.dtype(
    [
        ("number", np.int64),  # the packet's, plus 1; 0: none
        ("captured", np.int64),  # ns
        ("arrival", np.int64),  # ns
        ("duration", np.int32),  # ns of sound
        ("clock", np.int16),  # that `captured` is of
        ("fec", np.int16),  # 1: it carries a copy of the one before
    ],
    align=True,
)
"""A packet that waits or has been played. A stream has a ring of them by number."""

SLOTS = 256
"""Slots of a ring; any other power of two will do."""
ABREAST = 4
"""Slots that stand in a row of a ring: voices' rings can be interleaved row by row."""
_SHIFT = ABREAST.bit_length() - 1

BUFFER = np.dtype(
    [
        ("due", np.int64),  # when something is played next, ns; if anything waits
        ("waiting", np.int32),  # packets
        ("duration", np.int32),  # of the newest packet, ns
        ("next", np.int64),  # number to be played next
        ("head", np.int64),  # lowest that waits
        ("newest", np.int64),  # highest that came
        ("position", np.int64),  # media time up to which has been played, ns
        ("delay", np.int64),  # playout delay: playing − captured, ns
        ("begin", np.int64),  # media time of what is played at `due`, ns
        ("begin_delay", np.int64),  # playout delay from then on
        ("target", np.int64),  # that the delay is to have over the least transit time, ns
        ("gap", np.int64),  # extrapolated since the last packet was played, ns
        ("clock", np.int16),  # that packets come with; 0: none came yet
        ("playing", np.int16),  # that is being played; 0: none, −1: one that was given up
        ("broken", np.int8),  # 1: the last packet was missing
        ("hidden", np.int8),  # 1: and has been concealed
        # since the last sample
        ("played", np.int64),  # packets, from themselves
        ("concealed", np.int64),  # packets
        ("concealed_time", np.int64),  # ns of extrapolated sound, waiting for late packets included
        ("recovered", np.int64),  # packets, from the copy in the next
        ("discarded", np.int64),  # packets that came too late, or to a buffer that was full
        ("runs", np.int64),  # of consecutive concealed packets
        ("accelerated", np.int64),  # ns of sound cut out
        ("decelerated", np.int64),  # ns of sound put in
        ("manager", MANAGER),
    ],
    align=True,
)
"""State of one voice; all zeros before its first packet."""

BUFFER_COUNTS = (
    "played", "concealed", "concealed_time", "recovered", "discarded", "runs", "accelerated",
    "decelerated",
)  # fmt: skip

NOTHING = -1
CONCEALED = -2
RECOVERED = -3

MUTE = 1_000_000_000
"""ns of extrapolated sound after which there is silence: for so long NetEQ goes on without packets
(kReinitAfterExpands, kCngTimeoutMs)."""
WINDOW = 50_000_000
"""ns above the target that the delay may have after a pause (half of kTargetLevelWindowMs)."""
GRANULARITY = 20_000_000
"""ns (kDelayAdjustmentGranularityMs)."""


@inlined
def play_next(buffer: Any, slots: Any, until: int) -> int:
    """Play what comes next, if it does at or before ``until`` (ns). Call it until NOTHING does:
    before each `insert`, with its arrival, and whenever counts are wanted.

    Returns:
        The packet's playout delay (ns, not negative); CONCEALED or RECOVERED if it was missing; or
        NOTHING.
    """
    if buffer.waiting == 0 or buffer.due > until:
        return NOTHING
    return _play(buffer, slots)


@inlined
def insert(
    buffer: Any, slots: Any, number: int, captured: int, arrival: int, duration: int, fec: int
) -> None:
    """A packet arrives. Arrivals come in order of time; what came before changes nothing.

    Args:
        slots: the stream's ring, (SLOTS / ABREAST, ABREAST) SLOT.
        number: contiguous in the stream.
        captured: media time of its beginning, ns.
        arrival: ns.
        duration: ns of sound that it holds.
        fec: 1: it carries a copy of the packet before it.
    """
    if buffer.clock == 0:
        buffer.clock = 1
        buffer.next = number
        buffer.newest = number - 1
    slot = _slot(slots, number)
    if slot.number == number + 1:
        return
    buffer.duration = duration
    buffer.target = observe(buffer.manager, captured, arrival, duration, number < buffer.newest)
    if number < buffer.next:
        buffer.discarded += 1
        if slot.number <= number:
            slot.number = number + 1
        return
    if buffer.waiting > 0:
        if number - buffer.head >= slots.size or buffer.waiting >= min(slots.size, CAPACITY):
            _empty(buffer, number)
        elif buffer.newest - number >= slots.size:
            buffer.discarded += 1
            return
    slot.number = number + 1
    slot.captured = captured
    slot.arrival = arrival
    slot.duration = duration
    slot.clock = buffer.clock
    slot.fec = fec
    buffer.waiting += 1
    buffer.newest = max(buffer.newest, number)
    if buffer.waiting == 1 or number < buffer.head:
        buffer.head = number
        _plan(buffer, slot)


@seldom
def restart(buffer: Any, slots: Any) -> None:  # noqa: ARG001
    """Another speaker takes the stream over: what arrives from now on is of another media clock,
    whatever its transit time. What waits is still played, and the histograms stay. The first packet
    of the new clock is played as if a stream began; what is missing before it is concealed as far
    as there is time."""
    if buffer.clock == 0:
        return
    buffer.clock = buffer.clock % 32_000 + 1
    forget_transits(buffer.manager)


@inlined
def _slot(slots: Any, number: int) -> Any:
    """The slot of a packet's ``number``."""
    row: Any = (number >> _SHIFT) & (len(slots) - 1)
    return slots[np.uint64(row), np.uint64(number & (ABREAST - 1))]


@inlined
def slot_of(slots: Any, k: Any, number: int) -> Any:
    """Where, flat, the slot of a packet's ``number`` in the ring of the voice ``k`` stands.

    Args:
        slots: the interleaved rings of all voices, (rows of a ring, voices, ABREAST) SLOT.
    """
    row: Any = (number >> _SHIFT) & (len(slots) - 1)
    place = np.uint64(row) * np.uint64(slots.shape[1]) + np.uint64(k)
    return place * np.uint64(ABREAST) + np.uint64(number & (ABREAST - 1))


@kernel
def _plan(buffer: Any, slot: Any) -> None:
    """Plan what is played next, up to the packet in ``slot``, the lowest that waits."""
    target = buffer.target
    # of an older clock nothing is known any more but the packet's own transit time
    current = slot.clock == buffer.clock
    low = buffer.manager.low if current else slot.arrival - slot.captured
    missing = buffer.head - buffer.next
    begin = slot.captured - missing * buffer.duration
    end = buffer.position + buffer.delay
    delay = buffer.delay
    if slot.clock != buffer.playing:
        delay = low + target // 2
        if buffer.playing == 0:
            end = begin + delay
        begin = max(begin, min(slot.captured, end - delay))
    elif begin > buffer.position and current:
        delay = low + min(max(delay - low, target // 2), target + WINDOW)
    elif begin < buffer.position and missing > 0:
        begin = min(buffer.position, slot.captured)
    buffer.begin = begin
    buffer.begin_delay = max(delay, end - begin)
    buffer.due = begin + buffer.begin_delay
    if missing == 0:
        buffer.due = max(buffer.due, slot.arrival)


@inlined
def _play(buffer: Any, slots: Any) -> int:
    """Carry out the plan, and make the next one."""
    slot = _slot(slots, buffer.head)
    if buffer.head > buffer.next:
        played = _fill_in(buffer, slot)
    else:
        played = _play_packet(buffer, slot)
        while buffer.waiting > 0:
            buffer.head += 1
            slot = _slot(slots, buffer.head)
            if slot.number == buffer.head + 1:
                break
    if buffer.waiting > 0:
        _plan(buffer, slot)
    return played


@inlined
def _play_packet(buffer: Any, slot: Any) -> int:
    """Play a packet from itself."""
    went_on = slot.clock == buffer.playing and buffer.begin == buffer.position
    waited = buffer.due - buffer.begin - buffer.begin_delay
    buffer.concealed_time += min(waited, max(MUTE - buffer.gap, 0))
    delay = buffer.due - slot.captured
    buffer.delay = delay
    buffer.position = slot.captured + slot.duration
    if went_on and waited == 0 and not buffer.broken and buffer.playing == buffer.clock:
        _stretch(buffer, slot.duration)
    buffer.playing = slot.clock
    buffer.played += 1
    buffer.gap = 0
    buffer.broken = 0
    buffer.hidden = 0
    buffer.next = buffer.head + 1
    buffer.waiting -= 1
    return max(delay, 0)  # type: ignore[no-any-return]


@inlined
def _stretch(buffer: Any, duration: int) -> None:
    """Let the delay follow its target while ``duration`` (ns) of speech is played."""
    manager = buffer.manager
    over = buffer.delay - manager.low
    limit = buffer.target + manager.high - manager.low + GRANULARITY
    if over < buffer.target:
        change = min(duration // 10, buffer.target - over)
        buffer.decelerated += change
        buffer.delay += change
    elif over > limit:
        change = min(duration // 4 if over >= 4 * limit else duration // 10, over - limit)
        buffer.accelerated += change
        buffer.delay -= change


@seldom
def _fill_in(buffer: Any, slot: Any) -> int:
    """Fill in for the next packet, which is missing before the one in ``slot``."""
    missing = buffer.head - buffer.next
    buffer.playing = slot.clock
    buffer.delay = buffer.begin_delay
    buffer.broken = 1
    length = min(np.int64(buffer.duration), slot.captured - buffer.begin)
    if missing == 1 and slot.fec and slot.arrival <= buffer.due and length > 0:
        buffer.position = buffer.begin + length
        buffer.hidden = 0
        buffer.recovered += 1
        buffer.next += 1
        return RECOVERED
    if buffer.gap >= MUTE or length <= 0:  # all that are missing
        buffer.position = max(buffer.begin, slot.captured)
        buffer.next += missing
    else:
        missing = 1
        buffer.position = buffer.begin + length
        buffer.next += 1
        buffer.gap += length
        buffer.concealed_time += length
    _conceal(buffer, missing)
    return CONCEALED


@inlined
def _conceal(buffer: Any, packets: int) -> None:
    buffer.concealed += packets
    buffer.runs += 1 - buffer.hidden
    buffer.hidden = 1


@seldom
def _empty(buffer: Any, number: int) -> None:
    """Give up all before ``number``: the buffer begins anew with it."""
    buffer.discarded += buffer.waiting
    _conceal(buffer, number - buffer.next)
    buffer.broken = 1
    buffer.gap = MUTE
    buffer.next = number
    buffer.waiting = 0
    buffer.playing = -1
