"""SRTP sessions by libsrtp, and the addresses at which compiled code reaches them.

The only module that touches private parts of pylibsrtp: `_binding` and `Session._srtp`. Its test
says so when a new pylibsrtp changes them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pylibsrtp
from pylibsrtp import Policy, Session, _binding

_ffi: Any = _binding.ffi
_lib: Any = _binding.lib

MAX_TRAILER = 16
"""The longest authentication tag, in bytes: AES-GCM's."""

WINDOW = 1024
"""Packets that one may come behind the newest and still be told from a replay."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A protection profile of DTLS-SRTP (RFC 5764 § 4.1.2, RFC 7714 § 14.2)."""

    name: bytes
    """OpenSSL's name."""
    policy: int
    """libsrtp's number."""
    key: int
    """Bytes of the master key."""
    salt: int
    """Bytes of the master salt."""

    @property
    def material(self) -> int:
        """Bytes of keying material for both directions."""
        return 2 * (self.key + self.salt)

    def split(self, material: bytes) -> tuple[bytes, bytes]:
        """Master key and salt of the client's and of the server's direction (RFC 5764 § 4.2)."""
        keys, salts = material[: 2 * self.key], material[2 * self.key : self.material]
        return (
            keys[: self.key] + salts[: self.salt],
            keys[self.key :] + salts[self.salt :],
        )


PROFILES = (
    Profile(b"SRTP_AEAD_AES_128_GCM", Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12),
    Profile(b"SRTP_AES128_CM_SHA1_80", Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14),
)
"""What is offered to peers, the preferred first: AES-GCM is the cheaper one with AES-NI."""


class Refused(Exception):
    """libsrtp would not take a packet: a replay, a forgery, or nothing of SRTP."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.replayed = reason.startswith("replay")


class Inbound:
    """Verifies and decrypts what a peer sends."""

    def __init__(self, profile: Profile, key: bytes) -> None:
        policy = Policy(key=key, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=profile.policy)
        policy.window_size = WINDOW
        self._session = Session(policy)

    def rtp(self, packet: bytes) -> bytes:
        """The RTP packet within; raises Refused."""
        return _call(self._session.unprotect, packet)

    def rtcp(self, packet: bytes) -> bytes:
        """The RTCP packet within; raises Refused."""
        return _call(self._session.unprotect_rtcp, packet)


class Outbound:
    """Encrypts and signs what a peer is sent."""

    def __init__(self, profile: Profile, key: bytes) -> None:
        policy = Policy(key=key, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile.policy)
        policy.window_size = WINDOW
        policy.allow_repeat_tx = True  # a plain retransmission repeats its number
        self._session = Session(policy)

    @property
    def address(self) -> int:
        """The libsrtp session's address, valid as long as this object lives."""
        return int(_ffi.cast("uintptr_t", self._session._srtp[0]))

    def rtp(self, packet: bytes) -> bytes:
        """The SRTP packet; raises Refused."""
        return _call(self._session.protect, packet)

    def rtcp(self, packet: bytes) -> bytes:
        """The SRTCP packet; raises Refused."""
        return _call(self._session.protect_rtcp, packet)


def protect_address() -> int:
    """Where `int srtp_protect(srtp_t, void *packet, int *length)` is."""
    return int(_ffi.cast("uintptr_t", _ffi.addressof(_lib, "srtp_protect")))


def _call(method: Callable[[bytes], bytes], packet: bytes) -> bytes:
    try:
        return method(packet)
    except (pylibsrtp.Error, ValueError) as error:  # ValueError: longer than a datagram of ours
        raise Refused(str(error)) from None
