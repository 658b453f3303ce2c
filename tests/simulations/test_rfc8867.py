"""RFC 8867, 5.1 and 5.2, on the scenarios of the library: what the closed loop must show.

The RFC sets no targets. These are the project's: the rate is within 90 % of the capacity within
10 s of an increase, and at or below it within 2 s of a decrease; once settled, the 95th percentile
of the queueing delay is below 100 ms; two flows share within 1/3 and 3 (RFC 8868). Runs are
chaotic: of each figure the middle one of some seeds counts. docs/background/closed-loop.md says
what holds.
"""

import itertools
from dataclasses import dataclass
from functools import cache
from statistics import median

import numpy as np
import pytest
from numpy.typing import NDArray

from scenarios.loading import load_scenario
from simulations.conference import simulate
from tests.simulations.test_conference import check_run, column

SEEDS = (1, 2, 3)
PATH = 0.05
"""Seconds, one way, without the queue."""
SETTLED = 10
"""Seconds after a step."""


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

    def figures(self) -> dict[str, float]:
        """By name: seconds, shares of the capacity, ratios."""
        found: dict[str, float] = {}
        before = 0.0
        steps = [*self.case.steps, (self.case.end, 0.0)]
        for (begin, capacity), (end, _) in itertools.pairwise(steps):
            step = self.within(begin, end)
            if capacity > before:
                there = self.estimate[step] >= 0.9 * capacity
            else:
                there = self.estimate[step] <= capacity
            found[f"reaction at {begin}"] = (
                float(self.times[step][there][0] - begin) if there.any() else np.inf
            )
            settled = self.within(begin + SETTLED, end)
            found[f"queueing at {begin}"] = float(np.nanpercentile(self.queueing[settled], 95))
            rates = np.nanmean(self.rates[:, settled], axis=1)
            found[f"use at {begin}"] = float(rates.sum() / capacity)
            found[f"unfairness at {begin}"] = float(rates.max() / rates.min())
            before = capacity
        return found


@cache
def middle(case: Case, profile: str) -> dict[str, float]:
    """Each figure's middle one of the seeds'."""
    runs = [Played(case, profile, seed).figures() for seed in SEEDS]
    return {name: median(run[name] for run in runs) for name in runs[0]}


def of_steps(case: Case, figures: dict[str, float], name: str) -> list[tuple[bool, float]]:
    """(is the step an increase, figure) of each step."""
    found: list[tuple[bool, float]] = []
    before = 0.0
    for begin, capacity in case.steps:
        found.append((capacity > before, figures[f"{name} at {begin}"]))
        before = capacity
    return found


@pytest.mark.parametrize("case", [ONE, TWO], ids=["one flow", "two flows"])
def test_the_rate_follows_the_capacity(case: Case) -> None:
    figures = middle(case, "libwebrtc")
    for rises, seconds in of_steps(case, figures, "reaction"):
        assert seconds <= (10 if rises else 2), figures
    assert all(use > 0.65 for _, use in of_steps(case, figures, "use")), figures


@pytest.mark.parametrize("case", [ONE, TWO], ids=["one flow", "two flows"])
def test_once_settled_the_queue_is_short(case: Case) -> None:
    figures = middle(case, "libwebrtc")
    assert all(delay < 0.1 for _, delay in of_steps(case, figures, "queueing")), figures


def test_two_flows_share() -> None:
    figures = middle(TWO, "libwebrtc")
    assert all(ratio < 3 for _, ratio in of_steps(TWO, figures, "unfairness")), figures
