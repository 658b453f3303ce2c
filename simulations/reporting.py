"""What a subscriber sends back at every tick: transport feedback, NACK, PLI."""

from typing import Any

import numpy as np

from simulations.compiled import kernel
from simulations.feedback import (
    KEY_FRAME_WANTED,
    MESSAGES,
    PACKET_WANTED,
    feedback_size,
    lost_on_shared,
    post,
    request,
    room_for_requests,
)
from simulations.frames import wants_key_frame
from simulations.layout import CACHE_LINE
from simulations.links import LINK, carry_control
from simulations.nack import due
from simulations.prefetching import prefetch

_LINK_LINES = LINK.itemsize // CACHE_LINE + 1


@kernel
def ask_ahead(world: Any, endpoint: Any, until: int) -> None:
    """Ask for what `report` reads of an endpoint whose turn comes soon."""
    place = world.endpoints[endpoint]
    prefetch(world.mails, endpoint, 0)
    prefetch(world.legs, endpoint, 0)
    prefetch(world.controllers, endpoint, 0)
    for i in range(world.settings[0].pictures):
        k = np.uint64(place.first_picture + i)
        prefetch(world.nacks, k, 0)
        prefetch(world.screens, k, 0)
        prefetch(world.screens, k, 1)
    if until >= world.legs[endpoint].feedback_at:
        for line in range(_LINK_LINES):
            prefetch(world.uplinks, endpoint, line)


@kernel
def report(world: Any, endpoint: int, thread: int, now: int) -> None:
    """Send what the endpoint has to say at the tick ``now`` (ns) over its access uplink.

    Shared links upstream are not played for RTCP: their propagation and the losses of degraded
    ones count, their queues do not.
    """
    settings = world.settings[0]
    leg, place, mail = world.legs[endpoint], world.endpoints[endpoint], world.mails[endpoint]
    requests, messages = world.requests[endpoint], world.messages[endpoint]
    if mail.tail - mail.head >= MESSAGES:
        return
    rtt = world.controllers[endpoint].rtt
    numbers = world.numbers[thread]
    written = mail.request_tail
    packets_wanted = key_frames_wanted = 0
    for i in range(place.pictures):
        k = np.uint64(place.first_picture + i)
        slot = settings.voices + i
        if settings.nack and world.nacks[k].count > 0:
            room = min(room_for_requests(mail) - place.pictures, len(numbers))
            found = due(world.nacks[k], world.missing[k], now, rtt, numbers, room)
            for j in range(found):
                request(mail, requests, PACKET_WANTED, slot, numbers[j])
            packets_wanted += found
        if wants_key_frame(world.screens[k], now, rtt) and room_for_requests(mail) > 0:
            request(mail, requests, KEY_FRAME_WANTED, slot, 0)
            key_frames_wanted += 1
    first, last = leg.reported, leg.reported - 1
    if now >= leg.feedback_at:
        last = leg.arrived - 1
        leg.feedback_at += settings.feedback
    reported = last + 1 - first
    if reported + packets_wanted + key_frames_wanted == 0:
        return
    leg.reported = last + 1
    leg.nack_count += packets_wanted
    leg.pli_count += key_frames_wanted
    size = feedback_size(reported, packets_wanted, key_frames_wanted)
    arrival = carry_control(
        world.uplinks[endpoint], world.uplink_starts, world.uplink_sizes, world.load_times,
        world.load_shares, now, size,
    )  # fmt: skip
    gone = lost_on_shared(world.uplinks[endpoint], place.lost_up, now)
    if arrival < 0 or place.cut or gone:
        mail.request_tail = written  # lost, and what it asked for with it
    else:
        post(mail, messages, arrival + place.path, first, last, 0)
