"""The hot path against the plain one: what each subscriber receives, byte by byte."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np
import pytest

from reference_sfu import fanout, rtp
from reference_sfu.fanout import BATCH, FanOut
from reference_sfu.rows import Rows, rewrite, socket_address, switch
from reference_sfu.srtp import PROFILES, Inbound, Outbound, Profile

PAYLOAD = bytes(range(100))


class Subscriber:
    """A socket and keys."""

    def __init__(self, rows: Rows, number: int, profile: Profile) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(5)
        key = os.urandom(profile.key + profile.salt)
        self.outbound, self.inbound = Outbound(profile, key), Inbound(profile, key)
        self.twin = Outbound(profile, key)
        self.row = rows.take(1000 + number, number)
        rows.connect(self.row, self.outbound.address, socket_address(*self.socket.getsockname()))
        switch(rows.table[self.row], 500, 0, -1, -1, 48_000, 0)


@pytest.fixture
def sender() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as made:
        made.bind(("127.0.0.1", 0))
        yield made


def make(stack: ExitStack, rows: Rows, number: int, profile: Profile) -> list[Subscriber]:
    found = [Subscriber(rows, i, profile) for i in range(number)]
    for each in found:
        stack.enter_context(each.socket)
    return found


def send(fan: FanOut, rows: Rows, numbers: list[int], sequence: int, data: bytes) -> list[int]:
    array = np.array(numbers, np.int32)
    return [
        int(each)
        for each in fan.send(
            rows.table, array, data, sequence, 960 * sequence, -1, -1, len(PAYLOAD), 0
        )
    ]


def phrase(sequence: int) -> bytes:
    packet = rtp.Packet(96, sequence, 960 * sequence, 7, PAYLOAD)
    return rtp.phrase(packet, {}, rtp.Dialect(111, b"0", ((rtp.MID, 1),)), 0).data


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name.decode())
def test_everyone_gets_what_the_plain_path_would_send(
    sender: socket.socket, profile: Profile
) -> None:
    rows = Rows()
    number = 2 * BATCH + 3
    with ExitStack() as stack:
        subscribers = make(stack, rows, number, profile)
        fan = FanOut(sender.fileno())
        twins = rows.table.copy()
        for sequence in (500, 501, 503, 502):
            data = phrase(sequence)
            counts = send(fan, rows, [each.row for each in subscribers], sequence, data)
            size = len(subscribers[0].twin.rtp(data)) * 0
            for each in subscribers:
                plain = np.frombuffer(bytearray(data), np.uint8)
                assert rewrite(
                    twins[each.row], plain, sequence, 960 * sequence, -1, -1, len(PAYLOAD), 0
                )
                expected = each.twin.rtp(plain.tobytes())
                size += len(expected)
                received, address = each.socket.recvfrom(2048)
                assert received == expected
                assert address == sender.getsockname()
                assert rtp.parse(each.inbound.rtp(received)).payload == PAYLOAD
            assert counts == [number, size, 0, 0, 0]
        assert (rows.table == twins).all()


def test_rows_that_are_not_connected_are_passed_over(sender: socket.socket) -> None:
    rows = Rows()
    with ExitStack() as stack:
        [one] = make(stack, rows, 1, PROFILES[0])
        other = rows.take(5, 5)
        counts = send(FanOut(sender.fileno()), rows, [other, one.row], 500, phrase(500))
        assert counts[fanout.SENT] == 1
        assert int(rows.table[other]["packets"]) == 0


def test_what_the_system_refuses_is_counted_and_the_others_are_sent(
    sender: socket.socket,
) -> None:
    rows = Rows()
    with ExitStack() as stack:
        first, bad, last = make(stack, rows, 3, PROFILES[0])
        rows.table[bad.row]["address_bytes"] = 3  # EINVAL
        counts = send(
            FanOut(sender.fileno()), rows, [first.row, bad.row, last.row], 500, phrase(500)
        )
        assert counts[fanout.SENT] == 2
        assert counts[fanout.REFUSED] == 1
        assert first.socket.recv(2048)
        assert last.socket.recv(2048)


def test_what_libsrtp_refuses_is_counted(sender: socket.socket) -> None:
    rows = Rows()
    with ExitStack() as stack:
        [one] = make(stack, rows, 1, PROFILES[0])
        fan = FanOut(sender.fileno())
        assert send(fan, rows, [one.row], 5000, phrase(5000))[fanout.SENT] == 1
        # Further back than its window: libsrtp cannot tell whether it was sent already.
        counts = send(fan, rows, [one.row], 2000, phrase(2000))
        assert counts == [0, 0, 0, 0, 1]


def test_no_room_in_the_system_is_counted_as_drops() -> None:
    rows = Rows()
    with ExitStack() as stack:
        [one] = make(stack, rows, 1, PROFILES[0])
        # A stream socket pair's buffer fills up, as a network card's queue does.
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        stack.enter_context(ours)
        stack.enter_context(theirs)
        ours.setblocking(False)
        rows.table[one.row]["address_bytes"] = 0
        fan = FanOut(ours.fileno())
        counts = np.zeros(5, np.int64)
        for sequence in range(500, 1500):
            counts += send(fan, rows, [one.row], sequence, phrase(sequence))
            if counts[fanout.DROPPED]:
                break
        assert counts[fanout.DROPPED] == 1
        assert counts[fanout.REFUSED] == 0
        assert counts[fanout.SENT] > 0


def test_a_packet_that_is_too_long_is_refused(sender: socket.socket) -> None:
    with pytest.raises(ValueError, match="1517 bytes must be of 1516"):
        send(FanOut(sender.fileno()), Rows(), [], 1, bytes(1517))
