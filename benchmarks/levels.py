"""Where a run's time goes: by level of the engine, sampling, and everything around it."""

import time
from typing import Any, ClassVar
from unittest import mock

import numpy as np

from scenarios.loading import load_scenario
from simulations import conference
from simulations.engine import EPOCH, PUBLISH, Engine, grown, publish, run_level
from simulations.sampling import Sampler
from simulations.telemetry import Telemetry
from simulations.world import LEVELS

SCENARIO = "national-briefing"
SECONDS = 60
NAMES = (
    "aggregations up", "backbones up", "peerings up", "ingress", "cascades", "fan-out",
    "peerings down", "backbones down", "groups: aggregations, access links, receivers",
)  # fmt: skip


class TimedEngine(Engine):
    """Plays as `Engine` does, level by level from outside, and keeps the time of each."""

    spent: ClassVar[dict[str, float]] = {}
    """Seconds by part."""

    @classmethod
    def spend(cls, name: str, seconds: float) -> None:
        """Add to a part's time."""
        cls.spent[name] = cls.spent.get(name, 0.0) + seconds

    def advance(self, until: int) -> None:
        """Play all packets up to ``until``."""
        clock = self.world.clock
        while clock[0] < until:
            end = min(int(clock[0]) + EPOCH, until)
            for level in range(PUBLISH, LEVELS):
                clock[1] = level
                begin = time.perf_counter()
                self._play(level, end)
                name = NAMES[level] if level >= 0 else "publishing, uplinks"
                self.spend(name, time.perf_counter() - begin)
            clock[0], clock[1] = end, PUBLISH

    def _play(self, level: int, end: int) -> None:
        full = self.world.full
        while True:
            if level == PUBLISH:
                full[0] = publish(self.world, end)
            else:
                run_level(self.world, level, end)
            if (full < 0).all():
                return
            self.world = grown(self.world)


def run(repetitions: int) -> dict[str, Any]:
    """Seconds of wall time by part, medians over runs of SECONDS simulated seconds."""
    scenario = load_scenario(SCENARIO, [f"duration={SECONDS}s", "thresholds={}"])
    samplings = ((Sampler, "sampling: endpoints"), (Telemetry, "sampling: links and nodes"))

    def timed(method: Any, name: str) -> Any:
        def call(*arguments: Any) -> Any:
            begin = time.perf_counter()
            result = method(*arguments)
            TimedEngine.spend(name, time.perf_counter() - begin)
            return result

        return call

    rows: list[dict[str, float]] = []
    for _ in range(repetitions + 1):
        TimedEngine.spent = {}
        with mock.patch.object(conference, "Engine", TimedEngine):
            patches = [
                mock.patch.object(owner, "sample", timed(owner.sample, name))
                for owner, name in samplings
            ]
            with patches[0], patches[1]:
                result = conference.simulate(scenario)
        spent = TimedEngine.spent
        spent["reading, building, tables"] = result.cost.wall_s - sum(spent.values())
        spent["all"] = result.cost.wall_s
        rows.append(spent)
    del rows[0]  # it compiled, or read from the cache
    return {name: float(np.median([row[name] for row in rows])) for name in rows[0]}
