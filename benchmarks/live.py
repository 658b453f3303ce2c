"""What receiving a packet costs a load client, beside a bare loop over the same sockets and beside
stock aiortc. CPU time of the receiving process; a process of its own sends."""

import asyncio
import select
import socket
import statistics
import subprocess
import sys
import time
from typing import Any

SUBSCRIBERS = 400
RATE = 100
"""Packets a second to each."""
SECONDS = 4.0
STOCK_SECONDS = 8.0
PAYLOAD = 160
SSRC = 7

_SENDER = """
import socket, struct, sys, time
rate, seconds, size = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
ports = [int(word) for word in sys.stdin.readline().split()]
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
out.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
places = [("127.0.0.1", port) for port in ports]
began, sent, payload = time.perf_counter(), 0, bytes(size)
for number in range(int(rate * seconds)):
    head = struct.pack("!BBHLL", 0x80, 111, number & 0xFFFF, number * 480, 7)
    for i, place in enumerate(places):
        out.sendto(head + payload, place)
        if i % 40 == 39:  # evenly, not in one burst
            due = began + (number + i / len(places)) / rate
            if (left := due - time.perf_counter()) > 0.0005:
                time.sleep(left)
print(int(rate * seconds) * len(ports))
"""


def open_sockets() -> list[socket.socket]:
    """A socket for each subscriber."""
    made = []
    for _ in range(SUBSCRIBERS):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        sock.bind(("127.0.0.1", 0))
        made.append(sock)
    return made


def start_sender(ports: list[int], seconds: float) -> "subprocess.Popen[str]":
    """A process that sends RTP to ``ports``."""
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", _SENDER, str(RATE), str(seconds), str(PAYLOAD)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None  # noqa: S101
    process.stdin.write(" ".join(map(str, ports)) + "\n")
    process.stdin.flush()
    return process


def bare_loop() -> tuple[float, int]:
    """CPU seconds and packets of the plainest receiver: epoll, and recv_into one buffer."""
    made = open_sockets()
    epoll, buffer = select.epoll(), bytearray(2048)
    by_fd = {sock.fileno(): sock for sock in made}
    for fd in by_fd:
        epoll.register(fd, select.EPOLLIN)
    sender = start_sender([sock.getsockname()[1] for sock in made], SECONDS)
    received, began, idle = 0, time.process_time(), 0
    while idle < 5:
        ready = epoll.poll(0.2)
        idle = 0 if ready else idle + (sender.poll() is not None)
        for fd, _ in ready:
            receive = by_fd[fd].recv_into
            try:
                while True:
                    receive(buffer)
                    received += 1
            except BlockingIOError:
                pass
        time.sleep(0.002)  # as the load client's loop does
    took = time.process_time() - began
    sender.communicate()
    epoll.close()
    for sock in made:
        sock.close()
    return took, received


def load_clients() -> tuple[float, int]:
    """CPU seconds and packets of header-only subscribers: everything that a load client does with
    what it receives, virtual links included, but for STUN and RTCP."""
    from synthetic_clients.batch_loop import BatchLoop, run  # noqa: PLC0415
    from synthetic_clients.receivers import TICK_S, Receivers  # noqa: PLC0415
    from synthetic_clients.warming import warm_up  # noqa: PLC0415

    warm_up()

    async def main(loop: BatchLoop) -> tuple[float, int]:
        state, settings = _state()
        epoch = time.time_ns()
        receivers = Receivers(loop, state, settings, epoch, lambda: time.time_ns() - epoch, 1)
        ports = []
        for e in range(SUBSCRIBERS):
            transport, _ = await loop.create_datagram_endpoint(
                asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0)
            )
            ports.append(transport.get_extra_info("sockname")[1])
            loop.reader.sockets[transport.index]["owner"] = e  # type: ignore[attr-defined]
        sender = start_sender(ports, SECONDS)
        began, quiet = time.process_time(), 0.0
        while quiet < 1.0:
            await asyncio.sleep(TICK_S)
            receivers.tick()
            quiet = quiet + TICK_S if sender.poll() is not None else 0.0
        took = time.process_time() - began
        sender.communicate()
        return took, int(loop.reader.sockets["datagrams"].sum())

    return run(main)


def _state() -> tuple[Any, Any]:
    """Subscribers on the smoke scenario's links, each with a voice and a picture."""
    from scenarios.loading import load_scenario  # noqa: PLC0415
    from scenarios.population import populate  # noqa: PLC0415
    from synthetic_clients.state import make_state, settings_of  # noqa: PLC0415
    from synthetic_clients.virtual_links import virtual_links  # noqa: PLC0415

    scenario = load_scenario("smoke", [f"endpoints.sample={SUBSCRIBERS}"])
    population = populate(scenario)
    links = virtual_links(scenario, population, list(range(SUBSCRIBERS)))
    ones = [1] * SUBSCRIBERS
    state = make_state(ones, ones, links.down, links.up, links.loads)
    state.views["ssrc"][state.views["audio"] == 1] = SSRC
    state.endpoints["online"] = 1
    return state, settings_of(scenario.media)


def stock_aiortc() -> tuple[float, int]:
    """CPU seconds and packets of a stock aiortc receiver, which decodes a voice and a picture."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "benchmarks.stock_receiver", str(STOCK_SECONDS)],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    took, packets = done.stdout.split()
    return float(took), int(packets)


def run(repetitions: int) -> dict[str, dict[str, float]]:
    """CPU time per packet of each, and how many subscribers at RATE fill a core."""
    found: dict[str, dict[str, float]] = {}
    for name, work in (
        ("bare recv_into loop", bare_loop),
        ("load clients", load_clients),
        ("stock aiortc", stock_aiortc),
    ):
        each = []
        for _ in range(repetitions):
            took, packets = work()
            each.append(took / max(packets, 1))
        cost = statistics.median(each)
        found[name] = {
            "cpu_us_per_packet": cost * 1e6,
            "subscribers_per_core": 1 / (cost * RATE),
        }
    bare = found["bare recv_into loop"]["cpu_us_per_packet"]
    for row in found.values():
        row["times_bare"] = row["cpu_us_per_packet"] / bare
    return found
