"""The loss-based estimate.

libwebrtc's SendSideBandwidthEstimation (version 1 of its loss-based control), fed from transport
feedback only; draft-ietf-rmcat-gcc-02, section 6.
"""

from typing import Any

import numpy as np

from simulations.arrivals import MILLISECOND, NEVER
from simulations.compiled import inlined, kernel, seldom

SECOND = 1000 * MILLISECOND
FEW_LOSSES, MANY_LOSSES = 0.02, 0.1
"""Shares up to which the rate rises, and from which it falls."""
LEAST_PACKETS = 20
"""That a share is told from (libwebrtc, kLimitNumPackets; the draft takes any)."""
REPORT_INTERVAL = SECOND
"""ns between shares (libwebrtc, kLossUpdateInterval; the draft: every report)."""
GROWTH, LEAST_GROWTH = 1.08, 1000
"""Of the least rate in the last second, plus bit/s."""
DECREASE_INTERVAL = 300 * MILLISECOND
"""ns between decreases, besides an RTT."""
NOTHING = 1.0 / 256.0
"""A share below RTCP's resolution."""
START_PHASE = 2 * SECOND
"""ns in which the delay-based estimate is trusted alone, as long as nothing is lost."""
STALE = 6 * SECOND
"""ns after which a share no longer raises or lowers anything: 1.2 times RTCP's 5 s."""
DRAFT_GROWTH = 1.05
"""At each report."""

BUCKET = 25 * MILLISECOND
BUCKETS = 40
"""Of the rate's history: one second."""
HIGHEST = np.iinfo(np.int32).max

LOSSES = np.dtype(
    [
        ("lost", np.int64),  # packets since the last share
        ("expected", np.int64),
        ("share", np.float64),  # that was lost, last told
        ("due", np.int64),  # when the next share is told, ns
        ("first_at", np.int64),  # first report, ns; NEVER: none
        ("told_at", np.int64),  # last share, ns; NEVER: none
        ("decreased_at", np.int64),  # ns
        ("limit", np.float64),  # the draft's estimate, bit/s
        ("decreased", np.int32),  # 1: since the last share
        ("bucket", np.int32),  # newest of the history
        ("lowest", np.int32),  # least rate of the history, bit/s
        ("lowest_at", np.int32),  # the last bucket that has it
        ("least", np.int32, (BUCKETS,)),  # least rate in each bucket, bit/s
    ],
    align=True,
)
"""State of one leg's loss-based control."""


@inlined
def begin(losses: Any, estimate: float) -> None:
    """Start from ``estimate`` (bit/s)."""
    losses.lost = 0
    losses.expected = 0
    losses.share = 0.0
    losses.due = NEVER
    losses.first_at = NEVER
    losses.told_at = NEVER
    losses.decreased_at = NEVER
    losses.decreased = 0
    losses.limit = estimate
    losses.bucket = 0
    forget(losses)


@inlined
def report(losses: Any, interval: int, least_packets: int, now: int) -> bool:
    """Whether it is time to tell the share of packets lost, from enough of them; it then stands."""
    if now <= losses.due or losses.expected == 0:
        return False
    losses.due = now + interval
    if losses.first_at == NEVER:
        losses.first_at = now
    if losses.expected < least_packets:
        return False
    losses.share = losses.lost / losses.expected
    losses.lost = 0
    losses.expected = 0
    losses.told_at = now
    losses.decreased = 0
    return True


@kernel
def regulate(losses: Any, target: int, delay_based: float, rtt: int, now: int) -> float:
    """The rate (bit/s) that losses allow, before limits; to be called often.

    Args:
        target: the rate in force, bit/s. delay_based: the other estimate, bit/s.
        rtt: ns.
    """
    starting = losses.first_at == NEVER or now - losses.first_at < START_PHASE
    if starting and losses.share < NOTHING and delay_based > target:
        forget(losses)
        _remember(losses, target, now)
        return delay_based
    _remember(losses, target, now)
    if now - losses.told_at >= STALE:
        return target
    if losses.share <= FEW_LOSSES:
        return np.floor(losses.lowest * GROWTH + 0.5) + LEAST_GROWTH  # type: ignore[no-any-return]
    if losses.share <= MANY_LOSSES or losses.decreased:
        return target
    if now - losses.decreased_at < DECREASE_INTERVAL + rtt:
        return target
    losses.decreased_at = now
    losses.decreased = 1
    return target * (1.0 - 0.5 * losses.share)  # type: ignore[no-any-return]


@seldom
def regulate_as_drafted(losses: Any, target: int) -> None:
    """Update ``losses.limit`` (bit/s) after a report.

    It starts from the rate in force: left to itself while the delay-based estimate is the lower, it
    would have risen far beyond it by the time that losses call for it.
    """
    if losses.share < FEW_LOSSES:
        losses.limit = target * DRAFT_GROWTH
    elif losses.share > MANY_LOSSES:
        losses.limit = target * (1.0 - 0.5 * losses.share)


@inlined
def forget(losses: Any) -> None:
    """Forget the rate's history, so that it may rise from what it is."""
    for i in range(BUCKETS):
        losses.least[i] = HIGHEST
    losses.lowest, losses.lowest_at = HIGHEST, losses.bucket


@inlined
def _remember(losses: Any, target: int, now: int) -> None:
    """Note the rate in force."""
    bucket = now // BUCKET
    for later in range(min(bucket - losses.bucket, BUCKETS)):
        losses.least[(bucket - later) % BUCKETS] = HIGHEST
    losses.bucket = max(bucket, losses.bucket)
    place = np.uint64(losses.bucket % BUCKETS)
    losses.least[place] = min(np.int64(losses.least[place]), target)
    if target <= losses.lowest:
        losses.lowest, losses.lowest_at = target, losses.bucket
    elif losses.lowest_at <= losses.bucket - BUCKETS:
        _find_lowest(losses)


@seldom
def _find_lowest(losses: Any) -> None:
    """Look through the history for its least rate: seldom, as rates rise slowly."""
    losses.lowest = HIGHEST
    for bucket in range(losses.bucket, losses.bucket - BUCKETS, -1):
        rate = losses.least[np.uint64(bucket % BUCKETS)]
        if rate < losses.lowest or bucket == losses.bucket:
            losses.lowest, losses.lowest_at = rate, bucket
