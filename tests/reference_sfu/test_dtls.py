"""The handshake against OpenSSL as a client; certificates, fingerprints, datagrams."""

import time

import pytest
from OpenSSL import SSL

from reference_sfu import dtls
from reference_sfu.dtls import MTU, Certificate, Handshake, HandshakeError, datagrams
from reference_sfu.srtp import PROFILES


@pytest.fixture(scope="module")
def server() -> Certificate:
    return Certificate()


@pytest.fixture(scope="module")
def theirs() -> Certificate:
    return Certificate()


class Client:
    """OpenSSL's DTLS client over lists of datagrams."""

    def __init__(self, certificate: Certificate | None, profiles: bytes) -> None:
        context = SSL.Context(SSL.DTLS_CLIENT_METHOD)
        context.set_verify(SSL.VERIFY_NONE, lambda *_: True)
        if certificate is not None:
            context.use_certificate(certificate.certificate)
            context.use_privatekey(certificate.key)
        context.set_tlsext_use_srtp(profiles)
        self.connection = SSL.Connection(context, None)
        self.connection.set_ciphertext_mtu(MTU)
        self.connection.set_connect_state()

    def outgoing(self) -> list[bytes]:
        """Datagrams to send."""
        try:
            return list(datagrams(self.connection.bio_read(65_536)))
        except SSL.WantReadError:
            return []

    def advance(self) -> bool:
        """Whether the handshake is over."""
        try:
            self.connection.do_handshake()
        except SSL.WantReadError:
            return False
        return True

    def meet(self, handshake: Handshake, *, loses_last_flight: bool = False) -> bool:
        """Play the handshake; gives whether the client has come to its end."""
        for _ in range(10):
            done = self.advance()
            for datagram in self.outgoing():
                for reply in handshake.receive(datagram):
                    assert len(reply) <= MTU
                    if not (loses_last_flight and handshake.keys):
                        self.connection.bio_write(reply)
            if done or (loses_last_flight and handshake.keys):
                return done
        return False


NAMES = b":".join(profile.name for profile in PROFILES)


@pytest.mark.parametrize(
    ("offered", "chosen"), [(NAMES, 0), (PROFILES[1].name, 1), (PROFILES[0].name, 0)]
)
def test_both_sides_have_the_same_keys(
    server: Certificate, theirs: Certificate, offered: bytes, chosen: int
) -> None:
    handshake = Handshake(server, {"sha-256": theirs.fingerprint, "md5": "who knows"})
    client = Client(theirs, offered)
    client.meet(handshake)
    keys = handshake.keys
    assert keys is not None
    assert keys.profile is PROFILES[chosen]
    material = client.connection.export_keying_material(
        b"EXTRACTOR-dtls_srtp", keys.profile.material
    )
    assert (keys.inbound, keys.outbound) == keys.profile.split(material)
    certificate = client.connection.get_peer_certificate(as_cryptography=True)
    assert certificate is not None
    assert dtls.fingerprint_of(certificate, "sha-256") == server.fingerprint
    assert handshake.timeout() is None


def test_a_goodbye_is_heard_and_said(server: Certificate, theirs: Certificate) -> None:
    handshake = Handshake(server, {"sha-256": theirs.fingerprint})
    client = Client(theirs, NAMES)
    client.meet(handshake)
    for datagram in handshake.close():
        client.connection.bio_write(datagram)
    with pytest.raises(SSL.ZeroReturnError):
        client.connection.recv(100)
    client.connection.shutdown()
    for datagram in client.outgoing():
        assert list(handshake.receive(datagram)) is not None
    assert handshake.closed


@pytest.mark.parametrize(
    ("fingerprints", "why"),
    [
        ({"sha-256": "00:11"}, "not the one that the offer announced"),
        ({"md5": "00:11"}, "no fingerprint that could be checked"),
        ({}, "no fingerprint"),
    ],
)
def test_another_certificate_than_announced_is_refused(
    server: Certificate, theirs: Certificate, fingerprints: dict[str, str], why: str
) -> None:
    handshake = Handshake(server, fingerprints)
    with pytest.raises(HandshakeError, match=why):
        Client(theirs, NAMES).meet(handshake)
    assert handshake.keys is None


def test_no_certificate_is_refused(server: Certificate) -> None:
    handshake = Handshake(server, {"sha-256": "00"})
    with pytest.raises(HandshakeError, match="did not return a certificate"):
        Client(None, NAMES).meet(handshake)


def test_a_lost_flight_goes_out_again(server: Certificate, theirs: Certificate) -> None:
    handshake = Handshake(server, {"sha-256": theirs.fingerprint})
    client = Client(theirs, NAMES)
    client.advance()
    for datagram in client.outgoing():
        list(handshake.receive(datagram))  # the server's flight is lost
    timeout = handshake.timeout()
    assert timeout is not None
    assert 0 < timeout <= 1
    assert list(handshake.retransmit()) == []  # it is not time yet


def test_a_lost_last_flight_goes_out_again_when_the_peer_repeats_its_own(
    server: Certificate, theirs: Certificate
) -> None:
    handshake = Handshake(server, {"sha-256": theirs.fingerprint})
    client = Client(theirs, NAMES)
    assert not client.meet(handshake, loses_last_flight=True)
    time.sleep((client.connection.DTLSv1_get_timeout() or 0.0) + 0.01)
    client.connection.DTLSv1_handle_timeout()
    assert client.meet(handshake)
    assert not handshake.closed


@pytest.mark.parametrize(
    "garbage", [b"\x16", b"\x16\xfe\xfd" + bytes(50), bytes(200), b"\x17" * 1000]
)
def test_garbage_breaks_no_handshake(
    server: Certificate, theirs: Certificate, garbage: bytes
) -> None:
    handshake = Handshake(server, {"sha-256": theirs.fingerprint})
    client = Client(theirs, NAMES)
    client.advance()
    list(handshake.receive(garbage))
    client.meet(handshake)
    assert handshake.keys is not None
    list(handshake.receive(garbage))
    assert not handshake.closed


def record(size: int) -> bytes:
    return b"\x16\xfe\xfd" + bytes(8) + size.to_bytes(2, "big") + b"x" * size


@pytest.mark.parametrize(
    ("sizes", "grouped"),
    [([], []), ([100], [1]), ([100, 200], [2]), ([1000, 180, 900], [1, 2]),
     ([500, 500, 500], [2, 1]), ([1187, 10], [1, 1]), ([1500], [1])],
)  # fmt: skip
def test_records_are_not_cut(sizes: list[int], grouped: list[int]) -> None:
    records = [record(size) for size in sizes]
    found = list(datagrams(b"".join(records)))
    assert b"".join(found) == b"".join(records)
    assert [each.count(b"\x16\xfe\xfd") for each in found] == grouped
