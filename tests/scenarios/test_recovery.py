from pathlib import Path

import pytest
from pydantic import ValidationError

from scenarios.dumping import dump_scenario
from scenarios.errors import ScenarioError
from scenarios.loading import load_scenario
from scenarios.recovery import POLICIES, Recovery
from scenarios.units import SECOND
from tests.scenarios.small import write_small

MOST = 30 * SECOND
"""ICE consent expires (RFC 7675, section 5.1)."""


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_goes_by_its_name_and_survives_a_dump(tmp_path: Path, name: str) -> None:
    text = f"\nrecovery: {name}\nthresholds:"
    scenario = load_scenario(write_small(tmp_path, ("\nthresholds:", text)))
    assert scenario.recovery == Recovery.model_validate({"policy": name})
    assert scenario.recovery.detection <= MOST
    path = tmp_path / "again.yaml"
    path.write_text(dump_scenario(scenario), encoding="utf-8")
    assert load_scenario(path).recovery == scenario.recovery
    more = load_scenario(path, ["recovery.detection=7s"]).recovery
    assert more == Recovery.model_validate({"policy": name, "detection": "7s"})
    child = tmp_path / "child.yaml"
    child.write_text(f"extends: {path.name}\nrecovery: {{detection: 7s}}\n", encoding="utf-8")
    assert load_scenario(child).recovery == more


def test_single_values_are_set_anew() -> None:
    livekit = Recovery.model_validate({"policy": "livekit"})
    mine = Recovery.model_validate({"policy": "livekit", "jitter": "none", "detection": "5s"})
    assert (mine.jitter, mine.detection) == ("none", 5 * SECOND)
    assert mine.delays == livekit.delays
    assert len(livekit.delays) == 10


def test_a_base_takes_the_place_of_a_list() -> None:
    mine = Recovery.model_validate({"policy": "livekit", "base": "2s"})
    assert (mine.delays, mine.base) == ((), 2 * SECOND)


def test_the_default_is_livekit_s() -> None:
    assert Recovery() == Recovery.model_validate({"policy": "livekit"})


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("{policy: full-jitter, base: 0s}", "recovery.base"),
        ("{policy: full-jitter, cap: 0s}", "recovery.cap"),
        ("{policy: livekit, delays: [0s, 0s]}", "recovery.delays"),
        ("{policy: full-jitter, base: 1ns}", "recovery.base"),
        ("{policy: full-jitter, cap: 99ms}", "recovery.cap"),
        ("{policy: livekit, delays: [0s, 0s, 1ms]}", "recovery.delays"),
    ],
)
def test_a_back_off_that_is_as_good_as_none_is_refused_with_the_reason(
    tmp_path: Path, text: str, key: str
) -> None:
    path = write_small(tmp_path, ("\nthresholds:", f"\nrecovery: {text}\nthresholds:"))
    with pytest.raises(ScenarioError) as error:
        load_scenario(path)
    (fault,) = error.value.faults
    assert fault.key == key
    assert "the herd that comes back would never let its servers recover" in fault.rule


def test_a_back_off_of_a_tenth_of_a_second_is_one() -> None:
    shortest = Recovery.model_validate({"policy": "full-jitter", "base": "100ms", "cap": "100ms"})
    assert shortest.base == shortest.cap == SECOND // 10
    assert max(Recovery.model_validate({"delays": ["0s", "100ms"]}).delays) == SECOND // 10


def test_nobody_who_does_not_come_back_needs_a_back_off() -> None:
    assert Recovery.model_validate({"policy": "none", "base": "0s"}).base == 0


def test_a_policy_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError):
        Recovery.model_validate({"policy": "livekitt"})
