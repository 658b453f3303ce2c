"""Trains: copies of one packet that follow one another at equal steps of time.

A media node sends everybody's copy of a packet in a row. As long as nothing comes between them, a
shared link serves them together, by the closed form of Lindley's recursion: what comes out is what
would come out copy by copy, to the nanosecond. On an edge each copy has its slot. The item in the
first one's slot tells the times of all, and the riders in all of their slots whose they are.
"""

from typing import Any

import numpy as np

from simulations.compiled import inlined, seldom
from simulations.packets import slot
from simulations.queues import begin_due, has_room, transmission

RIDER = np.dtype([("endpoint", np.uint32), ("entry", np.uint32)])
"""Whose copy it is, and its entry in that endpoint's history."""

_LONGEST_STEP = np.iinfo(np.uint32).max


@inlined
def board(
    edge: Any, items: Any, riders: Any, time: int, packet: int, endpoint: int, entry: int
) -> None:
    """As `packets.push`; the copy joins the train before it where it can."""
    at = slot(edge, edge.tail)
    rider = riders[at]
    rider.endpoint = endpoint
    rider.entry = entry
    arrival = time + edge.delay
    position = edge.tail
    edge.tail += 1
    if edge.head <= edge.last < position:  # nothing of that train has been served yet
        train = items[slot(edge, edge.last)]
        step = arrival - edge.last_time
        if train.packet == packet and (
            step == train.step or (train.count == 1 and step <= _LONGEST_STEP)
        ):
            train.step = step
            train.count += 1
            edge.last_time = arrival
            return
    item = items[at]
    item.time = edge.last_time = arrival
    item.packet = packet
    item.endpoint = endpoint
    item.entry = entry
    item.step = 0
    item.count = 1
    edge.last = position


@inlined
def follow(edge: Any, riders: Any, more: Any, endpoint: int, entry: int) -> None:
    """Let one more copy board, as the next behind so many ``more`` that `lengthen` does not know of
    yet: of the same packet, a step behind the one before it."""
    rider = riders[slot(edge, edge.tail + more)]
    rider.endpoint = endpoint
    rider.entry = entry


@inlined
def lengthen(edge: Any, items: Any, more: Any, step: Any) -> None:
    """Take it down that so many ``more`` copies have followed the one that boarded last, a ``step``
    (ns) apart."""
    if more > 0:
        train = items[slot(edge, edge.last)]
        train.step = step
        train.count += more
        edge.tail += more
        edge.last_time += more * step


@inlined
def forward(
    edge: Any, items: Any, riders: Any, out: Any, skipped: int, count: int, time: int, step: int
) -> None:
    """Append ``count`` copies of the train at the head of ``edge``, behind the first ``skipped``,
    to the edge ``out``: they leave its source from ``time`` (ns) on, a ``step`` apart."""
    first = edge.head + skipped
    for i in range(count):
        riders[slot(out, out.tail + i)] = riders[slot(edge, first + i)]
    item, rider = items[slot(out, out.tail)], riders[slot(out, out.tail)]
    arrival = time + out.delay
    item.time = arrival
    item.packet = items[slot(edge, edge.head)].packet
    item.endpoint = rider.endpoint
    item.entry = rider.entry
    item.step = step
    item.count = count
    out.last = out.tail
    out.last_time = arrival + (count - 1) * step
    out.tail += count


@inlined
def depart(edge: Any, items: Any, riders: Any, count: int) -> None:
    """Take the first ``count`` copies of the train at the head of an edge away from it."""
    train = items[slot(edge, edge.head)]
    edge.head += count
    if train.count > count:
        at = slot(edge, edge.head)
        rest = items[at]
        rest.time = train.time + count * np.int64(train.step)
        rest.packet = train.packet
        rest.endpoint = riders[at].endpoint
        rest.entry = riders[at].entry
        rest.step = train.step
        rest.count = train.count - count


