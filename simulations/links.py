"""An access link, one direction: policer, queue at a varying rate, loss, delay in time.

Simulated runs and live runs (virtual links) send packets through the same function.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from simulations.compiled import inlined, seldom
from simulations.delays import JITTER, PATH, is_lost_on_path, jitter_at, path_delay_at
from simulations.layout import CACHE_LINE, in_lines
from simulations.losses import LOSS, has_chance, is_lost
from simulations.policers import POLICER, conforms
from simulations.queues import DROPPED, QUEUE, admit, begin_due
from simulations.randomness import uniform
from simulations.rates import LIFETIME, RATE, STALLED, transmit

LINK = in_lines(
    [
        ("queue", QUEUE),
        ("packets", np.int64),  # since the last sample
        ("bytes", np.int64),  # transmitted since then
        ("delay", np.int64),  # ns, fixed
        ("last_arrival", np.int64),  # ns, at the far end
        ("fault", np.int32),  # 1: there is one
        ("down", np.int32),  # 1: all is lost
        ("rate", RATE),
        ("extra_loss", np.float64),  # share of packets, by a fault
        # counts since the last sample
        ("dropped_policer", np.int64),
        ("dropped_queue", np.int64),
        ("lost", np.int64),
        ("cut", np.int64),  # lost while it was down, or as it went
        ("path", PATH),
        ("policer", POLICER),
        ("jitter", JITTER),
        ("loss", LOSS),
    ]
)
"""State of one direction of one access link. The order of fields brings together what a packet
needs for which nothing out of the ordinary happens."""


def _lines(fields: Iterable[tuple[str, ...]]) -> tuple[int, ...]:
    """The cache lines of a link's record in which ``fields`` are."""
    lines = set()
    for names in fields:
        record: Any = LINK
        place = 0
        for name in names:
            record, offset = record.fields[name]
            place += offset
        lines |= set(range(place // CACHE_LINE, (place + record.itemsize - 1) // CACHE_LINE + 1))
    return tuple(sorted(lines))


HOT_LINES = _lines(
    [
        ("queue",), ("packets",), ("bytes",), ("delay",), ("last_arrival",), ("fault",), ("down",),
        ("rate", "current"), ("rate", "until"), ("rate", "load"), ("path", "value"),
        ("path", "every"), ("policer", "rate"), ("jitter",), ("loss", "packets"), ("loss", "left"),
        ("loss", "bad"), ("loss", "loss_in_bad"), ("loss", "loss_in_good"),
    ]
)  # fmt: skip
"""The cache lines of a link's record that such a packet needs."""

LINK_COUNTS = ("packets", "dropped_policer", "dropped_queue", "lost", "cut", "bytes")

DROPPED_QUEUE = -1
DROPPED_POLICER = -2
LOST = -3
CUT = -4

_FAULTS = np.uint64(0xFA017)
_SOON = 1_000_000_000
"""ns"""


@inlined
def is_safe(link: Any) -> bool:
    """Whether the link, in the state that its loss process is in, loses packets but for want of
    room, or of a rate."""
    if link.down or link.fault or link.policer.rate > 0.0 or link.path.every > 0:
        return False
    return not has_chance(link.loss)


@inlined
def carry(
    link: Any,
    starts: Any,
    sizes: Any,
    load_times: Any,
    load_shares: Any,
    now: int,
    size: int,
    safe: bool = False,
) -> int:
    """When a packet that enters ``now`` arrives at the far end (ns), or where it was lost.

    Packets enter in order of time and arrive in that order: jitter holds back, never overtakes.

    Args:
        link: a LINK record.
        starts, sizes: the backlog's rings (see `queues.make_queues`).
        load_times, load_shares: see `rates.refresh`.
        now: ns.
        size: bytes at the IP layer.
        safe: the link is known to be, see `is_safe`, and its loss process to stay as it is; the
            caller tells that one how many packets have crossed (`losses.keep`).

    Returns:
        The arrival, or DROPPED_QUEUE, DROPPED_POLICER, LOST or CUT.
    """
    link.packets += 1
    if not safe:
        if link.down:
            link.cut += 1
            return CUT
        if not conforms(link.policer, now, size):
            link.dropped_policer += 1
            return DROPPED_POLICER
    start = DROPPED
    if link.queue.free_at - now <= LIFETIME:
        start = admit(link.queue, starts, sizes, now, size)
    if start == DROPPED:
        link.dropped_queue += 1
        return DROPPED_QUEUE
    end = transmit(link.rate, load_times, load_shares, start, size)
    if end == STALLED:
        link.queue.free_at = start + LIFETIME
        link.dropped_queue += 1
        return DROPPED_QUEUE
    link.queue.free_at = end
    link.bytes += size
    extra = jitter_at(link.jitter, end)
    if not safe:
        extra += path_delay_at(link.path, end)
        gone = is_lost(link.loss) or (link.fault and _is_lost_by_fault(link))
        if is_lost_on_path(link.path, end) or gone:  # both draw, whatever the other says
            link.lost += 1
            return LOST
    arrival = max(end + link.delay + extra, link.last_arrival)
    link.last_arrival = arrival
    return arrival  # type: ignore[no-any-return]


@inlined
def surely_carried(
    link: Any, starts: Any, sizes: Any, load_times: Any, load_shares: Any, now: int, size: int
) -> int:
    """How many packets of up to ``size`` bytes, entering within a second of ``now`` (ns), cross the
    link without any chance of being lost; less than 1: none that is known of.

    A hole of 30 s, which nobody can foresee, is left out.
    """
    queue, rate, loss = link.queue, link.rate, link.loss
    if not is_safe(link):
        return 0
    if load_shares[rate.load, rate.load_step] >= 1.0 or queue.free_at - now > _SOON:
        return 0
    if load_times[rate.load, rate.load_step + 1] - now < 3 * _SOON:
        return 0
    begin_due(queue, starts, sizes, now)
    room = min(
        queue.limit_packets - (queue.tail - queue.head), (queue.limit_bytes - queue.waiting) // size
    )
    return min(room, loss.left) if loss.to_bad + loss.to_good > 0.0 else room  # type: ignore[no-any-return]


@seldom
def _is_lost_by_fault(link: Any) -> bool:
    """Whether a degraded link loses the packet that `is_lost` has just seen through."""
    draw = uniform(link.loss.loss_key ^ _FAULTS, link.loss.packets)
    return bool(draw < link.extra_loss)


@inlined
def carry_control(
    link: Any, starts: Any, sizes: Any, load_times: Any, load_shares: Any, now: int, size: int
) -> int:
    """As `carry`, for RTCP and signalling: they take their place on the link, but the link's counts
    are of media packets."""
    arrival = carry(link, starts, sizes, load_times, load_shares, now, size)
    link.packets -= 1
    if arrival < 0:
        link.dropped_policer -= arrival == DROPPED_POLICER
        link.dropped_queue -= arrival == DROPPED_QUEUE
        link.lost -= arrival == LOST
        link.cut -= arrival == CUT
    return arrival
