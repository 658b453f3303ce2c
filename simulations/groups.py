"""Groups: the endpoints behind one aggregation: its queue, and whose turn it is to be played."""

from typing import Any

import numpy as np

from simulations.compiled import inlined, kernel, seldom
from simulations.foresight import ask_for_contents, ask_for_records, ask_for_streams
from simulations.frames import BEGIN, STOP
from simulations.freezes import begin, stop
from simulations.packets import AUDIO, slot
from simulations.prefetching import prefetch
from simulations.queues import DROPPED
from simulations.reception import catch_up, collect, play, put_back
from simulations.reporting import report
from simulations.settings import TICK
from simulations.stations import limit_of, next_edge, rewind, serve, serve_bursts
from simulations.trace import AGGREGATION, note
from simulations.trains import depart, serve_train
from simulations.turns import EVERY_TICK, expect, plan
from simulations.world import GROUP, interleaved

_FAR, _NEAR = 12, 6
"""Copies ahead whose endpoints' turns are asked for, and the places where they will wait."""
_RECORDS = 3
"""Endpoints ahead whose records are asked for."""


@kernel
def run_group(world: Any, g: int, thread: int, until: int, settles: bool) -> None:
    """Play the group ``g`` up to ``until`` (ns): its aggregation, then the links and the receivers
    of those whose turn it is (see `simulations.turns`); at a tick, let them send their RTCP.

    Args:
        settles: the group has been played up to ``until``, and all of its members follow.
    """
    first, due = world.group_first[g], world.due
    for i in range(first, first + _list_due(world, g, until, settles, _RECORDS)):
        ask_for_records(world, np.uint64(due[i]))
        ask_for_streams(world, np.uint64(due[i]))
    if not settles:
        _serve(world, g, thread, until)  # which puts some in a hurry
    count = _list_due(world, g, until, settles, len(due))
    last = first + count - 1
    if count > 0:
        ask_for_contents(world, np.uint64(due[first]))
    reports = world.settings[0].adapts and until % TICK == 0 and not settles
    for i in range(first, last + 1):
        endpoint, soon = np.uint64(due[i]), np.uint64(due[min(i + _RECORDS, last)])
        # Bit by bit: a core waits for a dozen lines at most before it stands still.
        ask_for_records(world, soon)
        letters = collect(world, endpoint, thread)
        ask_for_contents(world, np.uint64(due[min(i + 1, last)]))
        receive(world, endpoint, thread, letters, until)
        ask_for_streams(world, soon)
        if reports:
            report(world, endpoint, thread, until)
            plan(world, endpoint, until)


@inlined
def _list_due(world: Any, g: int, until: int, everyone: bool, most: int) -> int:
    """Write down whose turn it is in the group ``g``, ``most`` of them; how many they are."""
    first, members, count = world.group_first[g], world.group_members, 0
    for i in range(first, world.group_first[g + 1]):
        if everyone or world.turns[np.uint64(members[i])].play <= until:
            world.due[first + count] = members[i]
            count += 1
            if count == most:
                break
    return count


@kernel
def bring_up(world: Any, endpoint: int, until: int) -> None:
    """Bring one endpoint up to ``until`` (ns), up to when its group has been played, for what is
    about to befall it, or to be read of it. At the next tick it is played, too."""
    thread: Any = np.int64(0)  # no constant: see `receive`
    settle(world, np.uint64(endpoint), thread, until)
    world.turns[endpoint].play = EVERY_TICK


@kernel
def settle(world: Any, endpoint: Any, thread: int, until: int) -> None:
    """Play an endpoint's mail up to ``until`` (ns), and on the way what fell due."""
    receive(world, endpoint, thread, collect(world, endpoint, thread), until)


@kernel
def receive(world: Any, endpoint: Any, thread: int, count: int, until: int) -> None:
    """Give an endpoint's receiver what arrives before ``until`` (ns) of the ``count`` letters that
    have been collected, and do on the way what fell due."""
    leg, place, adapts = world.legs[endpoint], world.endpoints[endpoint], world.settings[0].adapts
    held_back = False
    taken: Any = np.int64(0)  # for a constant, `play` would be compiled once more
    while True:
        reports = adapts and not held_back and leg.feedback_at <= until
        at = leg.feedback_at if reports else until
        wishes = adapts and 0 < place.wish_at <= at
        at = place.wish_at if wishes else at
        # Here alone: it is large, and would be inlined time and again.
        taken = play(world, endpoint, thread, taken, count, at)
        if wishes:
            _grant_wishes(world, endpoint)
        elif reports:
            report(world, endpoint, thread, at)
            held_back = leg.feedback_at == at
        else:
            break
    put_back(world, endpoint, thread, taken, count)
    catch_up(world, endpoint, until)


