"""The state of a simulated network: arrays of records, and how they hang together.

Packets move from level to level, and no level lies upstream of itself: access uplinks →
aggregations → backbones → peerings → media nodes' ingress → cascades → fan-out → peerings →
backbones → groups (aggregations with the access links behind them). Stations of one level are
independent of one another, so that threads can play them side by side (see `simulations.engine`);
between two levels lie edges, each written by one station and read by one.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulations.addressed import Addressed
from simulations.compiled import inlined
from simulations.frames import PICTURE_COUNTS
from simulations.freezes import FREEZE_COUNTS
from simulations.jitter_buffer import BUFFER_COUNTS
from simulations.layout import unshared
from simulations.legs import LEG_COUNTS
from simulations.links import LINK_COUNTS
from simulations.nack import NACK_COUNTS
from simulations.presence import PRESENCE_COUNTS
from simulations.queues import QUEUE
from simulations.receivers import STREAM_COUNTS
from simulations.seats import SEAT_COUNTS

AGGREGATION_UP, BACKBONE_UP, PEERING_UP, INGRESS, CASCADE = 0, 1, 2, 3, 4
FAN_OUT, PEERING_DOWN, BACKBONE_DOWN, GROUP = 5, 6, 7, 8
LEVELS = 9

STATION = unshared(
    [
        ("queue", QUEUE),
        ("rate", np.int64),  # nominal, bit/s; 0: no queue, packets pass at once
        ("current", np.int64),  # bit/s, holds until `current_until`
        ("current_until", np.int64),  # ns
        ("last_size", np.int64),  # bytes of the last packet served
        ("last_work", np.int64),  # ns that its transmission took
        ("first_edge", np.int64),  # its input edges stand together
        ("edges", np.int64),
        ("level", np.int64),
        ("fault", np.int64),  # 1: see `simulations.outages`
        ("place", np.int64),  # see `simulations.trace`
        ("out_edge", np.int64),  # where all goes; −1: by the endpoint's route
        # bursts of others
        ("burst_at", np.int64),  # ns
        ("burst_bytes", np.int64),
        ("burst_index", np.int64),
        ("load", np.int64),  # row of the load profiles
        ("load_step", np.int64),
        ("steps", np.int64),  # row of the same table: its rate in time
        ("step", np.int64),
        ("key", np.uint64),
        # a fault, where there is one
        ("down", np.int64),  # 1: all is dropped
        ("taken", np.float64),  # share of its rate
        ("loss", np.float64),  # share of packets
        ("draws", np.int64),  # made for them
        # counts since the last sample, but for `work`
        ("packets", np.int64),
        ("dropped", np.int64),
        ("cut", np.int64),  # packets that it had taken and lost as it failed
        ("gone", np.int64),  # packets of endpoints that had left, or moved, by then
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
        ("down", np.int64),  # 1: all is dropped
        ("key_frame_spacing", np.int64),  # ns between requests to one layer
        ("join_cost", np.int64),  # ns
        ("packet_cost", np.int64),  # ns
        ("copy_cost", np.int64),
        ("kilobyte_cost", np.int64),
        # counts since the last sample, but for `cpu_work`
        ("packets", np.int64),
        ("cascaded", np.int64),  # of them, from other nodes
        ("copies", np.int64),  # asked for
        ("dropped", np.int64),
        ("cut", np.int64),  # packets that came to it, and copies that it had, while it was down
        ("bytes", np.int64),
        ("delay_max", np.int64),
        ("retransmissions", np.int64),  # of the copies
        ("padding", np.int64),  # of the copies
        ("key_frame_requests", np.int64),  # to publishers
        ("cpu_work", np.int64),  # ns, ever
    ]
)
"""A media node's processor and network interface."""

NODE_COUNTS = (
    "packets", "cascaded", "copies", "dropped", "cut", "bytes", "delay_max", "retransmissions",
    "padding", "key_frame_requests",
)  # fmt: skip

