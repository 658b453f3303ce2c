import os
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

import pytest

from synthetic_clients import sockets
from synthetic_clients.sockets import DTLS, GARBAGE, RTCP, RTP, STUN, Reader, kernel_drops


@pytest.fixture
def reader() -> Iterator[Reader]:
    made = Reader()
    yield made
    made.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far,
    ):
        for each in (near, far):
            each.bind(("127.0.0.1", 0))
        near.setblocking(False)
        yield near, far


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x80\x60" + bytes(10), RTP),
        (b"\x80\xe0" + bytes(10), RTP),  # payload type 96 with the marker bit
        (b"\x80\xc8" + bytes(6), RTCP),
        (b"\x81\xcd" + bytes(10), RTCP),
        (b"\x00\x01" + bytes(18), STUN),
        (b"\x16\xfe\xfd" + bytes(20), DTLS),
        (b"\x80\x60\x00\x00", GARBAGE),  # shorter than any header
        (b"\x00\x01\x00\x00", GARBAGE),
        (b"GET / HTTP/1.1", GARBAGE),
        (b"\xff" * 100, GARBAGE),
        (b"", GARBAGE),
    ],
)
def test_the_first_bytes_tell_a_datagrams_kind(
    reader: Reader, pair: tuple[socket.socket, socket.socket], data: bytes, kind: int
) -> None:
    near, far = pair
    reader.add(near, time.time_ns())
    far.sendto(data, near.getsockname())
    assert reader.read(time.time_ns()) == 1
    row = reader.slab.datagrams[0]
    assert (row["kind"], row["length"]) == (kind, len(data))
    assert reader.slab.rows[0, : len(data)].tobytes() == data
    assert reader.sender(0) == far.getsockname()


def test_time_stamps_are_the_kernels_and_not_of_the_reading(
    reader: Reader, pair: tuple[socket.socket, socket.socket]
) -> None:
    near, far = pair
    reader.add(near, time.time_ns())
    before = time.time_ns()
    far.sendto(b"\x80\x60" + bytes(10), near.getsockname())
    after = time.time_ns()
    time.sleep(0.05)
    reader.read(time.time_ns())
    assert before <= reader.slab.datagrams[0]["arrival"] <= after


@pytest.mark.parametrize("late", [0, 3])
@pytest.mark.usefixtures("reader")  # which has waited already
def test_a_reader_waits_until_linux_stamps_what_arrives(
    monkeypatch: pytest.MonkeyPatch, late: int
) -> None:
    looks = pretend_late(monkeypatch, late)
    made, stamps = sockets.stamping_socket()
    with made:
        assert made.getsockopt(socket.SOL_SOCKET, sockets.SO_TIMESTAMPNS) == 1
    assert stamps
    assert len(looks) == late + 1


@pytest.mark.usefixtures("reader")
def test_a_datagram_that_is_lost_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    class Lossy(socket.socket):
        def sendto(self, *arguments: Any) -> int:
            return 0 if not looks else super().sendto(*arguments)

    looks = pretend_late(monkeypatch, 0)
    monkeypatch.setattr(socket, "socket", Lossy)
    made, stamps = sockets.stamping_socket()
    made.close()
    assert stamps
    assert len(looks) == 2


def test_a_stamp_has_seconds_and_nanoseconds() -> None:
    assert sockets._stamp_in([(0, 0, struct.pack("qq", 5, 7))]) == 5_000_000_007


def test_a_reader_keeps_linux_stamping_until_it_is_closed() -> None:
    reader = Reader()
    held = reader._stamping
    assert held.getsockopt(socket.SOL_SOCKET, sockets.SO_TIMESTAMPNS) == 1
    reader.close()
    assert held.fileno() == -1


def test_it_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = pretend_late(monkeypatch, 1000)
    monkeypatch.setattr(sockets, "_STAMPING_PATIENCE", 0.05)
    made, stamps = sockets.stamping_socket()
    made.close()
    assert not stamps
    assert 1 < len(looks) < 20


def test_nor_for_stamps_that_do_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = pretend_late(monkeypatch, 1000)
    monkeypatch.setattr(sockets, "SO_TIMESTAMPNS", socket.SO_REUSEADDR)
    made, stamps = sockets.stamping_socket()
    made.close()
    assert not stamps
    assert len(looks) == 1


