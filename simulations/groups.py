"""Groups: the endpoints behind one aggregation, from its queue to what their receivers measure."""

from typing import Any

from simulations.compiled import inlined, kernel
from simulations.links import carry
from simulations.packets import AUDIO
from simulations.queues import DROPPED
from simulations.receivers import receive
from simulations.stations import next_edge, serve, serve_bursts
from simulations.trace import AGGREGATION, ARRIVAL, note
from simulations.world import GROUP, INBOX


@kernel
def run_group(world: Any, g: int, until: int) -> None:
    """Play the group ``g`` up to ``until``: its aggregation, access links and receivers.

    What leaves the aggregation gathers in an inbox for each endpoint, so that one endpoint's state
    stays in the processor's nearest cache while its packets are played.
    """
    station = world.stations[world.level_first[GROUP] + g]
    edges, items, packets, places = world.edges, world.edge_items, world.packets, world.endpoints
    inboxes, pending, links = world.inboxes, world.pending, world.downlinks
    shared = (world.backlog_starts, world.backlog_sizes, world.load_times, world.load_shares)
    backlog = (world.downlink_starts, world.downlink_sizes)
    members, group_first = world.group_members, world.group_first
    receivers = (
        world.streams, world.meters, world.delays, world.audio_delays, world.frame_delays,
        world.offsets,
    )  # fmt: skip
    trace = (world.trace, world.trace_rows)
    more = True
    while more:
        more = _fill_inboxes(station, edges, items, packets, places, inboxes, shared, trace, until)
        for i in range(group_first[g], group_first[g + 1]):
            _play_endpoint(
                members[i], places, links, packets, inboxes, pending, shared, backlog, receivers,
                trace, until,
            )  # fmt: skip


@inlined
def _fill_inboxes(
    station: Any,
    edges: Any,
    items: Any,
    packets: Any,
    places: Any,
    inboxes: Any,
    shared: Any,
    trace: Any,
    until: int,
) -> bool:
    """Serve the aggregation up to ``until``; True if an inbox was full before that."""
    traced = trace[0][0]
    while True:
        e = next_edge(station, edges, items, until)
        if e < 0:
            break
        edge = edges[e]
        item = items[edge.base + (edge.head & edge.mask)]
        now, index, endpoint = item.time, item.packet, item.endpoint
        place = places[endpoint]
        if place.inbox == INBOX:
            return True
        edge.head += 1
        packet = packets[index]
        entry = serve(station, shared, now, packet.size)
        if endpoint == traced:
            note(trace[0], trace[1], packet, AGGREGATION, entry, now)
        if entry == DROPPED:
            continue
        if packet.slot == AUDIO:
            place.budget_packets += 1
            place.budget_uplink += packet.at_node - packet.sent
            place.budget_transport += now - packet.at_node
            place.budget_aggregation += entry - now
        letter = inboxes[endpoint, place.inbox]
        letter.time = entry
        letter.packet = index
        place.inbox += 1
    if station.burst_at < until:
        serve_bursts(station, shared, until)
    return False


@inlined
def _play_endpoint(
    endpoint: int,
    places: Any,
    links: Any,
    packets: Any,
    inboxes: Any,
    pending: Any,
    shared: Any,
    backlog: Any,
    receivers: Any,
    trace: Any,
    until: int,
) -> None:
    """Send an endpoint's inbox over its access link, and give its receiver what has arrived."""
    place, link = places[endpoint], links[endpoint]
    traced = trace[0][0]
    for i in range(place.inbox):
        letter = inboxes[endpoint, i]
        now, index = letter.time, letter.packet
        packet = packets[index]
        arrival = carry(link, backlog[0], backlog[1], shared[2], shared[3], now, packet.size)
        if endpoint == traced:
            note(trace[0], trace[1], packet, ARRIVAL, arrival, now)
        if arrival < 0:
            continue
        if packet.slot == AUDIO:
            place.budget_access += arrival - now
        # A full ring gives its oldest to the receiver ahead of time: only the interval that it is
        # sampled in may change, its arrival does not.
        if place.tail - place.head > place.mask:
            _take(receivers, endpoint, place, pending, packets)
        last = pending[place.base + (place.tail & place.mask)]
        last.time = arrival
        last.packet = index
        place.tail += 1
    place.inbox = 0
    while place.head < place.tail:
        if pending[place.base + (place.head & place.mask)].time >= until:
            break
        _take(receivers, endpoint, place, pending, packets)


@inlined
def _take(receivers: Any, endpoint: int, place: Any, pending: Any, packets: Any) -> None:
    """Give the receiver the oldest of what has yet to arrive."""
    first = pending[place.base + (place.head & place.mask)]
    place.head += 1
    packet = packets[first.packet]
    receive(
        receivers[0][place.first_stream + packet.slot],
        receivers[1][endpoint],
        receivers[2],
        receivers[3],
        receivers[4],
        endpoint,
        packet,
        first.time,
        receivers[5][0],
        receivers[5][1],
    )
