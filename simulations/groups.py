"""Groups: the endpoints behind one aggregation, from its queue to what their receivers measure."""

from typing import Any

import numpy as np

from results.histograms import BUCKETS
from simulations.compiled import inlined, kernel
from simulations.frames import CAPACITY, assemble, show_next
from simulations.history import AGAIN, FILLER, FIRST, entry_slot, is_kept
from simulations.jitter_buffer import NOTHING, SLOTS, insert, play_next
from simulations.layout import CACHE_LINE
from simulations.links import LINK, carry
from simulations.nack import clear_to
from simulations.nack import note as note_missing
from simulations.outs import out_index
from simulations.packets import AUDIO, PADDING, slot
from simulations.prefetching import prefetch
from simulations.queues import DROPPED
from simulations.receivers import account, bucket_of, count, measure, measure_jitter
from simulations.stations import next_edge, serve, serve_bursts
from simulations.trace import AGGREGATION, ARRIVAL, note
from simulations.world import FLOOR, GROUP, NEW_MAIL

_LINK_LINES = LINK.itemsize // CACHE_LINE + 1


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
    trace = (world.trace, world.trace_rows)
    more = True
    while more:
        more = _fill(station, edges, items, packets, places, mail, shared, trace, until)
        last = group_first[g + 1] - 1
        for i in range(group_first[g], last + 1):
            endpoint = np.uint64(members[i])
            _ask_for_records(world, np.uint64(members[min(i + 3, last)]))
            _ask_for_contents(world, np.uint64(members[min(i + 1, last)]))
            _play_endpoint(
                world, endpoint, places, links, packets, mail, shared, backlog, trace, until
            )
    for i in range(group_first[g], group_first[g + 1]):
        _catch_up(world, np.uint64(members[i]), until)


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


@kernel
def _ask_for_records(world: Any, endpoint: Any) -> None:
    """Ask for an endpoint's records, whose places are known."""
    place = world.endpoints[endpoint]
    for line in range(3):
        prefetch(world.endpoints, endpoint, line)
    for line in range(_LINK_LINES):
        prefetch(world.downlinks, endpoint, line)
    for line in range(2):
        prefetch(world.mail, endpoint * np.uint64(world.mail.shape[1]), line)
        prefetch(world.legs, endpoint, line)
        prefetch(world.meters, endpoint, line)
    prefetch(world.senders, endpoint, 0)
    for i in range(world.settings[0].voices):
        k = np.uint64(place.first_voice + i)
        prefetch(world.voices, k, 0)
        for line in range(6):
            prefetch(world.voice_buffers, k, line)
    for i in range(world.settings[0].pictures):
        k = np.uint64(place.first_picture + i)
        prefetch(world.pictures, k, 0)
        prefetch(world.nacks, k, 0)
        for line in range(6):
            prefetch(world.screens, k, line)


@kernel
def _ask_for_contents(world: Any, endpoint: Any) -> None:
    """Ask for what an endpoint's records point to, once they are here."""
    place, link, sender = (
        world.endpoints[endpoint], world.downlinks[endpoint], world.senders[endpoint],
    )  # fmt: skip
    if place.mail == 0:
        return
    letter = world.mail[endpoint, 0]
    packet = world.packets[letter.packet]
    prefetch(world.copies, entry_slot(sender, letter.entry), 0)
    prefetch(world.copies, entry_slot(sender, letter.entry + np.uint64(2)), 0)
    settings = world.settings[0]
    arrival = letter.time + (0 if place.carried else link.delay)
    row = endpoint * np.uint64(BUCKETS)
    prefetch(world.delays, row + bucket_of(arrival - packet.sent), 0)
    seen = arrival - packet.captured + settings.picture_output
    prefetch(world.frame_delays, row + bucket_of(seen), 0)
    for i in range(world.settings[0].voices):
        buffer = world.voice_buffers[np.uint64(place.first_voice + i)]
        prefetch(
            world.audio_delays, row + bucket_of(buffer.delay + world.settings[0].audio_output), 0
        )
        first = np.uint64(place.first_voice + i) * np.uint64(SLOTS)
        prefetch(world.voice_slots, first + np.uint64(buffer.next & (SLOTS - 1)), 0)
    for i in range(world.settings[0].pictures):
        k = np.uint64(place.first_picture + i)
        screen = world.screens[k]
        first = k * np.uint64(CAPACITY)
        prefetch(world.frames, first + np.uint64(screen.tail & (CAPACITY - 1)), 0)


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
        _receive(world, endpoint, packets[letter.packet], letter.entry, letter.time)
        taken += 1
    for i in range(taken, carried):
        mail[endpoint, i - taken] = mail[endpoint, i]
    place.carried = carried - taken
    place.mail = carried - taken


@inlined
def _stream(world: Any, place: Any, at: int) -> Any:
    """The STREAM that copies of the stream ``at`` belong world."""
    if at < world.settings[0].voices:
        return world.voices[np.uint64(place.first_voice + at)]
    return world.pictures[np.uint64(place.first_picture + at - world.settings[0].voices)]


@kernel
def _resolve(world: Any, endpoint: Any, until: int, arrived: bool) -> None:
    """Account for all copies up to the entry ``until``; all before it are lost, it has ``arrived``
    or not."""
    leg, sender, place = world.legs[endpoint], world.senders[endpoint], world.endpoints[endpoint]
    while leg.resolved <= until:
        entry = leg.resolved
        leg.resolved += 1
        if is_kept(sender, entry):
            copy = world.copies[entry_slot(sender, entry)]
            if copy.kind == FIRST:
                account(_stream(world, place, copy.slot), copy.number, arrived and entry == until)


