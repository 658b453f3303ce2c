"""The driver: control events on top, packets beneath."""

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import numba
import numpy as np
import pyarrow as pa
import simpy

from results.records import BUDGET, ENDPOINTS, EVENTS, Cost, Run
from scenarios.population import Population, populate
from scenarios.scenario import Scenario
from scenarios.units import SECOND
from simulations import control
from simulations.build import build
from simulations.engine import EPOCH, Engine
from simulations.publishing import Publishing
from simulations.sampling import Sampler
from simulations.telemetry import Telemetry
from simulations.topology import plan
from simulations.tracing import Tracer
from simulations.world import restart_counts

MOST_THREADS = numba.get_num_threads()

ASSUMPTIONS = (
    "Media is played open-loop: publishers do not adapt their bitrate, and nothing is sent again.",
    "Playout delays are fixed; a packet that comes after its turn is not counted as lost.",
    "An endpoint watches the highest simulcast layer that fits its link's nominal rate.",
    "Endpoints lie at their province's seat; routes are a fixed multiple of the great circle.",
    "Signalling, joining and control traffic take no capacity.",
)
"""What the model takes for granted."""


@dataclass(frozen=True)
class Progress:
    """How far a run is."""

    now_s: float
    duration_s: float
    phase: str


def simulate(
    scenario: Scenario,
    *,
    command: tuple[str, ...] = (),
    progress: Callable[[Progress], None] | None = None,
    threads: int | None = None,
    trace_site: str | None = None,
    replication: int = 0,
) -> Run:
    """Play ``scenario`` in simulated time, packet by packet.

    Args:
        command: what was asked for, for the manifest.
        progress: called at the beginning and after every interval.
        threads: processor cores to use; all, unless said. The results do not depend on it.
        trace_site: write down every packet of this site.
        replication: number of the replication; each draws its own randomness.

    Raises:
        ScenarioError: an endpoint table cannot be read.
        ValueError: there is no such site to trace.
    """
    started, clock = datetime.now(UTC), time.perf_counter()
    tell = progress or (lambda _: None)
    duration_s = scenario.duration / SECOND
    population = populate(scenario, replication)
    threads = min(threads or MOST_THREADS, MOST_THREADS)
    numba.set_num_threads(threads)
    network = plan(scenario, population)
    tell(Progress(0.0, duration_s, "compiling"))
    engine = Engine(
        build(
            scenario,
            population,
            network,
            replication=replication,
            threads=threads,
            trace_site=trace_site,
        )
    )
    names = [layer.name for layer in scenario.media.video.layers]
    wall = scenario.meeting.wall
    publishing = Publishing(
        engine.world.tracks,
        scenario.media,
        scenario.seed,
        replication,
        names.index(wall.layer) if wall else 0,
    )
    sampler = Sampler(scenario, population)
    telemetry = Telemetry(network, list(scenario.nodes))
    tracer = Tracer()
    log = control.Log()

    def advance(until: int) -> None:
        """Play up to ``until``; a trace has room for a while only, and is taken on the way."""
        while trace_site is not None and (now := int(engine.world.clock[0])) < until - EPOCH:
            engine.advance(now + EPOCH)
            tracer.collect(engine.world)
        engine.advance(until)

    def sample(begin: int, end: int) -> None:
        sampler.sample(engine.world, publishing, begin, end)
        telemetry.sample(engine.world, begin, end)
        tracer.collect(engine.world)
        restart_counts(engine.world)
        tell(Progress(end / SECOND, duration_s, "playing"))

    env = simpy.Environment(initial_time=0)
    env.process(control.floor(env, scenario, population, publishing, log))
    env.process(control.loads(env, scenario, log))
    env.process(control.wall(env, scenario, population, publishing))
    begin = 0
    while begin < scenario.duration:
        end = min(begin + scenario.interval, scenario.duration)
        while (at := env.peek()) < end:
            advance(int(at))
            env.step()
        advance(end)
        sample(begin, end)
        begin = end

    accounting = telemetry.accounting(engine.world, sampler.delivered)
    return Run(
        scenario=scenario,
        mode="simulated",
        started=started.isoformat(timespec="seconds"),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        duration_s=duration_s,
        tables={
            "endpoints": endpoints_table(scenario, population, engine),
            "samples": sampler.samples(),
            "nodes": telemetry.nodes_table(),
            "links": telemetry.links_table(),
            "events": events_table(log),
            "histograms": sampler.histograms(),
        },
        accounting=accounting,
        cost=Cost(
            wall_s=time.perf_counter() - clock,
            packets=accounting.sent,
            packet_hops=telemetry.hops,
            peak_rss_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        ),
        trace=tracer.table() if trace_site is not None else None,
        assumptions=ASSUMPTIONS,
    )


def events_table(log: control.Log) -> pa.Table:
    """The table of control events."""
    rows = [(now / SECOND, *rest) for now, *rest in log.events]
    columns = zip(*rows, strict=True) if rows else [()] * len(EVENTS)
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, EVENTS, strict=True)], EVENTS)


def endpoints_table(scenario: Scenario, population: Population, engine: Engine) -> pa.Table:
    """The table of endpoints: what each was dealt, and its share of the delay budget."""
    layers = np.array([layer.name for layer in scenario.media.video.layers])
    audio = scenario.media.audio
    sums = engine.world.endpoints
    with np.errstate(invalid="ignore", divide="ignore"):
        node = sums["budget_node"] / sums["budget_copies"]
        passed = sums["budget_packets"]
        budget = {
            "encode": np.full(len(sums), float(audio.encode_delay)),
            "uplink": sums["budget_uplink"] / passed,
            "node": node,
            "backbone": sums["budget_transport"] / passed - node,
            "aggregation": sums["budget_aggregation"] / passed,
            "access": sums["budget_access"] / sums["budget_arrivals"],
            "playout": np.full(len(sums), float(audio.playout_delay)),
        }
    columns = {
        "site": population.site,
        "name": population.name,
        "level": population.level,
        "kind": population.kind,
        "district": population.district,
        "province": [province or None for province in population.province],
        "latitude": population.latitude,
        "longitude": population.longitude,
        "carrier": np.array(list(scenario.carriers))[population.carrier],
        "access": np.array(list(scenario.access))[population.access],
        "node": np.array(list(scenario.nodes))[population.node],
        "layer": [str(layers[i]) if i >= 0 else None for i in population.layer],
        "downlink_rate": population.down_rate.astype(np.float64),
        "uplink_rate": population.up_rate.astype(np.float64),
        **{f"budget_{part}": budget[part] / SECOND for part in BUDGET},
    }
    return pa.table(
        {
            name: pa.array(values, from_pandas=True).cast(ENDPOINTS.field(name).type)
            for name, values in columns.items()
        },
        ENDPOINTS,
    )
