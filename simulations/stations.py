"""Shared links: packets of many endpoints and bursts of others, in true order of arrival."""

from typing import Any

import numpy as np

from simulations.compiled import inlined, kernel, seldom
from simulations.packets import is_full, slot
from simulations.prefetching import prefetch
from simulations.queues import DROPPED, admit, transmission
from simulations.randomness import exponential, uniform
from simulations.rates import FOREVER
from simulations.trace import note
from simulations.trains import board, depart, forward, serve_train

NEVER = FOREVER >> 1
"""When the transmission of a packet begins that no rate is left for."""
_FAULTS = np.uint64(0xFA017)


@inlined
def next_edge(station: Any, edges: Any, items: Any, until: int) -> int:
    """The input edge with the earliest copy before ``until``, or −1; the first of equals."""
    best = -1
    best_time = until
    for e in range(station.first_edge, station.first_edge + station.edges):
        edge = edges[np.uint64(e)]
        if edge.head < edge.tail:
            time = items[slot(edge, edge.head)].time
            if time < best_time:
                best = e
                best_time = time
    return best


@inlined
def limit_of(station: Any, edges: Any, items: Any, chosen: int, until: int) -> int:
    """The time (ns) before which the copies of the ``chosen`` edge come before those of all others,
    and before ``until``: they can be served without a look at the others."""
    limit = until
    for e in range(station.first_edge, station.first_edge + station.edges):
        edge = edges[np.uint64(e)]
        if e != chosen and edge.head < edge.tail:
            limit = min(limit, items[slot(edge, edge.head)].time + (e > chosen))
    return limit


@inlined
def rewind(station: Any, edges: Any) -> None:
    """Let the station's empty input edges begin anew, in memory that has just been used."""
    for e in range(station.first_edge, station.first_edge + station.edges):
        edge = edges[np.uint64(e)]
        if edge.head == edge.tail:
            edge.head = edge.tail = 0
            edge.last = -1


@inlined
def serve(station: Any, shared: Any, now: int, size: int) -> int:
    """When a packet that arrives ``now`` has left the link (ns), or DROPPED.

    Args:
        shared: backlog starts and sizes, load times and shares (see `World`).
    """
    station.packets += 1
    if station.fault and _fails(station):
        station.dropped += 1
        return DROPPED
    if station.rate == 0:
        station.bytes += size
        return now
    if station.burst_at <= now:
        serve_bursts(station, shared, now + 1)
    start = admit(station.queue, shared[0], shared[1], now, size)
    if start == DROPPED:
        station.dropped += 1
        return DROPPED
    if start >= station.current_until:
        start = _begin_at(station, shared, start)
    if size != station.last_size:  # a division for each run of copies of one packet, not for each
        station.last_size = size
        station.last_work = transmission(size, station.current)
    work = station.last_work
    station.queue.free_at = start + work
    station.work += work
    station.bytes += size
    delay = start + work - now
    station.delay_sum += delay
    station.delay_max = max(station.delay_max, delay)
    return start + work  # type: ignore[no-any-return]


@seldom
def _fails(station: Any) -> bool:
    """Whether a station that is down, or degraded, drops a packet."""
    if station.down:
        return True
    station.draws += 1
    return bool(uniform(station.key ^ _FAULTS, station.draws) < station.loss)


@inlined
def _begin_at(station: Any, shared: Any, start: int) -> int:
    """When a transmission that is due at ``start`` can begin: while there is no rate the link is
    busy with it, and gets nothing done."""
    begin = change_rate(station, shared[2], shared[3], start)
    station.work += begin - start
    return begin


@seldom
def change_rate(station: Any, times: Any, rates: Any, start: int) -> int:
    """Bring the station's rate to the time ``start``; when a transmission can begin, then or later.

    While the rate is 0 everything waits; a link that is never to move again keeps what it has.
    """
    while True:
        while times[station.steps, station.step + 1] <= start:
            station.step += 1
        station.current_until = times[station.steps, station.step + 1]
        absolute = -rates[station.steps, station.step]
        station.current = np.int64(absolute) if absolute > 0.0 else station.rate
        if station.taken > 0.0:
            station.current = max(np.int64(np.rint(station.current * (1.0 - station.taken))), 1)
        station.last_size = -1
        if rates[station.steps, station.step] < 1.0:
            return start
        if station.current_until == FOREVER:
            return NEVER
        start = station.current_until


