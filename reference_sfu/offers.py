"""SDP offers and their answers (RFC 8829, RFC 8843, RFC 9725): what a session may send or receive.

An answer is ICE-lite and passive in DTLS, bundles everything on the one socket, and rejects with
port 0 what the server has no use for.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from aiortc import sdp
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters
from aiortc.rtcicetransport import RTCIceCandidate, RTCIceParameters
from aiortc.rtcrtpparameters import (
    RTCRtcpFeedback,
    RTCRtpCodecParameters,
    RTCRtpHeaderExtensionParameters,
)

from reference_sfu import rtp
from reference_sfu.codecs import CLOCK_RATES

MAX_SECTIONS = 128
"""Media sections of one offer."""
CNAME = "rehearsal-sfu"

_FEEDBACK = {("nack", None), ("nack", "pli"), ("ccm", "fir"), ("goog-remb", None)}
_RID = re.compile(r"a=rid:([A-Za-z0-9_-]{1,16}) send\b")
_MAX_ENCODINGS = 4


class OfferError(Exception):
    """An offer that gets no answer."""

    status = 400


class MalformedOffer(OfferError):
    """Text that is no offer."""


class UnacceptableOffer(OfferError):
    """An offer of what this server cannot do."""

    status = 422


@dataclass(frozen=True, slots=True)
class Local:
    """The server's own part of every answer."""

    candidates: Sequence[tuple[str, int]]
    """Addresses and ports of the one socket."""
    fingerprint: str
    """SHA-256, of the one certificate."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Short-term credentials of one side of ICE (RFC 8445 § 5.3)."""

    fragment: str
    password: str


@dataclass(frozen=True, slots=True)
class Codec:
    """A codec as negotiated for a section."""

    name: str
    """As in `codecs.CLOCK_RATES`."""
    payload_type: int
    repair_type: int | None
    """Payload type of its retransmissions (RFC 4588), where they were negotiated."""


@dataclass(frozen=True, slots=True)
class Section:
    """A media section that was accepted."""

    kind: str
    """audio or video."""
    mid: str
    codecs: tuple[Codec, ...]
    extensions: Mapping[str, int]
    """Numbers of header extensions by URI."""
    rids: tuple[str, ...] = ()
    """Encodings that the publisher announces (RFC 8853), in its order."""
    ssrcs: tuple[int, ...] = ()
    """Streams that the publisher announces."""
    repairs: Mapping[int, int] = field(default_factory=dict)
    """Streams that a retransmission stream repairs: by the latter's SSRC."""


@dataclass(frozen=True, slots=True)
class Streams:
    """What the server sends for a section that it answers with sendonly."""

    name: str
    ssrc: int
    repair_ssrc: int


