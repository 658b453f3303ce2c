"""A sweep's runs: those that are there already, and those that are played."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from results.points import Outcome, PointStore, digest_run, recover_outcome
from scenarios.scenario import Scenario
from scenarios.variables import Values
from simulations.batches import Job, play_batch


def play_points(
    axes: Sequence[Values],
    table: NDArray[np.float64],
    load: Callable[[Sequence[str]], Scenario],
    store: PointStore,
    replications: int,
    *,
    processes: int = 1,
    cluster: str | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> list[list[Outcome]]:
    """What came of each of ``replications`` at every row of ``table``, (points, variables).

    A run is kept as soon as it is done, and what is kept is not played again: whoever is
    interrupted goes on where he was.

    Args:
        load: the scenario with overrides.

    Raises:
        ScenarioError: the scenario takes none of the values.
        ConnectionError: the cluster cannot be reached; the message says why.
    """
    keys: list[list[str]] = []
    found: dict[str, Outcome] = {}
    jobs: dict[str, Job] = {}
    for row in table:
        settings = zip(axes, row, strict=True)
        scenario = load([text for axis, v in settings for text in axis.variable.set_to(float(v))])
        keys.append([store.key(scenario, number) for number in range(replications)])
        for number, key in enumerate(keys[-1]):
            there = store.find(key)
            if there is not None:
                found[key] = there
            else:
                jobs[key] = Job(key, scenario, number)
    tell(f"runs to play: {len(jobs)}; there already: {len(found)}")
    batch = play_batch(list(jobs.values()), digest_run, processes=processes, cluster=cluster)
    for count, (key, data) in enumerate(batch, 1):
        store.keep(key, data)
        found[key] = recover_outcome(data)
        tell(f"run {count} of {len(jobs)}")
    return [[found[key] for key in row] for row in keys]
