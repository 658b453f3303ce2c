"""Groups: the endpoints behind one aggregation, from its queue to what their receivers measure."""

from typing import Any

import numpy as np

from simulations.compiled import inlined, kernel
from simulations.links import carry
from simulations.packets import AUDIO, slot
from simulations.queues import DROPPED
from simulations.receivers import receive
from simulations.stations import next_edge, serve, serve_bursts
from simulations.trace import AGGREGATION, ARRIVAL, note
from simulations.world import GROUP, NEW_MAIL


@kernel
def run_group(world: Any, g: int, until: int) -> None:
    """Play the group ``g`` up to ``until``: its aggregation, access links and receivers.

    What leaves the aggregation gathers in a mailbox for each endpoint, so that one endpoint's state
    stays in the processor's nearest cache while its packets are played.
    """
    station = world.stations[world.level_first[GROUP] + g]
    edges, items, packets, places = world.edges, world.edge_items, world.packets, world.endpoints
    mail, links = world.mail, world.downlinks
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
        more = _fill(station, edges, items, packets, places, mail, shared, trace, until)
        for i in range(group_first[g], group_first[g + 1]):
            endpoint = np.uint64(members[i])
            _play_endpoint(
                endpoint, places, links, packets, mail, shared, backlog, receivers, trace, until
            )


@inlined
def _fill(
    station: Any,
    edges: Any,
    items: Any,
    packets: Any,
    places: Any,
    mail: Any,
    shared: Any,
    trace: Any,
    until: int,
) -> bool:
    """Serve the aggregation up to ``until``; True if a mailbox was full before that."""
    traced = trace[0][0]
    while True:
        e = next_edge(station, edges, items, until)
        if e < 0:
            break
        edge = edges[np.uint64(e)]
        item = items[slot(edge, edge.head)]
        now, index, endpoint = item.time, item.packet, item.endpoint
        place = places[endpoint]
        if place.mail == mail.shape[1]:
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
        letter = mail[endpoint, place.mail]
        letter.time = entry
        letter.packet = index
        place.mail += 1
    if station.burst_at < until:
        serve_bursts(station, shared, until)
    return False


@inlined
def _play_endpoint(
    endpoint: Any,
    places: Any,
    links: Any,
    packets: Any,
    mail: Any,
    shared: Any,
    backlog: Any,
    receivers: Any,
    trace: Any,
    until: int,
) -> None:
    """Send an endpoint's new mail over its access link, and give its receiver what has arrived."""
    place, link = places[endpoint], links[endpoint]
    traced = trace[0][0]
    carried = place.carried
    for i in range(carried, place.mail):
        letter = mail[endpoint, i]
        now, index = letter.time, letter.packet
        packet = packets[index]
        arrival = carry(link, backlog[0], backlog[1], shared[2], shared[3], now, packet.size)
        if endpoint == traced:
            note(trace[0], trace[1], packet, ARRIVAL, arrival, now)
        if arrival < 0:
            continue
        if packet.slot == AUDIO:
            place.budget_arrivals += 1
            place.budget_access += arrival - now
        letter = mail[endpoint, carried]
        letter.time = arrival
        letter.packet = index
        carried += 1
    # What is left over stays at the mailbox's front. If it leaves too little room for new mail, the
    # oldest go to the receiver ahead of time: only the interval that they are sampled in changes.
    ahead = carried - mail.shape[1] + NEW_MAIL
    taken = 0
    while taken < carried and (mail[endpoint, taken].time < until or taken < ahead):
        letter = mail[endpoint, taken]
        packet = packets[letter.packet]
        receive(
            receivers[0][place.first_stream + packet.slot],
            receivers[1][endpoint],
            receivers[2],
            receivers[3],
            receivers[4],
            endpoint,
            packet,
            letter.time,
            receivers[5][0],
            receivers[5][1],
        )
        taken += 1
    for i in range(taken, carried):
        mail[endpoint, i - taken] = mail[endpoint, i]
    place.carried = carried - taken
    place.mail = carried - taken