@inlined
def _receive(world: Any, endpoint: Any, packet: Any, entry: Any, arrival: int) -> None:
    """Give a copy that arrives to the receiver's stream."""
    leg, sender = world.legs[endpoint], world.senders[endpoint]
    world.meters[endpoint].packets += 1
    world.meters[endpoint].bytes += packet.size
    number: Any = np.int64(entry)
    if packet.media != PADDING:
        measure(world.meters[endpoint], world.delays, endpoint, arrival - packet.sent)
    if not is_kept(sender, number):
        return  # so late that nobody remembers it
    copy = world.copies[entry_slot(sender, number)]
    copy.arrival = arrival
    leg.arrived = number + 1
    if number >= leg.resolved:
        _resolve(world, endpoint, number, True)
    if copy.kind == FILLER:
        return
    leg.retransmitted += copy.kind == AGAIN
    at = copy.slot
    if at < world.settings[0].voices:
        _hear(world, endpoint, packet, copy, arrival)
    else:
        _see(world, endpoint, packet, copy, arrival)


@inlined
def _hear(world: Any, endpoint: Any, packet: Any, copy: Any, arrival: int) -> None:
    """Give a voice's packet to its jitter buffer."""
    k = np.uint64(world.endpoints[endpoint].first_voice + copy.slot)
    measure_jitter(world.voices[k], packet.source, arrival - packet.captured)
    _play(world, endpoint, k, arrival)
    number: Any = np.int64(copy.number)
    insert(
        world.voice_buffers[k], world.voice_slots[k], number, packet.captured, arrival,
        world.settings[0].ptime, world.settings[0].fec,
    )  # fmt: skip


@inlined
def _play(world: Any, endpoint: Any, k: Any, until: int) -> None:
    """Let the jitter buffer play what it plays up to ``until``."""
    meter, place = world.meters[endpoint], world.endpoints[endpoint]
    while True:
        delay = play_next(world.voice_buffers[k], world.voice_slots[k], until)
        if delay == NOTHING:
            break
        if delay >= 0:
            heard = delay + world.settings[0].audio_output
            meter.played += 1
            meter.heard_sum += heard
            place.budget_played += 1
            place.budget_buffer += delay
            count(world.audio_delays, endpoint, heard)


@inlined
def _see(world: Any, endpoint: Any, packet: Any, copy: Any, arrival: int) -> None:
    """Give a picture's packet to its frame, and show what can be shown."""
    k = np.uint64(world.endpoints[endpoint].first_picture + copy.slot - world.settings[0].voices)
    number: Any = np.int64(copy.number)
    screen, frames = world.screens[k], world.frames[k]
    measure_jitter(world.pictures[k], packet.source, arrival - packet.captured)
    if note_missing(world.nacks[k], world.missing[k], number, packet.key):
        screen.lost_reference = 1
    assemble(
        screen, frames, number, packet.index, packet.frame_packets, packet.key, packet.captured
    )
    meter = world.meters[endpoint]
    while True:
        captured = show_next(screen, frames, arrival)
        if captured < 0:
            break
        clear_to(world.nacks[k], world.missing[k], screen.next)
        seen = arrival - captured + world.settings[0].picture_output
        meter.frames += 1
        meter.seen_sum += seen
        count(world.frame_delays, endpoint, seen)
        if (
            world.endpoints[endpoint].seen < 0
            and world.slot_seats[copy.slot] == world.totals[FLOOR]
        ):
            _see_floor(world, endpoint, packet, copy, arrival)


@kernel
def _see_floor(world: Any, endpoint: Any, packet: Any, copy: Any, arrival: int) -> None:
    """If the frame just shown is of who has the floor, write down when."""
    out = world.outs[out_index(world.settings[0], len(world.endpoints), copy.slot, endpoint)]
    floor = world.slot_seats[copy.slot]
    if copy.number < out.first or world.seats[floor].publisher != packet.publisher:
        return
    world.endpoints[endpoint].seen = arrival + world.settings[0].picture_output
    if np.int64(endpoint) == len(world.endpoints) - 1:
        sender = world.senders[endpoint]
        sent = packet.sent
        for entry in range(max(0, sender.next - sender.mask - 1), sender.next):
            other = world.copies[entry_slot(sender, entry)]
            if other.slot == copy.slot and other.kind != FILLER:
                begin = world.packets[other.packet]
                if begin.source == packet.source and begin.frame == packet.frame:
                    sent = min(sent, begin.sent)
        world.call[0] = world.endpoints[endpoint].seen
        world.call[1] = sent
        world.call[2] = packet.at_node
        world.call[3] = arrival


@kernel
def _catch_up(world: Any, endpoint: Any, until: int) -> None:
    """Bring voices up to ``until``, and count as lost what has not come for too long."""
    place, leg, sender = world.endpoints[endpoint], world.legs[endpoint], world.senders[endpoint]
    for i in range(world.settings[0].voices):
        _play(world, endpoint, np.uint64(place.first_voice + i), until)
    while leg.resolved < sender.next:
        entry = leg.resolved
        oldest = until - world.settings[0].late
        if is_kept(sender, entry) and world.copies[entry_slot(sender, entry)].sent >= oldest:
            break
        _resolve(world, endpoint, entry, False)
