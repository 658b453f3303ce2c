"""The driver: control events on top, packets beneath."""

import itertools
import resource
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numba
import numpy as np
import pyarrow as pa
import simpy
from numpy.typing import NDArray

from results.records import BUDGET, CALLS, ENDPOINTS, EVENTS, GENERATORS, Cost, Run
from scenarios.backups import Backups, deal_backups
from scenarios.population import Population, populate
from scenarios.scenario import Scenario
from scenarios.units import SECOND
from simulations import control
from simulations.build import build
from simulations.control_plane import ControlPlane
from simulations.engine import EPOCH, Engine
from simulations.field import Field
from simulations.occasions import occasions
from simulations.publishing import Publishing
from simulations.relays import ways_round
from simulations.sampling import Sampler
from simulations.settings import TICK
from simulations.telemetry import Telemetry
from simulations.topology import Plan, plan
from simulations.tracing import Tracer
from simulations.video_quality import SCORE_NOTE
from simulations.ways import Server
from simulations.world import World, restart_counts

MOST_THREADS = numba.get_num_threads()

ASSUMPTIONS = (
    "Endpoints lie at their province's seat; routes are a fixed multiple of the great circle.",
    "RTCP and signalling cross both access links packet by packet; on shared links they take no "
    "capacity and wait in no queue, only their propagation counts.",
    "A frame is shown a fixed time after it can be decoded; no buffer smooths pictures.",
)
"""What the model takes for granted."""

PRESENT = ("Everyone is connected when the meeting begins, and stays so.",)
"""What it takes for granted besides where nobody joins and nothing fails."""

CONTROLLED = (
    "Clients join and come back by the recovery policy {policy} "
    "(docs/background/control-plane.md); sizes of their messages are assumed.",
    "A detour around a failed link is played as the link itself at a part of its rate, with the "
    "propagation of the way by another media node's city.",
    "Loss of packets alone, short of all of them, makes no client think that it lost its node.",
)
"""What it takes for granted besides where they do."""

RELAYED = (
    "Relays (TURN) add the propagation of the way over them, forward at once and do not fail.",
)
"""What it takes for granted besides where endpoints need relays."""

OPEN_LOOP = (
    "Media is played open-loop: publishers do not adapt their bitrate, and nothing is sent again.",
    "An endpoint watches the highest simulcast layer that fits its link's nominal rate.",
)
"""What it takes for granted besides where nothing adapts."""

CLOSED_LOOP = (
    "Congestion control: Google Congestion Control, profile {profile}, on every way from a "
    "publisher to its media node and from a media node to a subscriber.",
    "Receivers send RTCP, and senders act upon it, every 25 ms.",
    "A media node forwards media as it comes, paced by its publisher; of its own accord it sends "
    "retransmissions, paced at 2.5 times the estimate, and padding of probes at the probed rate.",
    "Which layer a subscriber gets follows this model's own rule (docs/background/closed-loop.md); "
    "media servers differ.",
)
"""What it takes for granted besides where the loop is closed."""

OWN_RULES = {
    "none": (),
    "draft-02": (),
    "libwebrtc": (
        "Beside libwebrtc's rules stand this model's own (docs/background/closed-loop.md): after "
        "overuse an estimate comes back to what arrived then; a media node that sends less than "
        "85 % of its estimate lowers the estimate, and not to what arrives.",
    ),
}
OWN_PROBES = {
    "none": (),
    "draft-02": (
        "The draft has no probes: senders who could only send whole layers more add clusters of "
        "padding at the estimate's rate, this model's own rule.",
    ),
    "libwebrtc": (
        "Probes that fill a link tell its capacity, and publishers who could send more probe every "
        "5 s: this model's own rules, too.",
    ),
}
"""What it takes for granted besides, by profile: always, and unless it is not to probe."""


