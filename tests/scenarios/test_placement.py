import pytest
from pydantic import ValidationError

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
