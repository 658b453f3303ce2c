"""All that the endpoints of one process receive, as arrays that kernels work on.

The receivers are the simulation's: see `simulations.receivers`, `simulations.frames` and so on.
What is added here is what the simulation knows and a socket's owner has to find out: which packet
comes first in its frame, what was sent again, when a packet was captured.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scenarios.media import Media
from simulations import frames, nack
from simulations.addressed import Addressed
from simulations.controllers import make_controllers
from simulations.distributions import make_histograms
from simulations.frames import FRAME, PICTURE
from simulations.jitter_buffer import ABREAST, BUFFER, SLOT, SLOTS
from simulations.nack import MISSING, NACK
from simulations.receivers import METER, STREAM

MAIL = 512
"""Packets on their way over an endpoint's virtual link; a power of two. If there are more, the
oldest reach the receiver ahead of time."""
GAP = 1_000_000_000
"""ns without media from which on an endpoint is interrupted (`interrupted_ratio`)."""
WINDOW = 2048
"""Numbers of a stream that are remembered; a power of two."""

ENDPOINT = np.dtype(
    [
        ("first_view", np.int64),
        ("views", np.int64),
        ("head", np.int64),  # of its ring of mail
        ("tail", np.int64),
        ("round_trip", np.int64),  # ns, virtual link included; 0: not known
        ("online", np.int64),  # 1: it has joined
        ("estimate", np.float64),  # of the rate that its downlink carries, bit/s
        ("estimated_at", np.int64),  # ns
        ("last_media", np.int64),  # when the last packet of media came, ns; 0: none did
        ("gap_from", np.int64),  # of the last gap of more than GAP that is over, ns
        ("gap_until", np.int64),  # the same; 0: it has been taken note of
        # since the last sample
        ("nack_count", np.int64),
        ("pli_count", np.int64),
        ("retransmitted", np.int64),
        ("strays", np.int64),  # packets that came again, or far too late
    ],
    align=True,
)
"""An endpoint that receives."""

VIEW = np.dtype(
    [
        ("endpoint", np.int64),
        ("audio", np.int64),  # 1: a voice; 0: a picture
        ("place", np.int64),  # its index among voices, or among pictures
        ("ssrc", np.int64),  # −1: not known yet
        ("payload_type", np.int64),
        ("clock", np.int64),  # ticks of its time stamps in a second
        ("capture_id", np.int64),  # of abs-capture-time; 0: not agreed on
        ("coming", np.int64),  # the sequence number that should reach the socket next
        ("look", np.int64),  # 1: whether a key frame begins is worth a look
        ("highest", np.int64),  # number, of what reached the receiver; 0: nothing yet
        ("first", np.int64),  # number
        ("stray", np.int64),  # sequence number that would make it a new beginning
        ("stamp", np.int64),  # of the highest, extended
        ("mapping", np.int64),  # how capture times are known: UNMAPPED, BY_REPORT, BY_EXTENSION
        ("map_media", np.int64),  # a media time, ns
        ("map_capture", np.int64),  # when it was captured, ns on the run's clock
        ("anchor", np.int64),  # capture − media time, as the jitter buffer counts, ns
        ("resolved", np.int64),  # all before this number is accounted for
        ("received", np.int64),  # packets, first copies of each number
        # for receiver reports
        ("expected_before", np.int64),
        ("received_before", np.int64),
        ("report_middle", np.int64),  # of the last sender report's NTP time, 32 bits
        ("report_arrival", np.int64),  # ns; 0: none came
    ],
    align=True,
)
"""A stream of an endpoint: one slot of its session with the server."""

UNMAPPED, BY_REPORT, BY_EXTENSION = range(3)

LETTER = np.dtype(
    [
        ("arrival", np.int64),  # at the virtual link's far end, ns
        ("capture", np.int64),
        ("stream", np.int64),
        ("stamp", np.int64),
        ("sequence", np.int32),
        ("size", np.int32),
        ("marker", np.int8),
        ("key", np.int8),
    ],
    align=True,
)
"""A packet on a virtual link."""

PIECE = np.dtype(
    [
        ("number", np.int64),
        ("media", np.int64),  # its frame's media time, ns
        ("marker", np.int8),
        ("key", np.int8),
        ("used", np.int8),  # 1: its frame went to `simulations.frames`
    ],
    align=True,
)
"""A picture's packet that came."""

TAP = np.dtype([("stream", np.int64), ("sequence", np.int64), ("arrival", np.int64)], align=True)
"""A packet that a probe is to decode."""


class _Arrays(NamedTuple):
    endpoints: NDArray[Any]
    """(n,) ENDPOINT."""
    views: NDArray[Any]
    """(v,) VIEW, those of an endpoint together."""
    mail: NDArray[Any]
    """(n, MAIL) LETTER."""
    downlinks: NDArray[Any]
    """(n,) LINK; with their queues, and the loads of others."""
    down_starts: NDArray[np.int64]
    down_sizes: NDArray[np.int32]
    uplinks: NDArray[Any]
    up_starts: NDArray[np.int64]
    up_sizes: NDArray[np.int32]
    load_times: NDArray[np.int64]
    load_shares: NDArray[np.float64]
    seen: NDArray[np.int64]
    """(v, WINDOW): of each number when it came (ns), or minus when it was missed."""
    voices: NDArray[Any]
    buffers: NDArray[Any]
    slots: NDArray[Any]
    pictures: NDArray[Any]
    screens: NDArray[Any]
    frames: NDArray[Any]
    pieces: NDArray[Any]
    """(p, WINDOW) PIECE."""
    nacks: NDArray[Any]
    missing: NDArray[Any]
    controllers: NDArray[Any]
    meters: NDArray[Any]
    delays: NDArray[np.uint32]
    """Histograms, as those below; see `simulations.distributions`."""
    audio_delays: NDArray[np.uint32]
    frame_delays: NDArray[np.uint32]
    shown: NDArray[np.int64]
    """(v,) when the first frame or packet of a view came since it was last set to −1, ns."""
    keyed: NDArray[np.int64]
    """(v,) the same of a key frame."""
    view_bytes: NDArray[np.int64]
    """(v,) bytes at the IP layer since the last sample."""
    freeze_totals: NDArray[np.int64]
    """(p,) freezes of a picture's session, but for those since the last sample."""
    tapped: NDArray[np.int64]
    """(n,) 1: the endpoint is a probe; its packets are written to `taps`."""
    taps: NDArray[Any]
    clock: NDArray[np.int64]
    """(4,): when the virtual links' time is 0; whether they are in use; the taps written; and
    packets that came to a full ring of mail."""