ENDPOINT = np.dtype(
    [
        ("group", np.int64),
        ("node", np.int64),  # the last that served it
        ("served", np.int64),  # the node that serves it; negative: see `simulations.membership`
        ("cut", np.int64),  # 1: something on its way to or from its node is down
        ("first_frame", np.int64),  # rendered since it was connected, ns; −1: none
        ("last_media", np.int64),  # arrival of its last media packet, ns; −1: none
        ("lost_up", np.float64),  # share of packets that degraded shared links lose up to its node
        ("lost_down", np.float64),  # the same from its node
        ("path", np.int64),  # ns between its access link and its node, without queues
        ("first_voice", np.int64),  # where its streams stand in `voices` and in `pictures`
        ("first_picture", np.int64),
        ("pictures", np.int64),
        ("mail", np.int64),  # letters in its mailbox
        ("wish_at", np.int64),  # when pictures were begun or stopped, ns; 0: they were not
        ("entered", np.int64),  # last entry into the downlink, ns
        ("seen", np.int64),  # when it first showed who has the floor, ns; −1: not yet
        # sums over audio packets, ns
        ("budget_packets", np.int64),  # copies that left the aggregation
        ("budget_uplink", np.int64),
        ("budget_transport", np.int64),  # from the first node's ingress to the aggregation
        ("budget_aggregation", np.int64),
        ("budget_arrivals", np.int64),  # copies that arrived
        ("budget_access", np.int64),
        ("budget_played", np.int64),  # copies that were played
        ("budget_buffer", np.int64),
    ],
    align=True,
)
"""An endpoint's place in the arrays."""

LETTER = np.dtype(
    [
        ("time", np.int64),
        ("left", np.int64),
        ("packet", np.uint32),
        ("entry", np.uint32),
        ("bucket", np.uint32),
    ],
    align=True,
)
"""A packet that an endpoint is to get, when (ns), its entry in the endpoint's history, when it left
the aggregation (ns), and its delay's bucket (see `simulations.distributions`)."""

LEAVING = np.dtype(
    [("left", np.int64), ("packet", np.uint32), ("entry", np.uint32)],
    align=True,
)
"""A copy that has left an aggregation (ns) and waits until its endpoint is played."""

LEAVINGS = 64
"""Room for such copies to one endpoint: where there are more, it is brought up to the epoch's
beginning."""

TOGETHER = 4
"""Of rows of letters, or of leavings, so many stand together, then as many of the next endpoint's:
of the first few of each, which is nearly all that there is, several share a page of memory."""

_SHIFT = TOGETHER.bit_length() - 1

NEW_MAIL = 256
"""Room in each mailbox for what is in flight on the access link; besides, its queue has room."""

PUBLISHED, INGRESSED, CASCADED, STIRRED, WALL_STIRRED, FLOOR, OFFER = 0, 1, 2, 3, 4, 5, 6
"""Places in `World.totals`."""
TOTALS = 7


@inlined
def interleaved(endpoints: int, endpoint: Any, position: int) -> Any:
    """Where what is at a ``position`` of an endpoint's row stands; see `TOGETHER`."""
    row: Any = (position >> _SHIFT) * endpoints + np.int64(endpoint)
    return np.uint64((row << _SHIFT) + (position & (TOGETHER - 1)))


@inlined
def room_for_mail(world: Any) -> int:
    """Letters that a mailbox holds."""
    return world.crossing.shape[1] - LEAVINGS  # type: ignore[no-any-return]


