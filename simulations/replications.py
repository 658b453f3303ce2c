"""Replications: one scenario played again and again, each time with randomness of its own.

Replication 7 is the same run whoever plays it, whenever, beside whatever else. A scenario that is
played under another design draws the same random numbers in its replication 7: the two differ by
the design alone.
"""

import itertools
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

    As many as there are processes are played at a time, and the next when all of these are
    through; a caller may stop at any time, and ``numbers`` be endless. Results do not depend on
    ``processes``.

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
        yield from (_play(scenario, number, digest, None, command) for number in numbers)
        return
    threads = max(1, joblib.cpu_count() // processes)
    remaining = iter(numbers)
    with joblib.Parallel(processes) as parallel:
        # In batches: none is begun that a caller who stops would have to wait for, or kill.
        while batch := list(itertools.islice(remaining, processes)):
            yield from parallel(
                joblib.delayed(_play)(scenario, number, digest, threads, command)
                for number in batch
            )


def _play(
    scenario: Scenario,
    number: int,
    digest: Callable[[Run], Digest],
    threads: int | None,
    command: tuple[str, ...],
) -> Digest:
    return digest(simulate(scenario, replication=number, threads=threads, command=command))
