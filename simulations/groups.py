"""Groups: the endpoints behind one aggregation, from its queue to what their receivers measure."""

from typing import Any

import numpy as np

from results.histograms import BUCKETS
from simulations.compiled import inlined, kernel
from simulations.frames import BEGIN, CAPACITY, STOP, assemble, show_next
from simulations.freezes import begin, stop
from simulations.history import AGAIN, FILLER, FIRST, entry_slot, is_kept
from simulations.jitter_buffer import NOTHING, SLOTS, insert, play_next
from simulations.layout import CACHE_LINE
from simulations.links import LINK, carry
from simulations.nack import clear_to
from simulations.nack import note as note_missing
from simulations.outs import out_index
from simulations.packets import AUDIO, PADDING, slot
from simulations.prefetching import prefetch
from simulations.presence import hear
from simulations.queues import DROPPED
from simulations.receivers import account, bucket_of, count, measure, measure_jitter
from simulations.reporting import report
from simulations.settings import TICK
from simulations.stations import limit_of, next_edge, serve, serve_bursts
from simulations.trace import AGGREGATION, ARRIVAL, note
from simulations.turns import EVERY_TICK, alarm, expect, plan
from simulations.world import FLOOR, GROUP, NEW_MAIL

_LINK_LINES = LINK.itemsize // CACHE_LINE + 1
EVERYONE = -1
FEW = 8
"""Mailboxes up to which it pays to look for each one's mail by itself."""


@kernel
def run_group(world: Any, g: int, thread: int, until: int, settles: bool) -> None:
    """Play the group ``g`` up to ``until`` (ns): its aggregation, then the links and the receivers
    of those whose turn it is (see `simulations.turns`); at a tick, let them send their RTCP.

    Args:
        settles: the group has been played up to ``until``, and all of its members follow.
    """
    while not settles and not _serve(world, g, until):
        _deliver(world, g, EVERYONE, until)
    first, members, due = world.group_first[g], world.group_members, world.due
    count = 0
    for i in range(first, world.group_first[g + 1]):
        if settles or world.turns[np.uint64(members[i])].play <= until:
            due[first + count] = members[i]
            count += 1
    if count > FEW or settles:  # what is of nobody here any more goes, too
        _deliver(world, g, EVERYONE, until)
    else:
        for i in range(first, first + count):
            _deliver(world, g, np.int64(due[i]), until)
    last = first + count - 1
    reports = world.settings[0].adapts and until % TICK == 0 and not settles
    for i in range(first, first + count):
        _ask_for_records(world, np.uint64(due[min(i + 3, last)]))
        _ask_for_contents(world, np.uint64(due[min(i + 1, last)]))
        endpoint = np.uint64(due[i])
        settle(world, endpoint, thread, until)
        if reports:
            report(world, endpoint, thread, until)
            plan(world, endpoint, until)


@kernel
def bring_up(world: Any, endpoint: int, until: int) -> None:
    """Bring one endpoint up to ``until`` (ns), up to when its group has been played, for what is
    about to befall it, or to be read of it. At the next tick it is played, too."""
    _deliver(world, world.endpoints[endpoint].group, endpoint, until)
    settle(world, np.uint64(endpoint), 0, until)
    world.turns[endpoint].play = EVERY_TICK


@kernel
def settle(world: Any, endpoint: Any, thread: int, until: int) -> None:
    """Play an endpoint's mail up to ``until`` (ns), and on the way what fell due."""
    leg, turn = world.legs[endpoint], world.turns[endpoint]
    while world.settings[0].adapts:
        at = leg.feedback_at
        if 0 < turn.wish_at <= min(at, until):
            _play(world, endpoint, turn.wish_at)
            _grant_wishes(world, endpoint)
        if at > until:
            break
        _play(world, endpoint, at)
        report(world, endpoint, thread, at)
        if leg.feedback_at == at:  # it is held back
            break
    _play(world, endpoint, until)
    _catch_up(world, endpoint, until)


@kernel
def _grant_wishes(world: Any, endpoint: Any) -> None:
    """Begin or end to wait for pictures."""
    turn, place = world.turns[endpoint], world.endpoints[endpoint]
    for i in range(place.pictures):
        screen = world.screens[np.uint64(place.first_picture + i)]
        if screen.wish == BEGIN:
            begin(screen.freezes, turn.wish_at)
        elif screen.wish == STOP:
            stop(screen.freezes, turn.wish_at)
        screen.wish = 0
    turn.wish_at = 0


@kernel
def _serve(world: Any, g: int, until: int) -> bool:
    """Serve the aggregation of the group up to ``until``; False if there was no room before that.

    What leaves it is kept in order of time until somebody's turn comes: so one endpoint's state
    stays in the processor's nearest cache while its packets are played.
    """
    station = world.stations[world.level_first[GROUP] + g]
    edges, items, packets, turns = world.edges, world.edge_items, world.packets, world.turns
    shared = (world.backlog_starts, world.backlog_sizes, world.load_times, world.load_shares)
    leavings, traced = world.leavings, world.trace[0]
    count, room = world.leaving_counts[g], world.leaving_first[g + 1] - world.leaving_first[g]
    first = world.leaving_first[g]
    while True:
        e = next_edge(station, edges, items, until)
        if e < 0:
            break
        limit = limit_of(station, edges, items, e, until)
        edge = edges[np.uint64(e)]
        while edge.head < edge.tail:
            item = items[slot(edge, edge.head)]
            came, endpoint = item.time, item.endpoint
            if came >= limit:
                break
            if count == room:
                world.leaving_counts[g] = count
                return False
            edge.head += 1
            packet = packets[item.packet]
            left = serve(station, shared, came, packet.size)
            if endpoint == traced:
                note(world.trace, world.trace_rows, packet, AGGREGATION, left, came)
            if left == DROPPED:
                continue
            leaving = leavings[np.uint64(first + count)]
            leaving.left = left
            leaving.came = came
            leaving.packet = item.packet
            leaving.endpoint = endpoint
            leaving.entry = item.entry
            count += 1
            expect(turns[endpoint], np.int64(item.entry))
    world.leaving_counts[g] = count
    if station.burst_at < until:
        serve_bursts(station, shared, until)
    return True


