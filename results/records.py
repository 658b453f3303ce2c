"""What a run leaves: tables of values in SI base units, and what it cost.

Tables are Arrow tables with the schemas below. Times are seconds from the meeting's start;
a row of an interval carries the interval's beginning. A value that there is no data for is null.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from scenarios.meeting import COMMAND_CENTRE
from scenarios.scenario import Scenario

TEXT = pa.dictionary(pa.int32(), pa.string())
CODE = pa.dictionary(pa.int16(), pa.string())
"""As TEXT, in half the space: for the longest table."""
COUNT = pa.int32()
VALUE = pa.float32()

ATTRIBUTES = ("carrier", "access", "province", "level", "site")
"""What endpoints are grouped and selected by."""

BUDGET = ("encode", "uplink", "node", "backbone", "aggregation", "access", "playout")
"""Parts of the mouth-to-ear delay, in the order in which a packet meets them.

Uplink is everything from the publisher to its media node; node is the time within the media node
that serves the receiver; backbone includes the cascade between nodes, peering and the propagation
to the province; access includes the last link's propagation and jitter; playout is the jitter
buffer and the output. Each part's mean is over the packets that passed it.
"""

ENDPOINTS = pa.schema(
    [
        ("site", pa.string()),
        ("name", pa.string()),
        ("level", TEXT),
        ("kind", TEXT),
        ("district", TEXT),
        ("province", TEXT),
        ("latitude", pa.float64()),
        ("longitude", pa.float64()),
        ("carrier", TEXT),
        ("access", TEXT),
        ("node", TEXT),
        ("downlink_rate", pa.float64()),  # nominal, bit/s
        ("uplink_rate", pa.float64()),
        *((f"budget_{part}", VALUE) for part in BUDGET),  # mean over audio packets, s
        ("backup", TEXT),  # kind of its backup access link; null: it has none, as all live clients
    ]
)
"""One row an endpoint, the command centre last (level `command-centre`)."""

SAMPLES = pa.schema(
    [
        ("time", pa.float64()),
        ("site", TEXT),
        ("packets_expected", COUNT),  # first transmissions addressed to it
        ("packets_received", COUNT),
        ("packet_loss", VALUE),
        ("audio_packet_loss", VALUE),
        ("video_packet_loss", VALUE),
        ("residual_loss", VALUE),
        ("audio_residual_loss", VALUE),  # concealed, of the audio packets expected
        ("video_residual_loss", VALUE),  # never repaired in time, of the video packets expected
        ("one_way_delay_mean", VALUE),
        ("one_way_delay_p50", VALUE),
        ("one_way_delay_p95", VALUE),
        ("one_way_delay_p99", VALUE),
        ("one_way_delay_max", VALUE),
        ("mouth_to_ear_delay_mean", VALUE),
        ("glass_to_glass_delay_mean", VALUE),
        ("round_trip_time", VALUE),
        ("jitter", VALUE),
        ("bitrate", VALUE),
        ("estimate", VALUE),  # the node's, of the rate towards it, at the interval's end; bit/s
        ("capacity", VALUE),  # the downlink's true rate then, bit/s
        ("layer", TEXT),  # of the programme picture, forwarded at the interval's end; null: none
        ("audio_mos", VALUE),
        ("video_mos", VALUE),
        ("freeze_count", COUNT),
        ("freeze_ratio", VALUE),
        ("pause_count", COUNT),  # gaps of more than 5 s between rendered frames
        ("frames_rendered", COUNT),
        ("frames_dropped", COUNT),  # received, but never rendered
        ("nack_count", COUNT),  # packets that it asked for again
        ("pli_count", COUNT),  # key frames that it asked for
        ("retransmitted", COUNT),  # retransmissions received
        ("fec_recovered", COUNT),  # audio packets restored from the one after them
        ("downlink_packets", COUNT),  # copies that reached the access link
        ("downlink_dropped_queue", COUNT),
        ("downlink_dropped_policer", COUNT),
        ("downlink_lost", COUNT),  # lost on the link itself
        ("uplink_packets", COUNT),
        ("uplink_dropped_queue", COUNT),
        ("uplink_dropped_policer", COUNT),
        ("uplink_lost", COUNT),
        ("uplink_estimate", VALUE),  # its own, of the rate to its node, at the interval's end
        ("uplink_capacity", VALUE),  # the uplink's true rate then, bit/s
        ("uplink_bitrate", VALUE),  # media sent, bit/s; null where it does not publish
        ("uplink_delay_mean", VALUE),  # from sending to the media node, of what it publishes, s
        ("uplink_delay_max", VALUE),
        ("connected_ratio", VALUE),  # null in runs that were made before endpoints could leave
        ("interrupted_ratio", VALUE),
    ]
)
"""Endpoint × interval, ordered by time, then by the endpoints' order."""


