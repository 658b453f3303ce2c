"""DTLS as a server over datagrams that others carry (RFC 6347), for SRTP's keys (RFC 5764)."""

import datetime
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from reference_sfu.srtp import PROFILES, Profile

MTU = 1200
"""Bytes of the largest datagram sent: what every path of the internet carries."""

_RECORD_HEADER = 13
_DIGESTS: dict[str, hashes.HashAlgorithm] = {
    "sha-256": hashes.SHA256(),
    "sha-384": hashes.SHA384(),
    "sha-512": hashes.SHA512(),
}
_DTLS_1_2 = 0xFEFD
_CIPHERS = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:"
    b"ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA"
)


class HandshakeError(Exception):
    """The handshake failed for good; the message says why."""


class Certificate:
    """A self-signed ECDSA certificate, made anew for every server."""

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, secrets.token_hex(8))])
        now = datetime.datetime.now(tz=datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=365))
            .sign(key, hashes.SHA256())
        )
        self.key = key
        self.certificate = certificate
        self.fingerprint = fingerprint_of(certificate, "sha-256")
        context = SSL.Context(SSL.DTLS_SERVER_METHOD)
        # The newest version whose records are plain to see, as `datagrams` needs.
        context.set_max_proto_version(_DTLS_1_2)
        context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_QUERY_MTU)
        context.set_mode(SSL.MODE_RELEASE_BUFFERS)
        # Any certificate will do here: the peer's must match the fingerprint in its offer.
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        context.use_certificate(certificate)
        context.use_privatekey(key)
        context.set_cipher_list(_CIPHERS)
        context.set_tlsext_use_srtp(b":".join(profile.name for profile in PROFILES))
        self.context = context


@dataclass(frozen=True, slots=True)
class Keys:
    """What the handshake was for."""

    profile: Profile
    inbound: bytes
    """Master key and salt of the peer's direction."""
    outbound: bytes
    """Master key and salt of ours."""


class Handshake:
    """One peer's DTLS association: feed it datagrams, send what it has, ask it for keys."""

    def __init__(self, certificate: Certificate, fingerprints: dict[str, str]) -> None:
        """``fingerprints``: by hash name, of the certificate that the peer must show."""
        self._fingerprints = fingerprints
        self._connection = SSL.Connection(certificate.context, None)
        self._connection.set_ciphertext_mtu(MTU)
        self._connection.set_accept_state()
        self.keys: Keys | None = None
        self.closed = False
        """Whether the peer has said goodbye."""

    def receive(self, datagram: bytes) -> Iterator[bytes]:
        """Take a datagram; gives those to send. Raises HandshakeError."""
        try:
            self._connection.bio_write(datagram)
            if self.keys is None:
                self._advance()
            else:
                self._drain()
        except SSL.Error as error:
            raise HandshakeError(_explain(error)) from None
        return datagrams(self._outgoing())

    def timeout(self) -> float | None:
        """Seconds until the last flight must go out again; None where nothing waits."""
        return self._connection.DTLSv1_get_timeout() if self.keys is None else None

    def retransmit(self) -> Iterator[bytes]:
        """The last flight again, if its time has come."""
        try:
            self._connection.DTLSv1_handle_timeout()
        except SSL.Error as error:
            raise HandshakeError(_explain(error)) from None
        return datagrams(self._outgoing())

    def close(self) -> Iterator[bytes]:
        """What tells the peer that this is the end; nothing where it never was its peer."""
        if self.keys is None:
            return iter(())
        try:
            self._connection.shutdown()
        except SSL.Error:
            return iter(())
        return datagrams(self._outgoing())

    def _advance(self) -> None:
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return
        certificate = self._connection.get_peer_certificate(as_cryptography=True)
        known = {name: value for name, value in self._fingerprints.items() if name in _DIGESTS}
        if not known or certificate is None:
            raise HandshakeError("no fingerprint that could be checked")
        if any(fingerprint_of(certificate, name) != value for name, value in known.items()):
            raise HandshakeError("the certificate is not the one that the offer announced")
        chosen = self._connection.get_selected_srtp_profile()
        for profile in PROFILES:
            if profile.name == chosen:
                material = self._connection.export_keying_material(
                    b"EXTRACTOR-dtls_srtp", profile.material
                )
                self.keys = Keys(profile, *profile.split(material))
                return
        raise HandshakeError("no SRTP profile in common")

    def _drain(self) -> None:
        """Read on after the handshake: a repeated flight is answered, a goodbye is heard."""
        try:
            self._connection.recv(2048)
        except SSL.ZeroReturnError:
            self.closed = True
        except SSL.WantReadError:
            pass

    def _outgoing(self) -> bytes:
        found = bytearray()
        while True:
            try:
                found += self._connection.bio_read(16_384)
            except SSL.WantReadError:
                return bytes(found)


def fingerprint_of(certificate: x509.Certificate, algorithm: str) -> str:
    """The certificate's fingerprint as SDP writes it (RFC 8122 § 5)."""
    return certificate.fingerprint(_DIGESTS[algorithm]).hex(":").upper()


def datagrams(records: bytes) -> Iterator[bytes]:
    """A flight's records in as few datagrams as the MTU allows; no record is cut in two."""
    begin = end = 0
    while end + _RECORD_HEADER <= len(records):
        after = end + _RECORD_HEADER + int.from_bytes(records[end + 11 : end + 13], "big")
        if after - begin > MTU and end > begin:
            yield records[begin:end]
            begin = end
        end = after
    if begin < len(records):
        yield records[begin:]


def _explain(error: SSL.Error) -> str:
    reasons = error.args[0] if error.args else ()
    return "; ".join(reason[-1] for reason in reasons if reason) or type(error).__name__
