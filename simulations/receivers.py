"""What a receiver measures, from RTP headers and arrival times alone.

One function takes every packet, simulated or captured from a socket: (stream, number, timestamp,
frame, size, arrival) → loss, jitter, delay. Voices go on into `simulations.jitter_buffer`, pictures
into `simulations.frames`.
"""

from typing import Any

import numpy as np

from simulations.compiled import inlined
from simulations.distributions import add
from simulations.layout import in_lines

STREAM = np.dtype(
    [
        ("source", np.int64),  # SSRC of the last packet; −1: nothing received yet
        ("number", np.int64),  # highest that is accounted for
        ("transit", np.int64),  # of the last packet: arrival − captured, ns
        ("jitter", np.float64),  # RFC 3550, ns
        ("losing", np.int64),  # 1: the last packet accounted for was lost
        # since the last sample
        ("expected", np.int64),
        ("lost", np.int64),
        ("runs", np.int64),  # of lost packets
    ],
    align=True,
)
"""State of one received stream."""

STREAM_COUNTS = ("expected", "lost", "runs")

METER = in_lines(
    [
        ("packets", np.int32),
        ("timed", np.int32),  # packets without padding
        ("bytes", np.int64),
        ("delay_sum", np.int64),  # ns
        ("delay_max", np.int64),
        ("played", np.int32),  # packets of voices
        ("frames", np.int32),
        ("heard_sum", np.int64),  # ns from mouth to ear
        ("seen_sum", np.int64),  # ns from glass to glass
    ]
)
"""What one endpoint received since the last sample, all streams together."""


@inlined
def account(stream: Any, number: int, arrived: bool) -> None:
    """Account for the first transmission of ``number``, and for those before it that the node never
    had. Numbers are accounted for in the order in which the node sent them."""
    missing = number - stream.number - 1
    if missing > 0:
        stream.expected += missing
        stream.lost += missing
        stream.runs += 1 - stream.losing
        stream.losing = 1
    stream.number = max(stream.number, number)
    stream.expected += 1
    if arrived:
        stream.losing = 0
    else:
        stream.lost += 1
        stream.runs += 1 - stream.losing
        stream.losing = 1


@inlined
def measure(meter: Any, delays: Any, row: int, delay: int, bucket: Any) -> None:
    """Count a packet that took ``delay`` ns.

    Args:
        meter: a METER record. delays: see `simulations.distributions`. row: the endpoint's.
        bucket: the delay's.
    """
    meter.timed += 1
    meter.delay_sum += delay
    meter.delay_max = max(meter.delay_max, delay)
    add(delays, row, bucket)


@inlined
def measure_run(meter: Any, packets: int, size: int, delay_sum: int, delay_max: int) -> None:
    """Count ``packets`` at once, padding not among them, whose delays' buckets have been counted.

    Args:
        size: of all, bytes. delay_sum, delay_max: of theirs, ns.
    """
    meter.packets += packets
    meter.timed += packets
    meter.bytes += size
    meter.delay_sum += delay_sum
    meter.delay_max = max(meter.delay_max, delay_max)


@inlined
def measure_jitter(stream: Any, source: int, transit: int) -> None:
    """Interarrival jitter (RFC 3550, 6.4.1); of each source by itself.

    Args:
        transit: arrival − capture, ns.
    """
    if stream.source == source:
        stream.jitter += (abs(transit - stream.transit) - stream.jitter) / 16.0
    else:
        stream.source = source
        stream.jitter = 0.0
    stream.transit = transit
