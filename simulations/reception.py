"""Reception: an endpoint's mail crosses its access link, and its receiver takes what arrives."""

from typing import Any

import numpy as np

from simulations.compiled import inlined, seldom
from simulations.distributions import bucket_of, count, place_of
from simulations.history import AGAIN, FILLER, FIRST, entry_slot, is_kept
from simulations.jitter_buffer import NOTHING, insert, play_next, restart
from simulations.links import carry, is_safe
from simulations.losses import keep
from simulations.packets import AUDIO, PADDING
from simulations.prefetching import prefetch
from simulations.presence import hear
from simulations.receivers import account, measure, measure_jitter
from simulations.trace import ARRIVAL, note
from simulations.turns import alarm
from simulations.viewing import see, see_followers
from simulations.world import interleaved, room_for_mail


@inlined
def collect(world: Any, endpoint: Any, thread: int) -> int:
    """Send what has left the aggregation over the endpoint's access link: the number of letters
    then in the thread's ``crossing``, those from the mailbox first."""
    place, mail, n = world.endpoints[endpoint], world.mail, len(world.endpoints)
    crossing = world.crossing[thread]
    for i in range(place.mail):
        crossing[np.uint64(i)] = mail[interleaved(n, endpoint, i)]
    return int(_cross(world, endpoint, crossing, place.mail))


@inlined
def play(world: Any, endpoint: Any, thread: int, taken: int, count: int, until: int) -> int:
    """Give the endpoint's receiver what arrives before ``until`` (ns) of the ``count`` letters that
    have been collected, of which it has ``taken`` some already; how many it then has.

    If the mailbox has too little room for the others, the oldest come ahead of time: only the
    interval that they are sampled in changes.
    """
    packets, crossing = world.packets, world.crossing[thread]
    ahead = count - room_for_mail(world)
    while taken < count:
        letter = crossing[np.uint64(taken)]
        if letter.time >= until and taken >= ahead:
            break
        packet = packets[letter.packet]
        _receive(world, endpoint, packet, letter)
        taken += 1
        if packet.index + 1 < packet.frame_packets and taken < count:
            taken = see_followers(world, endpoint, crossing, taken, count, until, ahead)
    return taken


@inlined
def put_back(world: Any, endpoint: Any, thread: int, taken: int, count: int) -> None:
    """Leave in the mailbox what has been collected and has not arrived yet."""
    mail, crossing, n = world.mail, world.crossing[thread], len(world.endpoints)
    for i in range(taken, count):
        mail[interleaved(n, endpoint, i - taken)] = crossing[np.uint64(i)]
    world.endpoints[endpoint].mail = count - taken


@inlined
def _cross(world: Any, endpoint: Any, crossing: Any, count: int) -> int:
    """Send what has left the aggregation over the access link, and ask for what its receiver will
    need: the number of letters then in ``crossing``, of which there are ``count``."""
    packets, turn = world.packets, world.turns[endpoint]
    leavings, place = world.leavings, world.endpoints[endpoint]
    delays, frame_delays = world.delays, world.frame_delays
    load_times, load_shares = world.load_times, world.load_shares
    starts, sizes = world.downlink_starts, world.downlink_sizes
    link = world.downlinks[endpoint]
    traced = np.int64(endpoint) == world.trace[0]
    safe, before = is_safe(link) and link.loss.left >= turn.waiting, count
    for i in range(turn.waiting):
        leaving = leavings[interleaved(len(world.turns), endpoint, i)]
        packet = packets[leaving.packet]
        arrival = carry(
            link, starts, sizes, load_times, load_shares, leaving.left, packet.size, safe
        )
        if traced:
            note(world.trace, world.trace_rows, packet, ARRIVAL, arrival, leaving.left)
        if packet.media == AUDIO:
            _budget(place, packet, leaving.left, arrival)
        elif packet.index + 1 == packet.frame_packets:
            seen = bucket_of(arrival - packet.captured + world.settings[0].picture_output)
            prefetch(frame_delays, place_of(frame_delays, endpoint, seen), 0)
        if arrival < 0:
            alarm(turn, np.int64(leaving.entry))
            continue
        bucket = bucket_of(arrival - packet.sent)
        prefetch(delays, place_of(delays, endpoint, bucket), 0)
        letter = crossing[np.uint64(count)]
        letter.packet = leaving.packet
        letter.entry = leaving.entry
        letter.left = leaving.left
        letter.time = arrival
        letter.bucket = bucket
        count += 1
    if safe:
        keep(link.loss, count - before)
    if turn.waiting > 0:
        place.entered = leavings[interleaved(len(world.turns), endpoint, turn.waiting - 1)].left
    turn.waiting = 0
    place.budget_transport -= turn.queued
    place.budget_aggregation += turn.queued
    turn.queued = 0
    return count


