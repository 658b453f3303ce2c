import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from results.comebacks import comeback_of
from results.points import digest_run
from tests.rehearse.conftest import Rehearse
from tests.results.sample_run import make_run, make_scenario

GRID = ("--over", "endpoints=20,60,100", "--over", "nodes.*.nic=1Gbps,2Gbps")

POLICIES = ["livekit", "jitsi", "full-jitter", "none"]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Stands in for the engine; ``stop`` interrupts it after so many runs."""
    state: dict[str, Any] = {"played": [], "stop": None}

    def play_batch(jobs: Sequence[Any], digest: Any, **options: Any) -> Iterator[tuple[str, Any]]:
        for job in jobs:
            if state["stop"] is not None and len(state["played"]) >= state["stop"]:
                raise KeyboardInterrupt
            state["played"].append(job.key)
            run = replace(make_run(), replication=job.replication)
            thresholds = make_scenario().thresholds
            run = replace(run, scenario=run.scenario.model_copy(update={"thresholds": thresholds}))
            yield job.key, digest_run(run)

    monkeypatch.setattr("rehearse.sweeping.play_batch", play_batch)
    return state


def test_a_grid_is_played_and_tabulated(rehearse: Rehearse, engine: dict[str, Any]) -> None:
    ending = rehearse("sweep", "smoke", *GRID, "--replications", "2", "--out", "s", "--quiet")
    assert ending.code == 0, ending.err
    assert "6 points, 12 runs" in ending.out
    assert len(set(engine["played"])) == 12
    table = pq.read_table("s/sweep.parquet")
    assert {"point", "replication", "endpoints", "nodes.*.nic", "metric", "value"} <= {
        *table.column_names
    }
    points = {*zip(table["endpoints"].to_pylist(), table["nodes.*.nic"].to_pylist(), strict=True)}
    assert points == {(n, nic) for n in (20, 60, 100) for nic in (1e9, 2e9)}
    files = {path.name for path in Path("s").iterdir()}
    drawn = {"heatmap.png", "recovery.png"}
    assert files == {"sweep.json", "sweep.parquet", "report.html", "scenario.yaml"} | drawn
    assert len(json.loads(Path("s/sweep.json").read_text("utf-8"))["points"]) == 6


def test_an_interrupted_sweep_goes_on(rehearse: Rehearse, engine: dict[str, Any]) -> None:
    engine["stop"] = 4
    ending = rehearse("sweep", "smoke", *GRID, "--out", "s")
    assert ending.code == 130
    assert "the same command goes on from here" in ending.err
    assert not Path("s").exists()
    engine["stop"] = None
    ending = rehearse("sweep", "smoke", *GRID, "--out", "s")
    assert "runs to play: 2; there already: 4" in ending.err
    assert ending.code == 0
    assert len(engine["played"]) == len(set(engine["played"])) == 6


def test_sensitivity_indices(rehearse: Rehearse, engine: dict[str, Any]) -> None:
    ranges = ("--over", "nodes.*.nic=1Gbps..2Gbps", "--over", "meeting.wall.tiles=4..16")
    options = ("--design", "indices", "--points", "4", "--out", "s", "--json")
    ending = rehearse("sweep", "smoke", *ranges, *options)
    found = json.loads(ending.out)
    assert len(found["points"]) == 4 * (2 + 2)
    assert all(len(indices) == 2 for indices in found["indices"].values())
    assert Path("s/indices.png").exists()


def test_recovery_policies_stand_side_by_side(rehearse: Rehearse, engine: dict[str, Any]) -> None:
    policies = ("--over", "recovery.policy=livekit,jitsi,full-jitter,none")
    ending = rehearse("sweep", "smoke", *policies, "--out", "s", "--quiet")
    assert ending.code == 0, ending.err
    rows = [line.split() for line in ending.out.splitlines() if line.startswith("  ")]
    heading = next(i for i, row in enumerate(rows) if row[:1] == ["recovery.policy"])
    assert [row[0] for row in rows[heading + 1 : heading + 5]] == POLICIES
    document = json.loads(Path("s/sweep.json").read_text("utf-8"))
    assert [point["values"] for point in document["points"]] == [[name] for name in POLICIES]
    kept = comeback_of(make_run())
    told = document["points"][0]["recovery"]
    assert told["peak_retries_per_second"] == kept.peak
    assert (told["p50"], told["max"]) == (kept.rank(50), None)  # the last never came back
    assert {*pq.read_table("s/sweep.parquet")["recovery.policy"].to_pylist()} == {*POLICIES}
    assert Path("s/recovery.png").exists()


def test_an_unknown_policy_is_said_before_anything_is_played(
    rehearse: Rehearse, engine: dict[str, Any]
) -> None:
    ending = rehearse("sweep", "smoke", "--over", "recovery.policy=livekit,jitsy", "--out", "s")
    assert ending.code == 2
    assert "'jitsy' — must be one of 'livekit', 'jitsi', 'full-jitter' or 'none'" in ending.err
    assert engine["played"] == []


def test_a_latin_hypercube_is_drawn_as_curves(rehearse: Rehearse, engine: dict[str, Any]) -> None:
    options = ("--design", "latin", "--points", "5", "--out", "s", "--quiet")
    ending = rehearse("sweep", "smoke", "--over", "nodes.*.nic=1Gbps..2Gbps", *options)
    assert ending.code == 0, ending.err
    assert Path("s/curves.png").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--over", "endpoints=20..60"), "a grid needs single values"),
        (("--over", "endpoints=20,60", "--design", "sobol"), "needs a range"),
        (("--over", "endpoints=20..60", "--design", "sobol", "--points", "12"), "power of two"),
        (("--over", "nodes.*.nix=1Gbps"), "did you mean nic?"),
        (("--over", "endpoints=20,60", "--cluster", "nowhere"), "no Dask scheduler answers"),
    ],
)
def test_wrong_usage_is_said(rehearse: Rehearse, options: tuple[str, ...], message: str) -> None:
    ending = rehearse("sweep", "smoke", *options, "--out", "s")
    assert ending.code == 2
    assert message in ending.err
    assert not Path("s").exists()
