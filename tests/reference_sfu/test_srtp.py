"""SRTP sessions, and the private parts of pylibsrtp that they stand on."""

import ctypes
import os
import struct

import pylibsrtp
import pytest

from reference_sfu import srtp
from reference_sfu.srtp import PROFILES, Inbound, Outbound, Profile, Refused

RTP = struct.pack("!BBHII", 0x80, 111, 7, 960, 1234) + b"voice"
RTCP = struct.pack("!BBHI", 0x80, 201, 1, 1234)


@pytest.fixture(params=PROFILES, ids=lambda profile: profile.name.decode())
def profile(request: pytest.FixtureRequest) -> Profile:
    assert isinstance(request.param, Profile)
    return request.param


@pytest.fixture
def key(profile: Profile) -> bytes:
    return os.urandom(profile.key + profile.salt)


def test_what_goes_out_comes_in(profile: Profile, key: bytes) -> None:
    out, into = Outbound(profile, key), Inbound(profile, key)
    assert into.rtp(out.rtp(RTP)) == RTP
    assert into.rtcp(out.rtcp(RTCP)) == RTCP


def test_a_replay_and_a_forgery_are_refused_and_told_apart(profile: Profile, key: bytes) -> None:
    out, into = Outbound(profile, key), Inbound(profile, key)
    packet = out.rtp(RTP)
    with pytest.raises(Refused) as forged:
        into.rtp(packet[:-1] + bytes((packet[-1] ^ 1,)))
    assert not forged.value.replayed
    into.rtp(packet)
    with pytest.raises(Refused) as replayed:
        into.rtp(packet)
    assert replayed.value.replayed


def test_a_number_may_go_out_twice(profile: Profile, key: bytes) -> None:
    out = Outbound(profile, key)
    assert out.rtp(RTP) == out.rtp(RTP)


@pytest.mark.parametrize("data", [b"", b"\x80", RTP[:11], bytes(2000)])
def test_nothing_else_is_raised(profile: Profile, key: bytes, data: bytes) -> None:
    into = Inbound(profile, key)
    for method in (into.rtp, into.rtcp):
        with pytest.raises(Refused):
            method(data)


def test_keys_are_dealt_out_as_in_rfc_5764() -> None:
    profile = PROFILES[1]
    material = bytes(range(profile.material))
    client, server = profile.split(material)
    assert client == bytes(range(16)) + bytes(range(32, 46))
    assert server == bytes(range(16, 32)) + bytes(range(46, 60))


def test_pylibsrtp_still_has_the_private_parts_that_compiled_code_needs() -> None:
    binding = getattr(pylibsrtp, "_binding", None)
    assert binding is not None, "pylibsrtp._binding is gone: mend reference_sfu/srtp.py"
    assert hasattr(binding.lib, "srtp_protect"), "srtp_protect is gone from pylibsrtp's binding"
    session = Outbound(PROFILES[1], bytes(30))._session
    assert hasattr(session, "_srtp"), "pylibsrtp.Session._srtp is gone: mend Outbound.address"
    assert "srtp_ctx_t_ *" in str(session._srtp), "Session._srtp is no longer a pointer to srtp_t"


def test_a_call_at_the_addresses_is_a_call_of_libsrtp(profile: Profile, key: bytes) -> None:
    by_method, by_address = Outbound(profile, key), Outbound(profile, key)
    protect = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_int)
    )(srtp.protect_address())
    room = ctypes.create_string_buffer(RTP, len(RTP) + srtp.MAX_TRAILER + 4)
    length = ctypes.c_int(len(RTP))
    assert protect(by_address.address, room, ctypes.byref(length)) == 0
    assert room.raw[: length.value] == by_method.rtp(RTP)
    assert length.value - len(RTP) <= srtp.MAX_TRAILER
