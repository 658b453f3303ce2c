"""Peers of a media server with nothing between them and the wire: what tests and benchmarks need.

A peer joins by WHIP or WHEP, checks the way, shakes hands and has SRTP sessions; then its socket
can be used as one likes. Everything blocks, with a timeout.
"""

import json
import re
import secrets
import socket
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

from OpenSSL import SSL

from reference_sfu import stun
from reference_sfu.dtls import MTU, Certificate, datagrams
from reference_sfu.srtp import PROFILES, Inbound, Outbound

TIMEOUT_S = 20.0
OPUS = ("audio", 111, "opus/48000/2", ())
VP8 = ("video", 96, "VP8/90000", ("nack", "nack pli", "ccm fir", "goog-remb"))
RTX = 97
EXTENSIONS = {
    1: "urn:ietf:params:rtp-hdrext:sdes:mid",
    2: "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    3: "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
    4: "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    5: "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
}

Kind = tuple[str, int, str, Sequence[str]]


@dataclass
class Offered:
    """What an offer says."""

    sections: Sequence[Kind] = (OPUS, VP8)
    direction: str = "sendonly"
    rtx: bool = True
    rids: Sequence[str] = ()
    ssrcs: Sequence[int] = ()
    """One for each section, where they are announced."""
    fragment: str = field(default_factory=lambda: secrets.token_hex(4))
    password: str = field(default_factory=lambda: secrets.token_hex(12))

    def text(self, fingerprint: str) -> str:
        """The offer as SDP."""
        mids = " ".join(str(mid) for mid in range(len(self.sections)))
        lines = [
            "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", f"a=group:BUNDLE {mids}",
            f"a=ice-ufrag:{self.fragment}", f"a=ice-pwd:{self.password}",
            f"a=fingerprint:sha-256 {fingerprint}", "a=setup:actpass",
        ]  # fmt: skip
        for mid, (kind, number, codec, feedback) in enumerate(self.sections):
            rtx = self.rtx and kind == "video"
            formats = f"{number} {RTX}" if rtx else str(number)
            lines += [
                f"m={kind} 9 UDP/TLS/RTP/SAVPF {formats}", "c=IN IP4 0.0.0.0", f"a=mid:{mid}",
                f"a={self.direction}", "a=rtcp-mux", f"a=rtpmap:{number} {codec}",
                *(f"a=extmap:{i} {uri}" for i, uri in EXTENSIONS.items()),
                *(f"a=rtcp-fb:{number} {each}" for each in feedback),
            ]  # fmt: skip
            if rtx:
                lines += [f"a=rtpmap:{RTX} rtx/90000", f"a=fmtp:{RTX} apt={number}"]
            if kind == "video" and self.rids:
                lines += [f"a=rid:{rid} send" for rid in self.rids]
                lines.append(f"a=simulcast:send {';'.join(self.rids)}")
            if self.ssrcs:
                lines.append(f"a=ssrc:{self.ssrcs[mid]} cname:peer")
        return "\r\n".join(lines) + "\r\n"