@seldom
def _grant_wishes(world: Any, endpoint: Any) -> None:
    """Begin or end to wait for pictures."""
    place = world.endpoints[endpoint]
    for i in range(place.pictures):
        screen = world.screens[np.uint64(place.first_picture + i)]
        if screen.wish == BEGIN:
            begin(screen.freezes, place.wish_at)
        elif screen.wish == STOP:
            stop(screen.freezes, place.wish_at)
        screen.wish = 0
    place.wish_at = 0


@kernel
def _serve(world: Any, g: int, thread: int, until: int) -> None:
    """Serve the aggregation of the group up to ``until``.

    What leaves it waits until its endpoint's turn comes: so one endpoint's state stays in the
    processor's nearest cache while its packets are played.
    """
    station = world.stations[world.level_first[GROUP] + g]
    edges, items, riders, packets = world.edges, world.edge_items, world.riders, world.packets
    shared = (world.backlog_starts, world.backlog_sizes, world.load_times, world.load_shares)
    traced = world.trace[0]
    while True:
        e = next_edge(station, edges, items, until)
        if e < 0:
            break
        limit = limit_of(station, edges, items, e, until)
        edge = edges[np.uint64(e)]
        while edge.head < edge.tail:
            item = items[slot(edge, edge.head)]
            came, index = item.time, item.packet
            step: Any = np.int64(item.step)
            riding: Any = np.int64(item.count)
            if came >= limit:
                break
            prefetch(items, slot(edge, edge.head + riding), 0)  # the next train's
            packet = packets[index]
            count = close = left = work = 0
            if riding > 1 and traced < 0:
                count, close, left, work = serve_train(
                    station, shared, came, step, riding, packet.size, limit
                )
            if count == 0:
                count = close = 1
                left = serve(station, shared, came, packet.size)
                if np.int64(item.endpoint) == traced:
                    note(world.trace, world.trace_rows, packet, AGGREGATION, left, came)
            first, voice = edge.head, packet.media == AUDIO
            depart(edge, items, riders, count)
            if left == DROPPED:
                continue
            for i in range(count):
                if i == close:
                    left = came + work
                _ask_for_leavings(world, riders, edge, first + i)
                queued = left - came if voice else 0
                rider = riders[slot(edge, first + i)]
                _let_wait(world, station, rider, thread, index, left, queued)
                came += step
                left += work if i < close else step
    if station.burst_at < until:
        serve_bursts(station, shared, until)
    rewind(station, edges)


@inlined
def _let_wait(
    world: Any, station: Any, rider: Any, thread: int, index: Any, left: int, queued: int
) -> None:
    """Let a copy that has left the aggregation wait until its endpoint's turn comes.

    Args:
        rider: whose it is. index: its packet. left: ns. queued: ns, see `turns.TURN`.
    """
    endpoint, entry = np.uint64(rider.endpoint), np.int64(rider.entry)
    turn = world.turns[endpoint]
    if entry < turn.since:  # it has left, or moved to another link
        station.gone += 1
        return
    if turn.waiting * len(world.turns) == len(world.leavings):
        _make_room(world, endpoint, thread)
    leaving = world.leavings[interleaved(len(world.turns), endpoint, turn.waiting)]
    leaving.left = left
    leaving.packet = index
    leaving.entry = entry
    turn.waiting += 1
    turn.queued += queued
    expect(turn, entry)


@seldom
def _make_room(world: Any, endpoint: Any, thread: int) -> None:
    """Bring an endpoint up to the epoch's beginning: what waits for it goes on its way."""
    settle(world, endpoint, thread, world.clock[0])
    world.turns[endpoint].play = EVERY_TICK


@inlined
def _ask_for_leavings(world: Any, riders: Any, edge: Any, position: int) -> None:
    """Ask for where the copies behind a ``position`` of the edge will wait. Behind the edge's end
    stand copies of long ago: their endpoints will do as well."""
    prefetch(world.turns, np.uint64(riders[slot(edge, position + _FAR)].endpoint), 0)
    near = np.uint64(riders[slot(edge, position + _NEAR)].endpoint)
    place = interleaved(len(world.turns), near, world.turns[near].waiting)
    prefetch(world.leavings, place, 0)
