"""The metrics: one table of names, units and definitions."""

from dataclasses import dataclass
from typing import Literal

Unit = Literal["s", "ratio", "bit/s", "count", "score"]
Subject = Literal["endpoint", "node", "link"]


@dataclass(frozen=True)
class Metric:
    """A metric's place in the table."""

    name: str
    unit: Unit
    subject: Subject
    """What its values belong to, and so what selectors it takes."""
    population: str
    """What one value is taken from: percentiles are over these."""
    definition: str
    higher_is_better: bool = False
    from_histogram: bool = False
    """Kept as a histogram of single packets or frames, not as a value per interval."""


SELECTORS: dict[Subject, tuple[str, ...]] = {
    "endpoint": ("carrier", "access", "province", "level", "site"),
    "node": ("node",),
    "link": ("link", "kind", "carrier", "province", "direction"),
}
"""Attributes that a threshold on a metric of each subject can select by."""

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "one_way_delay", "s", "endpoint", "received packets",
            "From a packet's sending by its publisher to its arrival at the receiver.",
            from_histogram=True,
        ),
        Metric(
            "mouth_to_ear_delay", "s", "endpoint", "received audio packets",
            "Encoding delay, one-way delay and playout delay of an audio packet (ITU-T G.114).",
            from_histogram=True,
        ),
        Metric(
            "glass_to_glass_delay", "s", "endpoint", "complete video frames",
            "From a frame's capture to its display: encoding delay, the time until its last "
            "packet arrives, playout delay. Frames that miss a packet are not counted.",
            from_histogram=True,
        ),
        Metric(
            "packet_loss", "ratio", "endpoint", "endpoint × interval",
            "Packets lost of packets expected in the interval, by RTP sequence numbers "
            "(RFC 3550, A.3), all streams together; 1 where a subscribed stream brings nothing.",
        ),
        Metric(
            "jitter", "s", "endpoint", "endpoint × interval",
            "Interarrival jitter of the audio stream at the interval's end (RFC 3550, 6.4.1).",
        ),
        Metric(
            "bitrate", "bit/s", "endpoint", "endpoint × interval",
            "Bits received per second at the IP layer, all streams together.",
            higher_is_better=True,
        ),
        Metric(
            "audio_mos", "score", "endpoint", "endpoint × interval",
            "Conversational quality from the E-model (ITU-T G.107) with the interval's mean "
            "mouth-to-ear delay, loss and burst ratio.",
            higher_is_better=True,
        ),
        Metric(
            "node_egress", "bit/s", "node", "node × interval",
            "Bits sent per second by a media node at the IP layer.",
        ),
        Metric(
            "node_cpu", "ratio", "node", "node × interval",
            "Share of the interval in which a media node's workers were busy.",
        ),
        Metric(
            "link_utilization", "ratio", "link", "shared link × interval",
            "Share of the interval in which the link was transmitting.",
        ),
    )
}  # fmt: skip
