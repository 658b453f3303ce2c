"""Which of the machine's addresses faces a server."""

import socket
from urllib.parse import urlsplit


def local_address(target: str) -> str:
    """The IP address that datagrams to the target's host leave from; no datagram is sent for it.

    Raises:
        OSError: the host has no address, or there is no way to it.
    """
    host = urlsplit(target).hostname or "127.0.0.1"
    family, kind, _, _, address = socket.getaddrinfo(host, 9, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind) as probe:
        probe.connect(address)
        name: str = probe.getsockname()[0]
    return name
