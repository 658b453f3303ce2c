"""All that this project touches of aiortc and aioice beyond their documented interfaces.

A wire is what lies below media: ICE and DTLS as aiortc has them, and SRTP sessions under the keys
that they agree on. There is no RTCPeerConnection and no receiver: nothing is decoded, and no thread
is started. `tests/synthetic_clients/test_aiortc_parts.py` fails where a new version has changed
what is relied on here.
"""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import aioice
import pylibsrtp
from aioice import stun
from aiortc import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    RTCIceCandidate,
    RTCIceGatherer,
    RTCIceParameters,
    RTCIceTransport,
)
from OpenSSL import SSL

CONSENT_INTERVAL_S = 5.0
CONSENT_SPREAD = (0.8, 1.2)
CONSENT_EXPIRES_S = 30.0
"""RFC 7675, section 5.1."""


class WireError(ConnectionError):
    """A wire that could not be made; the message says what failed."""


class SharedCertificate(RTCCertificate):
    """A certificate that many connections share, its TLS context too."""

    _context: SSL.Context | None = None

    def _create_ssl_context(self, srtp_profiles: Any) -> SSL.Context:
        if self._context is None:
            self._context = super()._create_ssl_context(srtp_profiles)
        return self._context


class _Connection(aioice.Connection):
    """aioice's connection on one local address, loopback or not, whose consent checks are timed."""

    def __init__(
        self, address: str, controlling: bool, consent_s: float, interval_s: float
    ) -> None:
        super().__init__(ice_controlling=controlling)
        self._address = address
        self._consent_s, self._interval_s = consent_s, interval_s
        self.round_trip_s: float | None = None

    async def gather_candidates(self) -> None:
        if not self._local_candidates_start:
            self._local_candidates_start = True
            self._local_candidates += await self.get_component_candidates(1, [self._address])
            self._local_candidates_end = True

    async def query_consent(self) -> None:
        """RFC 7675; its round trips are the connection's (W3C webrtc-stats,
        currentRoundTripTime)."""
        pair = self._nominated[1]
        key = str(self.remote_password).encode()
        granted = time.monotonic()
        while True:
            asked = time.monotonic()
            request = self.build_request(pair, nominate=False)
            try:
                await pair.protocol.request(
                    request, pair.remote_addr, integrity_key=key, retransmissions=0
                )
                granted = time.monotonic()
                self.round_trip_s = granted - asked
            except stun.TransactionError:
                if time.monotonic() - granted >= self._consent_s:
                    self._query_consent_task = None
                    return await self.close()
            await asyncio.sleep(self._interval_s * random.uniform(*CONSENT_SPREAD))  # noqa: S311

    @property
    def transport(self) -> Any:
        return self._protocols[0].transport

    @property
    def nominated(self) -> bool:
        return 1 in self._nominated

    @property
    def remote(self) -> tuple[str, int]:
        address: tuple[str, int] = self._nominated[1].remote_addr
        return address


class _Dtls(RTCDtlsTransport):
    """aiortc's DTLS whose RTP and RTCP go to functions instead of receivers."""

    def __init__(self, transport: RTCIceTransport, certificate: RTCCertificate) -> None:
        super().__init__(transport, [certificate])
        self.on_rtcp: Callable[[bytes], None] = lambda _: None
        self.on_rtp: Callable[[bytes], None] = lambda _: None

    async def _handle_rtcp_data(self, data: bytes) -> None:
        self.on_rtcp(data)

    async def _handle_rtp_data(self, data: bytes, arrival_time_ms: int) -> None:  # noqa: ARG002
        self.on_rtp(data)

    def take_role(self, role: str) -> None:
        self._set_role(role)

    @property
    def sessions(self) -> tuple[pylibsrtp.Session, pylibsrtp.Session]:
        return self._rx_srtp, self._tx_srtp


