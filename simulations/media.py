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
        ("seat", np.int16),
        ("media", np.int16),
        ("layer", np.int16),
        ("key_stream", np.uint64),  # of its random numbers
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
        ("bitrate", np.float64),  # payload bit/s that frames are encoded for; 0: paused
        ("least", np.float64),  # payload bit/s below which it is paused
        ("frame_bytes", np.float64),  # mean of frames that are no key frames
        ("key_ratio", np.float64),
        ("key_interval", np.int64),  # frames between key frames
        ("since_key", np.int64),  # frames since the last key frame
        ("key_wanted", np.int64),  # 1: the next frame is a key frame
        ("debt", np.float64),  # bytes by which key frames out of turn overdrew the bitrate
        ("skips", np.int64),  # 1: frames that the pacer has no time for are not encoded
        ("spread", np.float64),
        ("payload", np.int64),  # most bytes of a packet's payload
        ("pacing", np.float64),  # ns per byte
        ("captured", np.int64),  # of the frame being sent, ns
        ("next_capture", np.int64),
        ("frame_packets", np.int64),
        ("left", np.int64),  # packets of the frame still to send
        ("packet_bytes", np.int64),
        ("key", np.int64),  # 1: the frame being sent is a key frame
    ],
    align=True,
)
"""State of one track."""

NOISE_BYTES = 8
"""Payload of a comfort-noise packet."""
REPAYMENT = 0.25
"""Share of each frame that an encoder takes off until an extra key frame is made up for."""


@kernel
def earliest(tracks: Any, first: int, count: int) -> int:
    """Which of ``count`` tracks, from the ``first`` on, sends next."""
    best = first
    for i in range(first + 1, first + count):
        if tracks[np.uint64(i)].next < tracks[np.uint64(best)].next:
            best = i
    return best


@inlined
def emit(track: Any, packet: Any) -> None:
    """Write the track's next packet into the record ``packet`` and move the track on."""
    packet.sent = track.next
    packet.at_node = -1
    packet.publisher = track.publisher
    packet.source = track.source
    packet.sequence = track.sequence
    packet.seat = track.seat
    packet.media = track.media
    packet.layer = track.layer
    packet.again = 0
    packet.probe = 0
    track.sequence += 1
    if track.media == AUDIO:
        _emit_voice(track, packet)
    else:
        _emit_picture(track, packet)


@kernel
def _emit_voice(track: Any, packet: Any) -> None:
    while track.pause > 0.0 and track.turn_end <= track.next:
        track.turns += 1
        mean = track.talk if track.turns % 2 == 1 else track.pause
        track.turn_end += 1 + np.int64(exponential(track.key_stream, track.turns, mean))
    talking = track.pause <= 0.0 or track.turns % 2 == 1
    packet.captured = track.next - track.encode_delay
    packet.frame = track.sequence
    packet.frame_packets = 1
    packet.index = 0
    packet.key = 0
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
    packet.index = track.frame_packets - track.left
    packet.key = track.key
    packet.size = track.header + track.packet_bytes
    track.left -= 1
    track.next += np.int64(packet.size * track.pacing)
    if track.left == 0:
        track.next = max(track.next, track.next_capture + track.encode_delay)


@kernel
def _encode_frame(track: Any) -> None:
    """Draw the next frame's size and cut it into packets of like size."""
    if track.skips:  # the camera goes on while the pacer is busy; what it saw then is not sent
        late = track.next - track.encode_delay - track.next_capture
        track.next_capture += max(late // track.period, 0) * track.period
    track.captured = track.next_capture
    track.next_capture += track.period
    mean = track.frame_bytes
    turn = track.since_key == 0
    track.key = turn or track.key_wanted
    draw = track.spread * standard_normal(track.key_stream, track.frame)
    if track.key:
        mean *= track.key_ratio
    elif track.debt > 0.0:
        paid = min(track.debt, mean * REPAYMENT)
        track.debt -= paid
        mean -= paid
    if track.key and not turn:
        track.debt += mean - track.frame_bytes
    track.since_key = 1 if track.key else track.since_key + 1
    if track.since_key >= track.key_interval:
        track.since_key = 0
    track.key_wanted = 0
    size = max(1, int(mean * math.exp(draw - 0.5 * track.spread * track.spread)))
    track.frame += 1
    track.frame_packets = -(-size // track.payload)
    track.packet_bytes = -(-size // track.frame_packets)
    track.left = track.frame_packets


@inlined
def encode_at(track: Any, bitrate: float) -> None:
    """Let frames from now on come at ``bitrate`` (payload bit/s), key frames in turn included."""
    track.bitrate = bitrate
    mean = bitrate * 1e-9 * track.period / 8.0
    turns = track.key_interval
    track.frame_bytes = mean * turns / (turns - 1 + track.key_ratio)
