"""What goes on between a publisher and its media node at every tick: feedback up and down.

The node reports on what arrived, asks for what is missing, for key frames and for the layers that
somebody wants. The publisher estimates, encodes for the estimate, repairs and probes.
"""

from typing import Any

import numpy as np

from simulations.allocation import seat_shown
from simulations.compiled import inlined, kernel
from simulations.congestion import (
    acknowledge,
    conclude,
    is_silent,
    next_probe,
    note_sent,
    process,
)
from simulations.controllers import LIBWEBRTC
from simulations.feedback import (
    KEY_FRAME_WANTED,
    MESSAGES,
    PACKET_WANTED,
    REQUESTS,
    feedback_size,
    lost_on_shared,
    post,
    request,
    room_for_requests,
)
from simulations.links import carry_control
from simulations.media import encode_at
from simulations.membership import ABSENT, FORGOTTEN
from simulations.nack import due
from simulations.outs import out_index
from simulations.pacer import PACING
from simulations.padding import cluster_of
from simulations.rates import FOREVER
from simulations.seats import (
    FIRST_LAYER_TRACK,
    KEPT,
    RESEND_TRACK,
    RESENDS,
    VOICE_TRACK,
    kept_packet,
    padding_track,
    screen_track,
)
from simulations.settings import TICK
from simulations.turns import EVERY_TICK

PAUSE_AFTER = 3_000_000_000
"""ns until a layer that is in demand no more is paused: who is to see another layer, or another
publisher, sees this one until a key frame of that has come. Media servers wait like this, too."""
PADDED = 0.85
"""Share of the estimate that is padded up to while nothing fits that is wanted: queues drain, for
the voice's sake."""
RESUME = 1.2
"""A layer that is paused is sent again where its least bitrate fits this many times."""


@kernel
def run_seats(world: Any, now: int) -> None:
    """Play the tick ``now`` (ns) of all who publish."""
    note_demand(world)
    for s in range(len(world.seats)):
        publisher = world.seats[s].publisher
        if publisher < 0 or world.endpoints[publisher].served == ABSENT:
            continue
        # Its downlink carries RTCP at any tick: it has to be played at every one.
        world.turns[publisher].play = EVERY_TICK
        world.turns[publisher].busy_until = now + TICK
        if world.endpoints[publisher].served != FORGOTTEN:
            _tell_publisher(world, s, now)
        _hear_node(world, s, now)


@kernel
def note_demand(world: Any) -> None:
    """Note which layers of each seat anybody takes, or would take."""
    settings, centre = world.settings[0], len(world.endpoints) - 1
    last = settings.voices + settings.pictures
    world.demand[:] = False
    for slot in range(settings.voices, last):
        _note_layers(world, slot)
    if world.endpoints[centre].served >= 0:
        for slot in range(last, len(world.slot_seats) - 1):
            _note_layers_to(world, slot, np.int64(centre))


@kernel
def _note_layers(world: Any, slot: int) -> None:
    """Note what is taken of who is shown in a slot that everyone has."""
    seat = world.slot_seats[slot]
    if seat < 0:
        return
    # Who is shown there is itself shown somebody else.
    other: Any = np.int64(world.seats[seat].publisher)
    asked, row, found, watched = world.asked, np.uint64(slot * len(world.endpoints)), 0, False
    for n in range(len(world.nodes)):
        subscribers = world.subscribers[n]
        for i in range(world.audience[n]):
            to: Any = np.int64(subscribers[np.uint64(i)])
            if to == other:
                _note_layers_to(world, slot, to)
            else:
                found |= asked[row + np.uint64(to)]
                watched = True
    if watched:
        _note(world, slot, seat, found)


@kernel
def _note_layers_to(world: Any, slot: int, endpoint: Any) -> None:
    """Note what one endpoint takes of who it is shown in a slot."""
    seat = seat_shown(world, slot, endpoint)
    if seat >= 0:
        k = out_index(world.settings[0], len(world.endpoints), slot, endpoint)
        _note(world, slot, seat, np.int64(world.asked[k]))


@inlined
def _note(world: Any, slot: int, seat: int, asked: Any) -> None:
    """Note the layers that somebody asks for; everybody takes a shared screen."""
    layers = world.settings[0].layers
    if slot == world.settings[0].screen_slot:
        world.demand[seat, layers] = True
        return
    for layer in range(layers):
        world.demand[seat, layer] |= asked >> layer & 1


@inlined
def _track(world: Any, s: int, column: int) -> Any:
    """The track of a seat's layer, or of its screen, which stands behind the layers."""
    each = world.settings[0].tracks
    place = FIRST_LAYER_TRACK + column
    if column == world.settings[0].layers:
        place = screen_track(each)
    return world.tracks[np.uint64(s * each + place)]


