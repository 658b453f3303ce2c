"""Made-up RTP, and a receiver's state to take it."""

import struct
from typing import Any

import numpy as np

from scenarios.media import Media
from simulations.links import LINK
from simulations.queues import make_queues
from synthetic_clients.headers import NONE, PACKET
from synthetic_clients.receiving import deliver, enter
from synthetic_clients.state import LINKED, Links, State, make_state, settings_of
from synthetic_clients.virtual_links import VirtualLinks

SECOND = 1_000_000_000
MS = 1_000_000


def rtp(
    sequence: int, stamp: int, ssrc: int, *, payload_type: int = 96, marker: bool = False,
    extension: bytes = b"", payload: bytes = b"x" * 50,
) -> bytes:  # fmt: skip
    head = struct.pack(
        "!BBHLL", 0x90 if extension else 0x80, payload_type | (0x80 if marker else 0), sequence,
        stamp, ssrc,
    )  # fmt: skip
    return head + extension + payload


def one_byte_extension(number: int, data: bytes) -> bytes:
    body = bytes([number << 4 | len(data) - 1]) + data
    body += bytes(-len(body) % 4)
    return struct.pack("!HH", 0xBEDE, len(body) // 4) + body


def no_links(endpoints: int) -> VirtualLinks:
    """Links that are never used."""
    queues, starts, sizes = make_queues(np.full(endpoints, 1 << 30), np.full(endpoints, 64))
    links = np.zeros(endpoints, LINK)
    links["queue"] = queues
    links["rate"]["nominal"] = 1e9
    side = Links(links, starts, sizes)
    other = Links(links.copy(), starts.copy(), sizes.copy())
    loads = (np.array([[0, np.iinfo(np.int64).max]]), np.zeros((1, 2)))
    return VirtualLinks(side, other, loads)


def receiver(links: VirtualLinks | None = None) -> State:
    """One endpoint with a voice (stream 0) and a picture (stream 1), both of known SSRC."""
    given = links or no_links(1)
    state = make_state([1], [1], given.down, given.up, given.loads)
    state.clock[LINKED] = links is not None
    state.views["ssrc"] = [10, 20]
    state.views["payload_type"] = [111, 96]
    state.endpoints["online"] = 1
    return state


class Feed:
    """Gives packets to a receiver as a socket would."""

    def __init__(self, state: State, media: Media | None = None) -> None:
        self.state = state
        video = {"layers": [{"name": "low", "height": 90, "bitrate": "100kbps"}]}
        self.settings = settings_of(media or Media(video=video))
        self.packets: Any = np.zeros(64, PACKET)

    def send(
        self, stream: int, number: int, at: int, *, media_ns: int | None = None,
        capture: int = NONE, marker: bool = False, key: bool = False, size: int = 200,
    ) -> None:  # fmt: skip
        """A packet that reaches the socket ``at`` ns."""
        clock = 48_000 if stream == 0 else 90_000
        packet = self.packets[0]
        packet["stream"], packet["arrival"], packet["capture"] = stream, at, capture
        packet["sequence"] = number & 0xFFFF
        media = at if media_ns is None else media_ns
        packet["stamp"] = media * clock // SECOND & 0xFFFFFFFF
        packet["size"], packet["marker"], packet["key"] = size, marker, key
        enter(self.state, self.packets, 1, self.settings)

    def deliver(self, until: int) -> None:
        deliver(self.state, until, self.settings)
