"""Foresight: asking for the memory of endpoints that are soon to be played."""

from typing import Any

import numpy as np

from simulations.compiled import kernel
from simulations.distributions import bucket_of, place_of
from simulations.feedback import MESSAGES
from simulations.frames import CAPACITY, PICTURE
from simulations.freezes import FREEZES
from simulations.history import entry_slot
from simulations.jitter_buffer import slot_of
from simulations.layout import CACHE_LINE
from simulations.legs import TURN_LINES
from simulations.links import HOT_LINES
from simulations.prefetching import prefetch
from simulations.world import TOGETHER, interleaved

_NEW_VOICES = 6
"""Packets of a voice, at most, that come in a turn."""
_INTERVALS = np.uint64(
    dict(PICTURE.fields or ())["freezes"][1] + dict(FREEZES.fields or ())["intervals"][1]
)
_LINE = np.uint64(CACHE_LINE)
_SCREEN_LINES = int(_INTERVALS // _LINE) + 1
"""Of a picture's record, up to where the intervals between frames begin: of these one is needed."""


@kernel
def ask_for_records(world: Any, endpoint: Any) -> None:
    """Ask for an endpoint's records, but for those of its streams."""
    for i in range(0, 2 * TOGETHER, TOGETHER):
        prefetch(world.leavings, interleaved(len(world.turns), endpoint, i), 0)
    for line in range(3):
        prefetch(world.endpoints, endpoint, line)
    for line in HOT_LINES:
        prefetch(world.downlinks, endpoint, line)
        prefetch(world.uplinks, endpoint, line)
    for line in range(2):
        prefetch(world.mail, interleaved(len(world.turns), endpoint, 0), line)
    for line in range(TURN_LINES):
        prefetch(world.legs, endpoint, line)
    prefetch(world.meters, endpoint, 0)
    prefetch(world.senders, endpoint, 0)
    prefetch(world.controllers, endpoint, 0)
    prefetch(world.mails, endpoint, 0)


@kernel
def ask_for_streams(world: Any, endpoint: Any) -> None:
    """Ask for what an endpoint keeps of its streams. Where they stand is told here without a look
    at its record: everyone has as many but the command centre, which comes last."""
    voices, pictures = world.settings[0].voices, world.settings[0].pictures
    for i in range(voices):
        k = endpoint * np.uint64(voices) + np.uint64(i)
        prefetch(world.voices, k, 0)
        for line in range(6):
            prefetch(world.voice_buffers, k, line)
    for i in range(pictures):
        k = endpoint * np.uint64(pictures) + np.uint64(i)
        prefetch(world.pictures, k, 0)
        prefetch(world.nacks, k, 0)
        for line in range(_SCREEN_LINES):
            prefetch(world.screens, k, line)


@kernel
def ask_for_contents(world: Any, endpoint: Any) -> None:
    """Ask for what an endpoint's records point to, once they are here."""
    place, sender = world.endpoints[endpoint], world.senders[endpoint]
    message = np.uint64(world.mails[endpoint].tail & (MESSAGES - 1))
    prefetch(world.messages, message * np.uint64(world.messages.shape[1]) + endpoint, 0)
    turn = world.turns[endpoint]
    if turn.waiting == 0:
        return
    for i in range(2 * TOGETHER, turn.waiting, TOGETHER):
        prefetch(world.leavings, interleaved(len(world.turns), endpoint, i), 0)
    leaving = world.leavings[interleaved(len(world.turns), endpoint, 0)]
    entry: Any = np.int64(leaving.entry)
    for i in range(-place.mail, turn.waiting, 2):
        prefetch(world.copies, entry_slot(sender, entry + i), 0)
    settings = world.settings[0]
    for i in range(settings.voices):
        k = np.uint64(place.first_voice + i)
        buffer = world.voice_buffers[k]
        heard = buffer.delay + settings.audio_output
        prefetch(world.audio_delays, place_of(world.audio_delays, endpoint, bucket_of(heard)), 0)
        first: Any = buffer.newest + 1 - buffer.waiting
        for number in range(first, buffer.newest + _NEW_VOICES, 2):
            prefetch(world.voice_slots, slot_of(world.voice_slots, k, number), 0)
    for i in range(settings.pictures):
        k = np.uint64(place.first_picture + i)
        screen = world.screens[k]
        newest: Any = screen.tail - 1 if screen.head < screen.tail else 0
        at = np.uint64(newest & (CAPACITY - 1))
        prefetch(world.frames, at * np.uint64(world.frames.shape[1]) + k, 0)
        prefetch(world.screens, k, (_INTERVALS + np.uint64(8 * screen.freezes.place)) // _LINE)
