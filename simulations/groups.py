"""Groups: the endpoints behind one aggregation, from its queue to what their receivers measure."""

from typing import Any, NamedTuple

import numpy as np

from simulations.compiled import inlined, kernel
from simulations.frames import assemble, show_next
from simulations.history import AGAIN, FILLER, FIRST, entry_slot, is_kept
from simulations.jitter_buffer import NOTHING, insert, play_next
from simulations.links import carry
from simulations.nack import clear_to, note as note_missing
from simulations.outs import out_index
from simulations.packets import AUDIO, PADDING, slot
from simulations.queues import DROPPED
from simulations.receivers import account, count, measure, measure_jitter
from simulations.stations import next_edge, serve, serve_bursts
from simulations.trace import AGGREGATION, ARRIVAL, note
from simulations.world import FLOOR, GROUP, NEW_MAIL


class _Receiving(NamedTuple):
    """What an endpoint's packets are given to: arrays taken out of the world once."""

    settings: Any
    senders: Any
    copies: Any
    legs: Any
    places: Any
    packets: Any
    voices: Any
    buffers: Any
    voice_slots: Any
    pictures: Any
    screens: Any
    frames: Any
    nacks: Any
    missing: Any
    meters: Any
    delays: Any
    audio_delays: Any
    frame_delays: Any


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
    receiving = _Receiving(
        world.settings[0], world.senders, world.copies, world.legs, places, packets, world.voices,
        world.voice_buffers, world.voice_slots, world.pictures, world.screens, world.frames,
        world.nacks, world.missing, world.meters, world.delays, world.audio_delays,
        world.frame_delays,
    )  # fmt: skip
    trace = (world.trace, world.trace_rows)
    more = True
    while more:
        more = _fill(station, edges, items, packets, places, mail, shared, trace, until)
        for i in range(group_first[g], group_first[g + 1]):
            endpoint = np.uint64(members[i])
            _play_endpoint(
                world, endpoint, places, links, packets, mail, shared, backlog, receiving, trace,
                until,
            )  # fmt: skip
    for i in range(group_first[g], group_first[g + 1]):
        _catch_up(np.uint64(members[i]), receiving, until)


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
        if packet.media == AUDIO:
            place.budget_packets += 1
            place.budget_uplink += packet.at_node - packet.sent
            place.budget_transport += now - packet.at_node
            place.budget_aggregation += entry - now
        letter = mail[endpoint, place.mail]
        letter.time = entry
        letter.packet = index
        letter.entry = item.entry
        place.mail += 1
    if station.burst_at < until:
        serve_bursts(station, shared, until)
    return False


@inlined
def _play_endpoint(
    world: Any,
    endpoint: Any,
    places: Any,
    links: Any,
    packets: Any,
    mail: Any,
    shared: Any,
    backlog: Any,
    receiving: Any,
    trace: Any,
    until: int,
) -> None:
    """Send an endpoint's new mail over its access link, and give its receiver what has arrived."""
    place, link = places[endpoint], links[endpoint]
    traced = trace[0][0]
    carried = place.carried
    for i in range(carried, place.mail):
        letter = mail[endpoint, i]
        now, index, entry = letter.time, letter.packet, letter.entry
        packet = packets[index]
        place.entered = now
        arrival = carry(link, backlog[0], backlog[1], shared[2], shared[3], now, packet.size)
        if endpoint == traced:
            note(trace[0], trace[1], packet, ARRIVAL, arrival, now)
        if arrival < 0:
            continue
        if packet.media == AUDIO:
            place.budget_arrivals += 1
            place.budget_access += arrival - now
        letter = mail[endpoint, carried]
        letter.time = arrival
        letter.packet = index
        letter.entry = entry
        carried += 1
    # What is left over stays at the mailbox's front. If it leaves too little room for new mail, the
    # oldest go to the receiver ahead of time: only the interval that they are sampled in changes.
    ahead = carried - mail.shape[1] + NEW_MAIL
    taken = 0
    while taken < carried and (mail[endpoint, taken].time < until or taken < ahead):
        letter = mail[endpoint, taken]
        _receive(world, endpoint, receiving, packets[letter.packet], letter.entry, letter.time)
        taken += 1
    for i in range(taken, carried):
        mail[endpoint, i - taken] = mail[endpoint, i]
    place.carried = carried - taken
    place.mail = carried - taken


@inlined
def _stream(to: Any, place: Any, at: int) -> Any:
    """The STREAM that copies of the stream ``at`` belong to."""
    if at < to.settings.voices:
        return to.voices[np.uint64(place.first_voice + at)]
    return to.pictures[np.uint64(place.first_picture + at - to.settings.voices)]


@kernel
def _resolve(endpoint: Any, to: Any, until: int, arrived: bool) -> None:
    """Account for all copies before the entry ``until``: they are lost; it has ``arrived`` or not.
    """
    leg, sender, place = to.legs[endpoint], to.senders[endpoint], to.places[endpoint]
    while leg.resolved <= until:
        entry = leg.resolved
        leg.resolved += 1
        if is_kept(sender, entry):
            copy = to.copies[entry_slot(sender, entry)]
            if copy.kind == FIRST:
                account(_stream(to, place, copy.slot), copy.number, arrived and entry == until)