def pretend_late(monkeypatch: pytest.MonkeyPatch, late: int) -> list[int]:
    """Let the first ``late`` datagrams of a stamping socket seem to be stamped when they are read,
    as they are sent at the time 0; when it looked."""
    looks: list[int] = []
    real = time.time_ns

    def sent() -> int:
        looks.append(real())
        return 0 if len(looks) <= late else real()

    monkeypatch.setattr(time, "time_ns", sent)
    return looks


def test_a_flooded_socket_leaves_others_their_turn(reader: Reader) -> None:
    made = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3)]
    try:
        for each in made:
            each.bind(("127.0.0.1", 0))
            each.setblocking(False)
        flooded, quiet, far = made
        reader.add(flooded, time.time_ns())
        index = reader.add(quiet, time.time_ns())
        for _ in range(50):
            far.sendto(b"\x80\x60" + bytes(10), flooded.getsockname())
        far.sendto(b"\x80\x60" + bytes(10), quiet.getsockname())
        rows = reader.read(time.time_ns())
        assert rows == sockets.TAKEN + 1
        assert index in reader.slab.datagrams["socket"][:rows]
    finally:
        for each in made:
            each.close()


def test_other_datagrams_than_media_are_let_through_up_to_a_rate(
    reader: Reader, pair: tuple[socket.socket, socket.socket]
) -> None:
    near, far = pair
    now = time.time_ns()
    index = reader.add(near, now)
    passed = 0
    for _ in range(30):
        for _ in range(sockets.TAKEN):
            far.sendto(b"\x00\x01" + bytes(18), near.getsockname())
        rows = reader.read(now)
        passed += int((reader.slab.datagrams["kind"][:rows] == STUN).sum())
    assert passed == sockets.CONTROL_BURST
    assert reader.sockets[index]["refused"] == 30 * sockets.TAKEN - passed
    far.sendto(b"\x00\x01" + bytes(18), near.getsockname())
    reader.read(now + 1_000_000_000)
    assert reader.slab.datagrams[0]["kind"] == STUN


def test_what_is_removed_is_read_no_longer_and_its_place_is_used_again(
    reader: Reader, pair: tuple[socket.socket, socket.socket]
) -> None:
    near, far = pair
    index = reader.add(near, time.time_ns())
    reader.remove(index)
    far.sendto(b"\x80\x60" + bytes(10), near.getsockname())
    assert reader.read(time.time_ns()) == 0
    assert reader.add(near, time.time_ns()) == index
    assert reader.read(time.time_ns()) == 1


def test_a_socket_in_anothers_place_begins_its_counts_anew_and_the_totals_keep_both(
    reader: Reader, pair: tuple[socket.socket, socket.socket]
) -> None:
    near, far = pair
    for _ in range(2):
        index = reader.add(near, time.time_ns())
        far.sendto(b"garbage", near.getsockname())
        assert reader.read(time.time_ns()) == 1
        reader.sockets[index]["strangers"] = 3
        reader.remove(index)
    assert reader.add(near, time.time_ns()) == index
    assert reader.sockets[index]["owner"] == -1
    assert reader.sockets[index]["strangers"] == reader.sockets[index]["garbage"] == 0
    assert (reader.total("garbage"), reader.total("strangers")) == (2, 6)
    assert reader.total("refused") == 0


def test_room_grows_with_the_number_of_sockets(reader: Reader) -> None:
    made = []
    try:
        for _ in range(100):
            each = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            made.append(each)
            each.bind(("127.0.0.1", 0))
            each.setblocking(False)
            reader.add(each, time.time_ns())
        for each in made:
            made[0].sendto(b"\x80\x60" + bytes(10), each.getsockname())
        rows = reader.read(time.time_ns())
        assert set(reader.slab.datagrams["socket"][:rows].tolist()) == set(range(100))
    finally:
        for each in made:
            each.close()


def test_a_datagram_longer_than_a_row_is_cut_off(
    reader: Reader, pair: tuple[socket.socket, socket.socket]
) -> None:
    near, far = pair
    reader.add(near, time.time_ns())
    far.sendto(b"\x80\x60" + os.urandom(9000), near.getsockname())
    assert reader.read(time.time_ns()) == 1
    assert reader.slab.datagrams[0]["length"] == sockets.ROW


def test_drops_of_a_full_buffer_are_counted(pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    near.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    assert kernel_drops(near) == 0
    for _ in range(100):
        far.sendto(bytes(1000), near.getsockname())
    assert kernel_drops(near) > 50
