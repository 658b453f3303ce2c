import socket
import struct
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthetic_clients.headers import NONE, NTP_OFFSET, PACKET, parse
from synthetic_clients.sockets import DATAGRAM, ROW, ROWS, RTP, SOCKET, Reader, Slab, make_slab
from tests.synthetic_clients.rtp import one_byte_extension, receiver, rtp

EPOCH = 1_700_000_000_000_000_000


def read(state: Any, *datagrams: bytes) -> tuple[Any, Any]:
    """Packets found, and strangers by socket."""
    slab = make_slab()
    for r, data in enumerate(datagrams):
        slab.rows[r, : len(data)] = np.frombuffer(data, np.uint8)
        slab.datagrams[r] = np.array([(0, len(data), EPOCH + r, RTP)], DATAGRAM)[0]
    packets, sockets = np.zeros(ROWS, PACKET), np.zeros(4, SOCKET)
    count = parse(slab, len(datagrams), sockets, state, EPOCH, packets)
    return packets[:count], sockets["strangers"]


def test_all_of_a_header_is_read() -> None:
    packets, _ = read(receiver(), rtp(65_535, 0xFFFF_FFFF, 20, marker=True))
    packet = packets[0]
    assert (packet["stream"], packet["sequence"], packet["stamp"]) == (1, 65_535, 0xFFFF_FFFF)
    assert (packet["marker"], packet["payload_type"], packet["ssrc"]) == (1, 96, 20)
    assert packet["size"] == 12 + 50 + 28
    assert packet["arrival"] == 0
    assert packet["capture"] == NONE


@pytest.mark.parametrize("longer", [False, True])
@pytest.mark.parametrize("wide", [False, True])
def test_capture_time_is_found_among_other_extensions(wide: bool, longer: bool) -> None:
    state = receiver()
    state.views["capture_id"] = 3
    ntp = struct.pack("!LL", EPOCH // 10**9 + NTP_OFFSET + 7, 1 << 31)
    data = ntp + bytes(8 if longer else 0)  # with an estimate of the clock's offset
    if wide:
        body = b"\x01\x01m\x00\x03" + bytes([len(data)]) + data
        body += bytes(-len(body) % 4)
        extension = struct.pack("!HH", 0x1000, len(body) // 4) + body
    else:
        body = b"\x10m\x00" + bytes([3 << 4 | len(data) - 1]) + data
        body += bytes(-len(body) % 4)
        extension = struct.pack("!HH", 0xBEDE, len(body) // 4) + body
    packets, _ = read(state, rtp(1, 2, 20, extension=extension))
    assert packets[0]["capture"] == 7_500_000_000


def test_media_at_a_socket_that_nobody_owns_is_a_strangers() -> None:
    slab = make_slab()
    data = rtp(1, 2, 20)
    slab.rows[0, : len(data)] = np.frombuffer(data, np.uint8)
    slab.datagrams[0] = np.array([(2, len(data), EPOCH, RTP)], DATAGRAM)[0]
    sockets = np.zeros(4, SOCKET)
    sockets["owner"] = [0, 0, -1, 0]
    assert parse(slab, 1, sockets, receiver(), EPOCH, np.zeros(ROWS, PACKET)) == 0
    assert sockets["strangers"].tolist() == [0, 0, 1, 0]


def test_an_unknown_source_takes_the_stream_of_its_payload_type_once() -> None:
    state = receiver()
    state.views["ssrc"][1] = -1
    packets, strangers = read(state, rtp(1, 2, 77), rtp(2, 3, 77), rtp(1, 2, 78))
    assert packets["stream"].tolist() == [1, 1]
    assert state.views["ssrc"][1] == 77
    assert strangers[0] == 1


def test_packets_of_no_stream_are_counted_and_left_alone() -> None:
    packets, strangers = read(receiver(), rtp(1, 2, 99), rtp(1, 2, 20, payload_type=0))
    assert strangers[0] == 1  # the SSRC decides, where it is known
    assert packets["ssrc"].tolist() == [20]


def test_a_jump_of_numbers_is_worth_a_look() -> None:
    state = receiver()
    read(state, rtp(1, 0, 20))
    state.views["look"] = 0
    read(state, rtp(2, 0, 20))
    assert state.views["look"][1] == 0
    read(state, rtp(4, 0, 20))
    assert state.views["look"][1] == 1


@pytest.mark.parametrize(
    "extension",
    [
        struct.pack("!HH", 0xBEDE, 500),  # longer than the packet
        struct.pack("!HH", 0xBEDE, 1) + b"\x3f\x00\x00\x00",  # longer than the extension
        struct.pack("!HH", 0x1000, 1) + b"\x03\xff\x00\x00",
        struct.pack("!HH", 0x1000, 1) + b"\x00\x00\x00\x03",
        struct.pack("!HH", 0xABCD, 1) + b"\x30\x00\x00\x00",
        one_byte_extension(3, b"short"),
        one_byte_extension(15, bytes(8)),
    ],
)
def test_malformed_extensions_are_no_capture_time(extension: bytes) -> None:
    state = receiver()
    state.views["capture_id"] = 3
    packets, _ = read(state, rtp(1, 2, 20, extension=extension, payload=b""))
    assert packets[0]["capture"] == NONE


@given(st.binary(min_size=12, max_size=120), st.integers(0, 15))
def test_no_datagram_is_read_beyond_its_end(data: bytes, wanted: int) -> None:
    state = receiver()
    state.views["capture_id"] = wanted
    state.views["ssrc"] = -1
    data = bytes([0x90 | data[0] & 0x0F]) + data[1:]
    packets, strangers = read(state, data)
    assert len(packets) + strangers[0] == 1
    assert len(packets) == 0 or packets[0]["size"] == len(data) + 28


def test_what_the_reader_reads_can_be_parsed() -> None:
    reader = Reader()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        index = reader.add(sock, time.time_ns())
        sock.sendto(rtp(5, 6, 20), sock.getsockname())
        rows = reader.read(time.time_ns())
    packets = np.zeros(ROWS, PACKET)
    epoch = time.time_ns()
    reader.sockets[index]["owner"] = 0
    assert parse(reader.slab, rows, reader.sockets, receiver(), epoch, packets) == 1
    assert abs(packets[0]["arrival"]) < 10**9
    assert isinstance(reader.slab, Slab)
    assert reader.slab.rows.shape == (ROWS, ROW)
    reader.close()
