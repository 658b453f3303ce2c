"""The metrics: one table of names, units and definitions."""

from dataclasses import dataclass
from typing import Literal

Unit = Literal["s", "ratio", "bit/s", "count", "score"]
Subject = Literal["endpoint", "node", "link", "generator"]
Occasion = Literal["call", "joining", "interruption"]


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
    per: Occasion | None = None
    """Has one value for each of these, at the time when it began, and none an interval. One that
    never came to its end is infinite."""


SELECTORS: dict[Subject, tuple[str, ...]] = {
    "endpoint": ("carrier", "access", "province", "level", "site"),
    "node": ("node",),
    "link": ("link", "kind", "carrier", "province", "direction"),
    "generator": ("generator",),
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
            "mouth_to_ear_delay", "s", "endpoint", "played audio packets",
            "From the mouth to the ear (ITU-T G.114): encoding, network, jitter buffer and output "
            "of an audio packet. Packets that came too late to be played are not counted.",
            from_histogram=True,
        ),
        Metric(
            "glass_to_glass_delay", "s", "endpoint", "rendered video frames",
            "From a video frame's capture to its rendering. Frames that were never rendered are "
            "not counted.",
            from_histogram=True,
        ),
        Metric(
            "round_trip_time", "s", "endpoint", "endpoint × interval",
            "Between the media node and the endpoint and back, as the node learns it from "
            "transport feedback.",
        ),
        Metric(
            "packet_loss", "ratio", "endpoint", "endpoint × interval",
            "Network loss before any repair: of the packets addressed to the endpoint, first "
            "transmissions only, the share that was lost or came more than 2 s late. It belongs to "
            "the interval in which it was established.",
        ),
        Metric(
            "residual_loss", "ratio", "endpoint", "endpoint × interval",
            "Loss after repair: of the packets expected, the share of audio packets that were "
            "concealed and of video packets that were never repaired in time.",
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
            "freeze_count", "count", "endpoint", "endpoint × interval",
            "Freezes of the picture (W3C webrtc-stats, freezeCount): gaps between rendered frames "
            "of at least 3 times the mean gap of the last 30 frames, and of at least 150 ms more "
            "than it.",
        ),
        Metric(
            "freeze_ratio", "ratio", "endpoint", "endpoint × interval",
            "Share of the interval in which the picture was frozen (W3C webrtc-stats, "
            "totalFreezesDuration), freezes that have not ended yet included.",
        ),
        Metric(
            "audio_mos", "score", "endpoint", "endpoint × interval",
            "Conversational quality from the E-model (ITU-T G.107) with the interval's mean "
            "mouth-to-ear delay, loss and burst ratio.",
            higher_is_better=True,
        ),
        Metric(
            "video_mos", "score", "endpoint", "endpoint × interval",
            "Estimated quality of the picture, 1 (bad) to 5 (excellent), with what freezes take "
            "from it. No standard covers such a meeting: a run's assumptions tell how uncertain "
            "it is.",
            higher_is_better=True,
        ),
        Metric(
            "time_to_floor", "s", "endpoint", "calls",
            "From the chair's call to the called endpoint's first frame on the command centre's "
            "screen. A call that never got there counts as infinitely long.",
            per="call",
        ),
        Metric(
            "join_time", "s", "endpoint", "endpoints that set out to join",
            "From an endpoint's setting out to join until it is connected, failed attempts and the "
            "time between them included. One that is not connected by the end of the run counts "
            "as infinitely long.",
            per="joining",
        ),
        Metric(
            "time_to_first_frame", "s", "endpoint", "endpoints that set out to join",
            "From an endpoint's setting out to join until the first frame is shown on its screen. "
            "One that was shown none counts as infinitely long.",
            per="joining",
        ),
        Metric(
            "connected_ratio", "ratio", "endpoint", "endpoint × interval",
            "Share of the interval in which the endpoint was connected to a media node, by its own "
            "belief: one that has not yet noticed that its node is gone is connected.",
            higher_is_better=True,
        ),
        Metric(
            "interrupted_ratio", "ratio", "endpoint", "endpoint × interval",
            "Share of the interval that lies in gaps of more than 1 s without any media packet, "
            "counted from the endpoint's first connection on and while there is anything to hear "
            "or see.",
        ),
        Metric(
            "recovery_time", "s", "endpoint", "interruptions",
            "From the last media packet before a gap of more than 1 s in all of an endpoint's "
            "media, as interrupted_ratio counts them, until media arrives again; simulated, where "
            "its client connected anew, until the first picture if that comes later. One that does "
            "not end within the run counts as infinitely long.",
            per="interruption",
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
        Metric(
            "generator_cpu", "ratio", "generator", "client process × interval",
            "Live: share of one core that a process of synthetic clients used.",
        ),
        Metric(
            "generator_lag", "s", "generator", "client process × interval",
            "Live: how late a process's timers were, 95th percentile of the interval.",
        ),
        Metric(
            "generator_drops", "count", "generator", "client process × interval",
            "Live: datagrams that the operating system dropped at a process's sockets.",
        ),
    )
}  # fmt: skip
