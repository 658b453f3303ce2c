"""The media server: one socket, the sessions that share it, and the room that they meet in.

The driver around the pure parts: it alone reads the clocks, owns the socket and keeps the times at
which something is due.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from reference_sfu import rtcp, stun
from reference_sfu.datagrams import BATCH, DatagramSocket
from reference_sfu.demux import Protocol, protocol_of
from reference_sfu.dtls import Certificate, HandshakeError
from reference_sfu.floor import Floor
from reference_sfu.offers import Local, Offer, Section
from reference_sfu.peers import Peer, State
from reference_sfu.publications import Publication
from reference_sfu.room import Room
from reference_sfu.rows import address_of
from reference_sfu.slots import Dealer, Slot
from reference_sfu.srtp import Refused
from reference_sfu.subscriptions import Subscription

_log = logging.getLogger(__name__)

MAX_SESSIONS = 8192
JOIN_NS = 30_000_000_000
"""How long a session may take from its answer to the end of its handshake."""
TICK_S = 0.02
REPORTS_NS = 100_000_000
"""From one look at whose report is due to the next."""
PUBLISHER_REPORTS_NS = 1_000_000_000
IDLE_REPORTS_NS = 5_000_000_000
"""To a publisher that nobody watches."""
SUBSCRIBER_REPORTS_NS = 2_000_000_000
_BATCHES = 8
"""Batches of datagrams read before the loop gets to do something else."""


class Full(Exception):
    """The server takes no more sessions; the message says why."""


@dataclass(slots=True)
class Counters:
    """What came in, by what became of it; the socket and the room count for themselves."""

    datagrams: dict[str, int] = field(default_factory=dict)
    """Datagrams that were dropped, by reason."""
    feedback: dict[str, int] = field(default_factory=dict)
    """RTCP by kind: NACKs and PLIs heard and sent, packets sent again."""
    sessions: dict[str, int] = field(default_factory=dict)
    """Sessions by how they ended."""

    @staticmethod
    def add(counts: dict[str, int], name: str, number: int = 1) -> None:
        """Count ``number`` more of ``name``."""
        counts[name] = counts.get(name, 0) + number


@dataclass(eq=False, slots=True)
class Session:
    """A publisher's or a subscriber's session."""

    id: str
    site: str
    peer: Peer
    began_ns: int
    sections: list[Section]
    slots: list[Slot] | None
    """A subscriber's; None of a publisher."""
    ssrc: int
    """The server's own, in what it reports."""
    publication: Publication | None = None
    subscription: Subscription | None = None
    due_ns: int = 0
    """When the next report is due."""


