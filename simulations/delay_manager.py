"""How long a jitter buffer should hold packets: the target delay, after libwebrtc's NetEQ.

The delay of a packet is its transit time over the least of the last 2 s (PacketArrivalHistory).
Every half second the greatest delay since goes into a histogram that forgets; the target covers 95
of 100 of them (UnderrunOptimizer). A second histogram, of packets that others overtook, raises it
as long as 20 ms of delay save one per cent of loss (ReorderOptimizer). Both are DelayManager's.
Numbers and fixed-point arithmetic are libwebrtc's; the last 2 s are taken in steps of 250 ms, and
packets that are overtaken count up to a delay of 1 s, not 2, so that a stream's state stays small.
"""

from typing import Any

import numpy as np

from simulations.compiled import inlined, kernel, seldom

BUCKET = 20_000_000
"""ns that a bucket of a histogram spans (kBucketSizeMs)."""
BUCKETS = 100
"""Buckets; what lies beyond is not counted (kDelayBuckets)."""
REORDER_BUCKETS = 50
"""Buckets of the histogram of packets that were overtaken."""
STEP = 250_000_000
"""ns of media time; transit times are kept for so many at a time."""
STEPS = 8
"""Steps, the one that is going on included, which the least transit time is taken over: 1.75 to 2 s
of media time (kPacketHistorySizeMs)."""
RESAMPLE = 500_000_000
"""ns of which only the greatest delay counts (resample_interval_ms)."""
START = 80_000_000
"""Target before the first half second is over, ns (kStartDelayMs)."""
ONE = 1 << 30
"""A probability of 1 in a histogram (Q30)."""
BEYOND = ONE - int(ONE * 0.95)
"""Share of delays that may exceed the target."""
FORGET = int(0.983 * (1 << 15))
"""What a histogram keeps of itself when a delay is added (forget_factor, Q15)."""
REORDER_FORGET = int(0.9993 * (1 << 15))
"""The same, of packets that were overtaken (reorder_forget_factor)."""
START_WEIGHT = 2.0
"""So many times its share weighs the newest of the first few delays (start_forget_weight)."""
LOSS_COST = 20_000_000
"""ns of delay that one per cent of loss is worth (ms_per_loss_percent)."""
CAPACITY = 200
"""Packets that the jitter buffer holds; the target is at most three quarters of their length
(max_packets_in_buffer, DelayConstraints)."""
_NONE = 1 << 62

MANAGER = np.dtype(
    [
        ("packets", np.int64),  # of this media clock; 0: none yet
        ("low", np.int64),  # least transit time of the last 2 s, ns
        ("high", np.int64),  # greatest
        ("step", np.int64),  # the newest packet's media time, in STEPs
        ("since", np.int64),  # when the half second began, if `sampling`, ns
        ("worst", np.int64),  # greatest delay in it, ns
        ("optimum", np.int64),  # target of the first histogram, ns; 0: it is empty
        ("count", np.int32),  # delays added to it
        ("reorder_count", np.int32),  # packets added to the second
        ("sampling", np.int8),  # 1: a half second is going on
        ("reordering", np.int8),  # 1: some in the second histogram were overtaken
        ("lows", np.int64, (STEPS,)),  # of each step
        ("highs", np.int64, (STEPS,)),
        ("delays", np.int32, (BUCKETS,)),  # the histograms, Q30
        ("reorders", np.int32, (REORDER_BUCKETS,)),
    ],
    align=True,
)
"""State of one stream; all zeros before its first packet."""