class Wire:
    """ICE, DTLS and SRTP with one peer, on one UDP socket."""

    def __init__(
        self,
        address: str,
        certificate: RTCCertificate,
        *,
        controlling: bool = True,
        consent_s: float = CONSENT_EXPIRES_S,
        interval_s: float = CONSENT_INTERVAL_S,
    ) -> None:
        """
        Args:
            address: the local IP address.
            controlling: ICE's role: an offerer controls, and whoever meets an ICE-lite peer.
            consent_s: seconds without an answered check after which the wire is closed.
            interval_s: seconds between checks, on the mean.
        """
        self._gatherer = RTCIceGatherer(iceServers=[])
        self._connection = _Connection(address, controlling, consent_s, interval_s)
        self._gatherer._connection = self._connection
        self._ice = RTCIceTransport(self._gatherer)
        self._dtls = _Dtls(self._ice, certificate)
        self._closed = False
        self._on_lost: Callable[[], None] = lambda: None
        self._dtls.on("statechange", self._look)

    async def gather(self) -> None:
        """Open the socket."""
        await self._gatherer.gather()

    @property
    def ice(self) -> RTCIceParameters:
        """The local user name fragment and password."""
        return self._gatherer.getLocalParameters()

    @property
    def candidates(self) -> Sequence[RTCIceCandidate]:
        """The local candidates."""
        return self._gatherer.getLocalCandidates()

    @property
    def fingerprints(self) -> Sequence[RTCDtlsFingerprint]:
        """Of the local certificate."""
        return self._dtls.getLocalParameters().fingerprints

    async def connect(
        self,
        ice: RTCIceParameters,
        candidates: Sequence[RTCIceCandidate],
        dtls: RTCDtlsParameters,
        role: str,
    ) -> None:
        """Check connectivity and shake hands.

        Args:
            ice, candidates, dtls: the peer's.
            role: ours in DTLS: `client` or `server`.

        Raises:
            WireError: ICE or DTLS failed.
        """
        for candidate in candidates:
            await self._ice.addRemoteCandidate(candidate)
        await self._ice.addRemoteCandidate(None)
        await self._ice.start(ice)
        if self._ice.state != "completed":
            raise WireError(f"ICE: {self._ice.state}")
        self._dtls.take_role(role)
        await self._dtls.start(dtls)
        if self._dtls.state != "connected":
            raise WireError(f"DTLS: {self._dtls.state}")

    def listen(self, on_rtcp: Callable[[bytes], None], on_lost: Callable[[], None]) -> None:
        """Call ``on_rtcp`` with each RTCP packet, decrypted, and ``on_lost`` if the peer goes."""
        self._dtls.on_rtcp = on_rtcp
        self.transport.on_rtcp = self._take_rtcp
        self._on_lost = on_lost

    def listen_to_media(self, on_rtp: Callable[[bytes], None]) -> None:
        """Call ``on_rtp`` with each RTP packet, decrypted."""
        self._dtls.on_rtp = on_rtp

    @property
    def index(self) -> int:
        """The socket's index in the loop's reader."""
        return int(self._connection.transport.index)

    @property
    def transport(self) -> Any:
        """The socket's transport."""
        return self._connection.transport

    @property
    def round_trip_s(self) -> float | None:
        """Of the last consent check that was answered."""
        return self._connection.round_trip_s

    @property
    def connected(self) -> bool:
        """Whether media can pass."""
        return not self._closed and self._connection.nominated and self._dtls.state == "connected"

    def protect(self, packet: bytes) -> bytes:
        """An RTP packet as SRTP."""
        return self._dtls.sessions[1].protect(packet)

    def unprotect(self, packet: bytes) -> bytes | None:
        """An SRTP packet as RTP; None if it is not authentic."""
        try:
            return self._dtls.sessions[0].unprotect(packet)
        except pylibsrtp.Error:
            return None

    def send(self, packet: bytes) -> None:
        """Send what `protect` made; without a peer, nothing happens."""
        if self.connected:
            self._connection.transport.sendto(packet, self._connection.remote)

    def send_rtcp(self, packet: bytes) -> None:
        """Send an RTCP packet, encrypted."""
        if self.connected:
            protected = self._dtls.sessions[1].protect_rtcp(packet)
            self._connection.transport.sendto(protected, self._connection.remote)

    async def close(self) -> None:
        """Take leave and close the socket."""
        if not self._closed:
            self._closed = True
            await self._dtls.stop()
            await self._ice.stop()

    def _take_rtcp(self, packet: bytes) -> None:
        try:
            plain = self._dtls.sessions[0].unprotect_rtcp(packet)
        except pylibsrtp.Error:
            return  # forged, or replayed
        self._dtls.on_rtcp(plain)

    def _look(self) -> None:
        if self._dtls.state in ("closed", "failed") and not self._closed:
            self._on_lost()