def call(
    method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, Message, str]:
    """Status, headers and text of an HTTP call; errors are answers, too."""
    request = urllib.request.Request(  # noqa: S310  # an HTTP address of our own
        url, body, dict(headers or {}), method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as reply:  # noqa: S310
            return reply.status, reply.headers, reply.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read().decode()


def give_floor(url: str, **floor: Any) -> None:
    """Put sites on the floor."""
    status, _, text = call("PUT", f"{url}/floor", json.dumps(floor).encode())
    if status != 200:
        raise RuntimeError(text)


class PlainPeer:
    """One peer."""

    def __init__(self, certificate: Certificate, offered: Offered) -> None:
        self.offered = offered
        self.certificate = certificate
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(TIMEOUT_S)
        self.answer = ""
        self.location = ""
        self.server = ("", 0)
        self.ssrcs: list[int] = []
        """Of the server's streams, in the order of their sections."""
        self.inbound: Inbound
        self.outbound: Outbound
        self.connection: SSL.Connection

    def __enter__(self) -> "PlainPeer":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def signal(self, url: str, path: str) -> None:
        """Offer to ``path``, whip/SITE or whep/SITE, and take the answer."""
        offer = self.offered.text(self.certificate.fingerprint).encode()
        status, headers, text = call(
            "POST", f"{url}/{path}", offer, {"Content-Type": "application/sdp"}
        )
        if status != 201:
            raise RuntimeError(f"{status}: {text}")
        self.location, self.answer = f"{url}{headers['Location']}", text
        candidate = re.search(r"a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ host", text)
        if candidate is None:
            raise RuntimeError("the answer has no candidate")
        self.server = (candidate[1], int(candidate[2]))
        streams = re.findall(r"a=ssrc:(\d+) cname", text)
        self.ssrcs = list(dict.fromkeys(map(int, streams)))

    def _credential(self, name: str) -> str:
        found = re.search(rf"a={name}:(\S+)", self.answer)
        return found[1] if found else ""

    def check(self, *, controlled: bool = False, password: str | None = None) -> bytes:
        """A connectivity check that nominates."""
        username = f"{self._credential('ice-ufrag')}:{self.offered.fragment}".encode()
        attributes = {
            stun.USERNAME: username,
            stun.PRIORITY: (1).to_bytes(4, "big"),
            stun.ICE_CONTROLLED if controlled else stun.ICE_CONTROLLING: bytes(8),
            stun.USE_CANDIDATE: b"",
        }
        secret = self._credential("ice-pwd") if password is None else password
        return stun.build(
            stun.BINDING_REQUEST, secrets.token_bytes(12), attributes, secret.encode()
        )

    def connect(self) -> None:
        """Check the way, and shake hands."""
        self.socket.sendto(self.check(), self.server)
        reply = stun.parse(self.socket.recv(2048))
        if not reply.is_signed_with(self._credential("ice-pwd").encode()):
            raise RuntimeError("the server's answer is not signed")
        context = SSL.Context(SSL.DTLS_CLIENT_METHOD)
        context.set_verify(SSL.VERIFY_NONE, lambda *_: True)
        context.use_certificate(self.certificate.certificate)
        context.use_privatekey(self.certificate.key)
        context.set_tlsext_use_srtp(b":".join(profile.name for profile in PROFILES))
        self.connection = SSL.Connection(context, None)
        self.connection.set_ciphertext_mtu(MTU)
        self.connection.set_connect_state()
        while not self._shake():
            self.connection.bio_write(self.socket.recv(2048))
        chosen = self.connection.get_selected_srtp_profile()
        profile = next(each for each in PROFILES if each.name == chosen)
        material = self.connection.export_keying_material(b"EXTRACTOR-dtls_srtp", profile.material)
        own, theirs = profile.split(material)
        self.inbound, self.outbound = Inbound(profile, theirs), Outbound(profile, own)

    def _shake(self) -> bool:
        try:
            self.connection.do_handshake()
            done = True
        except SSL.WantReadError:
            done = False
        self.flush()
        return done

    def flush(self) -> None:
        """Send what DTLS has to say."""
        try:
            for datagram in datagrams(self.connection.bio_read(65_536)):
                self.socket.sendto(datagram, self.server)
        except SSL.WantReadError:
            pass

    def join(self, url: str, path: str) -> "PlainPeer":
        """Signal, and connect."""
        self.signal(url, path)
        self.connect()
        return self

    def send(self, packet: bytes) -> None:
        """Send an RTP packet."""
        self.socket.sendto(self.outbound.rtp(packet), self.server)

    def report(self, packet: bytes) -> None:
        """Send an RTCP packet."""
        self.socket.sendto(self.outbound.rtcp(packet), self.server)

    def receive(self, *, rtcp: bool = False, timeout: float = TIMEOUT_S) -> bytes:
        """The next RTP packet that comes, or RTCP packet; raises TimeoutError."""
        self.socket.settimeout(timeout)
        while True:
            data = self.socket.recv(2048)
            if not 128 <= data[0] < 192:
                continue
            if (192 <= data[1] <= 223) == rtcp:
                return self.inbound.rtcp(data) if rtcp else self.inbound.rtp(data)

    def leave(self) -> None:
        """End the session by HTTP."""
        call("DELETE", self.location)
