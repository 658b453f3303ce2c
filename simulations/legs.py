"""Legs: the way from a media node to one subscriber, with what both of its ends keep."""

from typing import Any

import numpy as np

from simulations.compiled import inlined
from simulations.layout import CACHE_LINE, in_lines
from simulations.padding import cluster_of

LEG = in_lines(
    [
        # the subscriber's end; entries are numbers of copies, see `simulations.history`
        ("arrived", np.int64),  # end of the entries known to have arrived
        ("resolved", np.int64),  # end of those known to have arrived or to be lost
        ("reported", np.int64),  # end of those that feedback has told of
        ("feedback_at", np.int64),  # next transport feedback, ns
        # since the last sample
        ("nack_count", np.int32),  # packets asked for
        ("pli_count", np.int32),
        ("retransmitted", np.int32),  # retransmissions that arrived
        # the node's end
        ("limited", np.int32),  # 1: by what there is to send
        ("repair", np.float64),  # bytes that retransmissions may still take
        ("budget", np.float64),  # bytes; see `simulations.alr`
        ("bytes_before", np.int64),  # sent until the last look
        ("looked_at", np.int64),  # ns
        ("padding", np.int64),  # bytes that padding for the running probe may still take
        # layers, see `simulations.allocation`
        ("chosen_of", np.int64),  # the offer that they were chosen of, as a digest
        ("chosen_for", np.int64),  # and the target, bit/s
        ("chosen_until", np.int64),  # ns; 0: they are not settled
        ("useful", np.float64),  # bit/s that all streams could use
        # what not every turn needs, nor look
        ("raise_at", np.int64),  # no layer is raised before, ns
        ("raised_at", np.int64),  # when one last was, ns
        ("raise_wait", np.int64),  # ns from the last lowering to `raise_at`
        ("padding_at", np.int64),  # next packet of padding, ns
    ]
)
"""State of one leg."""

_RARE = dict(LEG.fields or ())["raise_at"][1]
TURN_LINES, LINES = -(-_RARE // CACHE_LINE), LEG.itemsize // CACHE_LINE
"""Cache lines of it that every turn and look needs, and of the whole."""

LEG_COUNTS = ("nack_count", "pli_count", "retransmitted")

ORDER = np.dtype(
    [
        ("packet", np.uint32),
        ("number", np.int32),
        ("slot", np.int16),
        ("time", np.int64),  # ns
        ("probe", np.int16),
        ("kind", np.int8),
    ],
    align=True,
)
"""A copy that the node is to send of its own accord: a retransmission, or padding."""

ORDERS, MOST_ORDERS = 64, 1024
"""Room for such copies to one subscriber in a tick: at least, and at most, where estimates may be
so high that a probe cluster takes more."""


def room_for_orders(maximum: int, size: int) -> int:
    """Room for such copies to one subscriber, where estimates go up to ``maximum`` bit/s and
    packets of padding have ``size`` bytes: a probe cluster, and what is sent again beside it."""
    cluster = int(cluster_of(maximum, size)[0]) // size
    return min(max(cluster + ORDERS // 4, ORDERS), MOST_ORDERS)


@inlined
def order(
    ordered: Any,
    orders: Any,
    endpoint: Any,
    time: int,
    packet: int,
    number: int,
    slot: int,
    kind: int,
    probe: int,
) -> None:
    """Add a copy to what the node sends to the endpoint at ``time`` (ns); the caller has seen to
    the room.

    Args:
        ordered, orders: see `World`.
    """
    wanted = orders[np.uint64(endpoint), np.uint64(ordered[np.uint64(endpoint)])]
    wanted.time = time
    wanted.packet = packet
    wanted.number = number
    wanted.slot = slot
    wanted.kind = kind
    wanted.probe = probe
    ordered[np.uint64(endpoint)] += 1
