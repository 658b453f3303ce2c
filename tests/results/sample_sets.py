"""Replications made by hand: figures drawn from known distributions, thousands of sets a second."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from results.figures import Figure, Measured
from results.records import Accounting, Cost
from results.replications import Replications
from scenarios.scenario import Scenario
from tests.results.sample_run import make_scenario

DELAY = Figure("mouth_to_ear_delay", "", "", "p95")
DELAY_4G = Figure("mouth_to_ear_delay", "access=4g", "30s..45s", "p95")
LOSS = Figure("packet_loss", "level=commune", "", "mean")
MOS = Figure("audio_mos", "carrier=vnpt", "", "p5")
EGRESS = Figure("node_egress", "", "", "max")
TYPICAL: Mapping[Figure, float] = {
    DELAY: 0.150, DELAY_4G: 0.200, LOSS: 0.005, MOS: 4.1, EGRESS: 30e6,
}  # fmt: skip
SIZES = {
    "access": {"fibre": 30, "4g": 30},
    "carrier": {"vnpt": 60},
    "province": {"Cà Mau": 60},
    "level": {"commune": 60},
}
THRESHOLDS = {
    "mouth_to_ear_delay": ["p(95) < 250ms"],
    "mouth_to_ear_delay{access=4g}": [{"check": "p(95) < 400ms", "during": "30s..45s"}],
    "packet_loss{level=commune}": ["mean < 1%"],
    "audio_mos{carrier=vnpt}": ["p(5) > 3"],
    "node_egress": [{"check": "max < 1Gbps", "advisory": True}],
}

Values = Callable[[int], Mapping[Figure, float | None]]


@cache
def scenario() -> Scenario:
    return make_scenario(thresholds=THRESHOLDS)


def make_measured(
    values: Mapping[Figure, float | None], number: int = 0, seed: int = 7
) -> Measured:
    return Measured(
        seed, number, dict(values), 60, SIZES, Accounting(10, 9, 1, {}),
        Cost(1.0, 10, 40, 1000), ("Echo is cancelled.",),
    )  # fmt: skip


def make_set(
    values: Values, numbers: Iterable[int] = range(10), seed: int = 7, **changes: Any
) -> Replications:
    """A set whose replication i has the figures ``values(i)``."""
    found = Replications(
        scenario(), "simulated", "2026-03-02T03:00:00+00:00", "2026-03-02T03:01:00+00:00",
        ("rehearse", "simulate", "hand-made"), 60.0, 2.0,
        tuple(make_measured(values(number), number, seed) for number in numbers),
    )  # fmt: skip
    return replace(found, **changes)


def drawn(
    rng: np.random.Generator,
    spread: float = 0.1,
    common: np.ndarray | None = None,
    **effects: float,
) -> Values:
    """Figures that vary by ``spread`` between draws, all of one draw together and each by itself.

    ``common`` is what draws share with another set's; ``effects`` are factors by metric.
    """
    shared = common if common is not None else rng.normal(0, spread, 1000)

    def values(number: int) -> dict[Figure, float | None]:
        return {
            figure: float(value)
            * effects.get(figure.metric, 1.0)
            * float(1 + shared[number] + rng.normal(0, 0.03))
            for figure, value in TYPICAL.items()
        }

    return values
