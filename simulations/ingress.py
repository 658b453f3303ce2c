"""A media node's ingress: what publishers send goes to its own fan-out and to the other nodes."""

from typing import Any

import numpy as np

from simulations.compiled import inlined, kernel
from simulations.nack import note as note_missing
from simulations.packets import AUDIO, PADDING, SCREEN, is_full, push, slot
from simulations.stations import next_edge, rewind
from simulations.trace import NODE_IN, note
from simulations.world import CASCADED, INGRESSED


@kernel
def run_ingress(world: Any, s: int, n: int, until: int) -> int:
    """Take what arrives at the node ``n`` by the station ``s`` before ``until``.

    A packet goes to the node's own fan-out and, once each, to the other nodes, unless it is for one
    endpoint only: then it goes to that one's node.

    Returns:
        −1 when done, or an edge that must grow first (see `stations.run_link`).
    """
    station, edges, packets = world.stations[s], world.edges, world.packets
    items, node_edges, totals = world.edge_items, world.node_edges, world.totals
    trace, trace_rows, seats = world.trace, world.trace_rows, world.seats
    node = world.nodes[n]
    columns = world.settings[0].layers + 1
    while True:
        e = next_edge(station, edges, items, until)
        if e < 0:
            break
        edge = edges[np.uint64(e)]
        item = items[slot(edge, edge.head)]
        for m in range(len(node_edges)):
            if is_full(edges[node_edges[n, m]], 1):
                return int(node_edges[n, m])
        edge.head += 1
        if node.down:
            node.cut += 1
            continue
        now, index, publisher = item.time, item.packet, item.endpoint
        packet = packets[index]
        packet.at_node = now
        totals[INGRESSED] += 1
        if publisher == trace[0] and not packet.again:
            note(trace, trace_rows, packet, NODE_IN, now, now)
        seat = seats[packet.seat]
        if seat.publisher != publisher or packet.source < seat.first_source:
            continue  # the seat is somebody else's by now, or of another session
        seat.arrived = max(seat.arrived, item.entry + 1)
        seat.delay_sum += now - packet.sent
        seat.delay_packets += 1
        seat.delay_max = max(seat.delay_max, now - packet.sent)
        if packet.media == PADDING:
            continue
        if packet.media != AUDIO:
            column = columns - 1 if packet.media == SCREEN else packet.layer
            k = np.uint64(packet.seat * columns + column)
            if note_missing(
                world.seat_nacks[k], world.seat_missing[k], packet.sequence, packet.key
            ):
                world.key_wanted[packet.seat, column] = 1
        for m in range(len(node_edges)):
            if _is_wanted_at(world, packet, seat, m):
                totals[CASCADED] += n != m
                push(edges[node_edges[n, m]], items, now, index, publisher, 0)
    rewind(station, edges)
    return -1


@inlined
def _is_wanted_at(world: Any, packet: Any, seat: Any, m: int) -> bool:
    """Whether the node ``m`` may have somebody for the packet."""
    places = world.endpoints
    if packet.media == AUDIO:
        return seat.voice_slot >= 0  # type: ignore[no-any-return]
    if packet.media == SCREEN or (seat.picture_slot >= 0 and seat.only < 0):
        return True
    if seat.picture_slot >= 0 and places[seat.only].served == m:
        return True
    centre = len(places) - 1
    return seat.tile_slot >= 0 and places[centre].served == m  # type: ignore[no-any-return]
