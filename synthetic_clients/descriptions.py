"""Session descriptions: what is offered, and what was agreed (RFC 8866, RFC 9429)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from aiortc import (
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCIceCandidate,
    RTCIceParameters,
)
from aiortc.sdp import MediaDescription, SessionDescription, candidate_to_sdp

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
CAPTURE_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
EXTENSIONS: Mapping[str, int] = {MID: 1, CAPTURE_TIME: 2}
"""Header extensions that are offered, by their identifiers."""

RID_NUMBER = 3
"""The identifier of RID, which is offered with encodings alone."""
_SIMULCAST = re.compile(r"a=simulcast:.*\brecv ([^\s]+)")

OPUS, VP8 = 111, 96
"""Payload types that are offered."""
_CODECS = {
    "audio": (
        "opus/48000/2",
        OPUS,
        ("fmtp:111 minptime=10;useinbandfec=1",),
    ),
    "video": (
        "VP8/90000",
        VP8,
        ("rtcp-fb:96 nack", "rtcp-fb:96 nack pli", "rtcp-fb:96 goog-remb"),
    ),
}
Kind = Literal["audio", "video"]
CLOCKS: Mapping[str, int] = {"audio": 48_000, "video": 90_000}
"""Ticks of RTP time stamps in a second."""


class DescriptionError(Exception):
    """A session description that cannot be used; the message says why."""


@dataclass(frozen=True)
class Local:
    """Our end of a wire, as descriptions carry it."""

    ice: RTCIceParameters
    candidates: Sequence[RTCIceCandidate]
    fingerprints: Sequence[RTCDtlsFingerprint]


@dataclass(frozen=True)
class Line:
    """A media line that we offer."""

    kind: Kind
    direction: Literal["sendonly", "recvonly"]
    ssrc: int | None = None
    """Of what we send."""
    encodings: Sequence[str] = ()
    """Of what we send, by name (RFC 8853), the best last; none: there is but one."""


@dataclass(frozen=True)
class Slot:
    """A media line as the peer agreed to it."""

    mid: str
    kind: Kind
    payload_type: int
    ssrc: int | None
    """Of what the peer sends, where it says so."""
    extensions: Mapping[str, int] = field(default_factory=dict)
    accepted: bool = True
    encodings: Sequence[str] = ()
    """Those that the peer takes, by name; none: it takes one stream."""


@dataclass(frozen=True)
class Remote:
    """The peer's description."""

    ice: RTCIceParameters
    candidates: Sequence[RTCIceCandidate]
    dtls: RTCDtlsParameters
    slots: Sequence[Slot]


def write_offer(local: Local, lines: Sequence[Line], name: str) -> str:
    """An offer of ``lines``, bundled; ``name`` is the sender's CNAME."""
    text = _head(len(lines))
    for mid, line in enumerate(lines):
        codec, payload_type, attributes = _CODECS[line.kind]
        text += [
            f"m={line.kind} 9 UDP/TLS/RTP/SAVPF {payload_type}",
            "c=IN IP4 0.0.0.0",
            f"a={line.direction}",
            f"a=mid:{mid}",
            "a=rtcp-mux",
            "a=rtcp-rsize",
            *(f"a=extmap:{number} {uri}" for uri, number in EXTENSIONS.items()),
            f"a=rtpmap:{payload_type} {codec}",
            *(f"a={attribute}" for attribute in attributes),
        ]
        if line.encodings:
            names = ";".join(line.encodings)
            text += [f"a=extmap:{RID_NUMBER} {RID}", f"a=simulcast:send {names}"]
            text += [f"a=rid:{name} send" for name in line.encodings]
        elif line.ssrc is not None:
            text += [f"a=msid:{name} {name}-{line.kind}", f"a=ssrc:{line.ssrc} cname:{name}"]
        text += [*_transport(local), "a=setup:actpass"]
    return "\r\n".join(text) + "\r\n"


