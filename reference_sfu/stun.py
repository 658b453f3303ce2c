"""STUN as an ICE-lite agent needs it: Binding requests in, answers out (RFC 8489, RFC 8445).

Written for thousands of consent checks a second: one pass over the attributes and one HMAC.
"""

import hmac
import struct
from binascii import crc32
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address

COOKIE = 0x2112A442
BINDING_REQUEST = 0x0001
BINDING_INDICATION = 0x0011
BINDING_SUCCESS = 0x0101
BINDING_ERROR = 0x0111

USERNAME = 0x0006
MESSAGE_INTEGRITY = 0x0008
ERROR_CODE = 0x0009
XOR_MAPPED_ADDRESS = 0x0020
PRIORITY = 0x0024
USE_CANDIDATE = 0x0025
FINGERPRINT = 0x8028
ICE_CONTROLLED = 0x8029
ICE_CONTROLLING = 0x802A

_HEADER = struct.Struct("!HHI12s")
_ATTRIBUTE = struct.Struct("!HH")
_FINGERPRINT_XOR = 0x5354554E
_INTEGRITY_BYTES = 24
_FINGERPRINT_BYTES = 8


class StunError(ValueError):
    """Bytes that are no STUN message."""


@dataclass(frozen=True, slots=True)
class Message:
    """A STUN message, read but not yet believed."""

    kind: int
    """Method and class, as in the first two bytes."""
    transaction: bytes
    attributes: Mapping[int, bytes]
    """The first of each type up to MESSAGE-INTEGRITY, and FINGERPRINT."""
    signed: bytes
    """What MESSAGE-INTEGRITY covers, with its length field as it was when signed; or empty."""

    @property
    def local_fragment(self) -> str:
        """The receiving agent's username fragment (RFC 8445 § 7.2.2), empty without USERNAME."""
        return self._username[0]

    @property
    def remote_fragment(self) -> str:
        """The sending agent's username fragment, empty without USERNAME."""
        return self._username[2]

    @property
    def _username(self) -> tuple[str, str, str]:
        return self.attributes.get(USERNAME, b"").decode("ascii", "replace").partition(":")

    def is_signed_with(self, password: bytes) -> bool:
        """Whether MESSAGE-INTEGRITY is there and made with ``password`` (RFC 8489 § 14.5)."""
        digest = self.attributes.get(MESSAGE_INTEGRITY)
        if digest is None or not self.signed:
            return False
        return hmac.compare_digest(digest, hmac.digest(password, self.signed, "sha1"))


def parse(data: bytes) -> Message:
    """``data`` as a STUN message; raises StunError for anything else."""
    if len(data) < _HEADER.size:
        raise StunError("shorter than a header")
    kind, length, cookie, transaction = _HEADER.unpack_from(data)
    if cookie != COOKIE or kind & 0xC000 or length % 4 or _HEADER.size + length != len(data):
        raise StunError("not a header of RFC 8489")
    attributes: dict[int, bytes] = {}
    signed = b""
    position = _HEADER.size
    while position + 4 <= len(data):
        name, size = _ATTRIBUTE.unpack_from(data, position)
        end = position + 4 + size
        if end > len(data):
            raise StunError("an attribute is longer than its message")
        if name == FINGERPRINT:
            value = data[position + 4 : end]
            if value != _fingerprint(data[:position]):
                raise StunError("the fingerprint does not match")
            attributes[name] = value
            break
        if not signed:  # what follows MESSAGE-INTEGRITY is not covered, and ignored
            attributes.setdefault(name, data[position + 4 : end])
            if name == MESSAGE_INTEGRITY:
                signed = _with_length(data[:position], _INTEGRITY_BYTES)
        position = end + -size % 4
    return Message(kind, transaction, attributes, signed)


def build(kind: int, transaction: bytes, attributes: Mapping[int, bytes], password: bytes) -> bytes:
    """A message signed with ``password``, FINGERPRINT last (RFC 8445 § 7.1)."""
    body = b"".join(
        _ATTRIBUTE.pack(name, len(value)) + value + bytes(-len(value) % 4)
        for name, value in attributes.items()
    )
    plain = _HEADER.pack(kind, len(body), COOKIE, transaction) + body
    to_sign = _with_length(plain, _INTEGRITY_BYTES)
    whole = (
        to_sign + _ATTRIBUTE.pack(MESSAGE_INTEGRITY, 20) + hmac.digest(password, to_sign, "sha1")
    )
    whole = _with_length(whole, _FINGERPRINT_BYTES)
    return whole + _ATTRIBUTE.pack(FINGERPRINT, 4) + _fingerprint(whole)


def mapped_address(host: str, port: int, transaction: bytes) -> bytes:
    """The value of XOR-MAPPED-ADDRESS (RFC 8489 § 14.2)."""
    packed = ip_address(host.partition("%")[0]).packed
    mask = struct.pack("!I", COOKIE) + transaction
    hidden = bytes(a ^ b for a, b in zip(packed, mask, strict=False))
    family = 1 if len(packed) == 4 else 2
    return struct.pack("!BBH", 0, family, port ^ (COOKIE >> 16)) + hidden


def error_code(code: int, reason: str) -> bytes:
    """The value of ERROR-CODE (RFC 8489 § 14.8)."""
    return struct.pack("!HBB", 0, code // 100, code % 100) + reason.encode()


def _with_length(message: bytes, more: int) -> bytes:
    """``message`` with a length field as if ``more`` bytes followed."""
    length = len(message) - _HEADER.size + more
    return message[:2] + struct.pack("!H", length) + message[4:]


def _fingerprint(message: bytes) -> bytes:
    whole = _with_length(message, _FINGERPRINT_BYTES)
    return struct.pack("!I", crc32(whole) ^ _FINGERPRINT_XOR)
