from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from results.circumstances import differences, played_differently
from results.replications import Replications
from results.sets import RunSet
from tests.results.sample_run import make_scenario
from tests.results.sample_sets import TYPICAL, make_set

MANIFEST: dict[str, Any] = {
    "machine": {"cpu": "fast", "cores": 2, "system": "Linux", "architecture": "x86_64"},
    "versions": {"rehearsal": "1", "numpy": "2"},
    "commit": "abc",
}


def a_set(replications: Replications | None = None, repeated: int = 0, **manifest: Any) -> RunSet:
    found = replications or make_set(lambda _: TYPICAL)
    return RunSet(Path("set"), found, ({**MANIFEST, **manifest},), repeated)


def changed(**keys: Any) -> Replications:
    return make_set(lambda _: TYPICAL, scenario=make_scenario(**keys))


@pytest.mark.parametrize(
    ("other", "sentences"),
    [
        (a_set(), []),
        (a_set(commit="abd"), ["The commits differ: abc and abd."]),
        (
            a_set(versions={"rehearsal": "1", "numpy": "3"}),
            ["The versions differ: numpy 2 and 3."],
        ),
        (
            a_set(machine={**MANIFEST["machine"], "cpu": "slow"}),
            ["The machines differ: cpu fast and slow."],
        ),
        (
            a_set(changed(name="other", thresholds={}, title="Other")),
            ["The scenarios differ: hand-made and other."],
        ),
        (a_set(changed(interval="10s")), ["The scenarios differ in interval."]),
        (
            a_set(make_set(lambda _: TYPICAL, range(2, 14))),
            ["8 draws of randomness are common to both, of 10 and 12: the others are left out."],
        ),
        (
            a_set(make_set(lambda _: TYPICAL, seed=8)),
            ["0 draws of randomness are common to both, of 10 and 10: they are compared unpaired."],
        ),
        (
            a_set(repeated=2),
            ["set: 2 runs are left out, for later ones are the same draws of randomness."],
        ),
        (
            a_set(replace(make_set(lambda _: TYPICAL), mode="live")),
            ["One is simulated, the other live."],
        ),
    ],
)
def test_what_differs_is_said(other: RunSet, sentences: list[str]) -> None:
    assert differences(a_set(), other) == sentences


def test_single_runs_are_said_to_tell_little() -> None:
    one = a_set(make_set(lambda _: TYPICAL, [0]))
    assert differences(one, one) == [
        "Each is a single run, so there is no telling differences from luck: replicate."
    ]


def test_many_differences_are_cut_short() -> None:
    access = {"down": {"rate": "1Mbps"}, "up": {"rate": "1Mbps"}, "delay": "1ms", "label": "X"}
    other = a_set(changed(access=dict.fromkeys(("fibre", "dsl", "4g", "satellite"), access)))
    (sentence,) = differences(a_set(), other)
    assert sentence.startswith("The scenarios differ in access.4g.")
    assert " more." in sentence
    assert len(played_differently(a_set(), other)) > 6
