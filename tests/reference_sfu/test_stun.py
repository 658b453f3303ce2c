"""STUN against aioice's, a second implementation, and against what is no STUN."""

import contextlib

import pytest
from aioice import stun as other
from hypothesis import given
from hypothesis import strategies as st

from reference_sfu import stun

PASSWORD = b"a password of twenty-two"


def request(**attributes: object) -> other.Message:
    message = other.Message(other.Method.BINDING, other.Class.REQUEST)
    message.attributes["USERNAME"] = "here:there"
    message.attributes.update(attributes)
    return message


def signed(message: other.Message, password: bytes = PASSWORD) -> bytes:
    message.add_message_integrity(password)
    return bytes(message)


def test_a_request_of_another_implementation_is_read() -> None:
    message = request(PRIORITY=1234)
    message.attributes["USE-CANDIDATE"] = None
    read = stun.parse(signed(message))
    assert read.kind == stun.BINDING_REQUEST
    assert read.transaction == message.transaction_id
    assert (read.local_fragment, read.remote_fragment) == ("here", "there")
    assert stun.USE_CANDIDATE in read.attributes
    assert read.attributes[stun.PRIORITY] == (1234).to_bytes(4, "big")
    assert read.is_signed_with(PASSWORD)
    assert not read.is_signed_with(b"another")


def test_a_request_without_integrity_is_signed_with_nothing() -> None:
    read = stun.parse(bytes(request()))
    assert stun.MESSAGE_INTEGRITY not in read.attributes
    assert not read.is_signed_with(PASSWORD)
    assert not read.is_signed_with(b"")


def test_a_changed_bit_is_not_signed() -> None:
    data = bytearray(signed(request()))
    at = data.index(b"here")
    data[at] ^= 1
    whole = stun.parse(bytes(data[:-8]).replace(data[2:4], (len(data) - 28).to_bytes(2, "big"), 1))
    assert not whole.is_signed_with(PASSWORD)


@pytest.mark.parametrize(("host", "port"), [("192.0.2.7", 40_000), ("2001:db8::7", 1)])
def test_an_answer_is_read_by_another_implementation(host: str, port: int) -> None:
    transaction = bytes(range(12))
    data = stun.build(
        stun.BINDING_SUCCESS,
        transaction,
        {stun.XOR_MAPPED_ADDRESS: stun.mapped_address(host, port, transaction)},
        PASSWORD,
    )
    read = other.parse_message(data)
    assert read.check_message_integrity(PASSWORD)
    assert read.message_class == other.Class.RESPONSE
    assert read.transaction_id == transaction
    assert read.attributes["XOR-MAPPED-ADDRESS"] == (host, port)


def test_an_error_is_read_by_another_implementation() -> None:
    conflict = {stun.ERROR_CODE: stun.error_code(487, "Role Conflict")}
    data = stun.build(stun.BINDING_ERROR, bytes(12), conflict, PASSWORD)
    read = other.parse_message(data)
    assert read.attributes["ERROR-CODE"] == (487, "Role Conflict")


def test_what_follows_the_integrity_is_ignored() -> None:
    message = request()
    message.add_message_integrity(PASSWORD)
    data = bytes(message)[:-8]  # without the fingerprint
    more = b"\x00\x25\x00\x00"  # USE-CANDIDATE, which nobody signed
    length = (len(data) - 20 + len(more)).to_bytes(2, "big")
    read = stun.parse(data[:2] + length + data[4:] + more)
    assert read.is_signed_with(PASSWORD)
    assert stun.USE_CANDIDATE not in read.attributes


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "shorter"),
        (bytes(19), "shorter"),
        (bytes(20), "not a header"),
        (signed(request())[:-4], "not a header"),
        (signed(request())[:-1] + b"!", "fingerprint"),
        (b"\x00\x01\x00\x04" + b"\x21\x12\xa4\x42" + bytes(12) + b"\x00\x06\x00\x09", "longer"),
    ],
    ids=["empty", "19 bytes", "zeros", "cut off", "garbled", "longer attribute"],
)
def test_what_is_no_stun_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(stun.StunError, match=why):
        stun.parse(data)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    for each in (
        data,
        b"\x00\x01" + (len(data) & ~3).to_bytes(2, "big") + b"\x21\x12\xa4\x42" + data,
    ):
        with contextlib.suppress(stun.StunError):
            stun.parse(each).is_signed_with(PASSWORD)
