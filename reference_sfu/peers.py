"""A peer at the one socket: ICE-lite, DTLS and SRTP of one session (RFC 8445 § 2.5, RFC 7675).

Knows nothing of what the media means: it hands decrypted packets to whoever owns the session.
"""

import secrets
from collections.abc import Callable
from enum import Enum

from reference_sfu import stun
from reference_sfu.dtls import Certificate, Handshake
from reference_sfu.offers import Credentials
from reference_sfu.srtp import Inbound, Outbound

CONSENT_NS = 30_000_000_000
"""How long a session lives without a word that its peer must have sent (RFC 7675 § 5.1)."""
MAX_ADDRESSES = 8
"""Addresses from which one peer may check the way."""


class State(Enum):
    """What a session has come to."""

    NEW = "waits for a connectivity check"
    CHECKED = "waits for the handshake"
    CONNECTED = "sends and receives"
    CLOSED = "is over"


class Peer:
    """One session's transport."""

    def __init__(
        self,
        certificate: Certificate,
        remote: Credentials,
        fingerprints: dict[str, str],
        now_ns: int,
    ) -> None:
        self.local = Credentials(secrets.token_urlsafe(9), secrets.token_urlsafe(24))
        self.state = State.NEW
        self.address: bytes | None = None
        """Where media goes: what the peer nominated, before that where it checked from first."""
        self.addresses: set[bytes] = set()
        """Whence it has checked the way."""
        self.heard_ns = now_ns
        """When it last said something that only it could."""
        self.inbound: Inbound | None = None
        self.outbound: Outbound | None = None
        self._password = self.local.password.encode()
        self._username = f"{self.local.fragment}:{remote.fragment}"
        self._handshake = Handshake(certificate, fingerprints)

    def check(
        self, message: stun.Message, address: bytes, host: str, port: int, now_ns: int
    ) -> bytes | None:
        """The answer to a binding request from ``address``; None where it is not the peer's."""
        username = message.attributes.get(stun.USERNAME, b"").decode("ascii", "replace")
        if username != self._username or not message.is_signed_with(self._password):
            return None
        if address not in self.addresses and len(self.addresses) >= MAX_ADDRESSES:
            return None
        if stun.ICE_CONTROLLED in message.attributes:
            conflict = {stun.ERROR_CODE: stun.error_code(487, "Role Conflict")}
            return stun.build(stun.BINDING_ERROR, message.transaction, conflict, self._password)
        self.heard_ns = now_ns
        self.addresses.add(address)
        nominates = stun.USE_CANDIDATE in message.attributes
        if self.address is None or (nominates and self.address != address):
            self.address = address
        if self.state is State.NEW:
            self.state = State.CHECKED
        mapped = {stun.XOR_MAPPED_ADDRESS: stun.mapped_address(host, port, message.transaction)}
        return stun.build(stun.BINDING_SUCCESS, message.transaction, mapped, self._password)

    def shake(self, datagram: bytes, send: Callable[[bytes], None], now_ns: int) -> None:
        """Take a DTLS datagram; raises HandshakeError where the session cannot come to be."""
        for reply in self._handshake.receive(datagram):
            send(reply)
        if self._handshake.closed:
            self.state = State.CLOSED
        elif self.state is State.CHECKED and self._handshake.keys is not None:
            keys = self._handshake.keys
            self.inbound = Inbound(keys.profile, keys.inbound)
            self.outbound = Outbound(keys.profile, keys.outbound)
            self.state = State.CONNECTED
            self.heard_ns = now_ns

    def retransmit(self, send: Callable[[bytes], None]) -> None:
        """Send the handshake's last flight again if it is time; raises HandshakeError."""
        timeout = self._handshake.timeout()
        if timeout is not None and timeout <= 0:
            for datagram in self._handshake.retransmit():
                send(datagram)

    def is_expired(self, now_ns: int) -> bool:
        """Whether the peer has been silent for too long."""
        return now_ns - self.heard_ns > CONSENT_NS

    def close(self, send: Callable[[bytes], None]) -> None:
        """Say goodbye, where there is someone to say it to."""
        if self.address is not None and self.state is not State.CLOSED:
            for datagram in self._handshake.close():
                send(datagram)
        self.state = State.CLOSED
