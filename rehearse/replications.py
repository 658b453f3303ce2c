"""Playing replications: as many as were asked for, or until their figures are precise enough."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from results.figures import Measured, measure
from results.replications import Replications, is_precise
from scenarios.scenario import Scenario
from scenarios.units import SECOND
from simulations.replications import replicate

MOST = 50
"""Replications of a sequential procedure, unless said otherwise."""


def play_replications(
    scenario: Scenario,
    count: int | None = None,
    *,
    precision: float | None = None,
    processes: int = 1,
    command: tuple[str, ...] = (),
    tell: Callable[[int], None] = lambda _: None,
) -> Replications:
    """``count`` replications of ``scenario``, numbered from 0.

    With a ``precision``, replications are played one after another until every thresholded
    figure's relative half-width is at most that, ``count`` (MOST, unless said) of them at most.
    What comes out does not depend on ``processes``.

    Args:
        tell: told how many replications are through.

    Raises:
        ScenarioError: an endpoint table cannot be read.
    """
    started, clock = datetime.now(UTC), time.perf_counter()
    numbers = range(count if count is not None else MOST)
    processes = min(processes, len(numbers))
    measured: list[Measured] = []
    found = replicate(scenario, numbers, measure, processes=processes, command=command)
    for each in found:
        measured.append(each)
        tell(len(measured))
        if precision is not None and is_precise(scenario, measured, precision):
            break
    found.close()
    return Replications(
        scenario=scenario,
        mode="simulated",
        started=started.isoformat(timespec="seconds"),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        duration_s=scenario.duration / SECOND,
        wall_s=time.perf_counter() - clock,
        measured=tuple(measured),
        precision=precision,
    )
