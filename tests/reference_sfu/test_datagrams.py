"""The one socket: batches in, datagrams out, counts."""

import errno
import socket
from collections.abc import Iterator

import pytest

from reference_sfu.datagrams import BATCH, DATAGRAM_BYTES, DatagramSocket
from reference_sfu.rows import address_of, socket_address

Pair = tuple[DatagramSocket, socket.socket]


@pytest.fixture(params=["127.0.0.1", "::1"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as peer:
        try:
            peer.bind((request.param, 0))
        except OSError:
            pytest.skip("this machine has no IPv6 loopback")
        peer.settimeout(5)
        made = DatagramSocket(request.param, 0)
        peer.connect((request.param, made.port))
        yield made, peer
        made.close()


def test_a_batch_is_read_with_its_addresses(pair: Pair) -> None:
    ours, peer = pair
    sent = [bytes((i % 256,)) * (i + 1) for i in range(BATCH + 5)]
    for each in sent:
        peer.send(each)
    first, second, third = (list(ours.receive()) for _ in range(3))
    assert (len(first), len(second), third) == (BATCH, 5, [])
    assert [data for data, _ in first + second] == sent
    host, port = peer.getsockname()[:2]
    assert {address_of(address) for _, address in first + second} == {(host, port)}
    assert {address for _, address in first} == {socket_address(host, port)}
    assert ours.traffic.received == len(sent)
    assert ours.traffic.received_bytes == sum(map(len, sent))


def test_a_datagram_goes_back_where_it_came_from(pair: Pair) -> None:
    ours, peer = pair
    peer.send(b"ping")
    [(data, address)] = ours.receive()
    ours.send(data + b"!", address)
    assert peer.recv(100) == b"ping!"
    assert (ours.traffic.sent, ours.traffic.sent_bytes) == (1, 5)


def test_what_cannot_be_sent_is_counted(pair: Pair) -> None:
    ours, _ = pair
    ours.send(b"x", b"")
    ours.send(bytes(70_000), socket_address("127.0.0.1", 9))
    assert ours.traffic.send_errors == 2
    assert ours.traffic.sent == 0


def test_a_datagram_that_is_too_long_is_cut(pair: Pair) -> None:
    ours, peer = pair
    peer.send(bytes(DATAGRAM_BYTES + 100))
    [(data, _)] = ours.receive()
    assert len(data) == DATAGRAM_BYTES


def test_what_the_buffer_has_no_room_for_is_counted(pair: Pair) -> None:
    ours, peer = pair
    number = 0
    while not ours.receive_drops and number < 200_000:
        peer.send(bytes(1400))
        number += 1
    assert ours.receive_drops
    read = 0
    while batch := len(list(ours.receive())):
        read += batch
    assert read + ours.receive_drops == number


def test_a_port_that_is_taken_cannot_be_had(pair: Pair) -> None:
    ours, peer = pair
    with pytest.raises(OSError, match="in use") as error:
        DatagramSocket(peer.getsockname()[0], ours.port)
    assert error.value.errno == errno.EADDRINUSE
