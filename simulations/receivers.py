"""What a receiver measures, from RTP headers and arrival times alone.

One function takes every packet, simulated or captured from a socket: (stream, sequence number,
timestamp, frame, size, arrival) → loss, jitter, delay, frames.
"""

from typing import Any

import numpy as np

from results.histograms import BUCKETS, FIRST_BUCKET, MANTISSA_SHIFT
from simulations.compiled import inlined
from simulations.packets import AUDIO

STREAM = np.dtype(
    [
        ("source", np.int32),  # SSRC; −1: nothing received yet
        ("before", np.int32),  # SSRC that it took over from
        ("since", np.int64),  # when it did, ns
        ("base", np.int64),  # first sequence number that the source's packets are counted from
        ("highest", np.int64),  # highest sequence number received
        ("transit", np.int64),  # of the last packet: arrival − captured, ns
        ("jitter", np.float64),  # RFC 3550, ns
        ("frame", np.int64),  # frame being received
        ("frame_base", np.int64),  # first frame that is counted from
        ("frame_got", np.int64),  # packets of it
        # since the last sample
        ("expected_before", np.int64),  # expected of sources that have ended
        ("received", np.int64),
        ("bursts", np.int64),  # runs of lost packets
        ("frames_before", np.int64),
        ("frames_complete", np.int64),
    ],
    align=True,
)
"""State of one received stream."""

STRAGGLING = 5_000_000_000
"""Packets of the source before, on a slower way, that come within this time (ns) of a change break
nothing: they are heard, but no longer shown."""

METER = np.dtype(
    [
        ("packets", np.int64),
        ("bytes", np.int64),
        ("delay_sum", np.int64),  # ns
        ("delay_max", np.int64),
        ("audio_packets", np.int64),
        ("audio_delay_sum", np.int64),
        ("frames", np.int64),
        ("frame_delay_sum", np.int64),
    ],
    align=True,
)
"""What one endpoint received since the last sample, all streams together."""


@inlined
def count(histograms: Any, row: int, value: int) -> None:
    """Count ``value`` (ns) in a row of (n, BUCKETS) histograms; see `results.histograms`."""
    bits = np.float64(max(value, 1)).view(np.int64)
    bucket = np.uint64(min(max(int(bits >> MANTISSA_SHIFT) - FIRST_BUCKET, 0), BUCKETS - 1))
    histograms[row, bucket] += 1


@inlined
def receive(
    stream: Any,
    meter: Any,
    delays: Any,
    audio_delays: Any,
    frame_delays: Any,
    row: int,
    packet: Any,
    arrival: int,
    audio_offset: int,
    frame_offset: int,
) -> None:
    """Take one packet.

    Args:
        stream: a STREAM record. meter: a METER record.
        delays, audio_delays, frame_delays: (n, BUCKETS) histograms of the one-way, mouth-to-ear
            and glass-to-glass delay. row: the endpoint's.
        packet: a PACKET record. arrival: ns.
        audio_offset: ns that mouth-to-ear adds to one-way: encoding and playout.
        frame_offset: ns that glass-to-glass adds to (last packet's arrival − capture): playout.
    """
    delay = arrival - packet.sent
    meter.packets += 1
    meter.bytes += packet.size
    meter.delay_sum += delay
    meter.delay_max = max(meter.delay_max, delay)
    count(delays, row, delay)

    sequence = np.int64(packet.sequence)
    transit = arrival - packet.captured
    if stream.source != packet.source:  # a new source: counted from its first packet on
        if stream.before == packet.source and arrival - stream.since < STRAGGLING:
            stream.expected_before += 1
            stream.received += 1
            if packet.slot == AUDIO:
                _hear(meter, audio_delays, row, delay + audio_offset)
            return
        stream.expected_before += stream.highest + 1 - stream.base
        stream.frames_before += stream.frame + 1 - stream.frame_base
        stream.before = stream.source
        stream.since = arrival
        stream.source = packet.source
        stream.base = sequence
        stream.frame = packet.frame
        stream.frame_base = packet.frame
        stream.frame_got = 0
        stream.highest = sequence
    else:  # RFC 3550, 6.4.1 and A.8
        stream.jitter += (abs(transit - stream.transit) - stream.jitter) / 16.0
        if sequence > stream.highest + 1:
            stream.bursts += 1
        stream.highest = max(stream.highest, sequence)
    stream.transit = transit
    stream.received += 1

    if packet.slot == AUDIO:
        _hear(meter, audio_delays, row, delay + audio_offset)
        return
    if packet.frame > stream.frame:
        stream.frame = packet.frame
        stream.frame_got = 0
    stream.frame_got += packet.frame == stream.frame
    if stream.frame_got == packet.frame_packets:
        seen = transit + frame_offset
        stream.frames_complete += 1
        meter.frames += 1
        meter.frame_delay_sum += seen
        count(frame_delays, row, seen)


@inlined
def _hear(meter: Any, audio_delays: Any, row: int, heard: int) -> None:
    """Count a voice's packet that is heard after ``heard`` ns."""
    meter.audio_packets += 1
    meter.audio_delay_sum += heard
    count(audio_delays, row, heard)
