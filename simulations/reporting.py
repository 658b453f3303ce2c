"""What a subscriber sends back at every tick: transport feedback, NACK, PLI."""

from typing import Any

import numpy as np

from simulations.compiled import inlined
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
from simulations.links import carry_control
from simulations.nack import due


@inlined
def report(world: Any, endpoint: Any, thread: int, now: int) -> None:
    """Send what the endpoint has to say at the tick ``now`` (ns) over its access uplink.

    Shared links upstream are not played for RTCP: their propagation and the losses of degraded
    ones count, their queues do not.
    """
    settings = world.settings[0]
    leg, place, mail = world.legs[endpoint], world.endpoints[endpoint], world.mails[endpoint]
    requests, messages = world.requests[endpoint], world.messages[:, endpoint]
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
        turn = world.turns[endpoint]
        turn.steer = min(turn.steer, arrival + place.path)
