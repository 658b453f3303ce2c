"""The reference SFU: CPU time per packet out and in, per session, and of the hot path by itself."""

import os
import re
import socket
import statistics
import struct
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np

from benchmarks.plain_peers import OPUS, VP8, Offered, PlainPeer, call, give_floor
from reference_sfu import rtp
from reference_sfu.dtls import Certificate
from reference_sfu.fanout import SENT, FanOut
from reference_sfu.process import ServerProcess, running
from reference_sfu.rows import Rows, socket_address, switch
from reference_sfu.server import Settings
from reference_sfu.srtp import PROFILES, Outbound, Profile

SUBSCRIBERS = 500
PACKETS = 50
"""Sent to each of them in a measurement; receivers read them after it, and have room for them."""
PAYLOADS = {"voice": 80, "picture": 1100}
PUBLISHED = 5000
FLOOD = 20_000
SITES = 400
SECONDS = 4


def run(repetitions: int) -> dict[str, Any]:
    """All figures; times are medians over ``repetitions``."""
    return {"hot_path": hot_path(repetitions), "server": server(repetitions)}


# ---------------------------------------------------------------- the hot path


class Fan:
    """Subscribers' sockets and keys."""

    def __init__(self, stack: ExitStack, profile: Profile, number: int) -> None:
        self.socket = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.socket.setblocking(False)
        self.rows = Rows()
        self.sessions: list[Outbound] = []
        self.addresses: list[tuple[str, int]] = []
        numbers = []
        for i in range(number):
            receiver = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            receiver.bind(("127.0.0.1", 0))
            self.addresses.append(receiver.getsockname())
            self.sessions.append(Outbound(profile, os.urandom(profile.key + profile.salt)))
            row = self.rows.take(i + 1, 0)
            address = socket_address(*receiver.getsockname())
            self.rows.connect(row, self.sessions[-1].address, address)
            switch(self.rows.table[row], 1, 0, -1, -1, 48_000, 0)
            numbers.append(row)
        self.numbers = np.array(numbers, np.int32)
        self.fan = FanOut(self.socket.fileno())

    def compiled(self, sequence: int, payload: bytes) -> int:
        """As the server sends."""
        packet = rtp.Packet(111, sequence, 960 * sequence, 1, payload)
        data = rtp.phrase(packet, {}, rtp.Dialect(111, b"0", ()), 0).data
        counts = self.fan.send(
            self.rows.table, self.numbers, data, sequence, 960 * sequence, -1, -1, len(payload), 0
        )
        return int(counts[SENT])

    def plain(self, sequence: int, payload: bytes) -> int:
        """As plain Python would."""
        for number, (session, address) in enumerate(
            zip(self.sessions, self.addresses, strict=True)
        ):
            header = struct.pack("!BBHII", 0x80, 111, sequence, 960 * sequence, number + 1)
            self.socket.sendto(session.rtp(header + payload), address)
        return len(self.sessions)


def hot_path(repetitions: int, subscribers: int = SUBSCRIBERS) -> dict[str, Any]:
    """Microseconds of CPU per packet sent, by profile, payload and path."""
    found: dict[str, Any] = {}
    for profile in PROFILES:
        for name, size in PAYLOADS.items():
            times: dict[str, list[float]] = {"plain": [], "compiled": []}
            for _ in range(repetitions):
                for path, spent in times.items():
                    with ExitStack() as stack:
                        fan = Fan(stack, profile, subscribers)
                        send = fan.compiled if path == "compiled" else fan.plain
                        spent.append(_microseconds(send, bytes(size)))
            key = f"{name}, {profile.name.decode().removeprefix('SRTP_')}"
            found[key] = {path: statistics.median(spent) for path, spent in times.items()}
    return found


def _microseconds(send: Callable[[int, bytes], int], payload: bytes) -> float:
    send(1, payload)
    begin = time.process_time()
    sent = sum(send(sequence, payload) for sequence in range(2, 2 + PACKETS))
    return 1e6 * (time.process_time() - begin) / sent


# ---------------------------------------------------------------- the server