LINKS_FROM, LINKED, TAPPED, CROWDED = range(4)

SETTINGS = np.dtype(
    [
        ("ptime", np.int64),  # ns
        ("fec", np.int64),  # 1: voices carry in-band error correction
        ("nack", np.int64),  # 1: receivers of pictures ask for what is missing
        ("audio_encoding", np.int64),  # ns from the mouth to the first sending
        ("picture_encoding", np.int64),
        ("audio_output", np.int64),  # ns from the jitter buffer to the ear
        ("picture_output", np.int64),  # ns from decoding to the glass
    ],
    align=True,
)
"""What holds for all of a run."""


def settings_of(media: Media) -> NDArray[Any]:
    """The (1,) SETTINGS of a scenario's media."""
    settings = np.zeros(1, SETTINGS)
    settings["ptime"] = media.audio.ptime
    settings["fec"] = media.audio.corrects
    settings["nack"] = media.repair.nack and media.congestion_control.profile != "none"
    settings["audio_encoding"] = media.audio.encode_delay
    settings["picture_encoding"] = media.video.encode_delay
    settings["audio_output"] = media.audio.playout_delay
    settings["picture_output"] = media.video.playout_delay
    return settings


class State(Addressed, _Arrays):  # type: ignore[misc]
    """All arrays; kernels take them as a single address."""


@dataclass(frozen=True)
class Links:
    """Virtual links of one direction."""

    links: NDArray[Any]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int32]


def make_state(
    voices: Sequence[int],
    pictures: Sequence[int],
    down: Links,
    up: Links,
    loads: tuple[NDArray[np.int64], NDArray[np.float64]],
    *,
    profile: str = "libwebrtc",
    rates: tuple[int, int, int] = (300_000, 30_000, 10_000_000),
) -> State:
    """The state of endpoints that receive nothing yet.

    Args:
        voices, pictures: how many each endpoint receives.
        down, up: their virtual links.
        loads: see `simulations.access.Loads.tables`.
        profile: of the congestion control.
        rates: start, least and greatest estimate, bit/s.
    """
    n = len(voices)
    counts = np.array(voices) + np.array(pictures)
    endpoints = np.zeros(n, ENDPOINT)
    endpoints["views"] = counts
    endpoints["first_view"] = np.concatenate(([0], np.cumsum(counts)[:-1])) if n else 0
    endpoints["estimate"] = rates[0]
    total, heard, seen = int(counts.sum()), sum(voices), sum(pictures)
    views = np.zeros(total, VIEW)
    views["ssrc"] = -1
    views["coming"] = views["stray"] = -1
    views["endpoint"] = np.repeat(np.arange(n), counts)
    voice = picture = view = 0
    for e in range(n):
        for i in range(counts[e]):
            audio = i < voices[e]
            views[view]["audio"] = audio
            views[view]["clock"] = 48_000 if audio else 90_000
            views[view]["place"] = voice if audio else picture
            voice, picture, view = voice + audio, picture + (not audio), view + 1
    clock = np.zeros(4, np.int64)
    clock[LINKED] = 1
    return State(
        endpoints=endpoints,
        views=views,
        mail=np.zeros((n, MAIL), LETTER),
        downlinks=down.links,
        down_starts=down.starts,
        down_sizes=down.sizes,
        uplinks=up.links,
        up_starts=up.starts,
        up_sizes=up.sizes,
        load_times=loads[0],
        load_shares=loads[1],
        seen=np.zeros((total, WINDOW), np.int64),
        voices=_streams(heard),
        buffers=np.zeros(heard, BUFFER),
        slots=np.zeros((heard, SLOTS // ABREAST, ABREAST), SLOT),
        pictures=_streams(seen),
        screens=np.zeros(seen, PICTURE),
        frames=np.zeros((seen, frames.CAPACITY), FRAME),
        pieces=np.zeros((seen, WINDOW), PIECE),
        nacks=np.zeros(seen, NACK),
        missing=np.zeros((seen, nack.CAPACITY), MISSING),
        controllers=make_controllers(n, profile, *rates),
        meters=np.zeros(n, METER),
        delays=make_histograms(n),
        audio_delays=make_histograms(n),
        frame_delays=make_histograms(n),
        shown=np.full(total, -1, np.int64),
        keyed=np.full(total, -1, np.int64),
        view_bytes=np.zeros(total, np.int64),
        freeze_totals=np.zeros(seen, np.int64),
        tapped=np.zeros(n, np.int64),
        taps=np.zeros(1 << 14, TAP),
        clock=clock,
    )


def _streams(count: int) -> NDArray[Any]:
    streams = np.zeros(count, STREAM)
    streams["source"] = -1
    streams["number"] = -1
    return streams
