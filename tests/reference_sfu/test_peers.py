"""One session's transport, without a socket: checks, nominations, expiry."""

import pytest

from reference_sfu import stun
from reference_sfu.dtls import Certificate
from reference_sfu.offers import Credentials
from reference_sfu.peers import CONSENT_NS, MAX_ADDRESSES, Peer, State

THEIRS = Credentials("them", "their password, long enough")
SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    return Certificate()


@pytest.fixture
def peer(certificate: Certificate) -> Peer:
    return Peer(certificate, THEIRS, {"sha-256": "00"}, 0)


def request(
    peer: Peer, *, nominates: bool = False, username: str | None = None,
    password: str | None = None, controlled: bool = False,
) -> stun.Message:  # fmt: skip
    name = f"{peer.local.fragment}:{THEIRS.fragment}" if username is None else username
    attributes = {stun.USERNAME: name.encode()}
    if nominates:
        attributes[stun.USE_CANDIDATE] = b""
    if controlled:
        attributes[stun.ICE_CONTROLLED] = bytes(8)
    secret = (peer.local.password if password is None else password).encode()
    return stun.parse(stun.build(stun.BINDING_REQUEST, bytes(12), attributes, secret))


def check(
    peer: Peer, message: stun.Message, address: bytes = b"A", now_ns: int = 1
) -> bytes | None:
    return peer.check(message, address, "192.0.2.1", 5, now_ns)


def test_a_check_is_answered_and_opens_the_way(peer: Peer) -> None:
    reply = check(peer, request(peer), now_ns=SECOND)
    assert reply is not None
    read = stun.parse(reply)
    assert read.kind == stun.BINDING_SUCCESS
    assert read.is_signed_with(peer.local.password.encode())
    assert read.attributes[stun.XOR_MAPPED_ADDRESS] == stun.mapped_address(
        "192.0.2.1", 5, bytes(12)
    )
    assert (peer.state, peer.address, peer.heard_ns) == (State.CHECKED, b"A", SECOND)


def test_a_check_of_another_session_or_with_another_password_is_nothing(peer: Peer) -> None:
    wrong = f"{peer.local.fragment}:someone"
    for message in (
        request(peer, username=wrong),
        request(peer, username=""),
        request(peer, password="a guess"),  # noqa: S106
    ):
        assert check(peer, message) is None
    assert (peer.state, peer.address, peer.addresses, peer.heard_ns) == (State.NEW, None, set(), 0)


def test_who_would_be_controlled_is_told_of_the_conflict(peer: Peer) -> None:
    reply = check(peer, request(peer, controlled=True))
    assert reply is not None
    assert stun.parse(reply).kind == stun.BINDING_ERROR
    assert peer.state is State.NEW


def test_media_goes_where_the_peer_nominates(peer: Peer) -> None:
    plan = [(b"A", False, b"A"), (b"B", False, b"A"), (b"B", True, b"B"), (b"A", False, b"B"),
            (b"A", True, b"A")]  # fmt: skip
    for address, nominates, then in plan:
        check(peer, request(peer, nominates=nominates), address)
        assert peer.address == then
    assert peer.addresses == {b"A", b"B"}


def test_addresses_are_bounded(peer: Peer) -> None:
    replies = [check(peer, request(peer), bytes((i,))) for i in range(MAX_ADDRESSES + 5)]
    assert sum(reply is not None for reply in replies) == MAX_ADDRESSES
    assert check(peer, request(peer), bytes((0,))) is not None


def test_consent_lasts_as_long_as_the_rfc_says(peer: Peer) -> None:
    check(peer, request(peer), now_ns=SECOND)
    assert not peer.is_expired(SECOND + CONSENT_NS)
    assert peer.is_expired(SECOND + CONSENT_NS + 1)


def test_credentials_are_as_long_as_ice_wants_and_never_the_same(certificate: Certificate) -> None:
    made = [Peer(certificate, THEIRS, {}, 0).local for _ in range(100)]
    assert len({each.fragment for each in made}) == len({each.password for each in made}) == 100
    assert all(len(each.fragment) >= 4 and len(each.password) >= 22 for each in made)


def test_a_peer_that_never_came_is_closed_without_a_word(peer: Peer) -> None:
    said: list[bytes] = []
    peer.close(said.append)
    assert said == []
    assert peer.state is State.CLOSED