def sample_bytes(rows: int) -> int:
    """Bytes that so many rows of SAMPLES take in memory; texts are their codes."""
    widths = (
        field.type.index_type.bit_width
        if pa.types.is_dictionary(field.type)
        else field.type.bit_width
        for field in SAMPLES
    )
    return int(rows * sum(widths) // 8)


CALL_BUDGET = ("signalling", "key_frame", "uplink", "fan_out", "playout")
"""Parts of the time to the floor, in the order in which they pass."""

CALLS = pa.schema(
    [
        ("time", pa.float64()),
        ("site", pa.string()),  # the called endpoint
        ("time_to_floor", pa.float64()),  # s; null: its picture never got there
        ("signalling", pa.float64()),  # s, from the call until the endpoint knows of it
        ("key_frame", pa.float64()),  # s, camera, capture, encoding: until its first packet leaves
        ("uplink", pa.float64()),  # s, until the key frame is whole at the endpoint's media node
        ("fan_out", pa.float64()),  # s, until it is whole at the command centre
        ("playout", pa.float64()),  # s, until it is shown
        ("audience_p50", pa.float64()),  # s, from the call until half of the endpoints show it
        ("audience_p95", pa.float64()),  # as before, 95 %; null: not before the floor moved on
    ]
)
"""The chair's calls to the floor, in time. The parts sum to the time to the floor."""

PHASES = ("dns", "tls", "signalling_wait", "signalling", "ice", "dtls", "subscribe")
"""Phases of an attempt to connect, in the order in which they pass."""

CONNECTED = "connected"
"""Outcome of a session that came about; any other says why it did not."""

SESSIONS = pa.schema(
    [
        ("time", pa.float64()),  # when the attempt began
        ("site", pa.string()),
        ("kind", TEXT),  # join | reconnect | restart (ICE)
        ("attempt", COUNT),  # from 1 on, since it set out to join or lost its node
        ("node", TEXT),  # media node that it was sent to; null: it did not get so far
        ("link", TEXT),  # primary | backup
        ("outcome", TEXT),  # connected, or why not
        ("duration", pa.float64()),  # s, until connected or given up; null: not over at the end
        ("first_frame", pa.float64()),  # s from `time` to the first picture shown; null: none was
        ("dns", pa.float64()),  # s; null, as in all phases: it was not reached
        ("tls", pa.float64()),  # s, TCP's handshake included
        ("signalling_wait", pa.float64()),  # s, for admission and in the server's queue
        ("signalling", pa.float64()),  # s, messages and the server's work
        ("ice", pa.float64()),  # s, gathering and connectivity checks
        ("dtls", pa.float64()),  # s, with the node's work on it
        ("subscribe", pa.float64()),  # s, until the media node forwards to it
    ]
)
"""Attempts to connect, in time. The phases of one that connected sum to its duration."""

INTERRUPTIONS = pa.schema(
    [
        ("time", pa.float64()),  # when the last media packet before the gap came
        ("site", pa.string()),
        ("fault", pa.string()),  # label of the fault that it began in; empty: none was on
        ("detected", pa.float64()),  # s from the meeting's start; null: the client never noticed
        ("back", pa.float64()),  # s from the meeting's start, media again; null: never
        ("reason", pa.string()),  # why it never came back; null: it did
    ]
)
"""Gaps of more than 1 s in all of an endpoint's media, in time of their beginnings."""

NODES = pa.schema(
    [
        ("time", pa.float64()),
        ("node", TEXT),
        ("packets_in", pa.int64()),
        ("copies_out", pa.int64()),
        ("copies_dropped", pa.int64()),
        ("retransmissions", pa.int64()),  # of the copies
        ("probe_packets", pa.int64()),  # of the copies: padding that probes for more bandwidth
        ("key_frame_requests", pa.int64()),  # sent to publishers
        ("node_egress", pa.float64()),  # bit/s
        ("node_cpu", VALUE),  # ratio
        ("queue_delay_max", VALUE),  # s
    ]
)
"""Media node × interval."""

LINKS = pa.schema(
    [
        ("time", pa.float64()),
        ("link", TEXT),  # unique name, as in "aggregation vnpt Cà Mau down"
        ("kind", TEXT),  # backbone | peering | aggregation | cascade
        ("carrier", TEXT),  # null for cascade
        ("province", TEXT),  # aggregation only
        ("direction", TEXT),  # down: towards the provinces | up
        ("packets_in", pa.int64()),
        ("packets_out", pa.int64()),
        ("packets_dropped", pa.int64()),
        ("bitrate", pa.float64()),  # own traffic accepted, bit/s
        ("background_bitrate", pa.float64()),
        ("link_utilization", VALUE),
        ("queue_delay_mean", VALUE),  # over own packets, waiting and transmission
        ("queue_delay_max", VALUE),
    ]
)
"""Shared link × interval."""

EVENTS = pa.schema(
    [
        ("time", pa.float64()),
        ("kind", TEXT),  # floor, path, load, fault, repair, detect, drain, reroute …
        ("subject", pa.string()),
        ("detail", pa.string()),
    ]
)
"""Control events, in time."""

HISTOGRAMS = pa.schema(
    [
        ("metric", CODE),
        ("time", pa.float32()),
        *((attribute, CODE) for attribute in ATTRIBUTES),
        ("bucket", pa.int16()),  # results.histograms
        ("count", pa.uint32()),
    ]
)
"""Packets by delay: metric × stretch × group of endpoints alike in all attributes × bucket.

A stretch is one or more intervals; the edges of thresholds' windows always part stretches.

`site` is null, but for sites that a threshold selects by name: those are groups of their own.
The command centre's groups have level `command-centre`.
"""

GENERATORS = pa.schema(
    [
        ("time", pa.float64()),
        ("generator", TEXT),  # a process of synthetic clients
        ("endpoints", COUNT),  # that it plays
        ("online", COUNT),  # of them, those connected at the interval's end
        ("generator_cpu", VALUE),  # ratio of one core
        ("generator_lag", VALUE),  # s
        ("generator_drops", pa.int64()),
    ]
)
"""Process of synthetic clients × interval; live runs alone have any."""

TABLES: Mapping[str, pa.Schema] = {
    "endpoints": ENDPOINTS,
    "samples": SAMPLES,
    "nodes": NODES,
    "links": LINKS,
    "calls": CALLS,
    "sessions": SESSIONS,
    "interruptions": INTERRUPTIONS,
    "events": EVENTS,
    "histograms": HISTOGRAMS,
    "generators": GENERATORS,
}
"""Schemas by file name."""


@dataclass(frozen=True)
class Cost:
    """What a run took."""

    wall_s: float
    packets: int
    """Packets sent by publishers and copies sent by media nodes."""
    packet_hops: int
    """One per packet copy and queue served."""
    peak_rss_bytes: int


@dataclass(frozen=True)
class Accounting:
    """Where every packet went: sent = delivered + lost at a named place + in flight."""

    sent: int
    delivered: int
    in_flight: int
    lost: Mapping[str, int]
    """Packets by place: uplink queue, uplink policer, uplink, aggregation up, …"""

    @property
    def balanced(self) -> bool:
        """Whether nothing came from nowhere or went nowhere."""
        return self.sent == self.delivered + self.in_flight + sum(self.lost.values())


@dataclass(frozen=True)
class Run:
    """A run, whole: what was asked, what came out."""

    scenario: Scenario
    mode: Literal["simulated", "live"]
    started: str
    """ISO 8601, UTC."""
    finished: str
    command: tuple[str, ...]
    duration_s: float
    """Length of the meeting that was played."""
    tables: Mapping[str, pa.Table]
    """By the names of TABLES."""
    accounting: Accounting
    cost: Cost
    trace: pa.Table | None = None
    """One row a packet of the traced endpoint, where one was asked for."""
    assumptions: tuple[str, ...] = ()
    """What the model takes for granted, shown beside its results."""
    replication: int = 0
    """Number of the draw: with the scenario's seed, the root of its randomness."""
    interrupted: str | None = None
    """What ended it before its time, as a part of a sentence."""
    doubts: tuple[str, ...] = ()
    """Why nothing follows from it, whatever it measured: parts of sentences."""

    @property
    def endpoints(self) -> int:
        """How many endpoints it was of, the command centre left out."""
        level = self.tables["endpoints"]["level"].cast(pa.string())
        return pc.sum(pc.not_equal(level, COMMAND_CENTRE)).as_py() or 0