class MediaServer:
    """Sessions on one UDP socket; made and used within a running event loop."""

    def __init__(
        self,
        host: str,
        port: int = 0,
        announced: Sequence[str] = (),
        max_sessions: int = MAX_SESSIONS,
    ) -> None:
        """Bind to ``host`` and ``port``. Raises OSError.

        Candidates have the addresses ``announced``, or else ``host``.
        """
        self.socket = DatagramSocket(host, port)
        self.room = Room(self.socket.fan_out)
        self.counters = Counters()
        self.sessions: dict[str, Session] = {}
        self.draining = False
        self.max_sessions = max_sessions
        self._certificate = Certificate()
        self._local = Local(
            [(address, self.socket.port) for address in announced or (host,)],
            self._certificate.fingerprint,
        )
        self._by_fragment: dict[str, Session] = {}
        self._by_address: dict[bytes, Session] = {}
        self._joining: set[Session] = set()
        self._publishing: set[Session] = set()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self.socket.fileno(), self._read)
        self.ticking = self._loop.create_task(self._tick())
        """Runs as long as the server; it ends by itself only where it fails."""

    async def close(self) -> None:
        """End all sessions and give the port back."""
        self.ticking.cancel()
        await asyncio.gather(self.ticking, return_exceptions=True)
        for session in list(self.sessions.values()):
            self.end(session, "server closed")
        self._loop.remove_reader(self.socket.fileno())
        self.socket.close()

    # ---------------------------------------------------------- sessions

    def join(self, site: str, text: str, publishes: bool) -> tuple[Session, str]:
        """Begin a session for the offer ``text``; gives it and the answer.

        Raises Full and offers.OfferError.
        """
        if self.draining:
            raise Full("the server is draining")
        if len(self.sessions) >= self.max_sessions:
            raise Full(f"all {self.max_sessions} sessions are taken")
        offer = Offer(text)
        now_ns = time.monotonic_ns()
        peer = Peer(self._certificate, offer.remote, offer.fingerprints, now_ns)
        slots: list[Slot] | None = None
        if publishes:
            answer, sections = offer.answer(self._local, peer.local)
        else:
            dealer = Dealer()
            answer, sections = offer.answer(self._local, peer.local, dealer)
            slots = [
                Slot(section, streams, self.room.rows)
                for section, streams in zip(sections, dealer.dealt, strict=True)
            ]
        own_ssrc = secrets.randbits(32)
        session = Session(secrets.token_urlsafe(12), site, peer, now_ns, sections, slots, own_ssrc)
        self.sessions[session.id] = session
        self._by_fragment[peer.local.fragment] = session
        self._joining.add(session)
        return session, answer

    def end(self, session: Session, reason: str) -> None:
        """End ``session``; a second time does nothing."""
        if self.sessions.pop(session.id, None) is None:
            return
        self.counters.add(self.counters.sessions, reason)
        peer = session.peer
        del self._by_fragment[peer.local.fragment]
        if session.subscription is not None:
            self.room.unsubscribe(session.subscription)
        else:
            for slot in session.slots or ():
                slot.close()
        if session.publication is not None:
            self.room.unpublish(session.publication)
        peer.close(partial(self._send_to, peer))
        for address in peer.addresses:
            if self._by_address.get(address) is session:
                del self._by_address[address]
        self._joining.discard(session)
        self._publishing.discard(session)

    def give_floor(self, floor: Floor) -> None:
        """Put other sites on the floor, at once."""
        self.room.give_floor(floor)
        self._ask_publishers(time.monotonic_ns())

    # --------------------------------------------------------- datagrams

    def _read(self) -> None:
        for _ in range(_BATCHES):
            now_ns, unix_ns = time.monotonic_ns(), time.time_ns()
            found = 0
            for datagram, address in self.socket.receive():
                found += 1
                try:
                    self._take(datagram, address, unix_ns, now_ns)
                except Exception:
                    self._confess()
            if found < BATCH:
                return

    def _take(self, datagram: bytes, address: bytes, unix_ns: int, now_ns: int) -> None:
        protocol = protocol_of(datagram)
        if protocol is Protocol.STUN:
            self._take_stun(datagram, address, now_ns)
            return
        session = self._by_address.get(address)
        if session is None:
            self._drop("unknown address" if protocol else "garbage")
        elif protocol is Protocol.RTP or protocol is Protocol.RTCP:
            self._take_media(session, protocol, datagram, unix_ns, now_ns)
        elif protocol is Protocol.DTLS:
            self._take_dtls(session, datagram, address, now_ns)
        else:
            self._drop("garbage")

    def _confess(self) -> None:
        """Count a defect of this server, and tell of the first: one peer must not end them all."""
        if "defect" not in self.counters.datagrams:
            _log.exception("a defect; others like it will only be counted")
        self._drop("defect")

    def _drop(self, reason: str) -> None:
        self.counters.add(self.counters.datagrams, reason)

    def _take_stun(self, datagram: bytes, address: bytes, now_ns: int) -> None:
        try:
            message = stun.parse(datagram)
        except stun.StunError:
            self._drop("malformed STUN")
            return
        if message.kind != stun.BINDING_REQUEST:
            if message.kind != stun.BINDING_INDICATION:  # a keepalive, which asks for nothing
                self._drop("unexpected STUN")
            return
        if stun.MESSAGE_INTEGRITY not in message.attributes:
            self._drop("STUN without integrity")
            return
        session = self._by_fragment.get(message.local_fragment)
        if session is None:
            self._drop("STUN for no session")
            return
        peer = session.peer
        before = peer.address
        reply = peer.check(message, address, *address_of(address), now_ns)
        if reply is None:
            self._drop("STUN with wrong integrity")
            return
        if address in peer.addresses:
            self._by_address[address] = session
        self.socket.send(reply, address)
        if peer.address != before:
            self._connect_rows(session)

    def _take_dtls(self, session: Session, datagram: bytes, address: bytes, now_ns: int) -> None:
        peer = session.peer
        before = peer.state
        try:
            peer.shake(datagram, lambda reply: self.socket.send(reply, address), now_ns)
        except HandshakeError:
            self._drop("failed DTLS")
            if before is not State.CONNECTED:
                self.end(session, "handshake failed")
            return
        if peer.state is State.CLOSED:
            self.end(session, "peer closed")
        elif peer.state is not before:
            self._begin(session, now_ns)

    def _begin(self, session: Session, now_ns: int) -> None:
        """The handshake is over: media may flow."""
        self._joining.discard(session)
        if session.slots is None:
            for other in list(self._publishing):
                if other.site == session.site:
                    self.end(other, "replaced")
            session.publication = self.room.publish(session.site, session.sections)
            self._publishing.add(session)
            session.due_ns = now_ns + PUBLISHER_REPORTS_NS
        else:
            self._connect_rows(session)
            session.subscription = self.room.subscribe(session.site, session.slots)
            session.due_ns = now_ns + SUBSCRIBER_REPORTS_NS // 4

    def _connect_rows(self, session: Session) -> None:
        peer = session.peer
        if peer.outbound is not None and peer.address is not None:
            for slot in session.slots or ():
                self.room.rows.connect(slot.number, peer.outbound.address, peer.address)

    def _take_media(
        self, session: Session, protocol: Protocol, datagram: bytes, unix_ns: int, now_ns: int
    ) -> None:
        peer = session.peer
        if peer.inbound is None:
            self._drop("media before the handshake")
            return
        try:
            if protocol is Protocol.RTP:
                data = peer.inbound.rtp(datagram)
                peer.heard_ns = now_ns
                if session.publication is not None:
                    self.room.take(session.publication, data, unix_ns, now_ns)
                else:
                    self._drop("RTP from a subscriber")
            else:
                data = peer.inbound.rtcp(datagram)
                peer.heard_ns = now_ns
                self._take_rtcp(session, data, unix_ns, now_ns)
        except Refused as refusal:
            self._drop("replayed SRTP" if refusal.replayed else "forged SRTP")

    def _take_rtcp(self, session: Session, data: bytes, unix_ns: int, now_ns: int) -> None:
        feedback = self.counters.feedback
        try:
            for item in rtcp.read(data):
                self.counters.add(feedback, _NAMES[type(item)])
                if session.publication is not None:
                    session.publication.hear(item, now_ns)
                elif session.subscription is not None:
                    for packet in session.subscription.hear(item, unix_ns, now_ns):
                        self._send_rtp(session.peer, packet)
                        self.counters.add(feedback, "packets sent again")
        except ValueError:
            self._drop("malformed RTCP")

    # -------------------------------------------------------------- sending

    def _send_to(self, peer: Peer, datagram: bytes) -> None:
        if peer.address is not None:
            self.socket.send(datagram, peer.address)

    def _send_rtp(self, peer: Peer, packet: bytes) -> None:
        if peer.outbound is not None:
            try:
                self._send_to(peer, peer.outbound.rtp(packet))
            except Refused:
                self._drop("unsendable")

    def _send_rtcp(self, peer: Peer, packet: bytes) -> None:
        if peer.outbound is not None:
            try:
                self._send_to(peer, peer.outbound.rtcp(packet))
            except Refused:
                self._drop("unsendable")

    # ----------------------------------------------------------------- time

    async def _tick(self) -> None:
        """What time brings: retransmitted handshakes, expiry, feedback, reports, encodings."""
        measured_ns = reported_ns = 0
        while True:
            await asyncio.sleep(TICK_S)
            now_ns, unix_ns = time.monotonic_ns(), time.time_ns()
            self._nudge_joining(now_ns)
            self._ask_publishers(now_ns)
            if now_ns - measured_ns >= 1_000_000_000:
                measured_ns = now_ns
                self._measure(now_ns)
            if now_ns - reported_ns >= REPORTS_NS:
                reported_ns = now_ns
                for session in self.sessions.values():
                    if 0 < session.due_ns <= now_ns:
                        try:
                            self._report(session, unix_ns, now_ns)
                        except Exception:
                            session.due_ns = now_ns + IDLE_REPORTS_NS
                            self._confess()

    def _nudge_joining(self, now_ns: int) -> None:
        for session in list(self._joining):
            if now_ns - session.began_ns > JOIN_NS:
                self.end(session, "never joined")
                continue
            peer = session.peer
            try:
                peer.retransmit(partial(self._send_to, peer))
            except HandshakeError:
                self.end(session, "handshake failed")

    def _ask_publishers(self, now_ns: int) -> None:
        for session in self._publishing:
            if session.publication is not None:
                for packet in session.publication.requests(session.ssrc, now_ns):
                    self._send_rtcp(session.peer, packet)
                    asks = "sent NACKs" if packet[1] == rtcp.RTPFB else "sent PLIs"
                    self.counters.add(self.counters.feedback, asks)

    def _measure(self, now_ns: int) -> None:
        for session in list(self.sessions.values()):
            if session.publication is not None:
                session.publication.measure_bitrates(now_ns)
            if session.peer.is_expired(now_ns):
                self.end(session, "consent expired")
        for subscription in self.room.subscriptions:
            subscription.choose_encodings(now_ns)

    def _report(self, session: Session, unix_ns: int, now_ns: int) -> None:
        if session.publication is not None:
            packet = session.publication.reports(session.ssrc, now_ns)
            wanted = session.publication.is_wanted
            session.due_ns = now_ns + (PUBLISHER_REPORTS_NS if wanted else IDLE_REPORTS_NS)
        elif session.subscription is not None:
            packet = session.subscription.reports(unix_ns)
            session.due_ns = now_ns + SUBSCRIBER_REPORTS_NS
        else:
            return
        if packet is not None:
            self._send_rtcp(session.peer, packet)


_NAMES: dict[type, str] = {
    rtcp.SenderReport: "sender reports",
    rtcp.ReportBlock: "receiver reports",
    rtcp.Lost: "NACKs",
    rtcp.PictureLoss: "PLIs",
    rtcp.Estimate: "REMBs",
    rtcp.Goodbye: "BYEs",
}
