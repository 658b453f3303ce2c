"""Replications: one scenario played again and again, each time with randomness of its own.

Replication 7 is the same run whoever plays it, whenever, beside whatever else. A scenario that is
played under another design draws the same random numbers in its replication 7: the two differ by
the design alone.
"""

from collections.abc import Callable, Generator, Iterable
from typing import TypeVar

import joblib

from results.records import Run
from scenarios.scenario import Scenario
from simulations.conference import simulate

Digest = TypeVar("Digest")


def replicate(
    scenario: Scenario,
    numbers: Iterable[int],
    digest: Callable[[Run], Digest],
    *,
    processes: int = 1,
    command: tuple[str, ...] = (),
) -> Generator[Digest, None, None]:
    """What ``digest`` makes of each replication, in the order of ``numbers``.

    Numbers are drawn as processes become free, and a caller that stops early ends those under way:
    ``numbers`` may be endless. Results do not depend on ``processes``.

    Args:
        digest: applied where the run was played, so that only its result travels; importable by
            name, where there are several processes.
        processes: that play side by side, each with its share of the processor's cores. Within
            `joblib.parallel_config(backend="dask")`, tasks of the cluster.
        command: what was asked for, for the runs' manifests.

    Raises:
        ScenarioError: an endpoint table cannot be read.
    """
    if processes == 1:
        return (_play(scenario, number, digest, None, command) for number in numbers)
    threads = max(1, joblib.cpu_count() // processes)
    parallel = joblib.Parallel(processes, return_as="generator", pre_dispatch=processes)
    found: Generator[Digest, None, None] = parallel(
        joblib.delayed(_play)(scenario, number, digest, threads, command) for number in numbers
    )
    return found


def _play(
    scenario: Scenario,
    number: int,
    digest: Callable[[Run], Digest],
    threads: int | None,
    command: tuple[str, ...],
) -> Digest:
    return digest(simulate(scenario, replication=number, threads=threads, command=command))