@inlined
def _budget(place: Any, packet: Any, left: int, arrival: int) -> None:
    """Take down what of an audio packet's delay arose where, the aggregation's part (see
    `turns.TURN`) still among the transport's; < 0: it does not arrive."""
    place.budget_packets += 1
    place.budget_uplink += packet.at_node - packet.sent
    place.budget_transport += left - packet.at_node
    if arrival >= 0:
        place.budget_arrivals += 1
        place.budget_access += arrival - left


@inlined
def _stream(world: Any, place: Any, at: int) -> Any:
    """The STREAM that copies of the stream ``at`` belong to."""
    if at < world.settings[0].voices:
        return world.voices[np.uint64(place.first_voice + at)]
    return world.pictures[np.uint64(place.first_picture + at - world.settings[0].voices)]


@seldom
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
def _receive(world: Any, endpoint: Any, packet: Any, letter: Any) -> None:
    """Give a copy that arrives to the receiver's stream."""
    leg, sender, arrival = world.legs[endpoint], world.senders[endpoint], letter.time
    meter, place = world.meters[endpoint], world.endpoints[endpoint]
    meter.packets += 1
    meter.bytes += packet.size
    number: Any = np.int64(letter.entry)
    if packet.media != PADDING:
        bucket = np.uint64(letter.bucket)
        measure(meter, world.delays, endpoint, arrival - packet.sent, bucket)
        hear(world, endpoint, place, arrival)
    if not is_kept(sender, number):
        return  # so late that nobody remembers it
    copy = world.copies[entry_slot(sender, number)]
    copy.arrival = arrival
    leg.arrived = number + 1
    in_time = arrival - copy.sent <= world.settings[0].late
    expected = number == leg.resolved  # nothing before it is missing
    if expected:
        leg.resolved += 1
    elif number > leg.resolved:
        resolve(world, endpoint, number, in_time)
    if copy.kind == FILLER:
        return
    leg.retransmitted += copy.kind == AGAIN
    settled = expected and copy.kind == FIRST
    at, voices = copy.slot, world.settings[0].voices
    copy_number: Any = np.int64(copy.number)
    if at < voices:
        k = np.uint64(place.first_voice + at)
        if settled:
            account(world.voices[k], copy_number, in_time)
        _hear(world, endpoint, packet, k, copy_number, arrival)
    else:
        k = np.uint64(place.first_picture + at - voices)
        if settled:
            account(world.pictures[k], copy_number, in_time)
        see(world, endpoint, packet, copy, k, copy_number, arrival)


@inlined
def _hear(world: Any, endpoint: Any, packet: Any, k: Any, number: int, arrival: int) -> None:
    """Give a packet of the voice ``k``, the ``number`` of its stream, to its jitter buffer."""
    before = world.voices[k].source
    measure_jitter(world.voices[k], packet.source, arrival - packet.captured)
    _play_voice(world, endpoint, k, arrival)
    if before != packet.source and before >= 0:  # its way to the node has another length
        restart(world.voice_buffers[k], world.voice_slots[:, k])
    insert(
        world.voice_buffers[k], world.voice_slots[:, k], number, packet.captured, arrival,
        world.settings[0].ptime, world.settings[0].fec,
    )  # fmt: skip


@inlined
def _play_voice(world: Any, endpoint: Any, k: Any, until: int) -> None:
    """Let the jitter buffer play what it plays up to ``until``."""
    meter, place = world.meters[endpoint], world.endpoints[endpoint]
    while True:
        delay = play_next(world.voice_buffers[k], world.voice_slots[:, k], until)
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
def catch_up(world: Any, endpoint: Any, until: int) -> None:
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