class _Arrays(NamedTuple):
    """All state. n endpoints (the command centre last), s stations, e edges, m nodes."""

    clock: NDArray[np.int64]
    """(3,): the running epoch's beginning (ns), the next step in it (see `simulations.engine`), and
    the last tick that publishers have played."""
    totals: NDArray[np.int64]
    """(TOTALS,) packets published, arrived at a node, sent on to other nodes; the times (ns) at
    which who is heard and seen last changed, for all, and on the command centre's wall; the seat
    that has the floor; and what there is to choose from (see `simulations.choosing`)."""
    settings: NDArray[Any]
    """(1,) SETTINGS."""
    packets: NDArray[Any]
    """(ring,) PACKET."""
    seats: NDArray[Any]
    """(s,) SEAT."""
    tracks: NDArray[Any]
    """(s · tracks of a seat,) TRACK."""
    next_tracks: NDArray[np.int64]
    """(s,) scratch: the track that sends next of each seat's."""
    seat_packets: NDArray[np.uint32]
    """(s, KEPT) what each seat sent, as numbers of packets."""
    seat_controllers: NDArray[Any]
    """(s,) CONTROLLER of each publisher."""
    seat_mail: NDArray[Any]
    seat_messages: NDArray[Any]
    seat_requests: NDArray[Any]
    """(s,) MAIL, (s, MESSAGES), (s, REQUESTS): feedback from the node to each publisher."""
    resends: NDArray[np.uint32]
    """(s, RESENDS) packets that wait to be sent again."""
    seat_nacks: NDArray[Any]
    seat_missing: NDArray[Any]
    """(s · (layers + 1),) NACK and (same, ·) MISSING: what nodes miss of each layer and screen."""
    layer_rates: NDArray[np.int64]
    """(s, layers + 1) payload bit/s that each layer, then the screen, is encoded for; 0: not."""
    layer_bitrates: NDArray[np.int64]
    """(layers + 1,) payload bit/s that each layer, then the screen, is sent at in full."""
    demand: NDArray[np.bool_]
    """(s, layers + 1) whether anybody takes, or would take, each layer, then the screen."""
    demanded_at: NDArray[np.int64]
    """(s, layers + 1) when each was last in demand as the node spoke to its publisher, ns."""
    key_wanted: NDArray[np.int8]
    """(s, layers + 1) whether a subscriber waits for a key frame."""
    key_asked: NDArray[np.int64]
    """(s, layers + 1) when the node last asked for one, ns."""
    slot_seats: NDArray[np.int32]
    """(slots,) the seat that each of receivers' streams is meant to show; −1: none. Voices come
    first, then pictures, the screen, and the tiles of the command centre's wall."""
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
    riders: NDArray[Any]
    """Rings of the edges, of ITEM and, in the same slots, of RIDER."""
    full: NDArray[np.int64]
    """(s,) an edge that has no room for what the station would write, or −1."""
    fans: NDArray[np.int64]
    fan_edges: NDArray[np.int32]
    fan_copies: NDArray[np.int64]
    """(m + 1,) where each node's edges begin in the two others: the edges that its copies leave
    on, and the copies that one packet can become on each."""
    route: NDArray[np.int32]
    """(LEVELS + 1, n) edge that an endpoint's copies take from each level; the last row is for
    what the endpoint itself sends into the network. Where its way does not lead by a level, it is
    an edge that no station writes."""
    nodes: NDArray[Any]
    """(m,) NODE."""
    node_edges: NDArray[np.int32]
    """(m, m) edge from a node's ingress to another's fan-out or cascade; −1: nobody there."""
    city_delays: NDArray[np.int64]
    """(m, m) ns between nodes' cities."""
    shares: NDArray[Any]
    bundles: NDArray[Any]
    departures: NDArray[Any]
    """(m, SHARES) SHARE of each node's subscribers; (m, SHARES, room) BUNDLE and (same) DEPARTURE:
    what each has decided to send in the running epoch."""
    heap_items: NDArray[Any]
    """ITEM: the shares' heaps, one after another."""
    cursors: NDArray[np.int64]
    """(SHARES, e) how far each share has read the edges that lead to its node's fan-out."""
    takers: NDArray[np.int32]
    """(m, n) scratch: those of each node's subscribers who take a packet."""
    subscribers: NDArray[np.int32]
    audience: NDArray[np.int64]
    """(m, n) the endpoints that each node serves, in this order; (m,) how many they are."""
    ranks: NDArray[np.int32]
    """(n,) everyone's place in the order in which nodes serve them."""
    outs: NDArray[Any]
    asked: NDArray[np.uint8]
    """(slots · n + tiles,) OUT: what each endpoint is sent of each stream, see `simulations.outs`;
    (same,) where media adapt, bits of the layers that it takes of it, and would take if its
    publisher sent them: apart, since everyone's are looked through at every tick."""
    endpoints: NDArray[Any]
    """(n,) ENDPOINT."""
    uplinks: NDArray[Any]
    spare_uplinks: NDArray[Any]
    uplink_starts: NDArray[np.int64]
    uplink_sizes: NDArray[np.int32]
    downlinks: NDArray[Any]
    spare_downlinks: NDArray[Any]
    downlink_starts: NDArray[np.int64]
    downlink_sizes: NDArray[np.int32]
    """(n,) LINK in use, (b,) those in reserve, and their backlogs."""
    spare: NDArray[np.int32]
    """(n,) where an endpoint's link in reserve stands; −1: it has none."""
    turns: NDArray[Any]
    """(n,) TURN."""
    due: NDArray[np.int32]
    """(n,) scratch: those of each group whose turn it is."""
    leavings: NDArray[Any]
    """(LEAVINGS · n,) LEAVING, `interleaved`: what has left the aggregation, `TURN.waiting` of each
    endpoint's."""
    mail: NDArray[Any]
    """(room · n,) LETTER, `interleaved`: what crosses each endpoint's access link, by its arrival
    at the receiver."""
    crossing: NDArray[Any]
    """(threads, room + LEAVINGS) LETTER: scratch, the same of the endpoint that a thread plays."""
    load_times: NDArray[np.int64]
    load_shares: NDArray[np.float64]
    """(profiles, steps): see `rates.refresh`."""
    senders: NDArray[Any]
    """(n,) SENDER."""
    copies: NDArray[Any]
    """Rings of COPY, one for each endpoint, block by block among each other."""
    legs: NDArray[Any]
    """(n,) LEG."""
    controllers: NDArray[Any]
    """(n,) CONTROLLER of the way from the node to each endpoint."""
    mails: NDArray[Any]
    messages: NDArray[Any]
    requests: NDArray[Any]
    """(n,) MAIL, (MESSAGES, n) MESSAGE, (n, REQUESTS) REQUEST: feedback from endpoints to nodes.
    What everyone writes at about the same time stands together: it fills few pages of memory."""
    ordered: NDArray[np.int32]
    orders: NDArray[Any]
    """(n,) and (n, room) ORDER: how much the node sends of its own accord in the coming tick, and
    what."""
    pacers: NDArray[Any]
    held: NDArray[Any]
    """(n,) PACER, (n, ROOM) HELD: copies that wait for their pace."""
    voices: NDArray[Any]
    voice_buffers: NDArray[Any]
    voice_slots: NDArray[Any]
    """(n · voices,) STREAM, BUFFER and (SLOTS / ABREAST, same, ABREAST) SLOT: what each endpoint
    hears."""
    pictures: NDArray[Any]
    screens: NDArray[Any]
    frames: NDArray[Any]
    nacks: NDArray[Any]
    missing: NDArray[Any]
    """(n · pictures + tiles,) STREAM, PICTURE, (CAPACITY, same) FRAME, (same,) NACK, (same, ·)
    MISSING: what each endpoint sees."""
    numbers: NDArray[np.int32]
    """(threads, REQUESTS) scratch for packets to ask for."""
    meters: NDArray[Any]
    """(n,) METER."""
    presences: NDArray[Any]
    gaps: NDArray[Any]
    """(n,) PRESENCE, (n, ·) PAST_GAP."""
    delays: NDArray[np.uint32]
    audio_delays: NDArray[np.uint32]
    frame_delays: NDArray[np.uint32]
    """Histograms since the last sample, see `simulations.distributions`."""
    group_members: NDArray[np.int32]
    """Endpoints, group by group."""
    group_first: NDArray[np.int64]
    """(groups + 1,) where each group's members begin."""
    phases: NDArray[np.int64]
    """(groups,) ticks by which the feedback of each group's members is behind."""
    group_order: NDArray[np.int64]
    """(ticks, groups) the orders in which threads take groups, one after another, over and over;
    see `simulations.claims`."""
    claimed: NDArray[np.int64]
    """(1,) how many shares, stations or groups threads have taken in the step being played."""
    call: NDArray[np.int64]
    """(4,): when who has the floor was first shown at the command centre (ns; −1: not yet), and of
    that frame: when its first packet was sent, when its last was at the node, when it arrived."""
    trace: NDArray[np.int64]
    """(2,): the endpoint whose packets are traced, or −1; and the rows written so far."""
    trace_rows: NDArray[np.int64]
    """(rows, 6) source, sequence, slot, size, place (see `simulations.trace`), time."""


class World(Addressed, _Arrays):  # type: ignore[misc]
    """All state, as `_Arrays` lists it; kernels take it as a single address."""


def restart_counts(world: World) -> None:
    """Empty the counts of an interval that has been sampled."""
    for name in (
        "packets", "dropped", "cut", "gone", "bytes", "burst_served", "delay_sum", "delay_max",
    ):  # fmt: skip
        world.stations[name] = 0
    for name in NODE_COUNTS:
        world.nodes[name] = 0
    for links in (world.uplinks, world.downlinks):
        for name in LINK_COUNTS:
            links[name] = 0
    world.meters[:] = 0
    for records, names in (
        (world.voices, STREAM_COUNTS),
        (world.pictures, STREAM_COUNTS),
        (world.voice_buffers, BUFFER_COUNTS),
        (world.screens, PICTURE_COUNTS),
        (world.screens["freezes"], FREEZE_COUNTS),
        (world.nacks, NACK_COUNTS),
        (world.legs, LEG_COUNTS),
        (world.seats, SEAT_COUNTS),
        (world.presences, PRESENCE_COUNTS),
    ):
        for name in names:
            records[name] = 0