@kernel
def _tell_publisher(world: Any, s: int, now: int) -> None:
    """Send the publisher what its node has to say, over the publisher's downlink."""
    settings, seat, mail = world.settings[0], world.seats[s], world.seat_mail[s]
    if mail.tail - mail.head >= MESSAGES:
        return
    requests, endpoint = world.seat_requests[s], seat.publisher
    columns = settings.layers + 1
    node = world.nodes[world.endpoints[endpoint].node]
    rtt = world.seat_controllers[s].rtt
    numbers = world.numbers[0]
    written = mail.request_tail
    packets_wanted = key_frames_wanted = active = 0
    for column in range(columns):
        k = s * columns + column
        if world.demand[s, column]:
            world.demanded_at[s, column] = now
        if now - world.demanded_at[s, column] < PAUSE_AFTER:
            active |= 1 << column
        if settings.nack and world.seat_nacks[k].count > 0:
            room = min(room_for_requests(mail) - columns, len(numbers))
            found = due(world.seat_nacks[k], world.seat_missing[k], now, rtt, numbers, room)
            for j in range(found):
                request(mail, requests, PACKET_WANTED, column, numbers[j])
            packets_wanted += found
        wanted = world.key_wanted[s, column]
        spaced = now - world.key_asked[s, column] >= node.key_frame_spacing
        if wanted and spaced and room_for_requests(mail) > 0:
            request(mail, requests, KEY_FRAME_WANTED, column, 0)
            world.key_asked[s, column] = now
            world.key_wanted[s, column] = 0
            node.key_frame_requests += 1
            key_frames_wanted += 1
    first, last = seat.reported, seat.reported - 1
    if now >= seat.feedback_at:
        last = seat.arrived - 1
        seat.feedback_at += settings.feedback
    reported = last + 1 - first
    if reported + packets_wanted + key_frames_wanted == 0 and active == seat.told:
        return
    seat.reported = last + 1
    place = world.endpoints[endpoint]
    entry = max(now + place.path, place.entered)  # behind what has entered the downlink already
    arrival = carry_control(
        world.downlinks[endpoint], world.downlink_starts, world.downlink_sizes, world.load_times,
        world.load_shares, entry, feedback_size(reported, packets_wanted, key_frames_wanted),
    )  # fmt: skip
    gone = lost_on_shared(world.downlinks[endpoint], place.lost_down, now)
    if arrival < 0 or place.cut or gone:
        mail.request_tail = written
    else:
        seat.told = active
        post(mail, world.seat_messages[s], arrival, first, last, active)


@kernel
def _hear_node(world: Any, s: int, now: int) -> None:
    """Act upon what has reached the publisher until ``now``."""
    seat, mail, controller = world.seats[s], world.seat_mail[s], world.seat_controllers[s]
    rate = seat.recent_bytes * 8e9 / TICK
    seat.recent += (rate - seat.recent) * 0.125
    if seat.recent_bytes > 0:
        note_sent(controller, now)
    seat.recent_bytes = 0
    share = controller.target * world.settings[0].repair_share / 8.0
    seat.repair = min(
        seat.repair + share * TICK * 1e-9, max(share, 2.0 * world.settings[0].payload)
    )
    while mail.head < mail.tail:
        message = world.seat_messages[s, np.uint64(mail.head & (MESSAGES - 1))]
        if message.arrival > now:
            break
        mail.head += 1
        seat.active = message.active
        if message.last >= message.first:
            _learn(world, s, message.first, message.last)
            conclude(controller, now)
        while mail.request_head < message.requests:
            _answer(world, s, mail.request_head, now)
            mail.request_head += 1
    process(controller, now)
    spread_rate(world, s, now)
    _probe(world, s, now)


@kernel
def _learn(world: Any, s: int, first: int, last: int) -> None:
    """Give the publisher's controller what a feedback message reports."""
    controller = world.seat_controllers[s]
    first = max(first, world.seats[s].next - KEPT)
    for entry in range(first, last + 1):
        packet = world.packets[kept_packet(world.seat_packets, s, entry)]
        acknowledge(controller, packet.sent, packet.at_node, packet.size, packet.probe)


