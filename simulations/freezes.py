"""When a picture stands still: freezes and pauses, as W3C webrtc-stats defines them.

`freezeCount` and `totalFreezesDuration`: a freeze is an interval between two rendered frames of at
least max(3 · mean, mean + 150 ms), the mean being taken over the durations of the last 30 rendered
frames. `pauseCount` and `totalPausesDuration`: an interval of more than 5 s is a pause. The text
leaves open whether the interval in question is one of the 30. libwebrtc's VideoQualityObserver
adds it first and calls nothing a freeze before there are 5: so it is here.

Browsers count as a frame is rendered, however long it took. A rehearsal has to see a picture that
stands still while it does, in each interval of the samples:

- A freeze or a pause counts in the interval in which it becomes one.
- Frozen time counts as it passes. What passed before a freeze was one is made up for as soon as the
  interval has room: no interval is frozen for longer than it is, and together they have all of it.
- What passes beyond 5 s counts as frozen even where frames are too few for a freeze.
- So does the time from when a picture is wanted until its first frame; that is neither a freeze nor
  a pause, both of which lie between frames.
- While a picture is not wanted there is nothing to count.
"""

from typing import Any

import numpy as np

from simulations.compiled import inlined, kernel, seldom

FRAMES = 30
"""Frames that the mean is taken over (kAvgInterframeDelaysWindowSizeFrames)."""
FEWEST = 5
"""Intervals without which nothing is a freeze (kMinFrameSamplesToDetectFreeze)."""
LONGER = 150_000_000
"""ns above the mean that make a freeze (kMinIncreaseForFreezeMs)."""
PAUSE = 5_000_000_000
"""ns; what is longer is a pause."""
_NEVER = 1 << 62

FREEZES = np.dtype(
    [
        ("last", np.int64),  # when the last frame was rendered, or the picture wanted, ns
        ("frozen", np.int64),  # of the time since, what has been counted as frozen, ns
        ("paused", np.int64),  # the same, as paused
        ("limit", np.int64),  # ns since `last` that make a freeze
        ("wanted", np.int8),
        ("waiting", np.int8),  # 1: no frame has been rendered since it was wanted
        ("freezing", np.int8),  # 1: the freeze that is going on has been counted
        ("place", np.int32),  # of the oldest interval, which the next one takes
        ("length", np.int64),  # intervals that there are
        ("sum", np.int64),  # of them, ns
        ("intervals", np.int64, (FRAMES - 1,)),  # between the last frames, ns
        ("owed", np.int64),  # frozen time that no sample has yet, ns
        # since the last sample
        ("freeze_count", np.int64),
        ("freeze_time", np.int64),  # ns; see `settle`
        ("pause_count", np.int64),
        ("pause_time", np.int64),  # ns, of a pause all that passed until it was one, too
    ],
    align=True,
)
"""State of one picture; all zeros before it is wanted."""

FREEZE_COUNTS = ("freeze_count", "freeze_time", "pause_count", "pause_time")


@seldom
def begin(freezes: Any, now: int) -> None:
    """The picture is wanted from ``now`` (ns) on."""
    if freezes.wanted:
        return
    freezes.wanted = 1
    freezes.waiting = 1
    _start(freezes, now)


@seldom
def stop(freezes: Any, now: int) -> None:
    """The picture is no longer wanted; frames that still come do not matter."""
    _pass(freezes, now)
    freezes.wanted = 0


@inlined
def render(freezes: Any, now: int) -> None:
    """A frame is rendered; no earlier than the last one."""
    if not freezes.wanted:
        return
    now = max(now, freezes.last)
    _pass(freezes, now)
    if freezes.waiting:
        freezes.waiting = 0
    else:
        _remember(freezes, now - freezes.last)
    _start(freezes, now)
    freezes.limit = _limit(freezes)


@kernel
def settle(freezes: Any, since: int, until: int) -> None:
    """Close the sample of the interval from ``since`` to ``until`` (ns): from here on
    `freeze_time` is the frozen time of the interval, at most all of it."""
    _pass(freezes, until)
    freezes.freeze_time = min(freezes.owed, max(until - since, 0))
    freezes.owed -= freezes.freeze_time


@inlined
def _start(freezes: Any, now: int) -> None:
    freezes.last = now
    freezes.freezing = freezes.frozen = freezes.paused = 0


@inlined
def _remember(freezes: Any, interval: int) -> None:
    place = np.uint64(freezes.place)
    freezes.sum += interval - freezes.intervals[place]
    freezes.intervals[place] = interval
    freezes.place = (freezes.place + 1) % (FRAMES - 1)
    freezes.length = min(freezes.length + 1, FRAMES - 1)


@inlined
def _limit(freezes: Any) -> int:
    """The shortest next interval that is a freeze, ns.

    With n − 1 intervals that sum up to S before it, an interval x is one if x ≥ 3 (S + x) / n and
    x ≥ (S + x) / n + 150 ms.
    """
    n = freezes.length + 1
    if n < FEWEST:
        return _NEVER
    if n == FRAMES:  # nearly always; by constants the compiler divides in a tenth of the time
        threefold = -(-3 * freezes.sum // (FRAMES - 3))
        longer = -(-(freezes.sum + FRAMES * LONGER) // (FRAMES - 1))
    else:
        threefold = -(-3 * freezes.sum // (n - 3))
        longer = -(-(freezes.sum + n * LONGER) // (n - 1))
    return max(threefold, longer)  # type: ignore[no-any-return]


@inlined
def _pass(freezes: Any, until: int) -> None:
    """Count what of the time since the last frame is a freeze, a pause, or a wait."""
    gap = until - freezes.last
    if freezes.wanted and (freezes.waiting or gap >= freezes.limit or gap > PAUSE):
        _count(freezes, gap)


@seldom
def _count(freezes: Any, gap: int) -> None:
    frozen = gap  # nothing is taken back where time goes back
    if not freezes.waiting:
        if gap < freezes.limit:
            frozen = gap - PAUSE
        elif not freezes.freezing:
            freezes.freezing = 1
            freezes.freeze_count += 1
        if gap > PAUSE:
            freezes.pause_count += freezes.paused == 0
            freezes.pause_time += max(gap - freezes.paused, 0)
            freezes.paused = max(gap, freezes.paused)
    freezes.owed += max(frozen - freezes.frozen, 0)
    freezes.frozen = max(frozen, freezes.frozen)