def assumptions(scenario: Scenario) -> tuple[str, ...]:
    """What is taken for granted in a run of ``scenario``."""
    controlled = scenario.media.congestion_control
    profile = controlled.profile
    loop = CLOSED_LOOP if profile != "none" else OPEN_LOOP
    probes = OWN_PROBES[profile] if controlled.probing else ()
    control = CONTROLLED if scenario.joining or scenario.faults else PRESENT
    relays = RELAYED if scenario.ice.symmetric_nat + scenario.ice.udp_blocked > 0 else ()
    said = [
        text.format(profile=profile, policy=scenario.recovery.policy)
        for text in (*loop, *OWN_RULES[profile], *probes, *control)
    ]
    return (*said, *relays, *ASSUMPTIONS, SCORE_NOTE)


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
    population = populate(scenario, replication)
    threads = min(threads or MOST_THREADS, MOST_THREADS)
    numba.set_num_threads(threads)
    backups = deal_backups(scenario, population, replication)
    network = plan(scenario, population, backups.carrier)
    tell(Progress(0.0, scenario.duration / SECOND, "compiling"))
    engine = Engine(
        build(
            scenario,
            population,
            network,
            backups=backups,
            replication=replication,
            threads=threads,
            trace_site=trace_site,
        )
    )
    publishing = Publishing(engine.world, scenario, replication)
    sampler = Sampler(scenario, population)
    telemetry = Telemetry(network, list(scenario.nodes))
    tracer = Tracer()
    log = control.Log()

    def advance(until: int, settle: bool = True) -> None:
        """Play up to ``until``; a trace has room for a while only, and is taken on the way."""
        while trace_site is not None and (now := int(engine.world.clock[0])) < until - EPOCH:
            engine.advance(now + EPOCH)
            tracer.collect(engine.world)
        engine.advance(until, settle)

    def sample(begin: int, end: int) -> None:
        sampler.sample(engine.world, begin, end)
        telemetry.sample(engine.world, begin, end)
        tracer.collect(engine.world)
        restart_counts(engine.world)
        if plane is not None:
            plane.settle()
        tell(Progress(end / SECOND, scenario.duration / SECOND, "playing"))

    env = simpy.Environment(initial_time=0)
    meeting = control.Meeting(env, scenario, population, publishing, log, replication)
    env.process(meeting.play())
    env.process(control.loads(env, scenario, log))
    plane = None
    field = make_field(scenario, population, engine, network, publishing, replication)
    if scenario.joining is not None or scenario.faults:
        plane = ControlPlane(env, scenario, population, backups, field, log, replication)
    begin = 0
    while begin < scenario.duration:
        end = min(begin + scenario.interval, scenario.duration)
        while (at := env.peek()) < end:
            advance(stop_before(int(at), meeting.wakes, engine.world), at in meeting.settles)
            env.step()
        advance(end)
        sample(begin, end)
        begin = end
    meeting.close()
    if plane is not None:
        plane.close()

    accounting = telemetry.accounting(engine.world, sampler.delivered)
    return Run(
        scenario=scenario,
        mode="simulated",
        started=started.isoformat(timespec="seconds"),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        duration_s=scenario.duration / SECOND,
        tables={
            "endpoints": endpoints_table(scenario, population, backups, engine),
            "samples": sampler.samples(),
            "nodes": telemetry.nodes_table(),
            "links": telemetry.links_table(),
            "events": events_table(log),
            "calls": calls_table(population, log),
            **occasions(plane, sampler.gaps.until_now(engine.world), scenario, population),
            "histograms": sampler.histograms(),
            "generators": GENERATORS.empty_table(),
        },
        accounting=accounting,
        cost=Cost(
            wall_s=time.perf_counter() - clock,
            packets=accounting.sent,
            packet_hops=telemetry.hops,
            peak_rss_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        ),
        trace=tracer.table() if trace_site is not None else None,
        assumptions=assumptions(scenario),
        replication=replication,
    )


def make_field(
    scenario: Scenario,
    population: Population,
    engine: Engine,
    network: Plan,
    publishing: Publishing,
    replication: int = 0,
) -> Field:
    """What the control plane sees of the world; nobody is connected if they are to join."""
    servers = scenario.signalling.servers if scenario.signalling is not None else {}
    places = [
        Server(name, record.latitude, record.longitude, record.carriers)
        for name, record in servers.items()
    ]
    return Field(
        engine,
        network,
        scenario,
        population,
        publishing,
        servers=places,
        relays=ways_round(scenario, population, network, replication),
        connected=scenario.joining is None,
        replication=replication,
    )


