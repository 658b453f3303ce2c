"""Rewriting: whatever sources fill a row, one stream comes out. Plans of sources and packets."""

import itertools
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_sfu import rows
from reference_sfu.rows import ROW, Rows, address_of, rewrite, socket_address, switch

MS = 1_000_000
PICTURE_AT, TL0_AT, SIZE = 14, 16, 20


@dataclass
class Source:
    """A publisher's numbering."""

    sequence: int
    timestamp: int
    picture: int = 0
    tl0: int = 0


@dataclass
class Sent:
    """What a subscriber sees of a packet."""

    sequence: int
    timestamp: int
    ssrc: int
    picture: int
    tl0: int


def packet(source: Source) -> Any:
    data = bytearray(SIZE)
    struct.pack_into("!BBHII", data, 0, 0x80, 96, source.sequence, source.timestamp, 1)
    struct.pack_into("!HB", data, PICTURE_AT, 0x8000 | source.picture, source.tl0)
    return np.frombuffer(data, np.uint8)


def send(table: Any, source: Source, now_ns: int) -> Sent | None:
    data = packet(source)
    if not _rewrite(table, data, source.sequence, source.timestamp, now_ns):
        return None
    _, _, sequence, timestamp, ssrc = struct.unpack_from("!BBHII", data)
    picture, tl0 = struct.unpack_from("!HB", data, PICTURE_AT)
    assert picture & 0x8000
    return Sent(sequence, timestamp, ssrc, picture & 0x7FFF, tl0)


def _rewrite(table: Any, data: Any, sequence: int, timestamp: int, now_ns: int) -> bool:
    return bool(rewrite(table[0], data, sequence, timestamp, PICTURE_AT, TL0_AT, 8, now_ns))


def make_row(last_sequence: int) -> tuple[Rows, Any]:
    made = Rows(1)
    assert made.take(0xCAFE, last_sequence) == 0
    return made, made.table


sources = st.lists(
    st.builds(
        Source, st.integers(0, 65_535), st.integers(0, 2**32 - 1), st.integers(0, 0x7FFF),
        st.integers(0, 255),
    ),
    min_size=1, max_size=5,
)  # fmt: skip


@given(sources, st.integers(0, 65_535), st.integers(1, 40))
def test_one_stream_comes_out(plan: list[Source], last_sequence: int, number: int) -> None:
    _, table = make_row(last_sequence)
    sent: list[Sent] = []
    now = 0
    for source in plan:
        switch(table[0], source.sequence, source.timestamp, source.picture, source.tl0, 90_000, now)
        for i in range(number):
            each = Source(
                (source.sequence + i) & 0xFFFF, (source.timestamp + 3600 * i) & 0xFFFFFFFF,
                (source.picture + i) & 0x7FFF, (source.tl0 + i) & 0xFF,
            )  # fmt: skip
            out = send(table, each, now)
            assert out is not None
            sent.append(out)
            now += 40 * MS
    assert {each.ssrc for each in sent} == {0xCAFE}
    assert sent[0].sequence == (last_sequence + 1) & 0xFFFF
    for before, after in itertools.pairwise(sent):
        assert (after.sequence - before.sequence) & 0xFFFF == 1
        assert (after.timestamp - before.timestamp) & 0xFFFFFFFF == 3600
        assert (after.picture - before.picture) & 0x7FFF == 1
        assert (after.tl0 - before.tl0) & 0xFF == 1
    assert int(table[0]["packets"]) == len(sent)
    assert int(table[0]["octets"]) == 8 * len(sent)


def test_a_packet_from_before_the_switch_is_not_the_rows() -> None:
    _, table = make_row(0)
    switch(table[0], 100, 0, 0, 0, 90_000, 0)
    assert send(table, Source(99, 0), 0) is None
    assert send(table, Source(100, 0), 0) is not None
    assert int(table[0]["packets"]) == 1


def test_a_late_packet_keeps_its_place() -> None:
    _, table = make_row(0)
    switch(table[0], 100, 0, 0, 0, 90_000, 0)
    outs = [send(table, Source(sequence, 0), 0) for sequence in (100, 102, 101, 103)]
    assert [out and out.sequence for out in outs] == [1, 3, 2, 4]
    assert int(table[0]["last_sequence"]) == 4


def test_the_switch_is_forgotten_before_numbers_go_around() -> None:
    _, table = make_row(0)
    switch(table[0], 100, 0, 0, 0, 90_000, 0)
    for i in range(200_000):
        data = packet(Source((100 + i) & 0xFFFF, 0))
        assert _rewrite(table, data, (100 + i) & 0xFFFF, 0, i)


def test_the_first_source_keeps_its_timestamps_and_a_pause_is_as_long_as_it_was() -> None:
    _, table = make_row(9)
    switch(table[0], 5, 777, 0, 0, 48_000, 0)
    first = send(table, Source(5, 777), 0)
    switch(table[0], 60_000, 5, 0, 0, 48_000, 3_000 * MS)
    second = send(table, Source(60_000, 5), 3_000 * MS)
    assert first is not None
    assert second is not None
    assert first.timestamp == 777
    assert second.timestamp == 777 + 3 * 48_000


def test_compiled_and_plain_code_are_the_same() -> None:
    _, table = make_row(3)
    switch(table[0], 100, 50, 7, 8, 90_000, 0)
    other = table.copy()
    for sequence in (100, 101, 105, 103, 99, 40_000):
        data, plain = packet(Source(sequence, 9)), packet(Source(sequence, 9))
        arguments = (sequence, 9, PICTURE_AT, TL0_AT, 8, 5)
        record = other.view(np.recarray)[0]
        as_python = rewrite.py_func(record, plain, *arguments)  # type: ignore[attr-defined]  # numba's
        assert rewrite(table[0], data, *arguments) == as_python
        assert bytes(data) == bytes(plain)
        assert table[0] == other[0]


def test_rows_are_taken_given_back_and_clean_again() -> None:
    made = Rows(2)
    numbers = [made.take(ssrc, 5) for ssrc in range(1, 6)]
    assert len(set(numbers)) == len(made) == 5
    made.connect(numbers[4], 1234, socket_address("192.0.2.1", 5))
    assert [int(made.table[n]["ssrc"]) for n in numbers] == [1, 2, 3, 4, 5]
    made.give_back(numbers[4])
    assert int(made.table[numbers[4]]["srtp"]) == 0
    assert made.take(9, 0) == numbers[4]
    assert int(made.table[numbers[4]]["address_bytes"]) == 0
    assert len(made) == 5


@pytest.mark.parametrize(("host", "port"), [("192.0.2.7", 40_000), ("2001:db8::7", 1)])
def test_socket_addresses_are_read_as_written(host: str, port: int) -> None:
    packed = socket_address(host, port)
    assert len(packed) <= rows.ADDRESS_BYTES
    assert address_of(packed) == (host, port)


def test_a_row_has_the_address_at_an_even_place() -> None:
    assert ROW.fields is not None
    assert ROW.fields["address"][1] % 4 == 0
