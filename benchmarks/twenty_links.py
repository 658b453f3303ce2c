"""Twenty links, each with packets of its own: through the engine, SimPy and ns.py.

The same packets at the same instants through the same first-in, first-out queues without a limit.
100 Mbit/s take 80 ns for a byte: no simulator has to round a transmission.
"""

import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numba
import numpy as np
import simpy
from ns.packet.dist_generator import DistPacketGenerator
from ns.port.port import Port
from numpy.typing import NDArray

from benchmarks.timing import median_seconds
from scenarios.loading import parse_scenario
from scenarios.population import populate
from simulations.build import build
from simulations.compiled import parallel_kernel
from simulations.conference import MOST_THREADS
from simulations.packets import ITEM, PACKET
from simulations.queues import make_queues, serve
from simulations.stations import run_link
from simulations.topology import plan
from simulations.trains import RIDER
from simulations.world import BACKBONE_DOWN, World

LINKS = 20
PACKETS = 20_000
RATE = 100_000_000
LOAD = 0.8
MEAN_BYTES = 780
ENDLESS = 1 << 60

Times = NDArray[np.int64]


@dataclass(frozen=True)
class Workload:
    """Packets of each link: (LINKS, PACKETS) arrivals (ns, in order) and sizes (bytes)."""

    arrivals: Times
    sizes: Times

    @property
    def packet_hops(self) -> int:
        """Packets times the one queue that each passes."""
        return int(self.arrivals.size)


def make_workload(packets: int = PACKETS) -> Workload:
    """Poisson arrivals at 80 % load, sizes from 60 to 1,500 bytes."""
    rng = np.random.default_rng(20)
    gaps = rng.exponential(MEAN_BYTES * 8e9 / RATE / LOAD, (LINKS, packets))
    return Workload(
        np.cumsum(gaps, axis=1).astype(np.int64), rng.integers(60, 1501, (LINKS, packets))
    )


# ---------------------------------------------------------------- the engine


@parallel_kernel
def run_level(world: Any, level: int, until: int) -> None:
    """Play one level of shared links on all threads, dealt out as the engine does."""
    first, last = world.level_first[level], world.level_first[level + 1]
    threads = len(world.numbers)
    for thread in numba.prange(threads):
        for s in range(first + np.int64(thread), last, threads):
            world.full[s] = run_link(world, s, until)


class EngineLinks:
    """Twenty backbones of a world, with the workload on their input edges."""

    def __init__(self, workload: Workload, threads: int) -> None:
        self.threads = threads
        self.packets = workload.arrivals.shape[1]
        self.world = self._build(workload, threads)
        first = int(self.world.level_first[BACKBONE_DOWN])
        stations = self.world.stations[first : first + LINKS]
        self.inputs = stations["first_edge"].astype(np.int64)
        self.outputs = np.array(
            [np.flatnonzero(self.world.edges["source"] == first + link)[0] for link in range(LINKS)]
        )

    @staticmethod
    def _build(workload: Workload, threads: int) -> World:
        link = {"capacity": f"{RATE}bps", "buffer": "60s", "packets": 1_000_000}
        names = [f"carrier-{number}" for number in range(LINKS)]
        rows = [f"s{n},Site {n},commune,xã,,Hà Nội" for n in range(LINKS)]
        access = {"label": "Fibre", "delay": "1ms"} | {
            side: {"rate": "1Gbps"} for side in ("down", "up")
        }
        place = {"latitude": 21, "longitude": 105.8}
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            header = "site,name,level,kind,district,province"
            (folder / "sites.csv").write_text("\n".join([header, *rows, ""]), encoding="utf-8")
            (folder / "places.csv").write_text(
                "province,seat_latitude,seat_longitude\nHà Nội,21,105.8\n", encoding="utf-8"
            )
            scenario = parse_scenario(
                {
                    "title": "Twenty links",
                    "duration": "1min",
                    "endpoints": {
                        "table": "sites.csv",
                        "places": "places.csv",
                        "rules": [
                            {"when": {"site": f"s{n}"}, "carrier": name, "access": "fibre"}
                            for n, name in enumerate(names)
                        ],
                    },
                    "command_centre": {
                        "name": "Centre", **place, "carrier": names[0], "access": "fibre",
                        "node": "one",
                    },
                    "carriers": {
                        name: {"label": name, "backbone": link, "aggregation": link,
                               "peering": link}
                        for name in names
                    },
                    "access": {"fibre": access},
                    "nodes": {
                        "one": {"label": "One", **place, "carriers": names, "nic": "1Gbps"}
                    },
                    "media": {
                        "video": {"layers": [{"name": "one", "height": 720, "bitrate": "1Mbps"}]}
                    },
                },
                folder=folder,
            )  # fmt: skip
        people = populate(scenario)
        world = build(scenario, people, plan(scenario, people), threads=threads)
        packets = np.zeros(workload.sizes.size, PACKET)
        packets["size"] = workload.sizes.ravel()
        room = 1 << int(np.ceil(np.log2(workload.arrivals.shape[1])))
        world.edges["base"] = room * np.arange(len(world.edges))
        world.edges["mask"] = room - 1
        world.edges["delay"] = 0
        items = np.zeros(room * len(world.edges), ITEM)
        first = int(world.level_first[BACKBONE_DOWN])
        for number in range(LINKS):
            edge = world.edges[world.stations[first + number]["first_edge"]]
            here = slice(edge["base"], edge["base"] + workload.arrivals.shape[1])
            items["time"][here] = workload.arrivals[number]
            items["packet"][here] = number * workload.arrivals.shape[1] + np.arange(
                workload.arrivals.shape[1]
            )
            items["endpoint"][here] = number
        riders = np.zeros(len(items), RIDER)
        return world._replace(packets=packets, edge_items=items, riders=riders)

    def rewind(self) -> None:
        """All packets wait on the input edges again."""
        edges, stations = self.world.edges, self.world.stations
        edges["head"], edges["tail"] = 0, 0
        edges["tail"][self.inputs] = self.packets
        for name in ("free_at", "waiting", "head", "tail"):
            stations["queue"][name] = 0

    def play(self) -> None:
        """Serve all packets."""
        run_level(self.world, BACKBONE_DOWN, ENDLESS)

    def departures(self) -> Times:
        """(LINKS, packets) ns."""
        edges = self.world.edges[self.outputs]
        if not (edges["tail"] == self.packets).all():
            raise AssertionError(f"packets served: {edges['tail']}")
        return np.array(
            [self.world.edge_items["time"][base : base + self.packets] for base in edges["base"]]
        )

    def seconds(self, repetitions: int) -> float:
        """The median time of `play`."""
        numba.set_num_threads(self.threads)
        times = []
        for _ in range(repetitions + 1):
            self.rewind()
            times.append(median_seconds(self.play, 1))
        return float(np.median(times[1:]))