def write_answer(local: Local, remote: Remote) -> str:
    """An answer that takes all that ``remote`` offers to send."""
    text = _head(0, [slot.mid for slot in remote.slots])
    for slot in remote.slots:
        codec, _, attributes = _CODECS[slot.kind]
        number = slot.payload_type
        text += [
            f"m={slot.kind} {9 if slot.accepted else 0} UDP/TLS/RTP/SAVPF {number}",
            "c=IN IP4 0.0.0.0",
            "a=recvonly" if slot.accepted else "a=inactive",
            f"a=mid:{slot.mid}",
            "a=rtcp-mux",
            *(
                f"a=extmap:{extension} {uri}"
                for uri, extension in slot.extensions.items()
                if uri in EXTENSIONS
            ),
            f"a=rtpmap:{number} {codec}",
            *(f"a={_numbered(attribute, number)}" for attribute in attributes),
            *_transport(local),
            "a=setup:active",
        ]
    return "\r\n".join(text) + "\r\n"


def _numbered(attribute: str, payload_type: int) -> str:
    """An attribute of a codec under another payload type."""
    name, _, rest = attribute.partition(" ")
    return f"{name.partition(':')[0]}:{payload_type} {rest}"


def _head(lines: int, mids: Sequence[str] | None = None) -> list[str]:
    bundle = " ".join(mids if mids is not None else map(str, range(lines)))
    return [
        "v=0",
        "o=- 1 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {bundle}",
        "a=msid-semantic: WMS *",
    ]


def _transport(local: Local) -> list[str]:
    return [
        *(f"a=candidate:{candidate_to_sdp(candidate)}" for candidate in local.candidates),
        "a=end-of-candidates",
        f"a=ice-ufrag:{local.ice.usernameFragment}",
        f"a=ice-pwd:{local.ice.password}",
        *(f"a=fingerprint:{each.algorithm} {each.value}" for each in local.fingerprints),
    ]


def read_description(text: str) -> Remote:
    """The peer's offer or answer.

    Raises:
        DescriptionError: it is malformed, or has nothing that we can use.
    """
    try:
        session = SessionDescription.parse(text)
    except (AssertionError, ValueError, KeyError, IndexError, StopIteration, TypeError) as error:
        raise DescriptionError(f"malformed session description: {error or 'not SDP'}") from None
    except AttributeError as error:
        raise DescriptionError(f"malformed session description: {error}") from None
    lines = [media for media in session.media if media.kind in CLOCKS]
    used = next((media for media in lines if media.port != 0), None)
    if used is None:
        raise DescriptionError("the session description has no media that was accepted")
    if used.ice is None or not used.ice.usernameFragment or not used.ice.password:
        raise DescriptionError("the session description has no ICE credentials")
    if used.dtls is None or not used.dtls.fingerprints:
        raise DescriptionError("the session description has no DTLS fingerprint and role")
    candidates = [
        candidate
        for media in session.media
        for candidate in media.ice_candidates
        if candidate.protocol.lower() == "udp" and candidate.component == 1
    ]
    unique = {(each.ip, each.port): each for each in candidates}
    return Remote(
        ice=used.ice,
        candidates=list(unique.values()),
        dtls=used.dtls,
        slots=[
            _slot(media, encodings)
            for media, encodings in zip(session.media, _encodings(text), strict=False)
            if media.kind in CLOCKS
        ],
    )


def can_be_encodings(names: Sequence[str]) -> bool:
    """Whether these can be sent at the same time, by these names (RFC 8851, section 4)."""
    return len(names) > 1 and all(re.fullmatch(r"[A-Za-z0-9_-]{1,16}", name) for name in names)


def _encodings(text: str) -> list[Sequence[str]]:
    """The encodings that each media section takes, which aiortc's parser passes over."""
    found: list[Sequence[str]] = []
    for line in text.splitlines():
        if line.startswith("m="):
            found.append(())
        elif found and (match := _SIMULCAST.match(line)):
            # Alternatives, after a comma, and paused encodings, with a tilde, are not ours.
            found[-1] = tuple(match[1].split(";"))
    return found


def _slot(media: MediaDescription, encodings: Sequence[str]) -> Slot:
    wanted = "audio/opus" if media.kind == "audio" else "video/VP8"
    types = [
        codec.payloadType
        for codec in media.rtp.codecs
        if codec.mimeType.lower() == wanted.lower() and codec.payloadType is not None
    ]
    accepted = media.port != 0 and bool(types)
    return Slot(
        mid=media.rtp.muxId,
        kind="audio" if media.kind == "audio" else "video",
        payload_type=types[0] if types else (OPUS if media.kind == "audio" else VP8),
        ssrc=media.ssrc[0].ssrc if media.ssrc else None,
        extensions={extension.uri: extension.id for extension in media.rtp.headerExtensions},
        accepted=accepted,
        encodings=encodings,
    )
