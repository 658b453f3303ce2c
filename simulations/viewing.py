"""Viewing: what an endpoint's receiver does with the packets of pictures.

A frame's packets mostly come in a row, in order and in time. What holds for one of them then holds
for the next: the receiver's state is looked at before them and brought up behind them, not at each.
What comes out is what comes out packet by packet.
"""

from typing import Any

import numpy as np

from simulations.compiled import inlined, seldom
from simulations.distributions import add, count
from simulations.frames import assemble, assemble_next, can_show, hear, rest_of, show_next
from simulations.history import FILLER, FIRST, entry_slot, is_kept, next_slot, oldest_kept
from simulations.nack import clear_to
from simulations.nack import note as note_missing
from simulations.outs import out_index
from simulations.presence import GAP
from simulations.receivers import measure_jitter, measure_run
from simulations.world import FLOOR


@inlined
def see(
    world: Any, endpoint: Any, packet: Any, copy: Any, k: Any, number: int, arrival: int
) -> None:
    """Give a packet of the picture ``k``, the ``number`` of its stream, to its frame, and show what
    can be shown."""
    screen, frames = world.screens[k], world.frames[:, k]
    measure_jitter(world.pictures[k], packet.source, arrival - packet.captured)
    if note_missing(world.nacks[k], world.missing[k], number, packet.key):
        screen.lost_reference = 1
    hear(screen, packet.key, arrival)
    assemble(
        screen, frames, number, packet.index, packet.frame_packets, packet.key, packet.captured
    )
    if can_show(screen, frames):
        _show(world, endpoint, packet, copy, k, arrival)


@inlined
def see_followers(
    world: Any, endpoint: Any, crossing: Any, taken: int, letters: int, until: int, ahead: int
) -> int:
    """Give the receiver those letters that follow the last one taken in its frame: of one source,
    the next packet with the next number. The last one taken must be of a frame of several packets:
    voices and padding have none.

    Args:
        crossing, taken, letters, until, ahead: see `reception.play`.

    Returns:
        How many letters it then has.
    """
    packets, copies, delays = world.packets, world.copies, world.delays
    sender, leg, place = world.senders[endpoint], world.legs[endpoint], world.endpoints[endpoint]
    begin = crossing[np.uint64(taken - 1)]
    entry: Any = np.int64(begin.entry)
    if not is_kept(sender, entry):  # what stands there now may be no picture's
        return taken
    at = entry_slot(sender, entry)
    copy, packet = copies[at], packets[begin.packet]
    voices, late, slot = world.settings[0].voices, world.settings[0].late, copy.slot
    k = np.uint64(place.first_picture + slot - voices)
    screen, frames, nack, stream = (
        world.screens[k], world.frames[:, k], world.nacks[k], world.pictures[k],
    )  # fmt: skip
    number: Any = np.int64(copy.number)
    index: Any = np.int64(packet.index)
    rest = rest_of(screen, frames, number, index)
    if nack.count > 0 or stream.number != number or stream.losing:
        return taken
    source, key, came = packet.source, packet.key, place.last_media
    transit, jitter, first = stream.transit, stream.jitter, taken
    arrival: Any = 0
    size: Any = 0
    delay_sum: Any = 0
    delay_max: Any = 0
    while taken < letters and taken - first < rest:
        letter = crossing[np.uint64(taken)]
        following = next_slot(sender, at, entry + 1)
        packet, copy = packets[letter.packet], copies[following]
        if (
            np.int64(letter.entry) != entry + 1
            or (letter.time >= until and taken >= ahead)
            or copy.slot != slot
            or copy.kind != FIRST
            or copy.number != number + 1
            or packet.source != source
            or packet.index != index + 1
            or letter.time - copy.sent > late
            or letter.time - came > GAP
        ):
            break
        arrival, taken, at = letter.time, taken + 1, following
        entry, number, index, came = entry + 1, number + 1, index + 1, max(came, arrival)
        copy.arrival = arrival
        delay = arrival - packet.sent
        size, delay_sum, delay_max = size + packet.size, delay_sum + delay, max(delay_max, delay)
        add(delays, endpoint, np.uint64(letter.bucket))
        before, transit = transit, arrival - packet.captured
        jitter += (abs(transit - before) - jitter) / 16.0
    more = taken - first
    if more == 0:
        return taken
    measure_run(world.meters[endpoint], more, size, delay_sum, delay_max)
    place.last_media = came
    leg.arrived = leg.resolved = entry + 1
    stream.expected += more
    stream.number, stream.transit, stream.jitter = number, transit, jitter
    nack.next = number + 1
    hear(screen, key, arrival)
    assemble_next(screen, frames, more)
    if can_show(screen, frames):
        packet = packets[crossing[np.uint64(taken - 1)].packet]
        _show(world, endpoint, packet, copies[at], k, arrival)
    return taken


@inlined
def _show(world: Any, endpoint: Any, packet: Any, copy: Any, k: Any, arrival: int) -> None:
    """Show what can be shown of the picture ``k`` since the ``copy`` of a ``packet`` has come."""
    screen, frames, meter = world.screens[k], world.frames[:, k], world.meters[endpoint]
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


@seldom
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
        for entry in range(max(0, oldest_kept(sender)), sender.next):
            other = world.copies[entry_slot(sender, entry)]
            if other.slot == copy.slot and other.kind != FILLER:
                begin = world.packets[other.packet]
                if begin.source == packet.source and begin.frame == packet.frame:
                    sent = min(sent, begin.sent)
        world.call[0] = world.endpoints[endpoint].seen
        world.call[1] = sent
        world.call[2] = packet.at_node
        world.call[3] = arrival
