"""The gate's benchmark counts what it says it counts; its runs are made by hand here."""

from typing import Any

import numpy as np
import pytest

from benchmarks import gate
from results.replications import Replications
from tests.results.sample_sets import drawn, make_set


def test_it_counts_alarms_and_catches(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    common = rng.normal(0, 0.1, 1000)
    asked: list[Any] = []

    def play(scenario: Any, count: int, **_: Any) -> Replications:
        asked.append(scenario.media.audio.playout_delay)
        slower = 1.1 if len(asked) == 2 else 1.0
        return make_set(drawn(rng, common=common, mouth_to_ear_delay=slower), range(count))

    monkeypatch.setattr(gate, "play_replications", play)
    monkeypatch.setattr(gate, "COMPARISONS", 20)
    found = gate.run(1)
    # The second pool's voice is played out later by a tenth of the p95.
    assert asked[1] - asked[0] == pytest.approx(0.1 * found["p95_s"] * 1e9, abs=1)
    assert found["p95_grown_by"] == pytest.approx(0.1, abs=0.02)
    assert found["false_alarms"] <= 0.1
    assert found["caught_in_pairs"] >= 0.9
    assert found["caught_unpaired"] < found["caught_in_pairs"]
