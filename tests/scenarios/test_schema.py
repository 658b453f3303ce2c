import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from scenarios.documents import Source, read_document
from scenarios.inheritance import library_names
from scenarios.loading import load_scenario
from scenarios.schema import SCHEMA_FILE, scenario_schema, schema_text
from scenarios.tables import LIBRARY

validator = Draft202012Validator(scenario_schema())


def library_file(name: str) -> dict[str, Any]:
    content: dict[str, Any] = read_document(LIBRARY / f"{name}.yaml", Source(name)).plain()
    return content


def test_the_committed_schema_is_current() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), (
        "run python -m scenarios.schema"
    )


def test_the_schema_is_one() -> None:
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("name", library_names())
def test_the_library_keeps_to_it(name: str) -> None:
    assert [error.message for error in validator.iter_errors(library_file(name))] == []


@pytest.mark.parametrize("name", library_names())
def test_resolved_scenarios_keep_to_it(name: str) -> None:
    dumped = load_scenario(name).model_dump(mode="json", by_alias=True, exclude_none=True)
    assert [error.message for error in validator.iter_errors(dumped)] == []


@pytest.mark.parametrize(
    "change",
    [
        {"thresholds": {"packet_loss": "mean < 1%"}},
        {"thresholds": {"packet_loss{access=4g}": None}},
        {"thresholds": {"packet_loss": ["mean < 1%", {"check": "max < 1%", "advisory": True}]}},
        {"access": {"4g": {"load": "30%", "down": {"rate": "20Mbps"}}}},
        {"access": {"4g": {"down": {"rate": {"p5": "1Mbps"}}, "fading": None}}},
        {"endpoints": {"rules": [{"carrier": "vnpt", "when": {"kind": "xã", "level": ["a"]}}]}},
        {"carriers": {"vnpt": {"backbone": {"buffer": "256KiB"}}}},
        {"nodes": {"hanoi": {"cost": {"copy": "1us", "join": "1ms"}}}},
        {"meeting": {"roll_call": {"every": "5s", "hold": "4s"}, "pictures": 9}},
        {"meeting": {"discussion": {"speakers": 4}, "screen": [{"at": "1s", "site": "p79"}]}},
        {"media": {"congestion_control": {"profile": "none"}, "repair": {"nack": False}}},
        {"media": {"screen": {}}},
        {"cascade": {"steps": [{"at": "40s", "rate": "0bps"}]}},
        {"endpoints": {"only": {"province": "Cà Mau"}}},
    ],
)
def test_short_forms_and_parts_are_accepted(change: dict[str, Any]) -> None:
    content = {"extends": "national-briefing", **change}
    assert [error.message for error in validator.iter_errors(content)] == []


@pytest.mark.parametrize(
    "change",
    [
        {"duraton": "5min"},
        {"duration": 20},
        {"duration": "20"},
        {"access": {"4g": {"down": {"rate": 5}}}},
        {"access": {"4g": {"lod": "5%"}}},
        {"thresholds": {"packet_los": "mean < 1%"}},
        {"meeting": {"floor": [{"at": "0s"}]}},
        {"endpoints": {"scale": 0}},
        {"seed": True},
        {"meeting": {"pictures": 10}},
        {"meeting": {"screen": [{"site": "p79"}]}},
        {"meeting": {"roll_call": {"order": "random"}}},
        {"media": {"congestion_control": {"profile": "bbr"}}},
    ],
)
def test_faults_are_refused(change: dict[str, Any]) -> None:
    assert not validator.is_valid({"extends": "national-briefing", **change})


def test_without_a_parent_nothing_may_be_missing() -> None:
    content = library_file("national-briefing")
    assert validator.is_valid(content)
    del content["media"]
    assert not validator.is_valid(content)