class Offer:
    """A parsed offer."""

    def __init__(self, text: str) -> None:
        """Raises MalformedOffer or UnacceptableOffer."""
        self._session = _parse(text)
        self._lines = _section_lines(text)
        if not 0 < len(self._session.media) <= MAX_SECTIONS:
            raise UnacceptableOffer(f"1 to {MAX_SECTIONS} media sections, please")
        bundled = [group.items for group in self._session.group if group.semantic == "BUNDLE"]
        self._bundled = set(bundled[0]) if bundled else set[str]()
        first = self._session.media[0]
        if not bundled:
            self._bundled = {first.rtp.muxId}
        # The transport of a bundle is its first section's (RFC 8843 § 7.1).
        lead = next((m for m in self._session.media if m.rtp.muxId in self._bundled), first)
        self.remote = _credentials(lead)
        self.fingerprints = _fingerprints(lead)

    def answer(
        self,
        local: Local,
        credentials: Credentials,
        sends: Callable[[str], Streams] | None = None,
    ) -> tuple[str, list[Section]]:
        """The answer, and the sections that it accepts, in the offer's order.

        ``sends`` gives, for a subscriber, what to send in a section of a kind, one accepted section
        after another; without it the answer is a publisher's. Raises UnacceptableOffer where
        nothing is left.
        """
        wanted = "sendonly" if sends is None else "recvonly"
        sections: list[Section] = []
        parts: list[str] = []
        for media, lines in zip(self._session.media, self._lines, strict=True):
            section = self._accept(media, lines, wanted)
            if section is None or (sends is None and section.kind in {s.kind for s in sections}):
                parts.append(_rejection(media))
                continue
            streams = sends(section.kind) if sends is not None else None
            sections.append(section)
            parts.append(_acceptance(section, media, local, credentials, streams))
        if not sections:
            raise UnacceptableOffer(
                f"no {wanted} section of the bundle with rtcp-mux and one of {_codec_names()}"
            )
        head = [
            "v=0",
            "o=- 1 1 IN IP4 127.0.0.1",
            "s=-",
            "t=0 0",
            "a=ice-lite",
            f"a=group:BUNDLE {' '.join(section.mid for section in sections)}",
            "a=msid-semantic:WMS *",
        ]
        return "\r\n".join(head) + "\r\n" + "".join(parts), sections

    def _accept(
        self, media: sdp.MediaDescription, lines: Sequence[str], wanted: str
    ) -> Section | None:
        if (
            media.kind not in ("audio", "video")
            or media.rtp.muxId not in self._bundled
            or media.direction not in (wanted, "sendrecv", None)
            or not media.rtcp_mux
            or media.profile not in ("UDP/TLS/RTP/SAVPF", "RTP/SAVPF")
        ):
            return None
        codecs = _codecs(media)
        sending = wanted == "sendonly"
        if not codecs:
            return None
        rids = tuple(
            match[1] for line in lines if (match := _RID.match(line))
        )[:_MAX_ENCODINGS]  # fmt: skip
        known = {
            extension.uri: extension.id
            for extension in media.rtp.headerExtensions
            if extension.uri in rtp.KNOWN and 0 < extension.id < 256 and extension.id != 15
        }
        if not sending:
            known = {u: n for u, n in known.items() if u not in (rtp.RID, rtp.REPAIRED_RID)}
        return Section(
            media.kind,
            media.rtp.muxId,
            codecs[:1] if sending else codecs,
            known,
            rids if sending and media.kind == "video" else (),
            tuple(each.ssrc for each in media.ssrc),
            _repairs(media),
        )


def _repairs(media: sdp.MediaDescription) -> dict[int, int]:
    """Streams that others repair: what an FID group says (RFC 5576 § 4.2)."""
    return {
        int(group.items[1]): int(group.items[0])
        for group in media.ssrc_group
        if group.semantic == "FID" and len(group.items) == 2
    }


def _parse(text: str) -> sdp.SessionDescription:
    try:
        return sdp.SessionDescription.parse(text)
    # aiortc's parser raises whatever its first surprise leads to.
    except (AssertionError, ArithmeticError, AttributeError, LookupError, StopIteration) as error:
        raise MalformedOffer(f"not SDP: {type(error).__name__} {error}".rstrip()) from None
    except (TypeError, ValueError) as error:
        raise MalformedOffer(f"not SDP: {error}") from None


def _section_lines(text: str) -> list[list[str]]:
    """The attribute lines of each media section."""
    sections: list[list[str]] = []
    for line in text.splitlines():
        if line.startswith("m="):
            sections.append([])
        elif sections:
            sections[-1].append(line)
    return sections


def _credentials(media: sdp.MediaDescription) -> Credentials:
    fragment = media.ice.usernameFragment if media.ice else None
    password = media.ice.password if media.ice else None
    if not fragment or not password or not 4 <= len(fragment) <= 256 or len(password) < 22:
        raise UnacceptableOffer("no ice-ufrag and ice-pwd (RFC 8839 § 5.4)")
    return Credentials(fragment, password)


def _fingerprints(media: sdp.MediaDescription) -> dict[str, str]:
    if media.dtls is None or not media.dtls.fingerprints:
        raise UnacceptableOffer("no DTLS fingerprint and setup role")
    if media.dtls.role == "server":
        raise UnacceptableOffer("setup:passive: this server is passive itself")
    return {each.algorithm.lower(): each.value.upper() for each in media.dtls.fingerprints}


