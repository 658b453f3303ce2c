"""RFC 8867, 5.1 and 5.2, on the scenarios of the library: what the closed loop must show.

The RFC sets no targets. TARGET has the project's: the rate settles within 90 % of the capacity
within 10 s of an increase and 2 s of a decrease; once settled, the 95th percentile of the queueing
delay is below 100 ms; two flows share within 1/3 and 3 (RFC 8868). Neither profile reaches all of
it. HOLDS has what each keeps instead, and no exception stands there that is not needed. Runs are
chaotic: of each figure the middle one of some seeds counts. docs/background/closed-loop.md says
what holds.
"""

import itertools
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cache
from statistics import median

import numpy as np
import pytest
from numpy.typing import NDArray

from scenarios.loading import load_scenario
from simulations.conference import simulate
from tests.simulations.test_conference import check_run, column

SEEDS = range(1, 9)
PATH = 0.05
"""Seconds, one way, without the queue."""
QUIET = 10
"""Seconds after a step, from when on queues and shares are looked at."""
STEP = 0.2
"""Seconds of a sample."""


@dataclass(frozen=True)
class Case:
    """A test case: when the bottleneck has which capacity, s and bit/s, and its flows."""

    scenario: str
    steps: tuple[tuple[int, float], ...]
    end: int
    flows: tuple[str, ...]


ONE = Case(
    "rfc8867-variable-capacity", ((0, 1e6), (40, 2.5e6), (60, 0.6e6), (80, 1e6)), 120, ("flow-1",)
)
TWO = Case(
    "rfc8867-variable-capacity-two-flows",
    ((0, 4e6), (25, 2e6), (50, 3.5e6), (75, 1e6), (100, 2e6)), 125, ("flow-1", "flow-2"),
)  # fmt: skip


@dataclass(frozen=True)
class Bounds:
    """What the worst step of a case must keep. The rate of several flows is what their estimates
    come to together."""

    rise: float
    """Seconds until the rate first is at 90 % of the capacity after an increase."""
    fall: float
    """Seconds until it first is at the capacity or below after a decrease."""
    settled: float
    """Its mean from 10 s after an increase, or 2 s after a decrease, until the next step, as a
    share of the capacity, at least; and so what is sent from 10 s on."""
    below: float
    """Seconds for which it is below 90 % at a time meanwhile, at most."""
    above: float
    """Seconds for which it is above the capacity at a time meanwhile, at most."""
    queueing: float
    """Seconds, 95th percentile from 10 s on."""
    ratio: float
    """The faster flow's rate over the slower one's from 10 s on."""


TARGET = Bounds(rise=10, fall=2, settled=0.9, below=1, above=1, queueing=0.1, ratio=3)
"""Of a rate that has settled one second is a short while."""
# Falls leave queues of up to half a second, which are drained at less than the capacity; and each
# overuse is a fall to 0.85 of what arrives.
HOLDS = {
    (ONE, "libwebrtc"): replace(TARGET, settled=0.87, below=3.4),
    (TWO, "libwebrtc"): replace(TARGET, settled=0.87, below=3.6),
    # Without probes, 8 % a second is all; and it fills queues before it falls.
    (ONE, "draft-02"): replace(
        TARGET, rise=14, settled=0.81, below=4.5, above=3.0, queueing=0.3
    ),
    (TWO, "draft-02"): replace(
        TARGET, rise=22.6, settled=0.63, below=12.6, above=3.0, queueing=0.3
    ),
}  # fmt: skip
EVERY = pytest.mark.parametrize(
    ("case", "profile"),
    [pytest.param(*key, id=f"{len(key[0].flows)} of {key[1]}") for key in HOLDS],
)


class Played:
    """What the flows did, every 200 ms."""

    def __init__(self, case: Case, profile: str, seed: int) -> None:
        overrides = [f"media.congestion_control.profile={profile}", "thresholds={}"]
        run = simulate(load_scenario(case.scenario, overrides, seed=seed), threads=1)
        check_run(run)
        sites = np.array(run.tables["samples"]["site"].to_pylist())
        mine = [sites == flow for flow in case.flows]
        self.case = case
        self.times = column(run, "samples", "time")[mine[0]]
        self.rates = np.array([column(run, "samples", "uplink_bitrate")[m] for m in mine])
        estimates = np.array([column(run, "samples", "uplink_estimate")[m] for m in mine])
        self.estimate = estimates.sum(axis=0)
        delays = np.array([column(run, "samples", "uplink_delay_mean")[m] for m in mine])
        self.queueing = np.nanmax(delays, axis=0) - PATH

    def within(self, begin: float, end: float) -> NDArray[np.bool_]:
        inside: NDArray[np.bool_] = (self.times >= begin) & (self.times < end)
        return inside

    def figures(self) -> list[Bounds]:
        """What each step came to; a rise where it is a decrease, and the reverse, is 0."""
        found: list[Bounds] = []
        before = 0.0
        steps = [*self.case.steps, (self.case.end, 0.0)]
        for (begin, capacity), (end, _) in itertools.pairwise(steps):
            rises, step = capacity > before, self.within(begin, end)
            share = self.estimate / capacity
            there = share[step] >= 0.9 if rises else share[step] <= 1
            first = float(self.times[step][there][0] - begin) if there.any() else np.inf
            settled = self.within(begin + (TARGET.rise if rises else TARGET.fall), end)
            quiet = self.within(begin + QUIET, end)
            rates = np.nanmean(self.rates[:, quiet], axis=1)
            with np.errstate(divide="ignore"):  # one may have stopped altogether
                ratio = float(rates.max() / rates.min())
            found.append(
                Bounds(
                    rise=first if rises else 0.0,
                    fall=0.0 if rises else first,
                    settled=min(float(share[settled].mean()), float(rates.sum() / capacity)),
                    below=longest(share[settled] < 0.9),
                    above=longest(share[settled] > 1),
                    queueing=float(np.nanpercentile(self.queueing[quiet], 95)),
                    ratio=ratio,
                )
            )
            before = capacity
        return found


def longest(marked: NDArray[np.bool_]) -> float:
    """Seconds of the longest stretch of samples that are ``marked``."""
    runs = (len(list(run)) for value, run in itertools.groupby(marked.tolist()) if value)
    return round(max(runs, default=0) * STEP, 1)


@cache
def worst(case: Case, profile: str) -> Bounds:
    """Of each figure the worst step's, where a step's is the middle one of the seeds'."""
    runs = [[asdict(step) for step in Played(case, profile, seed).figures()] for seed in SEEDS]
    steps = [
        {name: median(run[name] for run in same) for name in same[0]}
        for same in zip(*runs, strict=True)
    ]
    return Bounds(**{name: worse_of(name)(step[name] for step in steps) for name in asdict(TARGET)})


def worse_of(name: str) -> Callable[..., float]:
    return min if name == "settled" else max


@EVERY
def test_the_rate_settles_and_the_queue_is_short(case: Case, profile: str) -> None:
    found, holds = asdict(worst(case, profile)), asdict(HOLDS[case, profile])
    kept = {name: worse_of(name)(found[name], bound) == bound for name, bound in holds.items()}
    assert all(kept.values()), (found, kept)


@EVERY
def test_what_is_less_than_the_target_is_needed(case: Case, profile: str) -> None:
    """Whoever makes the controllers meet a target takes its exception away, here and in the
    docs."""
    found, holds, target = map(asdict, (worst(case, profile), HOLDS[case, profile], TARGET))
    for name in holds:
        if holds[name] != target[name]:
            assert worse_of(name)(found[name], target[name]) != target[name], (name, found)
