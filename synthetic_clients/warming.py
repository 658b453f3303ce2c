"""Warming up: every kernel runs once on a little made-up traffic, so that none has to be compiled
while clients are connected. The results are kept on disk; the first time takes half a minute."""

import socket
import time
from typing import Any

import numpy as np

from scenarios.loading import load_scenario
from scenarios.population import populate
from simulations.freezes import begin, stop
from synthetic_clients.crossing import cross_downlink, cross_uplink, send_media
from synthetic_clients.headers import PACKET, parse
from synthetic_clients.presence import Presence
from synthetic_clients.receiving import (
    begin_anew,
    deliver,
    enter,
    estimate,
    look_round,
    map_report,
)
from synthetic_clients.sampling import Sampler
from synthetic_clients.sockets import ROWS, Reader
from synthetic_clients.state import make_state, settings_of
from synthetic_clients.virtual_links import subset, virtual_links


def warm_up() -> None:
    """Run every kernel."""
    scenario = load_scenario("smoke")
    population = populate(scenario)
    links = virtual_links(scenario, population, [0])
    state = make_state([1], [1], links.down, links.up, links.loads)
    settings = settings_of(scenario.media)
    packets: Any = np.zeros(ROWS, PACKET)
    reader = Reader()
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far,
    ):
        near.bind(("127.0.0.1", 0))
        near.setblocking(False)
        index = reader.add(near, time.time_ns())
        far.sendto(b"\x80\x60" + bytes(30), near.getsockname())
        rows = reader.read(time.time_ns())
        reader.remove(index)
    reader.sockets[index]["owner"] = 0
    found = parse(reader.slab, rows, reader.sockets, state, time.time_ns(), packets)
    reader.close()
    enter(state, packets, found, settings)
    deliver(state, 1, settings)
    look_round(
        state, 1, settings[0], np.zeros(1000, np.int32), np.zeros((4096, 2), np.int64),
        np.zeros(4096, np.int64),
    )  # fmt: skip
    estimate(state, 1)
    map_report(state, 0, 1, 1, 1, 1, settings[0])
    for cross in (cross_downlink, cross_uplink, send_media):
        cross(state, 0, 1, 100)
    begin(state.screens[0]["freezes"], 1)
    stop(state.screens[0]["freezes"], 1)
    begin_anew(state, 0)
    interval = (0, scenario.interval)
    Sampler(scenario, subset(population, [0])).sample(
        state, {}, Presence(state).take(*interval), interval, interval
    )  # fmt: skip