@seldom
def unravel(edge: Any, items: Any, riders: Any) -> None:
    """Make each copy on an edge a train of its own."""
    position = edge.head
    while position < edge.tail:
        train = items[slot(edge, position)]
        for i in range(1, train.count):
            at = slot(edge, position + i)
            item = items[at]
            item.time = train.time + i * np.int64(train.step)
            item.packet = train.packet
            item.endpoint = riders[at].endpoint
            item.entry = riders[at].entry
            item.count = 1
        position += max(np.int64(train.count), 1)
        train.count = 1
    edge.last = -1


@inlined
def serve_train(
    station: Any, shared: Any, first: int, step: int, count: int, size: int, limit: int
) -> tuple[int, int, int, int]:
    """Serve copies that arrive at ``first`` (ns) and then a ``step`` apart, as `stations.serve`.

    Args:
        station, shared: see `stations.serve`.
        count: how many there are. size: of each, bytes. limit: others may come from then on, ns.

    Returns:
        How many have been served, 0 if only one after another will do; how many of them leave in
        succession, before others that leave a ``step`` apart; when the first leaves; and the time
        (ns) that one takes.
    """
    count = _undisturbed(station, first, step, count, limit)
    if count == 0:
        return 0, 0, first, 0
    if station.rate == 0:
        station.packets += count
        station.bytes += count * size
        return count, 0, first, 0
    if size != station.last_size:
        station.last_size = size
        station.last_work = transmission(size, station.current)
    work = station.last_work
    ahead = max(station.queue.free_at - first, 0)  # ns of work when the first arrives
    close = _close(ahead, work, step, count)
    begin = first + (count - 1) * step  # of the last transmission
    if close == count:
        begin = first + ahead + (count - 1) * work
    if begin >= station.current_until:
        return 0, close, first, work
    if not _queue(station.queue, shared, first, ahead, work, close, count, size):
        return 0, close, first, work
    station.queue.free_at = begin + work
    station.packets += count
    station.bytes += count * size
    station.work += count * work
    station.delay_sum += count * work + close * ahead + (work - step) * (close * (close - 1) // 2)
    longest = work
    if close > 0:
        longest += ahead + max((close - 1) * (work - step), 0)
    station.delay_max = max(station.delay_max, longest)
    return count, close, first + ahead + work, work


@inlined
def _undisturbed(station: Any, first: int, step: int, count: int, limit: int) -> int:
    """How many copies come before others do, and before the link's next burst."""
    if station.fault:
        return 0
    end = limit if station.rate == 0 else min(limit, station.burst_at)
    if first >= end:
        return 0
    if first + (count - 1) * step < end:
        return count
    return int(np.int64(np.uint64(end - 1 - first) // np.uint64(step)) + 1)


@inlined
def _close(ahead: int, work: int, step: int, count: int) -> int:
    """How many copies, from the first on, leave as fast as the link can send."""
    if work > step:
        return count
    if ahead == 0:
        return 0
    if ahead > (count - 1) * (step - work):
        return count
    return int(np.int64(np.uint64(ahead - 1) // np.uint64(step - work)) + 1)


@inlined
def _queue(
    queue: Any, shared: Any, first: int, ahead: int, work: int, close: int, count: int, size: int
) -> bool:
    """Let those wait that have to; false if there may not be room for all of them."""
    waiting = close
    if ahead == 0:
        queue.head = queue.tail = queue.waiting = 0
        waiting = max(close - 1, 0)
    if not has_room(queue, waiting, size):
        begin_due(queue, shared[0], shared[1], first)
        if not has_room(queue, waiting, size):
            return False
    if close < count:  # who comes last finds nobody
        queue.head = queue.tail = queue.waiting = 0
        return True
    base, mask, tail = queue.base, queue.mask, queue.tail
    start = first + ahead + (count - waiting) * work
    for i in range(waiting):
        place = np.uint64(base + ((tail + i) & mask))
        shared[0][place] = start + i * work
        shared[1][place] = size
    queue.tail = tail + waiting
    queue.waiting += waiting * size
    return True
