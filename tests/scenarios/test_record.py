"""What all records have in common."""

from typing import Any

import pytest
from pydantic import ValidationError

from scenarios.media import Audio, Layer
from scenarios.meeting import Discussion, Meeting
from scenarios.network import NodeCost, Place

LAYER = {"name": "low", "height": 180, "bitrate": "150kbps"}


@pytest.mark.parametrize(
    ("record", "content", "rule"),
    [
        (Layer, LAYER | {"height": True}, "valid integer"),
        (Place, {"latitude": True, "longitude": 0}, "valid number"),
        (Discussion, {"speakers": True}, "valid integer"),
        (Audio, {"impairment": False}, "valid number"),
        (Meeting, {"pictures": True}, "valid integer"),
        (NodeCost, {"copy": True}, "a duration is a number with a unit"),
        (Layer, LAYER | {"min_bitrate": True}, "a bit rate is a number with a unit"),
    ],
)
def test_true_is_no_number(record: Any, content: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValidationError) as caught:
        record.model_validate(content)
    assert rule in str(caught.value)


def test_what_may_be_true_may() -> None:
    assert Audio.model_validate({"dtx": False, "fec": True}).fec
    assert Audio.model_validate({"impairment": None}).impairment is None