@inlined
def serve_bursts(station: Any, shared: Any, until: int) -> None:
    """Let the bursts of others that arrive before ``until`` join the queue.

    A burst is one block of bytes; of one that finds too little room, what fits is taken.
    """
    while station.burst_at < until:
        now = station.burst_at
        queue = station.queue
        size = station.burst_bytes
        if station.down:
            schedule_burst(station, shared[2], shared[3], now)
            continue
        start = admit(queue, shared[0], shared[1], now, size)
        if start == DROPPED:
            size = queue.limit_bytes - queue.waiting
            if size > 0:
                start = admit(queue, shared[0], shared[1], now, size)
        if start != DROPPED:
            if start >= station.current_until:
                start = _begin_at(station, shared, start)
            work = transmission(size, station.current)
            queue.free_at = start + work
            station.work += work
            station.burst_served += size
        schedule_burst(station, shared[2], shared[3], now)


@kernel
def schedule_burst(station: Any, load_times: Any, load_shares: Any, now: int) -> None:
    """Draw the next burst after ``now``: a Poisson process at the rate that the load asks for."""
    while True:
        step_end = load_times[station.load, station.load_step + 1]
        share = load_shares[station.load, station.load_step]
        if share > 0.0:
            mean = station.burst_bytes * 8e9 / (station.rate * share)
            gap = exponential(station.key, station.burst_index, mean)
            station.burst_index += 1
            if gap >= FOREVER - now:  # never, as far as the clock goes
                station.burst_at = FOREVER
                return
            if now + gap < step_end:
                station.burst_at = now + 1 + np.int64(gap)
                return
        elif step_end == FOREVER:
            station.burst_at = FOREVER
            return
        now = step_end  # the process has no memory: begin anew at the next step's rate
        station.load_step += 1


@inlined
def _pass_train(
    station: Any,
    shared: Any,
    edge: Any,
    items: Any,
    riders: Any,
    out: Any,
    count: Any,
    size: int,
    limit: int,
) -> bool:
    """Serve what can be served together of the train at the head of ``edge``, and let it go on to
    the edge ``out``, where there is room for one; false if nothing can be.

    Args:
        count: copies that go there. size: bytes. limit: see `trains.serve_train`.
    """
    train = items[slot(edge, edge.head)]
    time = train.time
    step: Any = np.int64(train.step)
    count = min(count, out.mask + 1 - (out.tail - out.head))
    count, close, left, work = serve_train(station, shared, time, step, count, size, limit)
    if count == 0:
        return False
    if close > 0:
        forward(edge, items, riders, out, 0, close, left, work)
    if close < count:
        left = time + close * step + work
        forward(edge, items, riders, out, close, count - close, left, step)
    depart(edge, items, riders, count)
    return True


@inlined
def _same_way(way: Any, edge: Any, riders: Any, count: Any) -> Any:
    """How many of the first ``count`` copies at the head of ``edge`` go on as the first does."""
    e = way[riders[slot(edge, edge.head)].endpoint]
    for i in range(1, count):
        if way[riders[slot(edge, edge.head + i)].endpoint] != e:
            return i
    return count


@kernel
def run_link(world: Any, s: int, until: int) -> int:
    """Serve everything that arrives at the shared link ``s`` before ``until``.

    Returns:
        −1 when done; an edge that is full: once it has grown, the station goes on where it was.
    """
    # Arrays are taken out of the world once: each time costs an atomic reference count.
    station, edges, packets = world.stations[s], world.edges, world.packets
    items, riders = world.edge_items, world.riders
    shared = (world.backlog_starts, world.backlog_sizes, world.load_times, world.load_shares)
    route, trace, trace_rows = world.route, world.trace, world.trace_rows
    traced, level, fixed = trace[0], station.level, station.out_edge
    while True:
        e = next_edge(station, edges, items, until)
        if e < 0:
            break
        limit = limit_of(station, edges, items, e, until)
        edge = edges[np.uint64(e)]
        while edge.head < edge.tail:
            item = items[slot(edge, edge.head)]
            now, index, endpoint = item.time, item.packet, item.endpoint
            if now >= limit:
                break
            prefetch(items, slot(edge, edge.head + np.int64(item.count)), 0)  # the next train's
            out = edges[np.uint64(route[level, endpoint] if fixed < 0 else fixed)]
            if out.source != s:  # its endpoint has moved
                depart(edge, items, riders, 1)
                station.gone += 1
                continue
            if is_full(out, 1):
                return int(route[level, endpoint] if fixed < 0 else fixed)
            packet = packets[index]
            if item.count > 1 and traced < 0:
                count: Any = np.int64(item.count)
                if fixed < 0:
                    count = _same_way(route[level], edge, riders, count)
                size = packet.size
                if _pass_train(station, shared, edge, items, riders, out, count, size, limit):
                    continue
            entry = item.entry
            depart(edge, items, riders, 1)
            departure = serve(station, shared, now, packet.size)
            if endpoint == traced:
                note(trace, trace_rows, packet, station.place, departure, now)
            if departure != DROPPED:
                board(out, items, riders, departure, index, endpoint, entry)
    if station.burst_at < until:
        serve_bursts(station, shared, until)
    rewind(station, edges)
    return -1
