from pathlib import Path

import pytest
from pydantic import ValidationError

from scenarios.errors import ScenarioError
from scenarios.joining import Ice, Joining
from scenarios.loading import load_scenario
from scenarios.units import SECOND
from tests.scenarios.small import write_small
from tests.scenarios.test_faults import SIGNALLING


def test_when_the_last_sets_out() -> None:
    assert Joining(begin="2s", profile="at-once").end == 2 * SECOND
    assert Joining(begin="2s", profile="spread", over="10s").end == 12 * SECOND


def test_a_rush_is_part_of_the_time() -> None:
    with pytest.raises(ValidationError, match="last must not be longer than over"):
        Joining(profile="rush", over="1min", last="2min")


def test_shares_of_middleboxes_exclude_one_another() -> None:
    with pytest.raises(ValidationError, match="must not exceed 100% together"):
        Ice(symmetric_nat="60%", udp_blocked="50%")


def test_all_must_set_out_before_the_end(tmp_path: Path) -> None:
    text = f"{SIGNALLING}joining: {{profile: spread, over: 2min}}\nthresholds:"
    with pytest.raises(ScenarioError, match="must set out before the meeting's end at 1min"):
        load_scenario(write_small(tmp_path, ("\nthresholds:", text)))