@inlined
def observe(manager: Any, captured: int, arrival: int, duration: int, reordered: bool) -> int:
    """Take notice of a packet that arrived.

    Args:
        captured: its media time, ns.
        arrival: ns.
        duration: ns of sound that it holds.
        reordered: a later one arrived before it.

    Returns:
        The target: ns from the arrival of a packet without delay to its playing.
    """
    transit = arrival - captured
    _slide(manager, captured, transit)
    manager.packets += 1
    if manager.packets >= 2:
        delay = transit - manager.low
        if not reordered:
            _sample(manager, arrival, delay)
        if reordered or manager.reordering:
            _add_reorder(manager, delay if reordered else 0)
        else:
            manager.reorder_count = min(manager.reorder_count + 1, ONE)
    target = manager.optimum if manager.optimum > 0 else START
    if manager.reordering:
        target = max(target, _optimum_of_reorders(manager, target))
    return min(target, CAPACITY * 3 * duration // 4)


@inlined
def forget_transits(manager: Any) -> None:
    """Another media clock begins: transit times do not compare with those before."""
    manager.packets = 0


@inlined
def _slide(manager: Any, captured: int, transit: int) -> None:
    """Add a transit time to those of the last 2 s."""
    step = captured // STEP
    if manager.packets == 0 or step != manager.step:
        _change_step(manager, step)
    place = np.uint64(step & (STEPS - 1))
    manager.lows[place] = min(manager.lows[place], transit)
    manager.highs[place] = max(manager.highs[place], transit)
    manager.low = min(manager.low, transit)
    manager.high = max(manager.high, transit)


@seldom
def _change_step(manager: Any, step: int) -> None:
    """Forget steps that ``step`` leaves behind; all of them, if it lies before them all."""
    ahead = step - manager.step
    if manager.packets == 0 or ahead <= -STEPS or ahead > STEPS:
        ahead = STEPS
    elif ahead < 0:
        return
    for i in range(ahead):
        place = np.uint64((step - i) & (STEPS - 1))
        manager.lows[place] = _NONE
        manager.highs[place] = -_NONE
    manager.step = step
    manager.low = _NONE
    manager.high = -_NONE
    for i in range(STEPS):
        manager.low = min(manager.low, manager.lows[i])
        manager.high = max(manager.high, manager.highs[i])


@inlined
def _sample(manager: Any, arrival: int, delay: int) -> None:
    """Count the half second's greatest delay when it is over."""
    if not manager.sampling:
        manager.sampling = 1
        manager.since = arrival
    if arrival - manager.since > RESAMPLE:
        _add_worst(manager)
        manager.since = arrival
        manager.worst = 0
    manager.worst = max(manager.worst, delay)


@seldom
def _add_worst(manager: Any) -> None:
    if manager.worst < BUCKETS * BUCKET:
        add(manager.delays, manager.worst // BUCKET, forgetting(manager.count, FORGET))
        manager.count += 1
    if manager.count > 0:
        manager.optimum = (1 + quantile(manager.delays)) * BUCKET


@seldom
def _add_reorder(manager: Any, delay: int) -> None:
    if delay >= REORDER_BUCKETS * BUCKET:
        return
    if not manager.reordering:  # all that has been counted so far came in order
        manager.reorders[0] = ONE
        manager.reordering = 1
    add(manager.reorders, delay // BUCKET, forgetting(manager.reorder_count, REORDER_FORGET))
    manager.reorder_count = min(manager.reorder_count + 1, ONE)
    if manager.reorders[0] == ONE:
        manager.reordering = 0


@seldom
def _optimum_of_reorders(manager: Any, base: int) -> int:
    """Delay (ns) beyond which waiting for packets that were overtaken costs more than it saves."""
    late = ONE
    least, best = _NONE, 0
    for i in range(REORDER_BUCKETS):
        late -= manager.reorders[i]
        # in ms: in ns, in Q30, it would overflow
        delay = max(0, i * BUCKET - base) // 1_000_000
        cost = (delay << 30) + 100 * (LOSS_COST // 1_000_000) * late
        if cost < least:
            least = cost
            best = i
    return (1 + best) * BUCKET


@kernel
def forgetting(count: int, most: int) -> int:
    """What a histogram keeps of itself (Q15) when another is added to ``count`` (Histogram): little
    at first, then ``most``."""
    if count < 2:
        return 0
    return min(most, int((1 << 15) * (1.0 - START_WEIGHT / (count + 1))))


@kernel
def add(histogram: Any, bucket: int, forget: int) -> None:
    """Add one to ``bucket``, in fixed point as libwebrtc's Histogram.

    Args:
        histogram: probabilities in Q30.
        forget: what it keeps of itself, Q15.
    """
    excess = -ONE
    for i in range(len(histogram)):
        kept: Any = (np.int64(histogram[i]) * forget) >> 15
        if i == bucket:
            kept += ((1 << 15) - forget) << 15
        histogram[i] = kept
        excess += kept
    for i in range(len(histogram)):  # rounding took some of the sum
        if excess == 0:
            break
        correction: Any = min(abs(excess), np.int64(histogram[i]) >> 4)
        if excess > 0:
            correction = -correction
        histogram[i] += correction
        excess += correction


@kernel
def quantile(histogram: Any) -> int:
    """The bucket that at most 5 of 100 lie beyond."""
    beyond = ONE - histogram[0]
    i = 0
    while beyond > BEYOND and i < len(histogram) - 1:
        i += 1
        beyond -= histogram[i]
    return i
