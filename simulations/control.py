"""Control events in simulated time, as SimPy processes; the clock counts integer nanoseconds."""

import itertools
from collections.abc import Generator
from dataclasses import dataclass, field

import simpy

from scenarios.meeting import COMMAND_CENTRE
from scenarios.population import Population
from scenarios.scenario import Scenario
from simulations.publishing import Publishing

Process = Generator[simpy.Event, None, None]


@dataclass
class Log:
    """Control events, in time: (ns, kind, subject, detail)."""

    events: list[tuple[int, str, str, str]] = field(default_factory=list)

    def add(self, now: int, kind: str, subject: str, detail: str = "") -> None:
        """Write one event."""
        self.events.append((now, kind, subject, detail))


def floor(
    env: simpy.Environment,
    scenario: Scenario,
    population: Population,
    publishing: Publishing,
    log: Log,
) -> Process:
    """Give the floor from turn to turn."""
    index = {site: e for e, site in enumerate(population.site)}
    for turn in scenario.meeting.floor:
        yield env.timeout(turn.at - env.now)
        endpoint = index[turn.site]
        publishing.give_floor(endpoint, turn.site, turn.at)
        log.add(turn.at, "floor", turn.site, population.name[endpoint])


def loads(env: simpy.Environment, scenario: Scenario, log: Log) -> Process:
    """Write down when the load of others changes on access links and carriers' shared links."""
    profiles = [(name, "access", profile.load) for name, profile in scenario.access.items()]
    for name, carrier in scenario.carriers.items():
        for kind in ("backbone", "aggregation", "peering"):
            profiles.append((name, kind, getattr(carrier, kind).background.load))
    changes = sorted(
        (step.at, kind, name, step.share)
        for name, kind, profile in profiles
        for step in profile
        if step.at > 0
    )
    for at, kind, name, share in changes:
        yield env.timeout(at - env.now)
        log.add(at, "load", name, f"{kind} {share:.0%}")


def wall(
    env: simpy.Environment, scenario: Scenario, population: Population, publishing: Publishing
) -> Process:
    """Show one endpoint after another on the command centre's wall.

    Tiles change one by one, spread over the dwell time. Who has the floor is passed over: the
    programme shows him already.
    """
    wanted = scenario.meeting.wall
    if wanted is None:
        return
    others = [e for e, site in enumerate(population.site) if site != COMMAND_CENTRE]
    tiles = min(wanted.tiles, len(others))
    step = max(1, wanted.dwell // tiles)
    candidates = itertools.cycle(others)
    for turn in itertools.count():
        endpoint = next(candidates)
        if endpoint == publishing.floor and len(others) > tiles:
            endpoint = next(candidates)
        publishing.show_tile(turn % tiles, endpoint, population.site[endpoint], int(env.now))
        yield env.timeout(0 if turn < tiles - 1 else step)
