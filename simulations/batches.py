"""Batches: many runs of many scenarios, side by side in processes here or on a Dask cluster."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import joblib

from results.records import Run
from scenarios.scenario import Scenario
from simulations.conference import simulate

Digest = TypeVar("Digest")

RETRIES = 3
"""How often a task may go down with its worker before the batch gives up."""
_engine = threading.Lock()
"""Workers of a cluster may run tasks in threads, of which the engine takes one at a time."""


@dataclass(frozen=True)
class Job:
    """A run to be played."""

    key: str
    """Unlike any other run's."""
    scenario: Scenario
    replication: int


def play_batch(
    jobs: Sequence[Job],
    digest: Callable[[Run], Digest],
    *,
    processes: int = 1,
    cluster: str | None = None,
) -> Iterator[tuple[str, Digest]]:
    """Key and digest of each of ``jobs``, as they are done: each exactly once.

    Args:
        digest: applied where the run was played; importable by name.
        processes: that play side by side here, each with its share of the cores.
        cluster: address of a Dask scheduler, whose workers play instead; they need this package.
            What a worker that dies had under way or had not handed over is played again.

    Raises:
        ConnectionError: there is no cluster at the address, no way to ask one, or a run brings
            down one worker after the other.
    """
    if cluster is not None:
        return _play_on_cluster(jobs, digest, cluster)
    if processes == 1 or len(jobs) < 2:
        return (_play(job, digest, None) for job in jobs)
    threads = max(1, joblib.cpu_count() // processes)
    parallel = joblib.Parallel(processes, return_as="generator_unordered", pre_dispatch=processes)
    found: Iterator[tuple[str, Digest]] = parallel(
        joblib.delayed(_play)(job, digest, threads) for job in jobs
    )
    return found


def _play_on_cluster(
    jobs: Iterable[Job], digest: Callable[[Run], Digest], address: str
) -> Iterator[tuple[str, Digest]]:
    try:
        import distributed  # noqa: PLC0415  only where it is asked for

        client = distributed.Client(address, timeout="10s")  # type: ignore[no-untyped-call]
    except ImportError:
        raise ConnectionError("needs the package distributed: rehearsal[cluster]") from None
    except (OSError, ValueError):
        raise ConnectionError("no Dask scheduler answers there") from None
    with client:
        futures = [
            client.submit(_play, job, digest, None, key=job.key, retries=RETRIES, pure=True)
            for job in jobs
        ]
        for future in distributed.as_completed(futures):  # type: ignore[no-untyped-call]
            try:
                found = future.result()
            except distributed.KilledWorker:
                raise ConnectionError("a run went down with worker after worker") from None
            yield found
            future.release()


def _play(job: Job, digest: Callable[[Run], Digest], threads: int | None) -> tuple[str, Digest]:
    with _engine:
        run = simulate(job.scenario, replication=job.replication, threads=threads)
    return job.key, digest(run)
