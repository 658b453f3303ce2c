"""Media sources: the packets of voices and pictures.

A track is one encoded stream of one publisher: a voice, or one simulcast layer of a picture.
"""

import math
from typing import Any

import numpy as np

from simulations.compiled import inlined, kernel
from simulations.packets import AUDIO
from simulations.randomness import exponential, standard_normal

TRACK = np.dtype(
    [
        ("next", np.int64),  # sending of the next packet, ns; FOREVER: not active
        ("publisher", np.int32),
        ("source", np.int32),
        ("sequence", np.int32),
        ("frame", np.int32),
        ("slot", np.int16),
        ("layer", np.int16),
        ("key", np.uint64),
        ("header", np.int64),  # bytes on top of each packet's payload
        ("encode_delay", np.int64),  # ns
        # voice
        ("ptime", np.int64),  # ns
        ("voice_bytes", np.int64),
        ("noise_interval", np.int64),  # ns between packets in a pause
        ("talk", np.float64),  # mean ns
        ("pause", np.float64),  # mean ns; 0: never pauses
        ("turn_end", np.int64),  # end of the talk spurt or pause, ns
        ("turns", np.int64),
        # picture
        ("period", np.int64),  # ns between frames
        ("frame_bytes", np.float64),  # mean of frames that are no key frames
        ("key_ratio", np.float64),
        ("key_interval", np.int64),  # frames between key frames
        ("spread", np.float64),
        ("payload", np.int64),  # most bytes of a packet's payload
        ("pacing", np.float64),  # ns per byte
        ("captured", np.int64),  # of the frame being sent, ns
        ("next_capture", np.int64),
        ("frame_packets", np.int64),
        ("left", np.int64),  # packets of the frame still to send
        ("packet_bytes", np.int64),
    ],
    align=True,
)
"""State of one track."""

NOISE_BYTES = 8
"""Payload of a comfort-noise packet."""


@kernel
def earliest(tracks: Any) -> int:
    """The track that sends next."""
    best = 0
    for i in range(1, len(tracks)):
        if tracks[i].next < tracks[best].next:
            best = i
    return best


@inlined
def emit(track: Any, packet: Any) -> None:
    """Write the track's next packet into the record ``packet`` and move the track on."""
    packet.sent = track.next
    packet.publisher = track.publisher
    packet.source = track.source
    packet.sequence = track.sequence
    packet.slot = track.slot
    packet.layer = track.layer
    track.sequence += 1
    if track.slot == AUDIO:
        _emit_voice(track, packet)
    else:
        _emit_picture(track, packet)


@kernel
def _emit_voice(track: Any, packet: Any) -> None:
    while track.pause > 0.0 and track.turn_end <= track.next:
        track.turns += 1
        mean = track.talk if track.turns % 2 == 1 else track.pause
        track.turn_end += 1 + np.int64(exponential(track.key, track.turns, mean))
    talking = track.pause <= 0.0 or track.turns % 2 == 1
    packet.captured = track.next - track.encode_delay
    packet.frame = track.sequence
    packet.frame_packets = 1
    packet.size = track.header + (track.voice_bytes if talking else NOISE_BYTES)
    if talking:
        track.next += track.ptime
    else:  # comfort noise, until the next talk spurt begins on the grid of ptime
        resume = track.next + -(-(track.turn_end - track.next) // track.ptime) * track.ptime
        track.next = min(track.next + track.noise_interval, resume)


@kernel
def _emit_picture(track: Any, packet: Any) -> None:
    if track.left == 0:
        _encode_frame(track)
    packet.captured = track.captured
    packet.frame = track.frame
    packet.frame_packets = track.frame_packets
    packet.size = track.header + track.packet_bytes
    track.left -= 1
    track.next += np.int64(packet.size * track.pacing)
    if track.left == 0:
        track.next = max(track.next, track.next_capture + track.encode_delay)


@kernel
def _encode_frame(track: Any) -> None:
    """Draw the next frame's size and cut it into packets of like size."""
    track.captured = track.next_capture
    track.next_capture += track.period
    mean = track.frame_bytes
    if track.frame % track.key_interval == 0:
        mean *= track.key_ratio
    draw = track.spread * standard_normal(track.key, track.frame)
    size = max(1, int(mean * math.exp(draw - 0.5 * track.spread * track.spread)))
    track.frame += 1
    track.frame_packets = -(-size // track.payload)
    track.packet_bytes = -(-size // track.frame_packets)
    track.left = track.frame_packets
