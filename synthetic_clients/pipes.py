"""Messages over a pipe: JSON, and a payload of bytes where there is one."""

import json
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

_HEAD = struct.Struct("!II")
LARGEST = 1 << 28
"""Bytes of a message at most: what is longer is a fault on the way."""

Message = dict[str, Any]


def pack(message: Mapping[str, Any], payload: bytes = b"") -> bytes:
    """A message as it goes over a pipe."""
    said = json.dumps(message).encode()
    return _HEAD.pack(len(said), len(payload)) + said + payload


def unpack_head(head: bytes) -> tuple[int, int]:
    """Lengths of JSON and payload, from the first HEAD bytes.

    Raises:
        ValueError: this is no message.
    """
    said, payload = _HEAD.unpack(head)
    if said + payload > LARGEST:
        raise ValueError(f"a message of {said + payload} bytes is too long")
    return said, payload


HEAD = _HEAD.size


def read(stream: BinaryIO) -> tuple[Message, bytes] | None:
    """The next message of ``stream``; None at its end, in the middle of a message too."""
    head = _exactly(stream, HEAD)
    if head is None:
        return None
    said, payload = unpack_head(head)
    body = _exactly(stream, said + payload)
    if body is None:
        return None
    return json.loads(body[:said]), body[said:]


def _exactly(stream: BinaryIO, length: int) -> bytes | None:
    parts = []
    while length > 0:
        part = stream.read(length)
        if not part:
            return None
        parts.append(part)
        length -= len(part)
    return b"".join(parts)