@kernel
def _answer(world: Any, s: int, position: int, now: int) -> None:
    """Do what the node asks for: encode a key frame, or send a packet again."""
    wanted = world.seat_requests[s, np.uint64(position & (REQUESTS - 1))]
    track = _track(world, s, wanted.slot)
    if wanted.kind == KEY_FRAME_WANTED:
        track.key_wanted = 1
        return
    seat, settings = world.seats[s], world.settings[0]
    entry = seat.next - 1
    oldest = max(0, seat.next - KEPT)
    while entry >= oldest:
        index = kept_packet(world.seat_packets, s, entry)
        packet = world.packets[index]
        if packet.sent < now - settings.cache:
            return
        if packet.source == track.source and packet.sequence == wanted.number:
            on_its_way = packet.again and packet.sent + world.seat_controllers[s].rtt > now
            room = seat.resend_tail - seat.resend_head < RESENDS
            if room and not on_its_way and seat.repair >= packet.size:
                seat.repair -= packet.size
                world.resends[s, np.uint64(seat.resend_tail & (RESENDS - 1))] = index
                seat.resend_tail += 1
                resend = world.tracks[np.uint64(s * settings.tracks + RESEND_TRACK)]
                if resend.next == FOREVER:
                    resend.next = now
            return
        entry -= 1


@kernel
def spread_rate(world: Any, s: int, now: int) -> None:
    """Share the estimate out: the voice first, then the screen, then layers from the lowest.

    A layer is encoded for what is left for it, up to its full bitrate; one whose least bitrate does
    not fit is paused. Where no wanted layer fits, the best of those below is sent in their place.
    Where none does, the voice goes alone.
    """
    settings, seat, controller = world.settings[0], world.seats[s], world.seat_controllers[s]
    seat.pacing = 8e9 / (PACING * max(controller.target, 1))
    left = float(controller.target)
    if world.tracks[np.uint64(s * settings.tracks + VOICE_TRACK)].next != FOREVER:
        left -= settings.voice_rate
    left /= settings.overhead
    granted = 0
    for i in range(settings.layers + 1):
        column = settings.layers if i == 0 else i - 1
        if seat.active >> column & 1:
            taken = _grant(world, s, column, left, now)
            left -= taken
            granted += taken > 0.0 and column < settings.layers
        else:
            _set_rate(world, s, column, 0.0, now)
    layers = seat.active & ((1 << settings.layers) - 1)
    if granted == 0 and layers != 0:
        column = 0
        while not layers >> column & 1:
            column += 1
        while column > 0 and granted == 0:
            column -= 1
            granted += _grant(world, s, column, left, now) > 0.0


@kernel
def _grant(world: Any, s: int, column: int, left: float, now: int) -> float:
    """Encode a layer for what of ``left`` (payload bit/s) it can use; what it takes."""
    track = _track(world, s, column)
    least = track.least if track.bitrate > 0.0 else track.least * RESUME
    full = float(world.layer_bitrates[column])
    rate = min(left, full) if left >= min(least, full) else 0.0
    _set_rate(world, s, column, rate, now)
    return rate


@kernel
def _set_rate(world: Any, s: int, column: int, rate: float, now: int) -> None:
    track = _track(world, s, column)
    world.layer_rates[s, column] = np.int64(rate)
    if rate <= 0.0:
        if track.bitrate > 0.0:
            track.next = FOREVER
            track.left = 0
            track.bitrate = 0.0
        return
    if track.bitrate <= 0.0:  # it begins, or begins again, with a key frame
        begin = max(now, world.seats[s].opened)
        if track.next_capture < begin:
            track.next_capture += -(-(begin - track.next_capture) // track.period) * track.period
        track.next = track.next_capture + track.encode_delay
        track.key_wanted = 1
    encode_at(track, rate)


@kernel
def _probe(world: Any, s: int, now: int) -> None:
    """Begin a probe where the controller wants one; else pad where nothing fits that is wanted.

    libwebrtc pads up to what a suspended stream needs: what arrives would else be the voice alone,
    and one overuse leave the estimate there, for no picture to come back.
    """
    settings, seat, controller = world.settings[0], world.seats[s], world.seat_controllers[s]
    if not settings.probing or seat.padding > 0 or seat.next == 0:
        return
    wanted, held_back, shown = 0.0, False, False
    for column in range(settings.layers + 1):
        if seat.active >> column & 1:
            wanted += world.layer_bitrates[column]
            held_back |= world.layer_rates[s, column] == 0
        shown |= world.layer_rates[s, column] > 0
    wanted = wanted * settings.overhead + settings.voice_rate
    limited = controller.target >= wanted or (controller.profile != LIBWEBRTC and held_back)
    rate = next_probe(controller, now, int(wanted), limited)
    probe = controller.probe
    suspended = held_back and not shown and controller.profile == LIBWEBRTC
    filled = int(PADDED * controller.target)
    if rate == 0 and suspended and seat.recent < filled and not is_silent(controller):
        rate, probe = filled, 0
    if rate > 0:
        seat.padding, seat.padding_gap = cluster_of(rate, settings.payload + settings.header)
        seat.padding_probe = probe
        world.tracks[np.uint64(s * settings.tracks + padding_track(settings.tracks))].next = now
