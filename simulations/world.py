"""The state of a simulated network: arrays of records, and how they hang together.

Packets move from level to level, and no level lies upstream of itself: access uplinks →
aggregations → backbones → peerings → media nodes' ingress → cascades → fan-out → peerings →
backbones → groups (aggregations with the access links behind them). Stations of one level are
independent of one another, so they run in parallel; between two levels lie edges, each written by
one station and read by one.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulations.layout import unshared
from simulations.queues import QUEUE

AGGREGATION_UP, BACKBONE_UP, PEERING_UP, INGRESS, CASCADE = 0, 1, 2, 3, 4
FAN_OUT, PEERING_DOWN, BACKBONE_DOWN, GROUP = 5, 6, 7, 8
LEVELS = 9

STATION = unshared(
    [
        ("queue", QUEUE),
        ("rate", np.int64),  # bit/s; 0: no queue, packets pass at once
        ("last_size", np.int64),  # bytes of the last packet served
        ("last_work", np.int64),  # ns that its transmission took
        ("first_edge", np.int64),  # its input edges stand together
        ("edges", np.int64),
        ("level", np.int64),
        ("place", np.int64),  # see `simulations.trace`
        ("out_edge", np.int64),  # where all goes; −1: by the endpoint's route
        # bursts of others
        ("burst_at", np.int64),  # ns
        ("burst_bytes", np.int64),
        ("burst_index", np.int64),
        ("load", np.int64),  # row of the load profiles
        ("load_step", np.int64),
        ("key", np.uint64),
        # counts since the last sample, but for `work`
        ("packets", np.int64),
        ("dropped", np.int64),
        ("bytes", np.int64),
        ("burst_served", np.int64),  # bytes
        ("delay_sum", np.int64),  # ns, waiting and transmission of packets
        ("delay_max", np.int64),
        ("work", np.int64),  # ns of transmission accepted, ever
    ]
)
"""A shared link. Ingress and fan-out stations use only the edges."""

NODE = unshared(
    [
        ("cpu_free", np.int64),  # ns
        ("nic_free", np.int64),
        ("nic", np.int64),  # bit/s
        ("queue", np.int64),  # ns that a copy may wait
        ("packet_cost", np.int64),  # ns
        ("copy_cost", np.int64),
        ("kilobyte_cost", np.int64),
        ("audience", np.int64),  # endpoints it serves
        # counts since the last sample, but for `cpu_work`
        ("packets", np.int64),
        ("cascaded", np.int64),  # of them, from other nodes
        ("copies", np.int64),  # asked for
        ("dropped", np.int64),
        ("bytes", np.int64),
        ("delay_max", np.int64),
        ("cpu_work", np.int64),  # ns, ever
    ]
)
"""A media node's processor and network interface."""

ENDPOINT = np.dtype(
    [
        ("first_stream", np.int64),
        ("group", np.int64),
        ("node", np.int64),
        ("mail", np.int64),  # letters in its mailbox
        ("carried", np.int64),  # of them, those that have crossed the access link
        # sums over audio packets, ns
        ("budget_copies", np.int64),  # copies that left the node
        ("budget_node", np.int64),
        ("budget_packets", np.int64),  # copies that left the aggregation
        ("budget_uplink", np.int64),
        ("budget_transport", np.int64),  # from the first node's ingress to the aggregation
        ("budget_aggregation", np.int64),
        ("budget_arrivals", np.int64),  # copies that arrived
        ("budget_access", np.int64),
    ],
    align=True,
)
"""An endpoint's place in the arrays."""

LETTER = np.dtype([("time", np.int64), ("packet", np.uint64)], align=True)
"""A packet that an endpoint is to get, and when (ns)."""

NEW_MAIL = 256
"""Room in each mailbox for what has yet to enter the access link."""

PUBLISHED, INGRESSED, CASCADED = 0, 1, 2
TOTALS = 3


