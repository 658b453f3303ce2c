"""Copies of a packet, as a node decides on them: each gets its entry in its subscriber's history,
and its place among those that are about to leave."""

from typing import Any, NamedTuple

import numpy as np

from simulations.compiled import inlined
from simulations.history import FIRST, entry_slot
from simulations.pacer import charge
from simulations.queues import DROPPED
from simulations.shares import CAME
from simulations.trace import NODE_IN, NODE_OUT, SENT, note
from simulations.turns import alarm


class Out(NamedTuple):
    """What a copy needs on its way out of a node."""

    share: Any
    bundles: Any
    departures: Any
    """of the share"""
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
    number: int,
    at: int,
    kind: int,
    cause: int,
    pacing: int,
    ahead: bool,
) -> None:
    """Decide on one copy by itself. For the arguments see `add` and `bundle`."""
    copies = add(out, out.share.copies, packet, index, to, now, number, at, kind, pacing, ahead)
    bundle(out, copies, index, now, at, kind, cause)


@inlined
def bundle(out: Any, copies: Any, index: int, now: int, at: int, kind: int, cause: int) -> None:
    """Make a bundle of what has been added since the last one, up to so many ``copies`` in the
    share: of the packet ``index``, to leave from ``now`` (ns) on.

    Args:
        at: the receivers' stream. kind: see `simulations.history`. cause: see `simulations.shares`.
    """
    share = out.share
    bundle = out.bundles[np.uint64(share.bundles)]
    bundle.time = now
    bundle.packet = index
    bundle.turn = share.turn
    bundle.count = copies - share.copies
    bundle.slot = at
    bundle.kind = kind
    bundle.cause = cause
    share.bundles += bundle.count > 0 or cause == CAME
    share.copies = copies


@inlined
def add(
    out: Any,
    copies: Any,
    packet: Any,
    index: int,
    to: Any,
    now: int,
    number: int,
    at: int,
    kind: int,
    pacing: int,
    ahead: bool,
) -> Any:
    """Add one copy to those that leave, as the next after so many ``copies`` in the share.

    Args:
        number: in the receiver's stream ``at``.
        pacing: ns by which each of its bytes adds to what is owed; DROPPED: it is dropped.
        ahead: a packet before it in its stream has not come.

    Returns:
        How many copies there are then.
    """
    entry, place = _number(out, packet, index, to, now, number, at, kind)
    if ahead:
        alarm(out.turns[to], entry)
    if pacing == DROPPED:
        out.share.dropped += 1
        trace_copy(out.trace, out.trace_rows, out.traced, packet, to, now, DROPPED, kind)
        return copies
    charge(out.senders[to], pacing, now, packet.size)
    departure = out.departures[np.uint64(copies)]
    departure.endpoint = to
    departure.entry = entry
    departure.place = place
    return copies + 1


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
def trace_copy(
    trace: Any, rows: Any, traced: Any, packet: Any, to: Any, now: int, left: int, kind: int
) -> None:
    """Write down what becomes of a copy to who is ``traced``."""
    if to == traced and kind == FIRST:
        note(trace, rows, packet, SENT, packet.sent, now)
        note(trace, rows, packet, NODE_IN, packet.at_node, now)
        note(trace, rows, packet, NODE_OUT, left, now)