def stop_before(at: int, exactly: Collection[int], world: World) -> int:
    """Up to when the world is played before the control event of ``at`` (ns).

    Moves of the meeting have it played up to them. Whatever else happens, thousands of messages
    among it, finds the world at the last tick, so that ticks are not played in pieces.
    """
    if at in exactly or not world.settings["adapts"][0]:
        return at
    return at // TICK * TICK


def events_table(log: control.Log) -> pa.Table:
    """The table of control events."""
    ordered = sorted(log.events, key=lambda event: event[0])
    rows = [(now / SECOND, *rest) for now, *rest in ordered]
    columns = zip(*rows, strict=True) if rows else [()] * len(EVENTS)
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, EVENTS, strict=True)], EVENTS)


def calls_table(population: Population, log: control.Log) -> pa.Table:
    """The table of calls: how long each took, and the parts of that time."""
    rows = []
    for call in log.calls:
        # Who was on the wall already may have a key frame on its way before the call reaches it.
        stops = list(
            itertools.accumulate(
                [call.called, call.granted, call.sent, call.at_node, call.arrived, call.shown], max
            )
        )
        shown = call.shown >= 0
        parts = [
            (b - a) / SECOND if shown or (i == 0 and call.granted >= 0) else None
            for i, (a, b) in enumerate(itertools.pairwise(stops))
        ]
        rows.append(
            (
                call.called / SECOND,
                population.site[call.endpoint],
                (call.shown - call.called) / SECOND if shown else None,
                *parts,
                *((t - call.called) / SECOND if t >= 0 else None for t in call.audience),
            )
        )
    columns = zip(*rows, strict=True) if rows else [()] * len(CALLS)
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, CALLS, strict=True)], CALLS)


def endpoints_table(
    scenario: Scenario, population: Population, backups: Backups, engine: Engine
) -> pa.Table:
    """The table of endpoints: what each was dealt, and its share of the delay budget."""
    audio, kinds = scenario.media.audio, list(scenario.access)
    sums = engine.world.endpoints
    of_voices = int(engine.world.settings["voices"][0]) * len(sums)
    voices = engine.world.outs[:of_voices].reshape(-1, len(sums))
    with np.errstate(invalid="ignore", divide="ignore"):
        node = voices["waited"].sum(axis=0) / voices["copies"].sum(axis=0)
        passed = sums["budget_packets"]
        budget = {
            "encode": np.full(len(sums), float(audio.encode_delay)),
            "uplink": sums["budget_uplink"] / passed,
            "node": node,
            "backbone": sums["budget_transport"] / passed - node,
            "aggregation": sums["budget_aggregation"] / passed,
            "access": sums["budget_access"] / sums["budget_arrivals"],
            "playout": _playout(sums, audio.encode_delay, audio.playout_delay),
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
        "downlink_rate": population.down_rate.astype(np.float64),
        "uplink_rate": population.up_rate.astype(np.float64),
        **{f"budget_{part}": budget[part] / SECOND for part in BUDGET},
        "backup": [kinds[kind] if kind >= 0 else None for kind in backups.access.tolist()],
    }
    return pa.table(
        {
            name: pa.array(values, from_pandas=True).cast(ENDPOINTS.field(name).type)
            for name, values in columns.items()
        },
        ENDPOINTS,
    )


def _playout(sums: Any, encoding: int, output: int) -> NDArray[np.float64]:
    """ns from the access link to the ear: what is left of the mean time from the mouth."""
    before = (
        encoding
        + sums["budget_uplink"] / sums["budget_packets"]
        + sums["budget_transport"] / sums["budget_packets"]
        + sums["budget_aggregation"] / sums["budget_packets"]
        + sums["budget_access"] / sums["budget_arrivals"]
    )
    buffered = sums["budget_buffer"] / sums["budget_played"]
    return np.asarray(np.maximum(buffered - before, 0) + output, np.float64)
