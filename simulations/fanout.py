"""The media node: packets in, copies out to everyone who listens or watches."""

from typing import Any

import numpy as np

from simulations.compiled import inlined, kernel
from simulations.packets import AUDIO, FIRST_TILE, is_full, push, slot
from simulations.queues import DROPPED, transmission
from simulations.stations import next_edge
from simulations.trace import NODE_IN, NODE_OUT, SENT, note
from simulations.world import CASCADED, FAN_OUT, INGRESSED


@kernel
def run_ingress(world: Any, s: int, n: int, until: int) -> int:
    """Take what arrives at the node ``n`` by the station ``s`` before ``until``.

    A packet goes to the node's own fan-out and, once each, to the other nodes where someone wants
    it. Tiles of the wall go to the command centre's node only: that of the last endpoint.

    Returns:
        −1 when done, or an edge that must grow first (see `stations.run_link`).
    """
    station, edges, packets = world.stations[s], world.edges, world.packets
    items, node_edges, totals = world.edge_items, world.node_edges, world.totals
    trace, trace_rows = world.trace, world.trace_rows
    centre_node = world.endpoints[len(world.endpoints) - 1].node
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
        now, index, publisher = item.time, item.packet, item.endpoint
        packet = packets[index]
        packet.at_node = now
        totals[INGRESSED] += 1
        if publisher == trace[0]:
            note(trace, trace_rows, packet, NODE_IN, now, now)
        for m in range(len(node_edges)):
            if packet.slot < FIRST_TILE or m == centre_node:
                totals[CASCADED] += n != m
                push(edges[node_edges[n, m]], items, now, index, publisher)
    return -1


@kernel
def run_fan_out(world: Any, s: int, n: int, until: int) -> int:
    """Copy what arrives at the fan-out of node ``n``, station ``s``, before ``until``.

    Returns:
        −1 when done, or an edge that must grow first (see `stations.run_link`).
    """
    station, edges, packets, items = (
        world.stations[s], world.edges, world.packets, world.edge_items,
    )  # fmt: skip
    audiences, subscribers, node = world.audiences, world.subscribers, world.nodes[n]
    fans, fan_edges, fan_copies = world.fans, world.fan_edges, world.fan_copies
    route, places = world.route, world.endpoints
    trace = (world.trace, world.trace_rows)
    centre = len(places) - 1
    while True:
        e = next_edge(station, edges, items, until)
        if e < 0:
            break
        edge = edges[np.uint64(e)]
        item = items[slot(edge, edge.head)]
        for i in range(fans[n], fans[n + 1]):
            if is_full(edges[fan_edges[i]], fan_copies[i]):
                return int(fan_edges[i])
        edge.head += 1
        now, index = item.time, item.packet
        packet = packets[index]
        node.packets += 1
        node.cascaded += edge.cascade
        if node.cpu_free - now <= node.queue:  # beyond it, all copies are dropped unread
            node.cpu_free = max(node.cpu_free, now) + node.packet_cost
            node.cpu_work += node.packet_cost
        cost = node.copy_cost + node.kilobyte_cost * packet.size // 1000
        wire = transmission(packet.size, node.nic)
        if packet.slot >= FIRST_TILE:
            _copy(node, packet, index, centre, now, cost, wire, edges, items, route, places, trace)
            continue
        audience = 0 if packet.slot == AUDIO else 1 + packet.layer
        for i in range(audiences[n, audience], audiences[n, audience + 1]):
            to = subscribers[i]
            if to != packet.publisher:
                _copy(node, packet, index, to, now, cost, wire, edges, items, route, places, trace)
    return -1


@inlined
def _copy(
    node: Any,
    packet: Any,
    index: int,
    endpoint: int,
    now: int,
    cost: int,
    wire: int,
    edges: Any,
    items: Any,
    route: Any,
    places: Any,
    trace: Any,
) -> None:
    """Send one copy: the processor and the network interface serve it one after the other.

    Args:
        now: the packet's arrival (ns). cost: the processor's time (ns). wire: the interface's.
    """
    node.copies += 1
    left = DROPPED
    if max(node.cpu_free, node.nic_free) - now <= node.queue:
        node.cpu_free += cost
        node.cpu_work += cost
        node.nic_free = max(node.nic_free, node.cpu_free) + wire
        node.bytes += packet.size
        left = node.nic_free
        node.delay_max = max(node.delay_max, left - now)
        if packet.slot == AUDIO:
            place = places[endpoint]
            place.budget_copies += 1
            place.budget_node += left - now
        out = edges[route[FAN_OUT, endpoint]]
        push(out, items, left, index, endpoint)
    else:
        node.dropped += 1
    if endpoint == trace[0][0]:
        note(trace[0], trace[1], packet, SENT, packet.sent, now)
        note(trace[0], trace[1], packet, NODE_IN, packet.at_node, now)
        note(trace[0], trace[1], packet, NODE_OUT, left, now)