@kernel
def _deliver(world: Any, g: int, only: Any, until: int) -> None:
    """Put what has left the aggregation into mailboxes: into all of them, or ``only`` into one."""
    first, leavings = world.leaving_first[g], world.leavings
    kept = first
    for i in range(first, first + world.leaving_counts[g]):
        leaving = leavings[np.uint64(i)]
        if only < 0 or leaving.endpoint == only:
            _post(world, g, leaving, until)
        else:
            if kept < i:
                leavings[np.uint64(kept)] = leaving
            kept += 1
    world.leaving_counts[g] = kept - first


@inlined
def _post(world: Any, g: int, leaving: Any, until: int) -> None:
    """Put a copy into its endpoint's mailbox."""
    endpoint = np.uint64(leaving.endpoint)
    place, mail = world.endpoints[endpoint], world.mail
    if leaving.entry < place.since:  # it has left, or moved to another link
        world.stations[world.level_first[GROUP] + g].gone += 1
        return
    if place.mail == mail.shape[1]:
        _play(world, endpoint, until)
    packet = world.packets[leaving.packet]
    if packet.media == AUDIO:
        place.budget_packets += 1
        place.budget_uplink += packet.at_node - packet.sent
        place.budget_transport += leaving.came - packet.at_node
        place.budget_aggregation += leaving.left - leaving.came
    letter = mail[endpoint, place.mail]
    letter.time = leaving.left
    letter.packet = leaving.packet
    letter.entry = leaving.entry
    letter.left = leaving.left
    place.mail += 1


@kernel
def _ask_for_records(world: Any, endpoint: Any) -> None:
    """Ask for an endpoint's records, whose places are known."""
    place = world.endpoints[endpoint]
    for line in range(4):
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


@kernel
def _play(world: Any, endpoint: Any, until: int) -> None:
    """Send an endpoint's new mail over its access link, and give its receiver what has arrived."""
    packets, mail, turn = world.packets, world.mail, world.turns[endpoint]
    shared = (world.load_times, world.load_shares)
    backlog = (world.downlink_starts, world.downlink_sizes)
    place, link = world.endpoints[endpoint], world.downlinks[endpoint]
    sender, row = world.senders[endpoint], endpoint * np.uint64(BUCKETS)
    traced = world.trace[0]
    carried = place.carried
    for i in range(carried, place.mail):
        letter = mail[endpoint, i]
        now, index, entry = letter.time, letter.packet, letter.entry
        packet = packets[index]
        place.entered = now
        arrival = carry(link, backlog[0], backlog[1], shared[0], shared[1], now, packet.size)
        if endpoint == traced:
            note(world.trace, world.trace_rows, packet, ARRIVAL, arrival, now)
        if arrival < 0:
            alarm(turn, np.int64(entry))
            continue
        if packet.media == AUDIO:
            place.budget_arrivals += 1
            place.budget_access += arrival - now
        prefetch(world.copies, entry_slot(sender, entry), 0)
        prefetch(world.delays, row + bucket_of(arrival - packet.sent), 0)
        letter = mail[endpoint, carried]
        letter.time = arrival
        letter.packet = index
        letter.entry = entry
        letter.left = now
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
def resolve(world: Any, endpoint: Any, until: int, arrived: bool) -> None:
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
        hear(world, endpoint, world.endpoints[endpoint], arrival)
    if not is_kept(sender, number):
        return  # so late that nobody remembers it
    copy = world.copies[entry_slot(sender, number)]
    copy.arrival = arrival
    leg.arrived = number + 1
    if number >= leg.resolved:
        resolve(world, endpoint, number, arrival - copy.sent <= world.settings[0].late)
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
    _play_voice(world, endpoint, k, arrival)
    number: Any = np.int64(copy.number)
    insert(
        world.voice_buffers[k], world.voice_slots[k], number, packet.captured, arrival,
        world.settings[0].ptime, world.settings[0].fec,
    )  # fmt: skip


@inlined
def _play_voice(world: Any, endpoint: Any, k: Any, until: int) -> None:
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
        if world.endpoints[endpoint].first_frame < 0:
            world.endpoints[endpoint].first_frame = arrival + world.settings[0].picture_output
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
        _play_voice(world, endpoint, np.uint64(place.first_voice + i), until)
    while leg.resolved < sender.next:
        entry = leg.resolved
        oldest = until - world.settings[0].late
        if is_kept(sender, entry) and world.copies[entry_slot(sender, entry)].sent >= oldest:
            break
        resolve(world, endpoint, entry, False)
