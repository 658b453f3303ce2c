import json
from dataclasses import replace
from pathlib import Path

import pytest

from results.figures import Figure
from results.points import PointStore, digest_run, recover_outcome
from results.trials import observe
from tests.results.sample_run import make_run, make_scenario


def test_what_is_kept_comes_back() -> None:
    run = make_run()
    data = json.loads(json.dumps(digest_run(run)))
    found = recover_outcome(data)
    assert found.trial == observe(run)
    assert found.figures[Figure("packet_loss", "", "", "mean")] is not None
    selectors = {figure.selector for figure in found.figures}
    assert "access=4g" in selectors
    assert not any(selector.startswith("province=") for selector in selectors)


def test_a_store_finds_only_what_it_was_given_whole(tmp_path: Path) -> None:
    store = PointStore(tmp_path / "points")
    key = store.key(make_scenario(), 0)
    assert store.find(key) is None
    store.keep(key, digest_run(make_run()))
    assert store.find(key) == recover_outcome(digest_run(make_run()))
    assert [path.name for path in (tmp_path / "points").iterdir()] == [f"{key}.json"]
    (tmp_path / "points" / f"{key}.json").write_text('{"trial": {', encoding="utf-8")
    assert store.find(key) is None


@pytest.mark.parametrize("change", [{"seed": 8}, {"duration": "61s"}, {"title": "Another"}])
def test_another_scenario_has_another_key(tmp_path: Path, change: dict[str, object]) -> None:
    store = PointStore(tmp_path)
    assert store.key(make_scenario(), 0) == store.key(make_scenario(), 0)
    assert store.key(make_scenario(), 0) != store.key(make_scenario(**change), 0)
    assert store.key(make_scenario(), 0) != store.key(make_scenario(), 1)


def test_a_trial_names_the_fullest_parts() -> None:
    trial = observe(make_run())
    utilizations = [resource.utilization for resource in trial.resources]
    assert utilizations == sorted(utilizations, reverse=True)
    kinds = {resource.kind for resource in trial.resources}
    assert {"nic", "cpu", "backbone", "aggregation"} <= kinds
    infinite = replace(trial, checks=(replace(trial.checks[0], value=float("inf")),))
    assert type(trial).from_json(json.loads(json.dumps(infinite.to_json()))) == infinite
