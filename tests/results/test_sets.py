import json
import math
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from results.records import Run
from results.replications import Replications
from results.sets import is_set, read_set, write_replications
from results.store import StoreError, write_run
from tests.results.sample_run import make_run, make_scenario
from tests.results.sample_sets import DELAY, LOSS, TYPICAL, drawn, make_set


@pytest.fixture(scope="module", autouse=True)
def without_plots() -> Iterator[None]:
    """Single runs' reports without their plots, which nothing here looks at."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("results.report.FIGURES", ())
        yield


@pytest.fixture(scope="module")
def found() -> Replications:
    values = drawn(np.random.default_rng(1))
    return make_set(
        lambda i: {**values(i), LOSS: None if i == 2 else 0.001, DELAY: math.inf if i == 1 else 0.1}
    )


@pytest.fixture(scope="module")
def folder(found: Replications, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sets") / "set"
    write_replications(found, folder)
    return folder


def test_a_folder_is_whole(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {
        "manifest.json", "scenario.yaml", "summary.json", "report.html", "replications.parquet",
    }  # fmt: skip
    assert is_set(folder)


def test_what_was_written_comes_back(folder: Path, found: Replications) -> None:
    again = read_set(folder)
    # A scenario that was loaded knows its tables' rows.
    assert replace(again.replications, scenario=found.scenario) == found
    assert again.replications.scenario.thresholds == found.scenario.thresholds
    assert json.loads((folder / "summary.json").read_text()) == again.summarize()


def test_the_same_set_gives_the_same_figures(
    folder: Path, found: Replications, tmp_path: Path
) -> None:
    write_replications(found, tmp_path / "again")
    for name in ("replications.parquet", "scenario.yaml", "summary.json"):
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_a_set_is_never_written_over_anything(folder: Path, found: Replications) -> None:
    with pytest.raises(StoreError, match="is not empty"):
        write_replications(found, folder)


def test_a_failure_leaves_nothing(
    found: Replications, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("results.set_report.write_set_report", full)
    with pytest.raises(StoreError, match="could not be written: No space left"):
        write_replications(found, tmp_path / "deep" / "set")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def written(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written") / "runs"
    for number in range(3):
        write_run(replace(run, replication=number), folder / f"run-{number}")
    return folder


@pytest.fixture
def runs(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "runs"))


def test_a_run_is_a_set_of_one(runs: Path) -> None:
    one = read_set(runs / "run-2")
    assert [each.replication for each in one.replications.measured] == [2]
    assert one.summarize() == json.loads((runs / "run-2" / "summary.json").read_text())


def test_a_folder_of_runs_is_a_set(runs: Path) -> None:
    several = read_set(runs)
    assert sorted(each.replication for each in several.replications.measured) == [0, 1, 2]
    assert len(several.manifests) == 3
    without = read_set(runs, leave_out=runs / "run-1")
    assert sorted(each.replication for each in without.replications.measured) == [0, 2]


def test_the_same_draw_counts_once_and_the_latest_does(runs: Path, run: Run) -> None:
    later = replace(make_run(seed=8), replication=1, finished="2026-03-03T00:00:00Z")
    write_run(later, runs / "a-later-run")
    several = read_set(runs)
    assert several.repeated == 1
    assert len(several.replications.measured) == 3
    (one,) = (each for each in several.replications.measured if each.replication == 1)
    assert one.figures == read_set(runs / "a-later-run").replications.measured[0].figures


def test_runs_of_several_scenarios_are_no_set(runs: Path) -> None:
    write_run(make_run(make_scenario(name="other")), runs / "stranger")
    with pytest.raises(StoreError, match="runs of several scenarios: hand-made, other"):
        read_set(runs)


def test_folders_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is neither a run folder nor a folder of them"):
        read_set(tmp_path)
    with pytest.raises(StoreError, match="there is no such folder"):
        read_set(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 1}, "schema_version is 1, and this program reads 3"),
        ({"draws": []}, "is damaged"),
        ({"draws": None}, "is damaged"),
        ({"mode": None, "wall_s": None}, "is damaged"),
    ],
)
def test_sets_that_cannot_be_read(
    folder: Path, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps({**manifest, **change}))
    with pytest.raises(StoreError, match=message):
        read_set(copy)


def test_a_table_of_something_else_is_refused(folder: Path, runs: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    (copy / "replications.parquet").write_bytes((runs / "run-0/nodes.parquet").read_bytes())
    with pytest.raises(StoreError, match="its columns are not those of replications"):
        read_set(copy)
    (copy / "replications.parquet").write_bytes(b"garbage")
    with pytest.raises(StoreError, match="cannot be read"):
        read_set(copy)


def test_figures_keep_their_values(folder: Path) -> None:
    measured = read_set(folder).replications.measured
    assert measured[2].figures[LOSS] is None
    assert measured[1].figures[DELAY] == math.inf
    assert set(measured[0].figures) == set(TYPICAL)