def _codecs(media: sdp.MediaDescription) -> tuple[Codec, ...]:
    """The codecs known here, one payload type each, in the offer's order."""
    repairs = {
        codec.parameters.get("apt"): codec.payloadType
        for codec in media.rtp.codecs
        if codec.name.lower() == "rtx"
    }
    found: dict[str, Codec] = {}
    for codec in sorted(media.rtp.codecs, key=lambda each: _place(media.fmt, each)):
        name = _codec_name(codec)
        number = codec.payloadType
        if name is not None and number is not None and number in media.fmt:
            found.setdefault(name, Codec(name, number, repairs.get(number)))
    return tuple(found.values())


def _place(formats: Sequence[int], codec: RTCRtpCodecParameters) -> int:
    return formats.index(codec.payloadType) if codec.payloadType in formats else len(formats)


def _codec_name(codec: RTCRtpCodecParameters) -> str | None:
    if str(codec.parameters.get("packetization-mode", 1)) == "0":
        return None  # H.264 in packets of one unit each, which hardly anyone sends
    shown = f"{codec.mimeType.partition('/')[2]}/{codec.clockRate}"
    if codec.channels is not None:
        shown += f"/{codec.channels}"
    for name in CLOCK_RATES:
        if shown.lower() == name.lower():
            return name
    return None


def _codec_names() -> str:
    return ", ".join(CLOCK_RATES)


def _rejection(media: sdp.MediaDescription) -> str:
    mid = f"a=mid:{media.rtp.muxId}\r\n" if media.rtp.muxId else ""
    formats = " ".join(map(str, media.fmt))
    return f"m={media.kind} 0 {media.profile} {formats}\r\nc=IN IP4 0.0.0.0\r\n{mid}a=inactive\r\n"


def _acceptance(
    section: Section,
    offered: sdp.MediaDescription,
    local: Local,
    credentials: Credentials,
    streams: Streams | None,
) -> str:
    codecs = list(_answered_codecs(section, offered))
    host, port = local.candidates[0]
    media = sdp.MediaDescription(
        section.kind, port, offered.profile, [codec.payloadType for codec in codecs]
    )
    media.host = host
    media.rtcp_port, media.rtcp_host, media.rtcp_mux = port, host, True
    media.direction = "recvonly" if streams is None else "sendonly"
    media.rtp.muxId = section.mid
    media.rtp.codecs = codecs
    media.rtp.headerExtensions = [
        RTCRtpHeaderExtensionParameters(id=number, uri=uri)
        for uri, number in section.extensions.items()
    ]
    media.ice = RTCIceParameters(credentials.fragment, credentials.password, iceLite=True)
    media.ice_candidates = [
        RTCIceCandidate(
            component=1, foundation=str(number), ip=host, port=port,
            priority=126 << 24 | (65_535 - number) << 8 | 255, protocol="udp", type="host",
        )
        for number, (host, port) in enumerate(local.candidates, 1)
    ]  # fmt: skip
    media.ice_candidates_complete = True
    media.dtls = RTCDtlsParameters([RTCDtlsFingerprint("sha-256", local.fingerprint)], "server")
    more = ["a=rtcp-rsize"]
    if streams is not None:
        media.msid = f"{streams.name} {streams.name}-{section.kind}"
        media.ssrc = [sdp.SsrcDescription(ssrc=streams.ssrc, cname=CNAME)]
        if any(codec.repair_type is not None for codec in section.codecs):
            media.ssrc.append(sdp.SsrcDescription(ssrc=streams.repair_ssrc, cname=CNAME))
            media.ssrc_group = [sdp.GroupDescription("FID", [streams.ssrc, streams.repair_ssrc])]
    if section.rids:
        more += [f"a=rid:{rid} recv" for rid in section.rids]
        more.append(f"a=simulcast:recv {';'.join(section.rids)}")
    return str(media) + "".join(f"{line}\r\n" for line in more)


def _answered_codecs(
    section: Section, offered: sdp.MediaDescription
) -> Iterator[RTCRtpCodecParameters]:
    by_type = {codec.payloadType: codec for codec in offered.rtp.codecs}
    for codec in section.codecs:
        theirs = by_type[codec.payload_type]
        theirs.rtcpFeedback = [
            RTCRtcpFeedback(each.type, each.parameter)
            for each in theirs.rtcpFeedback
            if (each.type, each.parameter) in _FEEDBACK
        ]
        yield theirs
        if codec.repair_type is not None:
            yield by_type[codec.repair_type]