@inlined
def _receive(world: Any, endpoint: Any, to: Any, packet: Any, entry: Any, arrival: int) -> None:
    """Give a copy that arrives to the receiver's stream."""
    place, leg, sender = to.places[endpoint], to.legs[endpoint], to.senders[endpoint]
    to.meters[endpoint].packets += 1
    to.meters[endpoint].bytes += packet.size
    number = np.int64(entry)
    if packet.media != PADDING:
        measure(to.meters[endpoint], to.delays, endpoint, arrival - packet.sent)
    if not is_kept(sender, number):
        return  # so late that nobody remembers it
    copy = to.copies[entry_slot(sender, number)]
    copy.arrival = arrival
    leg.arrived = number + 1
    if number >= leg.resolved:
        _resolve(endpoint, to, number, True)
    if copy.kind == FILLER:
        return
    leg.retransmitted += copy.kind == AGAIN
    at = copy.slot
    if at < to.settings.voices:
        _hear(endpoint, to, packet, copy, arrival)
    else:
        _see(world, endpoint, to, packet, copy, arrival)


@inlined
def _hear(endpoint: Any, to: Any, packet: Any, copy: Any, arrival: int) -> None:
    """Give a voice's packet to its jitter buffer."""
    k = np.uint64(to.places[endpoint].first_voice + copy.slot)
    measure_jitter(to.voices[k], packet.source, arrival - packet.captured)
    _play(endpoint, to, k, arrival)
    insert(
        to.buffers[k], to.voice_slots[k], np.int64(copy.number), packet.captured, arrival,
        to.settings.ptime, to.settings.fec,
    )  # fmt: skip


@inlined
def _play(endpoint: Any, to: Any, k: Any, until: int) -> None:
    """Let the jitter buffer play what it plays up to ``until``."""
    meter, place = to.meters[endpoint], to.places[endpoint]
    while True:
        delay = play_next(to.buffers[k], to.voice_slots[k], until)
        if delay == NOTHING:
            break
        if delay >= 0:
            heard = delay + to.settings.audio_output
            meter.played += 1
            meter.heard_sum += heard
            place.budget_played += 1
            place.budget_buffer += delay
            count(to.audio_delays, endpoint, heard)


@inlined
def _see(world: Any, endpoint: Any, to: Any, packet: Any, copy: Any, arrival: int) -> None:
    """Give a picture's packet to its frame, and show what can be shown."""
    k = np.uint64(to.places[endpoint].first_picture + copy.slot - to.settings.voices)
    number = np.int64(copy.number)
    screen, frames = to.screens[k], to.frames[k]
    measure_jitter(to.pictures[k], packet.source, arrival - packet.captured)
    if note_missing(to.nacks[k], to.missing[k], number, packet.key):
        screen.lost_reference = 1
    assemble(
        screen, frames, number, packet.index, packet.frame_packets, packet.key, packet.captured
    )
    meter = to.meters[endpoint]
    while True:
        captured = show_next(screen, frames, arrival)
        if captured < 0:
            break
        clear_to(to.nacks[k], to.missing[k], screen.next)
        seen = arrival - captured + to.settings.picture_output
        meter.frames += 1
        meter.seen_sum += seen
        count(to.frame_delays, endpoint, seen)
        if to.places[endpoint].seen < 0 and world.slot_seats[copy.slot] == world.totals[FLOOR]:
            _see_floor(world, endpoint, to, packet, copy, arrival)


@kernel
def _see_floor(world: Any, endpoint: Any, to: Any, packet: Any, copy: Any, arrival: int) -> None:
    """If the frame just shown is of who has the floor, write down when."""
    out = world.outs[out_index(to.settings, len(to.places), copy.slot, endpoint)]
    floor = world.slot_seats[copy.slot]
    if copy.number < out.first or world.seats[floor].publisher != packet.publisher:
        return
    to.places[endpoint].seen = arrival + to.settings.picture_output
    if np.int64(endpoint) == len(to.places) - 1:
        sender = to.senders[endpoint]
        sent = packet.sent
        for entry in range(max(0, sender.next - sender.mask - 1), sender.next):
            other = to.copies[entry_slot(sender, entry)]
            if other.slot == copy.slot and other.kind != FILLER:
                begin = to.packets[other.packet]
                if begin.source == packet.source and begin.frame == packet.frame:
                    sent = min(sent, begin.sent)
        world.call[0] = to.places[endpoint].seen
        world.call[1] = sent
        world.call[2] = packet.at_node
        world.call[3] = arrival


@kernel
def _catch_up(endpoint: Any, to: Any, until: int) -> None:
    """Bring voices up to ``until``, and count as lost what has not come for too long."""
    place, leg, sender = to.places[endpoint], to.legs[endpoint], to.senders[endpoint]
    for i in range(to.settings.voices):
        _play(endpoint, to, np.uint64(place.first_voice + i), until)
    while leg.resolved < sender.next:
        entry = leg.resolved
        if is_kept(sender, entry):
            if to.copies[entry_slot(sender, entry)].sent >= until - to.settings.late:
                break
        _resolve(endpoint, to, entry, False)
