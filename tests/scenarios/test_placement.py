import pytest
from pydantic import ValidationError

from scenarios.errors import ScenarioError
from scenarios.loading import parse_scenario
from scenarios.placement import Placement


@pytest.mark.parametrize(
    ("values", "kept_free"),
    [
        ({}, set()),
        ({"policy": "hot-standby", "standby": {"a": "b"}}, {"b"}),
        ({"policy": "spare", "spare": "c"}, {"c"}),
    ],
)
def test_nodes_that_are_kept_free(values: dict[str, object], kept_free: set[str]) -> None:
    assert Placement.model_validate(values).kept_free == kept_free


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"policy": "hot-standby"}, "go together"),
        ({"standby": {"a": "b"}}, "go together"),
        ({"policy": "spare"}, "go together"),
        ({"policy": "hot-standby", "standby": {"a": "b", "b": "c"}}, "must not have a standby"),
    ],
)
def test_half_a_policy_is_refused(values: dict[str, object], rule: str) -> None:
    with pytest.raises(ValidationError, match=rule):
        Placement.model_validate(values)


@pytest.mark.parametrize(
    ("sections", "keys"),
    [
        ({"nodes": {"hanoi": None, "hcmc": None}}, {"nodes"}),
        (
            {"nodes": {"hcmc": None}, "placement": {"policy": "spare", "spare": "hanoi"}},
            {"placement"},
        ),
    ],
)
def test_a_placement_is_to_blame_for_the_nodes_that_it_keeps_free_alone(
    sections: dict[str, object], keys: set[str]
) -> None:
    with pytest.raises(ScenarioError) as error:
        parse_scenario({"extends": "national-briefing", **sections})
    assert {fault.key for fault in error.value.faults} >= keys
    blamed = any(fault.key == "placement" for fault in error.value.faults)
    assert blamed == ("placement" in keys)
