"""Copies of a packet leave a media node: each gets its entry in its subscriber's history."""

from typing import Any, NamedTuple

import numpy as np

from simulations.compiled import inlined
from simulations.history import FIRST, entry_slot
from simulations.pacer import charge
from simulations.queues import DROPPED
from simulations.trace import NODE_IN, NODE_OUT, SENT, note
from simulations.trains import board
from simulations.turns import alarm


class Out(NamedTuple):
    """What a copy needs on its way out of a node."""

    node: Any
    edges: Any
    items: Any
    riders: Any
    route: Any
    turns: Any
    senders: Any
    copies: Any
    trace: Any
    trace_rows: Any
    traced: Any
    """The endpoint that is traced."""


@inlined
def copy(
    out: Any,
    packet: Any,
    index: int,
    to: Any,
    now: int,
    cost: int,
    wire: int,
    number: int,
    at: int,
    kind: int,
    pacing: int,
    ahead: bool,
) -> None:
    """Send one copy by itself, see `copy_in_burst`."""
    burst = copy_in_burst(
        out, begin_burst(out.node), packet, index, to, now, cost, wire, number, at, kind, pacing,
        ahead,
    )  # fmt: skip
    end_burst(out.node, burst, now, cost, packet.size)


class Burst(NamedTuple):
    """How far a node is with the copies of one packet: in registers, while it sends everybody's."""

    cpu_free: Any
    nic_free: Any
    """ns, as in NODE"""
    copies: Any
    dropped: Any
    """of them"""


@inlined
def begin_burst(node: Any) -> Burst:
    """The node, as it begins to send copies of one packet."""
    none: Any = np.int64(0)
    return Burst(node.cpu_free, node.nic_free, none, none)


@inlined
def copy_in_burst(
    out: Any,
    burst: Any,
    packet: Any,
    index: int,
    to: Any,
    now: int,
    cost: int,
    wire: int,
    number: int,
    at: int,
    kind: int,
    pacing: int,
    ahead: bool,
) -> Burst:
    """Send one copy: the processor and the network interface serve it one after the other.

    Args:
        burst: how far the node is.
        now: when it may leave (ns). cost: the processor's time (ns). wire: the interface's.
        number: in the receiver's stream ``at``.
        pacing: ns by which each of its bytes adds to what is owed; DROPPED: it is dropped.
        ahead: a packet before it in its stream has not come.

    Returns:
        How far the node then is.
    """
    cpu_free, nic_free, dropped = burst.cpu_free, burst.nic_free, burst.dropped
    entry, place = _number(out, packet, index, to, now, number, at, kind)
    if ahead:
        alarm(out.turns[to], entry)
    left: Any = np.int64(DROPPED)
    if pacing != DROPPED and max(cpu_free, nic_free) - now <= out.node.queue:
        charge(out.senders[to], pacing, now, packet.size)
        cpu_free = max(cpu_free, now) + cost
        nic_free = max(nic_free, cpu_free) + wire
        left = nic_free
        out.copies[place].sent = left
        board(out.edges[out.route[to]], out.items, out.riders, left, index, to, entry)
    else:
        dropped += 1
    _trace(out, packet, to, now, left, kind)
    return Burst(cpu_free, nic_free, burst.copies + 1, dropped)


@inlined
def end_burst(node: Any, burst: Any, now: int, cost: int, size: int) -> None:
    """Write down what the node is like after a burst of copies."""
    sent = burst.copies - burst.dropped
    node.copies += burst.copies
    node.dropped += burst.dropped
    if sent > 0:
        node.cpu_free, node.nic_free = burst.cpu_free, burst.nic_free
        node.cpu_work += sent * cost
        node.bytes += sent * size
        node.delay_max = max(node.delay_max, burst.nic_free - now)


@inlined
def _number(
    out: Any, packet: Any, index: int, to: Any, now: int, number: int, at: int, kind: int
) -> tuple[Any, Any]:
    """Give a copy that is about to leave its entry in the history, and where that stands."""
    sender = out.senders[to]
    entry = sender.next
    sender.next += 1
    sender.bytes += packet.size
    place = entry_slot(sender, entry)
    copy = out.copies[place]
    copy.sent = now
    copy.arrival = 0
    copy.packet = index
    copy.number = number
    copy.size = packet.size
    copy.slot = at
    copy.kind = kind
    copy.probe = sender.probe
    if sender.probe > 0:
        sender.probe_at = max(sender.probe_at, now) + packet.size * sender.probe_gap
        sender.probe_bytes -= packet.size
        if sender.probe_bytes <= 0:
            sender.probe = 0
    return entry, place


@inlined
def _trace(out: Any, packet: Any, to: Any, now: int, left: int, kind: int) -> None:
    """Write down what becomes of a copy to who is traced."""
    if to == out.traced and kind == FIRST:
        note(out.trace, out.trace_rows, packet, SENT, packet.sent, now)
        note(out.trace, out.trace_rows, packet, NODE_IN, packet.at_node, now)
        note(out.trace, out.trace_rows, packet, NODE_OUT, left, now)
