"""The arrays of those who publish: seats, their tracks and their way to the node, all idle."""

from typing import Any

import numpy as np

from scenarios.scenario import Scenario
from simulations.controllers import CONTROLLER
from simulations.feedback import MAIL, MESSAGE, MESSAGES, REQUEST, REQUESTS
from simulations.media import TRACK
from simulations.nack import CAPACITY, MISSING, NACK
from simulations.rates import FOREVER
from simulations.seats import KEPT, RESENDS, SEAT

_CHANGES = 4
"""Seats for the chair, the floor, and those who have just left it."""


def seats_of(scenario: Scenario, settings: Any) -> int:
    """Endpoints that can publish at once."""
    meeting = scenario.meeting
    tiles = meeting.wall.tiles if meeting.wall else 0
    return _CHANGES + int(settings.voices) + 2 * int(settings.pictures) + tiles


def publishers(scenario: Scenario, settings: Any) -> dict[str, Any]:
    """World's arrays by name."""
    meeting, media = scenario.meeting, scenario.media
    s = seats_of(scenario, settings)
    tiles = meeting.wall.tiles if meeting.wall else 0
    columns = settings.layers + 1
    seats = np.zeros(s, SEAT)
    for name in ("publisher", "only", "voice_slot", "picture_slot", "screen_slot", "tile_slot"):
        seats[name] = -1
    tracks = np.zeros(s * settings.tracks, TRACK)
    tracks["next"] = FOREVER
    bitrates = [layer.bitrate for layer in media.video.layers]
    bitrates.append(media.screen.bitrate if media.screen else 0)
    return {
        "seats": seats,
        "tracks": tracks,
        "next_tracks": np.zeros(s, np.int64),
        "seat_packets": np.zeros((s, KEPT), np.uint32),
        "seat_controllers": np.zeros(s, CONTROLLER),
        "seat_mail": np.zeros(s, MAIL),
        "seat_messages": np.zeros((s, MESSAGES), MESSAGE),
        "seat_requests": np.zeros((s, REQUESTS), REQUEST),
        "resends": np.zeros((s, RESENDS), np.uint32),
        "seat_nacks": np.zeros(s * columns, NACK),
        "seat_missing": np.zeros((s * columns, CAPACITY), MISSING),
        "layer_rates": np.zeros((s, columns), np.int64),
        "layer_bitrates": np.array(bitrates, np.int64),
        "demand": np.zeros((s, columns), np.bool_),
        "demanded_at": np.full((s, columns), -(10**12)),
        "key_wanted": np.zeros((s, columns), np.int8),
        "key_asked": np.full((s, columns), -(10**12)),
        "slot_seats": np.full(settings.voices + settings.pictures + tiles + 1, -1, np.int32),
    }
