from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scenarios.dumping import companion_tables, dump_scenario
from scenarios.inheritance import library_names
from scenarios.loading import load_scenario, parse_scenario
from scenarios.units import DURATION, RATE, SIZE, format_quantity, format_share
from tests.scenarios.small import write_small


@pytest.mark.parametrize("name", library_names())
def test_the_library_dumps_and_loads_again(tmp_path: Path, name: str) -> None:
    scenario = load_scenario(name)
    path = tmp_path / "scenario.yaml"
    path.write_text(dump_scenario(scenario), encoding="utf-8")
    assert load_scenario(path) == scenario
    assert companion_tables(scenario) == {}


def test_a_dump_is_readable(tmp_path: Path) -> None:
    text = dump_scenario(load_scenario(write_small(tmp_path)))
    assert text.startswith("name: small\ntitle: Two provinces\n")
    assert "      p50: 50Mbps\n" in text
    assert "ptime: 20ms\n" in text
    assert "null" not in text


def test_tables_of_one_s_own_go_along(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "run").mkdir()
    path = write_small(
        tmp_path / "there", ("table: sites.csv", f"table: {tmp_path}/there/sites.csv")
    )
    scenario = load_scenario(path)
    files = companion_tables(scenario)
    assert set(files) == {"sites.csv", "places.csv"}
    for name, text in files.items():
        (tmp_path / "run" / name).write_text(text, encoding="utf-8")
    dumped = dump_scenario(scenario)
    assert str(tmp_path) not in dumped
    (tmp_path / "run" / "scenario.yaml").write_text(dumped, encoding="utf-8")
    assert load_scenario(tmp_path / "run" / "scenario.yaml") == scenario


def test_an_own_table_is_not_taken_for_the_library_s(tmp_path: Path) -> None:
    path = write_small(tmp_path, ("sites.csv", "southern_endpoints.csv"))
    (tmp_path / "sites.csv").rename(tmp_path / "southern_endpoints.csv")
    assert "southern_endpoints.csv" in companion_tables(load_scenario(path))


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=60).filter(
    lambda text: "\ufeff" not in text
)
durations = st.integers(0, 10**13).map(lambda value: format_quantity(value, DURATION))
shares = st.floats(0, 0.99).map(format_share)


@given(
    title=texts,
    description=texts | st.lists(texts).map("\n".join) | st.just("one\n  two\n\nthree\n"),
    label=st.sampled_from(["null", "5", "1e5", "true", "~", "- x", "a: b", "0o17", ".5", "=", "#"]),
    playout=durations,
    rate=st.integers(1, 10**14).map(lambda value: format_quantity(value, RATE)),
    burst=st.integers(64, 10**5).map(lambda value: format_quantity(value, SIZE)),
    load=shares,
    spread=st.floats(0, 3),
    latitude=st.floats(-90, 90),
    seed=st.integers(0, 2**63 - 1),
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_was_loaded_loads_again(
    tmp_path: Path,
    *,
    title: str,
    description: str,
    label: str,
    playout: str,
    rate: str,
    burst: str,
    load: str,
    spread: float,
    latitude: float,
    seed: int,
) -> None:
    base = load_scenario(write_small(tmp_path))
    data = base.model_dump(mode="json", by_alias=True, exclude_none=True)
    data |= {"title": title, "description": description, "seed": seed}
    data["carriers"]["red"]["label"] = label
    data["media"]["audio"]["playout_delay"] = playout
    data["access"]["mobile"]["down"]["rate"] = rate
    data["access"]["mobile"]["load"] = load
    data["access"]["mobile"]["jitter"] = {"median": playout, "spread": spread}
    data["carriers"]["red"]["backbone"]["background"] = {"load": load, "burst": burst}
    data["nodes"]["north"]["latitude"] = latitude
    scenario = parse_scenario(data, folder=tmp_path)
    path = tmp_path / "again.yaml"
    path.write_text(dump_scenario(scenario), encoding="utf-8", newline="")
    assert load_scenario(path) == scenario
