"""Where a run's time goes: by step of the engine, sampling, and everything around it.

Processor time on one core, so that other work on the machine changes little.
"""

import time
from collections.abc import Callable
from typing import Any, ClassVar
from unittest import mock

import numpy as np

from scenarios.loading import load_scenario
from simulations import conference
from simulations.engine import (
    EPOCH,
    PUBLISH,
    SETTLING,
    STEERING,
    Engine,
    grown,
    run_part,
)
from simulations.sampling import Sampler
from simulations.sending import publish
from simulations.settings import TICK
from simulations.telemetry import Telemetry
from simulations.upstream import run_seats
from simulations.world import GROUP, LEVELS, World

SCENARIO = "national-briefing"
SECONDS = 60
NAMES = {
    PUBLISH: "publishing, uplinks",
    **dict(
        enumerate(
            (
                "aggregations up", "backbones up", "peerings up", "ingress", "cascades", "fan-out",
                "peerings down", "backbones down",
            )
        )
    ),
    GROUP: "groups: aggregations, access links, receivers, their RTCP",
    STEERING: "steering: estimates, layers, repair, probes",
}  # fmt: skip
SEATS = "publishers' feedback, estimates and rates"


def run_step(world: World, step: int, until: int) -> None:
    """Play a whole step on one core."""
    world.claimed[0] = 0
    for thread in range(len(world.numbers)):
        run_part(world, step, step, thread, until)


class TimedEngine(Engine):
    """Plays as `Engine` does, step by step from outside, and keeps the time of each."""

    spent: ClassVar[dict[str, float]] = {}
    """Seconds by part."""

    @classmethod
    def spend(cls, name: str, work: Callable[..., Any], *arguments: Any) -> Any:
        """Do the work, and add to a part's time; what the work returns."""
        begin = time.process_time()
        result = work(*arguments)
        cls.spent[name] = cls.spent.get(name, 0.0) + time.process_time() - begin
        return result

    def advance(self, until: int, settle: bool = True) -> None:
        """Play all packets up to ``until``."""
        clock, adapts = self.world.clock, bool(self.world.settings["adapts"][0])
        while clock[0] < until:
            now = int(clock[0])
            end = min((now // TICK + 1) * TICK if adapts else now + EPOCH, until)
            if adapts and now % TICK == 0 and clock[2] < now:
                clock[2] = now
                self.spend(SEATS, run_seats, self.world, now)
            last = LEVELS + (adapts and end % TICK == 0)
            for step in range(PUBLISH, last):
                clock[1] = step
                self.spend(NAMES[step], self._play, step, end)
            clock[0], clock[1] = end, PUBLISH
        if settle:
            self.spend(NAMES[GROUP], run_step, self.world, SETTLING, until)

    def _play(self, step: int, end: int) -> None:
        full = self.world.full
        while True:
            if step == PUBLISH:
                full[0] = publish(self.world, end)
            else:
                run_step(self.world, step, end)
            if (full < 0).all():
                return
            self.world = grown(self.world)


def run(repetitions: int) -> dict[str, Any]:
    """Seconds of processor time by part, medians over runs of SECONDS simulated seconds."""
    scenario = load_scenario(SCENARIO, [f"duration={SECONDS}s", "thresholds={}"])
    samplings = ((Sampler, "sampling: endpoints"), (Telemetry, "sampling: links and nodes"))

    def timed(method: Any, name: str) -> Any:
        return lambda *arguments: TimedEngine.spend(name, method, *arguments)

    rows: list[dict[str, float]] = []
    for _ in range(repetitions + 1):
        TimedEngine.spent = {}
        with mock.patch.object(conference, "Engine", TimedEngine):
            patches = [
                mock.patch.object(owner, "sample", timed(owner.sample, name))
                for owner, name in samplings
            ]
            with patches[0], patches[1]:
                begin = time.process_time()
                conference.simulate(scenario, threads=1)
                whole = time.process_time() - begin
        spent = TimedEngine.spent
        spent["reading, building, tables"] = whole - sum(spent.values())
        spent["all"] = whole
        rows.append(spent)
    del rows[0]  # it compiled, or read from the cache
    return {name: float(np.median([row[name] for row in rows])) for name in rows[0]}
