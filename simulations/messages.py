"""Messages of the control plane: their sizes, and the timers that send lost ones again.

Sizes are bytes at the IP layer, of plausible messages; a list is a flight of packets.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass

import simpy

from scenarios.units import SECOND
from simulations.network import LOST, Network

Process = Generator[simpy.Event, None, None]


@dataclass(frozen=True)
class Exchange:
    """A request and its answer, and how the request is sent again."""

    request: tuple[int, ...]
    answer: tuple[int, ...]
    timer: int
    """ns until the request is sent again for the first time; twice as long each time after."""


TCP_TIMER = SECOND
"""RFC 6298, section 2: the first retransmission time-out of a connection."""
STUN_TIMER = SECOND // 2
"""RFC 8489, section 6.2.1."""
DTLS_TIMER = SECOND
"""RFC 6347, section 4.2.4.1."""
DNS_TIMER = SECOND
"""Assumed: stub resolvers take from 1 s to 5 s."""

DNS = Exchange((80,), (150,), DNS_TIMER)
TCP = Exchange((60,), (60,), TCP_TIMER)
TLS = Exchange((600,), (1400, 1400, 700), TCP_TIMER)
"""RFC 8446: one round trip; the server's flight holds its certificates."""
UPGRADE = Exchange((600,), (250,), TCP_TIMER)
"""RFC 6455: the opening handshake of a WebSocket."""
JOIN = Exchange((1400, 1400, 600), (1400, 1400, 1400), TCP_TIMER)
"""A request with a session description, and the answer with another."""
RESUME = Exchange((600,), (600,), TCP_TIMER)
SUBSCRIBE = Exchange((600,), (600,), TCP_TIMER)
STUN = Exchange((76,), (96,), STUN_TIMER)
TURN = Exchange((150,), (200,), STUN_TIMER)
CHECK = Exchange((130,), (110,), STUN_TIMER)
HELLO = Exchange((300,), (1200, 600), DTLS_TIMER)
"""DTLS 1.2 (RFC 6347): two round trips, the second with the client's certificate."""
FINISHED = Exchange((1200, 300), (300,), DTLS_TIMER)


def flight(
    network: Network, endpoint: int, place: int, sizes: tuple[int, ...], now: int, up: bool
) -> int:
    """When the last packet of a flight arrives; LOST where any of them is lost."""
    arrivals = [network.send(endpoint, place, size, now, up) for size in sizes]
    return LOST if min(arrivals) < 0 else max(arrivals)


def exchange(
    env: simpy.Environment,
    network: Network,
    endpoint: int,
    place: int,
    kind: Exchange,
    until: int,
    going_on: Callable[[], bool],
    work: Callable[[int], int] | None = None,
) -> Generator[simpy.Event, None, bool]:
    """Send the request until its answer is there, at ``until`` (ns) at the latest.

    A lost answer is as a lost request: the whole is tried again after the timer. Where a round
    trip is longer than the timer, what would be sent twice is played once.

    Args:
        going_on: asked whenever time has passed; False gives up.
        work: when the answer leaves to a request that arrives at a time; LOST: never. Asked anew
            only as long as there is no answer: one that is lost is sent again as it is.

    Returns:
        Whether the answer came.
    """
    timer = kind.timer
    leaves = LOST if work is not None else 0
    while going_on():
        sent = int(env.now)
        arrival = flight(network, endpoint, place, kind.request, sent, True)
        if LOST < arrival <= until:
            yield env.timeout(max(arrival - sent, 0))
            if not going_on():
                return False
            if work is not None and leaves == LOST:
                leaves = work(arrival)
                if leaves > arrival:
                    yield env.timeout(min(leaves, until) - arrival)
            if leaves > until or not going_on():
                return False
            if leaves != LOST:
                now = int(env.now)
                answer = flight(network, endpoint, place, kind.answer, now, False)
                if LOST < answer <= until:
                    yield env.timeout(max(answer - now, 0))
                    return going_on()
        now = int(env.now)
        again = max(sent + timer, now)
        yield env.timeout(max(min(again, until), now) - now)
        if again >= until:
            return False
        timer *= 2
    return False
