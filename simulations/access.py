"""From access profiles to the links that the engine plays: one for each endpoint and direction."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.links import AccessDirection, AccessProfile, LoadStep, RateStep
from scenarios.population import Population
from simulations.layout import zeros
from simulations.links import LINK
from simulations.queues import make_queues
from simulations.rates import FOREVER

Keys = Callable[[str, Sequence[str]], NDArray[np.uint64]]
"""Keys of the entities with the given names in a component's stream of random numbers."""


class Loads:
    """What happens to rates in time, each course once: shares taken by others, or rates set.

    A value from 0 to 1 is the share of the rate that others take; a negative one is the rate
    itself, in bit/s.
    """

    def __init__(self) -> None:
        self.courses: dict[tuple[tuple[int, float], ...], int] = {}

    def index(self, load: tuple[LoadStep, ...], steps: tuple[RateStep, ...] = ()) -> int:
        """The row, in the tables, of a ``load`` on a link whose rate goes in ``steps``."""
        times = sorted({step.at for step in load} | {step.at for step in steps})
        course = tuple((at, _value(at, load, steps)) for at in times)
        return self.courses.setdefault(course, len(self.courses))

    def tables(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """(courses, steps + 1) times and values, padded with FOREVER and the last value."""
        width = 1 + max(len(course) for course in self.courses)
        times = np.full((len(self.courses), width), FOREVER, np.int64)
        values = np.zeros((len(self.courses), width))
        for course, row in self.courses.items():
            times[row, : len(course)] = [at for at, _ in course]
            values[row, : len(course)] = [value for _, value in course]
            values[row, len(course) :] = course[-1][1]
        return times, values


def _value(at: int, load: tuple[LoadStep, ...], steps: tuple[RateStep, ...]) -> float:
    """What holds from ``at`` on."""
    share = [step.share for step in load if step.at <= at][-1]
    rates = [step.rate for step in steps if step.at <= at]
    if not rates:
        return share
    rate = rates[-1] * (1 - share)
    return -rate if rate > 0 else 1.0


def access_links(
    access: list[AccessProfile],
    population: Population,
    direction: str,
    keys: Keys,
    loads: Loads,
) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int32]]:
    """Every endpoint's link of one direction (down or up), idle.

    Returns:
        (n,) LINK, and the backlog of their queues (see `make_queues`).
    """
    rates = population.down_rate if direction == "down" else population.up_rate
    sides: list[AccessDirection] = [getattr(profile, direction) for profile in access]
    limits = [
        sides[a].buffer.limit(int(rate)) for a, rate in zip(population.access, rates, strict=True)
    ]
    packets = [sides[a].packets for a in population.access]
    queues, starts, sizes = make_queues(np.array(limits), np.array(packets))
    links = zeros(len(population), LINK)
    links["queue"] = queues
    links["delay"] = population.delay
    links["rate"]["nominal"] = rates
    for part, field, component in (
        ("rate", "key", "fading"),
        ("rate", "hole_key", "holes"),
        ("loss", "state_key", "loss state"),
        ("loss", "loss_key", "loss"),
        ("jitter", "key", "jitter"),
        ("path", "loss_key", "path loss"),
    ):
        links[part][field] = keys(f"{direction} {component}", population.site)
    links["path"]["key"] = keys("path", population.site)  # both directions take the same path
    for a, profile in enumerate(access):
        mine = population.access == a
        for part, values in _profile_state(profile, sides[a], loads).items():
            for field, value in values.items():
                links[part][field][mine] = value
    return links, starts, sizes


def _profile_state(
    profile: AccessProfile, side: AccessDirection, loads: Loads
) -> dict[str, dict[str, float]]:
    """What all links of one profile have in common: record → field → value."""
    state: dict[str, dict[str, float]] = {"rate": {"load": loads.index(profile.load, side.steps)}}
    if (fading := profile.fading) is not None:
        state["rate"] |= {
            "step": fading.step if fading.spread > 0 else 0,
            "decay": math.exp(-fading.step / fading.correlation),
            "spread": fading.spread,
            "hole_every": fading.hole_every,
            "hole_length": fading.hole_length,
        }
    if (loss := profile.loss) is not None:
        state["loss"] = {name: getattr(loss, name) for name in type(loss).model_fields}
    if (jitter := profile.jitter) is not None:
        state["jitter"] = {
            "median": jitter.median,
            "spread": jitter.spread,
            "step": jitter.step,
            "decay": math.exp(-jitter.step / jitter.correlation),
        }
    if (path := profile.path_change) is not None:
        logs = [
            math.log(max(value, 1))
            for value in (path.extra_delay.p5, path.extra_delay.p50, path.extra_delay.p95)
        ]
        state["path"] = {
            "every": path.every,
            "log_p5": logs[0],
            "log_p50": logs[1],
            "log_p95": logs[2],
            "loss": path.loss,
            "loss_time": path.loss_time,
        }
    if (policer := side.policer) is not None:
        depth = 8 * policer.burst
        state["policer"] = {"rate": policer.rate, "depth": depth, "tokens": depth}
    return state
