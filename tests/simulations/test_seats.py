"""Seats: the places of their tracks, and the packets that they remember."""

import numpy as np
import pytest

from simulations.seats import (
    FIRST_LAYER_TRACK,
    KEPT,
    RESEND_TRACK,
    VOICE_TRACK,
    kept_packet,
    padding_track,
    screen_track,
    tracks_per_seat,
)


@pytest.mark.parametrize("layers", [1, 2, 3, 4])
def test_every_track_has_a_place_of_its_own(layers: int) -> None:
    each = tracks_per_seat(layers)
    places = [VOICE_TRACK, RESEND_TRACK, *(FIRST_LAYER_TRACK + i for i in range(layers))]
    assert [*places, screen_track(each), padding_track(each)] == list(range(each))


def test_the_last_packets_of_a_seat_are_kept() -> None:
    packets = np.zeros((2, KEPT), np.uint32)
    for entry in range(KEPT + 3):
        packets[1, entry % KEPT] = 10_000 + entry
    assert kept_packet(packets, 1, KEPT + 2) == 10_000 + KEPT + 2
    assert kept_packet(packets, 1, 3) == 10_003
    assert kept_packet(packets, 0, 3) == 0