def server(repetitions: int, sites: int = SITES, seconds: float = SECONDS) -> dict[str, Any]:
    """Figures of a server process with ``sites`` subscribers."""
    certificate = Certificate()
    with ExitStack() as stack:
        process = stack.enter_context(running(Settings(port=0)))
        before = _metrics(process)
        publisher = stack.enter_context(PlainPeer(certificate, Offered()))
        publisher.join(process.url, "whip/programme")
        peers = [publisher]
        for site in range(sites):
            offered = Offered((OPUS, OPUS, VP8, VP8), "recvonly")
            peer = stack.enter_context(PlainPeer(certificate, offered))
            peers.append(peer.join(process.url, f"whep/site-{site}"))
            if site % 200 == 0:
                _consent(peers)
        after = _metrics(process)
        found: dict[str, Any] = {
            "sites": sites,
            "join_cpu_ms": 1e3 * _cpu(before, after) / (sites + 1),
            "session_kB": (_memory(after) - _memory(before)) / (sites + 1) / 1e3,
        }
        _consent(peers)
        rows = [_measure(process, publisher, seconds) for _ in range(repetitions)]
    return found | {key: statistics.median(row[key] for row in rows) for row in rows for key in row}


def _measure(process: ServerProcess, publisher: PlainPeer, seconds: float) -> dict[str, float]:
    url = process.url
    give_floor(url, programme=None)
    idle = _spent(process, lambda: time.sleep(seconds))
    incoming = _spent(process, lambda: _publish(publisher, PUBLISHED, 0.0002))
    flood = _spent(process, lambda: _flood(process))
    give_floor(url, programme="programme")
    outgoing = _spent(process, lambda: _publish(publisher, int(50 * seconds), 0.02))
    share = idle["cpu_s"] / idle["wall_s"]

    def cost(measured: dict[str, float], packets: str) -> float:
        spent = measured["cpu_s"] - share * measured["wall_s"]
        return 1e6 * spent / max(1.0, measured[packets])

    return {
        "idle_share": share,
        "in_us": cost(incoming, "packets_published"),
        "garbage_us": cost(flood, "datagrams_received"),
        "out_us": cost(outgoing, "datagrams_sent"),
        "out_packets": outgoing["datagrams_sent"],
        "send_drops": outgoing["send_drops"],
    }


_next_sequence = iter(range(1, 1 << 30))


def _publish(publisher: PlainPeer, number: int, pause: float) -> None:
    for _ in range(number):
        sequence = next(_next_sequence)
        header = struct.pack(
            "!BBHII", 0x80, 111, sequence & 0xFFFF, 960 * sequence & 0xFFFFFFFF, 77
        )
        publisher.send(header + bytes(PAYLOADS["voice"]))
        time.sleep(pause)


def _flood(process: ServerProcess) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for _ in range(FLOOD):
            stranger.sendto(b"\x80\x60" + bytes(100), ("127.0.0.1", process.settings.udp_port))
    time.sleep(0.5)


def _consent(peers: list[PlainPeer]) -> None:
    for peer in peers:
        peer.socket.sendto(peer.check(), peer.server)


def _spent(process: ServerProcess, work: Callable[[], None]) -> dict[str, float]:
    before, begin = _metrics(process), time.perf_counter()
    work()
    after = _metrics(process)
    names = ("packets_published", "datagrams_received", "datagrams_sent", "send_drops")
    counts = {name: after[f"sfu_{name}_total"] - before[f"sfu_{name}_total"] for name in names}
    return {"cpu_s": _cpu(before, after), "wall_s": time.perf_counter() - begin, **counts}


def _metrics(process: ServerProcess) -> dict[str, float]:
    text = call("GET", f"{process.url}/metrics")[2]
    return {name: float(value) for name, value in re.findall(r"^(\w+) (\S+)$", text, re.MULTILINE)}


def _cpu(before: dict[str, float], after: dict[str, float]) -> float:
    return after["process_cpu_seconds_total"] - before["process_cpu_seconds_total"]


def _memory(metrics: dict[str, float]) -> float:
    return metrics["process_resident_memory_bytes"]