def kernel_departures(workload: Workload) -> Times:
    """The queue's kernel alone, link by link."""
    departures = np.empty_like(workload.arrivals)
    for link in range(LINKS):
        limits = np.array([ENDLESS]), np.array([workload.arrivals.shape[1]])
        queues, starts, line = make_queues(*limits)
        departures[link] = serve(
            queues[0], starts, line, RATE, workload.arrivals[link], workload.sizes[link]
        )
    return departures


# ---------------------------------------------------------------- SimPy


def simpy_departures(workload: Workload) -> Times:
    """A link as a process that takes packets from a store, in integer nanoseconds."""
    env = simpy.Environment(initial_time=0)
    departures: list[list[int]] = [[] for _ in range(LINKS)]

    def source(
        store: simpy.Store, arrivals: list[int], sizes: list[int]
    ) -> Generator[Any, Any, None]:
        now = 0
        for at, size in zip(arrivals, sizes, strict=True):
            yield env.timeout(at - now)
            now = at
            store.put(size)

    def link(store: simpy.Store, left: list[int]) -> Generator[Any, Any, None]:
        while True:
            size: int = yield store.get()
            yield env.timeout((size * 8_000_000_000 + RATE // 2) // RATE)
            left.append(int(env.now))

    for number in range(LINKS):
        store = simpy.Store(env)
        arrivals, sizes = workload.arrivals[number].tolist(), workload.sizes[number].tolist()
        env.process(source(store, arrivals, sizes))
        env.process(link(store, departures[number]))
    env.run()
    return np.array(departures)


# ---------------------------------------------------------------- ns.py


class _Departures:
    """Where a port of ns.py sends its packets."""

    def __init__(self, env: simpy.Environment) -> None:
        self.env = env
        self.times: list[float] = []

    def put(self, _: object) -> None:
        self.times.append(self.env.now)


def ns_departures(workload: Workload) -> NDArray[np.float64]:
    """ns.py's own generators and ports, in float seconds; the result is in nanoseconds."""
    env = simpy.Environment()
    ends = []
    for number in range(LINKS):
        gaps = iter(np.diff(workload.arrivals[number], prepend=0) / 1e9)
        sizes = iter(workload.sizes[number].tolist())
        # A generator that draws a last time after its last packet must find something.
        source = DistPacketGenerator(
            env, str(number), lambda g=gaps: float(next(g, 1e9)), lambda s=sizes: next(s, 1),
            finish=float(workload.arrivals[number][-1] / 1e9 + 1),
        )  # fmt: skip
        port = Port(env, rate=RATE)
        end = _Departures(env)
        source.out, port.out = port, end
        ends.append(end)
    env.run(until=float(workload.arrivals.max() / 1e9 + 10))
    return np.array([end.times[: workload.arrivals.shape[1]] for end in ends]) * 1e9


# ---------------------------------------------------------------- together


def run(repetitions: int) -> dict[str, Any]:
    """Packet-hops a second of each, ratios to SimPy, and how far departures lie apart (ns).

    Raises:
        AssertionError: some departure differs by more than a nanosecond.
    """
    workload = make_workload()
    cores = MOST_THREADS
    engines = {
        f"engine, {threads} core{'s' if threads > 1 else ''}": EngineLinks(workload, threads)
        for threads in sorted({1, cores})
    }
    seconds = {name: engine.seconds(10 * repetitions) for name, engine in engines.items()}
    found: dict[str, Any] = {name: engine.departures() for name, engine in engines.items()}
    found["queue kernel alone"] = kernel_departures(workload)
    found["SimPy"] = simpy_departures(workload)
    found["ns.py"] = ns_departures(workload)
    for name, work in (
        ("queue kernel alone", kernel_departures), ("SimPy", simpy_departures),
        ("ns.py", ns_departures),
    ):  # fmt: skip
        seconds[name] = median_seconds(partial(work, workload), repetitions)
    reference = found["SimPy"]
    apart = {name: float(np.abs(times - reference).max()) for name, times in found.items()}
    if max(apart.values()) > 1:
        raise AssertionError(f"departures differ by nanoseconds: {apart}")
    speed = {name: workload.packet_hops / taken for name, taken in seconds.items()}
    return {
        "packet_hops": workload.packet_hops,
        "packet_hops_per_s": speed,
        "times_simpy": {name: value / speed["SimPy"] for name, value in speed.items()},
        "departures_apart_ns": apart,
    }
