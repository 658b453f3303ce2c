"""Batches in this process, in several, and on a Dask cluster that loses a worker on the way."""

import os
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from results.records import Run
from scenarios.loading import load_scenario
from simulations.batches import Job, play_batch
from tests.scenarios.small import write_small


def packets_and_process(run: Run) -> tuple[int, int]:
    time.sleep(0.3)  # as long as a run that is worth a cluster would take, or nearly
    return run.cost.packets, os.getpid()


def jobs(folder: Path, count: int) -> list[Job]:
    path = write_small(folder)
    scenario = load_scenario(path, ["duration=1s", "interval=1s", "meeting.floor=null"])
    return [Job(f"run-{number}", scenario, number) for number in range(count)]


def test_every_job_is_played_once(tmp_path: Path) -> None:
    todo = jobs(tmp_path, 3)
    found = dict(play_batch(todo, packets_and_process))
    assert list(found) == ["run-0", "run-1", "run-2"]
    assert all(packets > 0 for packets, _ in found.values())


def test_processes_change_nothing_but_the_order(tmp_path: Path) -> None:
    todo = jobs(tmp_path, 3)
    alone = {key: packets for key, (packets, _) in play_batch(todo, packets_and_process)}
    apart = list(play_batch(todo, packets_and_process, processes=2))
    assert {key: packets for key, (packets, _) in apart} == alone
    assert os.getpid() not in {process for _, (_, process) in apart}


def test_a_cluster_that_does_not_answer_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConnectionError, match="no Dask scheduler answers there"):
        list(play_batch(jobs(tmp_path, 1), packets_and_process, cluster="nowhere"))


@pytest.mark.filterwarnings("default")  # of Dask's own
def test_a_worker_that_is_killed_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    todo = jobs(tmp_path, 8)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        found = []
        killed = None
        batch = play_batch(todo, packets_and_process, cluster=cluster.scheduler_address)
        for key, outcome in batch:
            found.append((key, outcome))
            if killed is None:
                killed = outcome[1]
                os.kill(killed, signal.SIGKILL)
    assert Counter(key for key, _ in found) == Counter(job.key for job in todo)
    assert {process for _, (_, process) in found} - {killed}
    alone = {key: packets for key, (packets, _) in play_batch(todo, packets_and_process)}
    assert {key: packets for key, (packets, _) in found} == alone
