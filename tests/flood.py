"""A flood: `python -m tests.flood HOST PORT SECONDS [PER-SECOND]` sends datagrams of every kind,
none of them of any use, as fast as Linux takes them or as fast as it is told. Prints how many.
"""

import ctypes
import socket
import sys
import time

import numpy as np

BATCH = 256
"""Datagrams that one call of the system sends (sendmmsg)."""
KINDS = (b"\x00\x01" + bytes(30), b"\x16" + bytes(40), b"\x80\x60" + bytes(40), b"x" * 40)
"""STUN without integrity, DTLS and RTP that nobody asked for, garbage."""


def flood(host: str, port: int, seconds: float, rate: float = float("inf")) -> int:
    """Datagrams sent, about ``rate`` of them a second at most."""
    libc = ctypes.CDLL(None, use_errno=True)
    payloads = [ctypes.create_string_buffer(kind, len(kind)) for kind in KINDS]
    vectors = np.zeros((BATCH, 2), np.uint64)
    for i in range(BATCH):
        payload = payloads[i % len(payloads)]
        vectors[i] = ctypes.addressof(payload), len(payload)
    messages = np.zeros((BATCH, 8), np.uint64)  # struct mmsghdr of 64-bit Linux
    messages[:, 2] = vectors.ctypes.data + np.arange(BATCH, dtype=np.uint64) * 16
    messages[:, 3] = 1
    sent, began = 0, time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((host, port))
        while (passed := time.monotonic() - began) < seconds:
            if sent > rate * passed:
                time.sleep(0.001)
                continue
            sent += max(
                0, libc.sendmmsg(sock.fileno(), ctypes.c_void_p(messages.ctypes.data), BATCH, 0)
            )
    return sent


if __name__ == "__main__":
    host, port, seconds, *rate = sys.argv[1:]
    print(flood(host, int(port), float(seconds), *map(float, rate)))