class World(NamedTuple):
    """All state. n endpoints (the command centre last), s stations, e edges, m nodes."""

    clock: NDArray[np.int64]
    """(2,): the running epoch's beginning (ns), and the next level to run in it."""
    totals: NDArray[np.int64]
    """(TOTALS,) packets published, arrived at a node, sent on to other nodes."""
    packets: NDArray[Any]
    """(ring,) PACKET."""
    tracks: NDArray[Any]
    """(t,) TRACK."""
    stations: NDArray[Any]
    """(s,) STATION, by level."""
    level_first: NDArray[np.int64]
    """(LEVELS + 1,) first station of each level."""
    backlog_starts: NDArray[np.int64]
    backlog_sizes: NDArray[np.int32]
    """Rings of the stations' queues."""
    edges: NDArray[Any]
    """(e,) EDGE, by the station that reads them."""
    edge_items: NDArray[Any]
    """Rings of the edges, of ITEM."""
    full: NDArray[np.int64]
    """(s,) an edge that has no room for what the station would write, or −1."""
    fans: NDArray[np.int64]
    fan_edges: NDArray[np.int32]
    fan_copies: NDArray[np.int64]
    """(m + 1,) where each node's edges begin in the two others: the edges that its copies leave
    on, and the copies that one packet can become on each."""
    route: NDArray[np.int32]
    """(LEVELS + 1, n) edge that an endpoint's copies take from each level; the last row is for
    what the endpoint itself sends into the network."""
    nodes: NDArray[Any]
    """(m,) NODE."""
    node_edges: NDArray[np.int32]
    """(m, m) edge from a node's ingress to another's fan-out or cascade; −1: nobody there."""
    subscribers: NDArray[np.int32]
    """Endpoints, in the order in which nodes serve them."""
    audiences: NDArray[np.int64]
    """(m, layers + 2) where in `subscribers` the listeners of a node begin, then the viewers of
    each layer; one audience ends where the next begins."""
    endpoints: NDArray[Any]
    """(n,) ENDPOINT."""
    uplinks: NDArray[Any]
    uplink_starts: NDArray[np.int64]
    uplink_sizes: NDArray[np.int32]
    downlinks: NDArray[Any]
    downlink_starts: NDArray[np.int64]
    downlink_sizes: NDArray[np.int32]
    """(n,) LINK, and their backlogs."""
    mail: NDArray[Any]
    """(n, room) LETTER: what has crossed the access link, by its arrival at the receiver; then
    what has yet to enter the link, by its entry."""
    load_times: NDArray[np.int64]
    load_shares: NDArray[np.float64]
    """(profiles, steps): see `rates.refresh`."""
    streams: NDArray[Any]
    """(n · 2 + tiles,) STREAM; an endpoint's stand together."""
    meters: NDArray[Any]
    """(n,) METER."""
    delays: NDArray[np.uint32]
    audio_delays: NDArray[np.uint32]
    frame_delays: NDArray[np.uint32]
    """(n, BUCKETS) histograms since the last sample."""
    group_members: NDArray[np.int32]
    """Endpoints, group by group."""
    group_first: NDArray[np.int64]
    """(groups + 1,) where each group's members begin."""
    shares: NDArray[np.int64]
    """(threads, groups + 1) groups that each thread plays, ending with −1."""
    offsets: NDArray[np.int64]
    """(2,) ns: encoding and playout of audio; playout of video."""
    trace: NDArray[np.int64]
    """(2,): the endpoint whose packets are traced, or −1; and the rows written so far."""
    trace_rows: NDArray[np.int64]
    """(rows, 6) source, sequence, slot, size, place (see `simulations.trace`), time."""


def restart_counts(world: World) -> None:
    """Empty the counts of an interval that has been sampled."""
    for name in ("packets", "dropped", "bytes", "burst_served", "delay_sum", "delay_max"):
        world.stations[name] = 0
    for name in ("packets", "cascaded", "copies", "dropped", "bytes", "delay_max"):
        world.nodes[name] = 0
    for links in (world.uplinks, world.downlinks):
        for name in ("packets", "dropped_policer", "dropped_queue", "lost", "bytes"):
            links[name] = 0
    world.meters[:] = 0
    streams = world.streams
    streams["base"] = streams["highest"] + 1
    streams["frame_base"] = streams["frame"] + 1
    for name in ("expected_before", "received", "bursts", "frames_before", "frames_complete"):
        streams[name] = 0
